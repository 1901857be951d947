"""The kernel is the shell that students know: magics, top-level await, and errors that show their own lines."""

import re
import sys

import pytest

from grading.border.sandbox import Sandbox
from grading.border.subject import KernelSubject

pytestmark = pytest.mark.sandbox


@pytest.fixture
def run(sandbox):
    """Run cells one after the other in one kernel: `run(source, ...)` gives the text that they showed."""
    subject = KernelSubject(sandbox)
    numbers = iter(range(100))

    def cells(*sources):
        outputs = [output for source in sources for output in subject.run(next(numbers), source).outputs]
        shown = ["\n".join(output.get("traceback", [])) or output.get("text", "") for output in outputs]
        return re.sub(r"\x1b\[[0-9;]*m", "", "".join(shown))
    yield cells
    subject.close()


def test_an_error_shows_the_notebook_s_lines_and_no_path_of_this_host(run):
    said = run("import contextlib, json\n@contextlib.contextmanager\ndef guard():\n    yield",
               "with guard():\n    json.loads('{')")
    assert "with guard():" not in said and "    json.loads('{')" in said and "line 2" in said
    assert "JSONDecodeError: Expecting property name" in said
    assert "/" not in said and sys.base_prefix not in said


def test_an_error_from_elsewhere_alone_keeps_its_lines(run):
    assert "in run" in run("%run nothing.py")


def test_the_cause_of_an_error_is_shown_too(run):
    said = run("try:\n    1 / 0\nexcept ZeroDivisionError as error:\n    raise KeyError('b') from error")
    assert "    1 / 0" in said and "direct cause" in said and "KeyError: 'b'" in said


def test_a_recursion_without_end_says_the_same_each_time(run):
    said = run("def deeper(n):\n    return deeper(n + 1)\ndeeper(0)")
    assert said.strip().endswith("RecursionError: maximum recursion depth exceeded")
    assert 5 < said.count("in deeper") < 10


def test_a_cell_that_ran_too_long_says_the_same_each_time(sandbox):
    subject = KernelSubject(sandbox)
    assert subject.run(0, "def loop():\n    n = 0\n    while True:\n        n += 1\n        n -= 1\n").status == "ok"
    late = subject.run_once(1, "loop()", 0.3)
    subject.close()
    shown = re.sub(r"\x1b\[[0-9;]*m", "", "".join(late.outputs[-1]["traceback"]))
    assert late.status == "timed out" and "loop()" in shown and "n += 1" not in shown and "n -= 1" not in shown


def test_a_set_is_shown_in_the_same_order_by_every_server(sandbox):
    shown = []
    for box in (sandbox, Sandbox(), Sandbox()):
        subject = KernelSubject(box)
        shown.append(subject.run(0, "print(set('abcdefgh'), hash('abc'))").outputs)
        subject.close()
        if box is not sandbox:
            box.close()
    assert shown[0][0]["text"].startswith("{'") and shown[0] == shown[1] == shown[2]


def test_the_list_of_fonts_is_matplotlib_s_own(run):
    said = run("import matplotlib.font_manager as fonts\n"
               "now, new = fonts.fontManager, fonts.FontManager()\n"
               "print(*[len(set(getattr(new, kind)) - set(getattr(now, kind))) for kind in ('ttflist', 'afmlist')],\n"
               "      len(now.ttflist) == len(new.ttflist) > 20, len(now.afmlist) == len(new.afmlist) > 50)\n"
               "fonts._afm.AFM(open(now.afmlist[0].fname, 'rb')).get_str_bbox_and_descent('whole')\n")
    assert said == "0 0 True True\n"


def test_a_long_traceback_is_shown_by_its_ends(run):
    said = run("def deeper(n):\n    return deeper(n - 1) if n else 1 / 0\ndeeper(300)")
    assert "ZeroDivisionError" in said and 10 < said.count("in deeper") < 30


def test_magics_shell_commands_and_await_work_beside_plain_python(run):
    assert run("names = %who_ls\nprint(names)") == "[]\n"
    assert run("x = !echo one\nprint(x)") == "['one']\n"
    assert run("%%time\nprint(2)").startswith("2\n")
    assert run("import asyncio\nawait asyncio.sleep(0)\nprint(3)") == "3\n"
    assert "SyntaxError" in run("def broken(:")


# Each works in Jupyter, and has stood above an answer that was worth nothing here.
AS_IN_JUPYTER = {
    "a window for pictures": "import matplotlib\nmatplotlib.use('TkAgg')",
    "a widget for pictures": "import matplotlib.pyplot as plt\nplt.switch_backend('nbAgg')\nplt.plot([1])\nplt.show()\nplt.close('all')",
    "an import that editors add": "from tkinter import W\nfrom turtle import shape",
    "help": "help(len)\ncopyright",
    "the module of built-ins": "__builtins__.float(1)",
    "exit in the middle of a cell": "exit()\nquit(keep_kernel=True)",
    "a magic of the page": "%autosave 60",
    "a magic that comes with IPython": "x = 1\n%store x",
    "names of an older IPython": ("from IPython.core.display import display, HTML\nfrom IPython.display import set_matplotlib_formats\n"
                                  "set_matplotlib_formats('svg')\nget_ipython().magic('matplotlib inline')\nget_ipython().magic('%pwd')"),
    "the name of the shell": "assert get_ipython().__class__.__name__ == 'ZMQInteractiveShell'",
    "the application": "import sys\nassert 'IPKernelApp' in get_ipython().config and 'ipykernel' in sys.modules",
    "the locale of the machine": "import locale\nlocale.setlocale(locale.LC_ALL, '')",
    "who is logged in": "import getpass\ngetpass.getuser()",
}


@pytest.mark.parametrize("source", AS_IN_JUPYTER.values(), ids=AS_IN_JUPYTER)
def test_what_works_in_jupyter_does_not_stop_a_cell(source, run):
    assert run(f"{source}\nprint('the last line')").endswith("the last line\n")


def test_a_single_word_may_be_a_magic_and_a_notebook_may_change_what_is_python(run):
    assert "Error" not in run("pwd", "get_ipython().input_transformers_post.append(lambda lines: [line.replace('zwei', '2') for line in lines])")
    assert run("x = zwei\nprint(x)") == "2\n"
