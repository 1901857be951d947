"""A cell runs here as in the student's Jupyter, and a call from the grader is like a call from a cell."""

import numpy as np
import pytest

from grading.border.subject import KernelSubject, pack

pytestmark = pytest.mark.sandbox


@pytest.fixture(scope="module")
def kernel(sandbox):
    subject = KernelSubject(sandbox, watch=["probe"])
    yield subject
    subject.close()


def printed(run):
    return "".join(output.get("text", "") for output in run.outputs if output["output_type"] == "stream")


# what a cell may rely on: it runs without an error and prints "ok"
CELLS = {
    "its name is __main__": "if __name__ == '__main__':\n    def probe(z):\n        return z\nprint('ok' if probe(1) else '')",
    "a class can be pickled": "import pickle\nclass A:\n    pass\nprint('ok' if isinstance(pickle.loads(pickle.dumps(A())), A) else '')",
    "__main__ can be imported": "x = 5\nimport __main__\nprint('ok' if __main__.x == 5 else '')",
    "stdout has a buffer": "import sys\nsys.stdout.buffer.write(b'o')\nsys.stdout.buffer.flush()\nprint('k')",
    "stdout has a file number": "import sys\nassert isinstance(sys.stdout.fileno(), int)\nprint('ok')",
    "stdout is no terminal": "import sys\nassert not sys.stdout.isatty()\nprint('ok')",
    "stderr has an encoding": "import sys\nassert sys.stderr.encoding.lower() == 'utf-8' and sys.stdout.errors\nprint('ok')",
    "lines can be written": "import sys\nsys.stdout.writelines(['o', 'k'])\nprint(end='', flush=True)",
    "faulthandler can be enabled": "import faulthandler\nfaulthandler.enable()\nprint('ok')",
    "logging to stdout": "import logging, sys\nlogging.basicConfig(stream=sys.stdout, force=True)\nlogging.warning('w')\nprint('ok')",
    "contextlib can redirect": "import contextlib, io\nwith contextlib.redirect_stdout(io.StringIO()) as s:\n    print('ok')\nprint(s.getvalue(), end='')",
    "input says that there is none": "try:\n    input()\nexcept Exception as e:\n    print('ok')",
    "the source of a function": "import inspect\ndef g(z):\n    return z\nassert 'return z' in inspect.getsource(g)\nprint('ok')",
    "In, Out and underscore": "1\nassert In and isinstance(Out, dict)\nprint('ok')",
    "await": "import asyncio\nawait asyncio.sleep(0)\nprint('ok')",
    "display": "display(1)\nfrom IPython.display import clear_output\nclear_output()\nprint('ok')",
    "type hints and dataclasses": "from dataclasses import dataclass\n@dataclass\nclass B:\n    x: int = 1\nassert B().x\nprint('ok')",
    "multiprocessing is importable": "import multiprocessing, threading\nt = threading.Thread(target=print, args=('ok',))\nt.start(); t.join()",
}
BACKENDS = ("notebook", "widget", "inline", "qt", "tk", "ipympl", "nbagg", "agg", "auto", "macosx", "")


@pytest.mark.parametrize("source", CELLS.values(), ids=CELLS)
def test_a_cell_may_rely_on_what_a_notebook_has(source, kernel):
    run = kernel.run(1, source)
    assert run.status == "ok" and not [one for one in run.outputs if one["output_type"] == "error"], run.outputs
    assert "ok" in printed(run)


@pytest.mark.parametrize("backend", BACKENDS)
def test_a_picture_is_drawn_inline_whatever_backend_is_asked_for(backend, kernel):
    run = kernel.run(1, f"%matplotlib {backend}\nimport matplotlib.pyplot as plt\nplt.plot([1, 2])\nplt.show()")
    assert run.status == "ok" and not [one for one in run.outputs if one["output_type"] == "error"], run.outputs
    assert any("image/png" in one.get("data", {}) for one in run.outputs)


@pytest.mark.parametrize("word", ["exit()", "quit()", "exit", "import sys\nsys.exit()", "raise SystemExit"])
def test_the_cells_below_one_that_leaves_are_run(word, kernel):
    kernel.run(1, f"def probe(z):\n    return z\n{word}")
    assert kernel.definitions("probe") and printed(kernel.run(2, "print(probe('ok'))")) == "ok\n"


# a call from the grader beside the same call from a cell: what the function finds out about its arguments
DESCRIBE = """
import sys
import numpy as np
def about(x):
    if isinstance(x, np.ndarray):
        return [type(x).__name__, str(x.dtype), x.shape, x.flags.writeable, x.flags.aligned, x.flags.c_contiguous, x.flags.owndata,
                x.strides, x.base is None]
    if isinstance(x, (list, tuple)):
        return [type(x).__name__, [about(y) for y in x]]
    return [type(x).__name__, repr(x)]
def probe(*args):
    global told
    told = repr([about(x) for x in args])
    return [told, [x is "relu" for x in args], __name__, sys.getrecursionlimit(), str(np.geterr())]
"""
CALLS = {
    "a word": ("('relu',)", ("relu",)),
    "words in a list": ("(['relu', 'tanh'],)", (["relu", "tanh"],)),
    "an int and a float": ("(3, 2.5)", (3, 2.5)),
    "a bool and None": ("(True, None)", (True, None)),
    "nested lists": ("([[1, 2.0], [3, 4]],)", ([[1, 2.0], [3, 4]],)),
    "a large int": ("(2**60,)", (2**60,)),
    "an array": ("(np.array([[1.0, 2.0], [3.0, 4.0]]),)", (np.array([[1.0, 2.0], [3.0, 4.0]]),)),
    "an array of ints": ("(np.array([1, 2]),)", (np.array([1, 2]),)),
    "a scalar array": ("(np.array(1.5),)", (np.array(1.5),)),
    "an empty array": ("(np.zeros((0, 3)),)", (np.zeros((0, 3)),)),
    "arrays in a list": ("([np.ones(2), np.ones((1, 2))], 'tanh')", ([np.ones(2), np.ones((1, 2))], "tanh")),
}


@pytest.mark.parametrize("name", CALLS)
def test_a_call_from_the_grader_finds_what_a_call_from_a_cell_finds(name, kernel):
    literal, arguments = CALLS[name]
    kernel.run(1, DESCRIBE)
    from_cell = printed(kernel.run(2, f"print(probe(*{literal}))")).strip()
    kernel.begin()
    newest = kernel.definitions("probe") - 1
    (reply,) = kernel.call("probe", newest, *pack([arguments]))
    assert reply.error is None, reply.error
    assert str(reply.value) == from_cell
    kernel.end_fork()


@pytest.mark.parametrize("silent", ["np.seterr(all='ignore')", "np.seterr(over='print')", "import warnings\nwarnings.filterwarnings('ignore')"])
def test_no_line_at_the_top_of_a_notebook_silences_the_warnings_that_a_check_asks_for(silent, sandbox):
    subject = KernelSubject(sandbox, watch=["probe"])
    subject.run(0, f"import numpy as np\n{silent}\ndef probe(z):\n    return np.exp(z)")
    subject.begin()
    assert subject.call("probe", 0, *pack([(np.float64(800),)]))[0].warnings == ["overflow"]
    subject.close()
