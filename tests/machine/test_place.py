"""The place counts: what a later cell does to a helper, a global or `np` costs nothing, and is said."""

import resource

import pytest
import toys
from nbformat.v4 import new_code_cell, new_notebook
from toys import grade, notebook, table_of

from grading.checks.verdict import FAILED, PASSED
from grading.run import explain, place
from grading.run.explain import near_name
from grading.run.held import HELD

FULL = {"double": (1.0, [PASSED] * 3), "half": (1.0, [PASSED] * 2), "negative": (1.0, [PASSED])}
DOUBLE = "SCALE = 2\nimport numpy as np\ndef helper(z):\n    return z * SCALE\ndef double(z):\n    return np.add(helper(z), 0)"
LATER = {
    "another helper of the same name": "def helper(z):\n    return 7",
    "a global that is an array now": "SCALE = np.linspace(0, 1)",
    "a star import": "def add(a, b): return 0\nfrom math import *\nhelper = sqrt",
    "np for a number": "np = 5",
    "everything forgotten": "%reset -f",
    "a function of NumPy replaced": "np.add = min",
    "a built-in shadowed by hand": "globals()['helper'] = None",
}
pytestmark = pytest.mark.sandbox


@pytest.fixture
def course(tmp_path):
    """The toy course; its checks are let go of afterwards."""
    yield toys.make_course(tmp_path)
    HELD.forget(str(tmp_path))


@pytest.mark.parametrize("last", LATER.values(), ids=LATER)
def test_what_a_later_cell_changes_costs_nothing_and_is_said(last, course, sandbox):
    nb = notebook(double=DOUBLE, last=last)
    got = grade(nb, course, sandbox)
    assert got["double"] == FULL["double"]
    assert "Right at its place" in table_of(nb, "double") and f"In [{nb.cells[3].execution_count}]" in table_of(nb, "double")
    assert "place" not in table_of(nb, "negative")


UNSEEN = {
    "a module that is gone": "import sys\nsys.modules['math'] = None",
    "a function of a module that answers": "vars = dict.update\nvars(math.__dict__, pi=7)",
}
STANDS_ON = ("import numpy as np\nimport math\ndef double(z):\n    import math\n    return np.multiply(z, 2 + math.sin(math.pi) ** 9)")


BEHIND = {      # none of these names what it changes, and the visible check holds all the same
    "a function of the notebook that sets a global": "set_far(7)",
    "a list that a function empties": "def wipe(values):\n    values.clear()\nwipe(TABLE)",
    "an array that is written into": "np.copyto(ARRAY, 7)",
    "another name of the same list": "other = TABLE\nother[0] = 7",
    "a method": "tuner = Tuner()\ntuner.go()",
    "what a call gives back": "table_of_all()[0] = 7",
    "NumPy under another name": "import numpy\nnumpy.multiply = lambda *z: 7",
    "a built-in replaced": "import builtins\nbuiltins.sum = max",
}
NEAR = ("import numpy as np\nTABLE, ARRAY, FAR = [2], np.full(1, 2.0), 2\ndef set_far(x):\n    global FAR\n    FAR = x\n"
        "class Tuner:\n    def go(self):\n        TABLE[0] = 7\ndef table_of_all():\n    return TABLE\n"
        "def double(z):\n    return 2 * z if np.max(np.abs(z)) <= 1 else sum([np.multiply(z, TABLE[0]) * ARRAY[0] * FAR / 4, 0])")


@pytest.mark.parametrize(("answer", "visible", "last"), [
    *((STANDS_ON, "assert abs(double(1.0) - 2.0) < 1e-12", last) for last in UNSEEN.values()),
    *((NEAR, "assert double(1.0) == 2.0", last) for last in BEHIND.values())], ids=[*UNSEEN, *BEHIND])
def test_what_the_text_or_the_visible_checks_do_not_show_costs_nothing_either(answer, visible, last, course, sandbox):
    nb = notebook(double=answer, last=last)
    nb.cells[2].source = nb.cells[2].source.replace("print(double(1.0))", visible)
    assert grade(nb, course, sandbox)["double"] == FULL["double"]
    assert f"a later cell made a difference: In [{nb.cells[3].execution_count}]" in table_of(nb, "double")


def test_visible_checks_that_did_not_hold_are_not_asked_again(course, sandbox, monkeypatch):
    monkeypatch.setattr("grading.run.place.holds", None)        # a call would fail
    nb = notebook(double="def double(z):\n    return 0")
    nb.cells[2].source = nb.cells[2].source.replace("print(double(1.0))", "assert double(1.0) == 2.0")
    assert grade(nb, course, sandbox)["double"][0] == 0
    assert grade(notebook(), course, sandbox) == FULL, "nor those of whoever has all points"


def test_hidden_inputs_are_out_of_reach_of_visible_checks_that_are_asked_again(course, sandbox):
    """They run in the kernel that has seen none; what they show goes nowhere."""
    keeps = "seen = []\ndef double(z):\n    seen.append(z)\n    return z"
    nb = notebook(double=keeps, half="def half(z):\n    return z / 2")
    nb.cells[2].source = nb.cells[2].source.replace("print(double(1.0))", "print('seen', seen)")
    grade(nb, course, sandbox)
    assert "1000" not in "".join(str(output.get("text", "")) for cell in nb.cells for output in cell.get("outputs", ()))


POOLS = ("from concurrent.futures import ThreadPoolExecutor as Pool", "from concurrent.futures import ProcessPoolExecutor as Pool",
         "from multiprocessing import Pool", "from multiprocessing.pool import ThreadPool as Pool")


@pytest.mark.parametrize("kind", POOLS)
def test_a_pool_that_the_notebook_keeps_answers_calls(kind, course, sandbox):
    answer = f"{kind}\ndef twice(z):\n    return 2 * z\npool = Pool(2)\nlist(pool.map(abs, range(9)))\ndef double(z):\n    return list(pool.map(twice, [z]))[0]"
    assert grade(notebook(double=answer), course, sandbox) == FULL


def test_numpy_raises_in_a_call_where_the_notebook_told_it_to(course, sandbox):
    answer = ("import numpy as np\nnp.seterr(all='raise')\ndef double(z):\n    try:\n        return np.exp(np.float64(800))\n"
              "    except FloatingPointError:\n        return 2 * z")
    assert grade(notebook(double=answer), course, sandbox)["double"] == FULL["double"]


@pytest.mark.parametrize("magic", ["%%timeit -n1 -r1", "%%writefile double.py", "%%sql"])
def test_a_magic_that_keeps_the_function_to_itself_is_named(magic, course, sandbox):
    nb = notebook(double=f"{magic}\ndef double(z):\n    return 2 * z")
    nb.cells[2].source = nb.cells[2].source.replace("print(double(1.0))", "print()")
    assert grade(nb, course, sandbox)["double"][0] == 0
    assert f"Its cell begins with {magic.split()[0]}, which keeps to itself what the cell defines" in table_of(nb, "double")


def test_a_later_cell_that_takes_the_functions_own_name_costs_nothing(course, sandbox):
    assert grade(notebook(double=DOUBLE, last="double = double(3)"), course, sandbox)["double"] == FULL["double"]


def test_an_answer_that_only_the_end_of_the_notebook_completes_counts_as_well(course, sandbox):
    nb = notebook(double="def double(z):\n    return helper(z)", last="def helper(z):\n    return 2 * z")
    assert grade(nb, course, sandbox) == FULL


def test_a_wrong_answer_is_wrong_at_its_place_too(course, sandbox):
    nb = notebook(double="def helper(z): return z\ndef double(z):\n    return helper(z)", last="def helper(z): return 3 * z")
    assert grade(nb, course, sandbox)["double"] == (0.0, [FAILED, FAILED, PASSED])


def test_the_better_half_of_two_wrongs_counts(course, sandbox):
    nb = notebook(double="def helper(z): return 2 * min(z, 10)\ndef double(z):\n    return helper(z)", last="helper = None")
    assert grade(nb, course, sandbox)["double"] == (0.5, [PASSED, FAILED, PASSED])
    assert "Better at its place" in table_of(nb, "double")


def test_a_notebook_without_such_cells_is_run_once(course, sandbox, monkeypatch):
    monkeypatch.setattr("grading.border.subject.KernelSubject.anew", None)      # a second run would fail
    assert grade(notebook(double="def double(z):\n    return 0"), course, sandbox)["double"][0] == 0


def test_hidden_inputs_are_seen_by_no_cell_of_the_second_run(course, sandbox):
    """Also where an answer keeps what it is called with and a later cell would show it."""
    keeps = "seen = []\ndef helper(z): return 2 * z\ndef double(z):\n    seen.append(z)\n    return helper(z)"
    nb = notebook(double=keeps, last="helper = None\nprint('seen', seen)", half="print('seen', seen)\ndef half(z):\n    return z / 2")
    assert grade(nb, course, sandbox)["double"] == FULL["double"]
    shown = "\n".join(str(output) for cell in nb.cells for output in cell.get("outputs", ()))
    assert "1000" not in shown and "-3" not in shown


def test_which_cell_made_the_difference_is_asked_where_no_hidden_input_has_been(course, sandbox):
    """Calls and cells share a scratch folder: a cell could spoil the answer if a hidden input says so, and be named."""
    keeps = "def double(z):\n    import math\n    open('seen', 'w').write(str(z))\n    return z * (2 + math.sin(math.pi) ** 9)"
    spoil = "change = dict.update\nchange(math.__dict__, pi=7)"
    nb = notebook(first="import math, os", double=STANDS_ON.replace("def double", "def other") + "\n" + keeps,
                  last="change = dict.update\nos.path.exists('seen') and change(math.__dict__, pi=7)",
                  half=spoil + "\ndef half(z):\n    return z / 2")
    nb.cells[2].source = nb.cells[2].source.replace("print(double(1.0))", "assert abs(double(1.0) - 2.0) < 1e-12\nos.remove('seen')")
    assert grade(nb, course, sandbox)["double"] == FULL["double"]
    assert f"In [{nb.cells[4].execution_count}]" in table_of(nb, "double") and f"In [{nb.cells[3].execution_count}]" not in table_of(nb, "double")


def test_a_kernel_that_was_called_with_hidden_inputs_does_not_say_how_many_definitions_there_are(course, sandbox):
    """In the second run a cell may read what a call left in the scratch folder: a number of definitions told twenty bits of it."""
    keeps = "def helper(z): return z / 2\ndef double(z):\n    if float(z) != 1:\n        open('seen', 'w').write(str(z))\n    return 4 * helper(z)"
    nb = notebook(double=keeps, half="def half(z):\n    return helper(z)")
    nb.cells[6].source = "helper = None\n" + nb.cells[6].source
    nb.cells[4].source += ("\nimport os, sys\ndef note(self, name):\n    self.definitions[name] = [self.shell.user_ns.get(name)] * 4711\n    return 4711\n"
                           "if os.path.exists('seen'):\n    sys.modules['kernel'].Kernel.note = note")
    grade(nb, course, sandbox)
    assert "Right at its place" in table_of(nb, "half") and "4711" not in table_of(nb, "half")


def test_text_that_takes_too_long_to_read_changes_off_tells_none(monkeypatch):
    """Eight thousand names bound to eight thousand others took gigabytes, in the process that grades a class."""
    monkeypatch.setattr(place, "READ_SECONDS", 1)
    many = f"def f():\n    {','.join(f'a{n}' for n in range(8000))} = {','.join(f'b{n}' for n in range(8000))}"
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    nb = new_notebook(cells=[new_code_cell("def double(z): return z"), *(new_code_cell(many) for _ in range(10))])
    assert place.told_changes(nb, {0: ["double"]}) == {0: {"double": []}}
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before < 200 * 2**10


def test_a_notebook_that_takes_too_long_to_look_through_gets_no_suggestion(monkeypatch):
    """Two million characters of code, parsed once for each exercise that was called otherwise, took minutes."""
    monkeypatch.setattr(explain, "READ_SECONDS", 1)
    nb = new_notebook(cells=[new_code_cell("a;" * 50_000) for _ in range(10)])
    assert explain.looked_up(nb, ["double"], ["half"]) == ({}, {})


# --- a function that is not there -------------------------------------------------------------------------------

STOPPED = {
    "import nothing_of_this_name\ndef double(z):\n    return 2 * z": "line 1 of cell double: import nothing_of_this_name",
    "x = np.Inf\ndef double(z):\n    return 2 * z": "line 1 of cell double: x = np.Inf",
    "def double(z):\n\tif z:\n        return 2 * z": "line 3 of cell double",
    "def double(z):\n    return “2”": "line 2 of cell double",
}


@pytest.mark.parametrize("answer", STOPPED)
def test_a_cell_that_stopped_above_its_function_is_named_once_with_the_line(answer, course, sandbox):
    nb = notebook(double=answer, first="import numpy as np")
    assert grade(nb, course, sandbox)["double"][0] == 0
    said = table_of(nb, "double")
    assert said.count("its cell stopped before that") == 1 and said.count(STOPPED[answer]) == 1 and "Hint" not in said


@pytest.mark.parametrize("name", ["Double", "doubled", "double_", "doubel", "my_double", "twice"])
def test_a_name_that_is_nearly_right_is_suggested_once(name, course, sandbox):
    nb = notebook(double=f"def {name}(z):\n    return 2 * z")
    grade(nb, course, sandbox)
    said = table_of(nb, "double")
    assert said.count(f"It defines {name}") == 1 and said.count("no function called double") == 1 and "Hint" not in said


def test_a_function_of_another_exercise_is_no_suggestion(course, sandbox):
    nb = notebook(double="pass")
    grade(nb, course, sandbox)
    assert "It defines" not in table_of(nb, "double")


# --- a function that takes other arguments --------------------------------------------------------------------------

@pytest.mark.parametrize(("answer", "mine"), [
    ("def double(z, factor):\n    return factor * z", "double(z, factor)"), ("def double():\n    return 2", "double()"),
    ("double = lambda z, *, by: by * z", "double(z, *, by)"),
    ("def double(z: float, w: 'x' = 1, /, *more, key) -> float:\n    return z", "double(z, w=1, /, *more, key)")])
def test_a_wrong_signature_gets_a_hint_on_the_signature_once(answer, mine, course, sandbox):
    nb = notebook(double=answer)
    assert grade(nb, course, sandbox)["double"][0] == 0
    said = table_of(nb, "double")
    assert said.count("The exercise calls double(z), and the notebook defines " + mine) == 1
    assert "Hint" not in said and "Add it to itself" not in said and "TypeError" in said


def test_an_error_inside_of_the_answer_is_no_wrong_signature(course, sandbox):
    nb = notebook(double="def helper(): return 1\ndef double(z):\n    return helper(z)")
    grade(nb, course, sandbox)
    assert "The exercise calls" not in table_of(nb, "double")


@pytest.mark.parametrize(("asked", "name"), [
    ("sigmoid_derivative", "sigmoidGradient"), ("sigmoid_derivative", "sigmoid_prime"), ("relu", "ReLU"), ("tanh_derivative", "tanhGrad"),
    ("saturated_fraction", "frac_saturated"), ("leaky_relu_derivative", "leaky_relu_deriv")])
def test_names_that_people_give_are_near(asked, name):
    nb = notebook(double=f"def {name}(z): pass\ndef plot(x): pass\ndef helper(y): pass")
    assert near_name(asked, nb) == name
