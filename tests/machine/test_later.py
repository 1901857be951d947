"""What a later cell may have done to a function above is seen in its text, and a clean notebook shows nothing of it."""

from dataclasses import FrozenInstanceError

import nbformat
import pytest

from grading.notebooks.cells import hidden_calls, is_tests, visible
from grading.notebooks.effects import parse
from grading.notebooks.later import Change, Notebook
from tests.conftest import ASSIGNMENTS, ROOT

ABOVE = [(0, "def scale_by(x):\n    global SCALE\n    SCALE = x\ndef the_table():\n    return table\nimport mine\nclass Tuner:\n    def go(self):\n        scale_by(3)\nclass Rate:\n    step = 1\nrate = Rate()\ndef now():\n    return rate.step"),
         (1, "import numpy as np\nSCALE = 2\ntable = {}\ndef helper(z):\n    return sum(z) * SCALE"),
         (2, "def relu(z):\n    table[1] = 1\n    return np.maximum(helper(z), 0)"), (3, "assert relu(1) == 1")]
CHANGED = {
    "helper": ["def helper(z):\n    return 0", "helper = None", "class helper: pass", "import math as helper",
               "from numpy import sqrt as helper", "for helper in range(3): pass", "del helper", "with open('f') as helper: pass",
               "try:\n    1 / 0\nexcept Exception as helper:\n    pass", "if True:\n    helper = 1", "helper, x = 1, 2",
               "(helper := 1)", "[helper := x for x in range(3)]", "match 1:\n    case helper: pass", "match [1]:\n    case [*helper]: pass", "match {}:\n    case {**helper}: pass", "helper += 1", "def other():\n    global helper\n    helper = 3", "helper.calls = 1"],
    "relu": ["relu = relu(1)", "import numpy as relu", "def relu(z): pass"],
    "np": ["def patch(module):\n    module.maximum = min\npatch(np)", "np = 5", "np.maximum = min", "import numpy as np\nnp.maximum = min", "def other():\n    np.maximum = min", "import torch as np"],
    "Rate": ["Rate.step = 2", "del Rate.step"],
    "rate": ["type(rate).step = 2", "from operator import methodcaller\nmethodcaller('set', 2)(rate)", "list(map(rate.set, [2]))", "getattr(rate, 'set')(2)",
             "from functools import partial\nx = partial(rate.set, 2)()", "from threading import Thread\nThread(target=rate.set).start()"],
    "SCALE": ["scale_by(3)", "Tuner().go()", "def twice():\n    scale_by(2)\ntwice()", "tuner = Tuner()\ntuner.go()", "SCALE = np.linspace(0, 1)", "SCALE: int = 3"],
    "sum": ["sum = 0", "from numpy import sum"],
    "table": ["other = table\nother['a'] = 1", "for one in [table]:\n    one.clear()", "x = relu(1)", "def fill(x):\n    x['a'] = 1\nfill(table)",
              "_ = table.pop(1)", "np.put(table, 0, 1)", "z = np.add(1, 2, out=table)", "the_table().clear()", "mine_too = the_table()\nmine_too['a'] = 1",
              "other = table\nother[1] = 2\nother.clear()", "other = table\nother.clear()\nnp.put(other, 0, 1)",
              "def fill(x):\n    row = x[0]\n    row[1] = 2\nfor one in table.values():\n    fill(one)", "with checking('relu') as check:\n    check(1)",
              "wipe = lambda x: x.clear()\nwipe(table)", "table += [1]", "from functools import partial\nlate = partial(relu, 1)\nlate()", "(lambda x: x.clear())(table)", "print(*map(table.pop, [1]))", "from threading import Thread\nThread(target=table.clear).start()", "print(next(table))",
              "x = list(map(dict.clear, [table]))", "memoryview(table)[0] = 9", "next(iter([table]))['a'] = 1", "np.ravel(table)[0] = 1",
              "def fill(x=table):\n    x['a'] = 1\nfill()", "fill = lambda *, x=table: x.clear()\nfill()", "table['a'] = 1", "table.clear()", "del table[1]", "def later():\n    table.update(a=1)\nlater()"],
    "": ["from unittest import mock\nmock.patch('numpy.maximum', min).start()", "import os\nos.remove('weights')", "import shutil\nshutil.move('a', 'b')", "import mytools", "from mytools import fix", "from . import fix", "mine.fix()", "open('weights', 'w').write('1')", "import os\nos.chdir('/')", "%reset -f", "x = 1\n%run other.py", "!rm -r .", "gone = !rm -r .", "x = %time wipe()", "from math import *", "exec('helper = 1')", "globals()['np'] = 1",
         "np.seterr(all='raise')", "setattr(np, 'maximum', min)", "import importlib\nimportlib.reload(np)",
         "import numpy\nnumpy.maximum = min", "import builtins\nbuiltins.sum = max", "import numpy\ndel numpy.maximum", "import sys\nsys.stdout = None", "locals()['helper'] = 1", "import os\nos.environ.update(K='1')", "import sys\nsys.modules['numpy'] = None", "import shutil\nshutil.rmtree('data')"],
}
HARMLESS = ["match 1:\n    case int(): pass", "import os\nprint(os.environ.get('K'))", "table2 = dict(table)\nx = next(iter([1]))", "def gelu(z):\n    helper = 1\n    return helper * z", "print(helper(1))", "%matplotlib inline",
            "y = [helper for helper in range(3)]", "def f(np):\n    np.exp = 1", "z = np.zeros(3)\nz[0] = 1", "def f(:",
            "W = np.eye(2)\nW[0] += 1\nW.fill(3)", "def slope(f, z):\n    z[0] += 1\n    return f(z)\nslope(helper, np.ones(2))", "print(SCALE, table, sorted(table.items()))",
            "def both(z):\n    scale_by(z)",
            "def f(z):\n    out = np.empty(3)\n    out[z > 0] = 1\n    out.fill(2)\n    return out", "import math", "",
            "z = 1", "x = list(map(str.upper, 'abc'))\ny = list(map(float, table))", "print(len(table), table.get(1), rate.step)", "def f(x):\n    return [z for z in x if helper(z)]", "import matplotlib.pyplot as plt\nplt.plot(1)\nnp.savetxt('f', [1])", "lambda helper: helper"]


@pytest.mark.parametrize(("name", "source"), [(name, source) for name, sources in CHANGED.items() for source in sources])
def test_a_change_is_seen(name, source):
    assert Change(4, name) in Notebook([*ABOVE, (4, source)]).changes(3, "relu")


@pytest.mark.parametrize("source", HARMLESS)
def test_what_changes_nothing_above_is_not_taken_for_a_change(source):
    assert Notebook([*ABOVE, (4, source)]).changes(3, "relu") == []


@pytest.mark.parametrize("source", [source for sources in CHANGED.values() for source in sources])
def test_a_change_above_the_tests_cell_is_none(source):
    assert Notebook([(-1, source), *ABOVE]).changes(3, "relu") == []


def test_what_functions_of_the_tests_cell_itself_use_counts_as_well():
    told = Notebook([*ABOVE[:2], (3, "def probe(z):\n    return other(z)"), (4, "other = 1")])
    assert told.changes(3, "relu") == [Change(4, "other")] and told.changes(2, "relu") == []


def test_an_object_that_got_its_second_name_twice_is_still_the_same():
    again = [(4, "other = table"), (5, "other = table"), (6, "other['a'] = 1")]
    assert Notebook([*ABOVE, *again]).changes(3, "relu") == [Change(6, "table")]


def test_a_change_stays_what_it_was_found_to_be():
    with pytest.raises(FrozenInstanceError):
        Change(4, "helper").name = ""


@pytest.mark.parametrize("assignment", ASSIGNMENTS)
def test_no_cell_of_the_course_changes_an_exercise_above_it(assignment):
    """So that a notebook in which only answers are written is not run twice."""
    for path in (ROOT / "source" / assignment).glob("*.ipynb"):
        cells = nbformat.read(path, as_version=4).cells
        told = Notebook((number, visible(cell)) for number, cell in enumerate(cells) if cell.cell_type == "code")
        for number, cell in enumerate(cells):
            if is_tests(cell):
                for exercise in hidden_calls(cell.source):
                    assert told.changes(number, exercise) == [], (path.name, exercise)


def test_what_is_too_deep_or_no_text_is_no_python():
    assert parse("(" * 5000) is None and parse("\0") is None and parse("-" * 100_000 + "1") is None
