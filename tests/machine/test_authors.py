"""An exercise is added by following CONTRIBUTING, and `course missing` says what is left to think about."""

import io
import re
import shutil

import nbformat
import pytest
from rich.console import Console

from grading.root import CourseError
from grading.tools.add import add
from grading.tools.missing import missing, proofs
from tests.conftest import ROOT

ROOMS = ["reference_impl", "tests/hidden", "tests/misconceptions", "tests/right_answers", "tests/course"]
ANSWER = "    return np.log1p(np.exp(-np.abs(z))) + np.maximum(z, 0)\n"
CHECKS = '''

@check("invented", "is nearly z for large z", hint="log(1 + e^z) overflows.")
def test_invented_large(student):
    student.agrees((np.array([[50.0, 800.0]]),), rtol=1e-9)


@check("invented", "does not lose small values", hint="log1p keeps them.")
def test_invented_small(student):
    student.agrees((np.array([[-40.0, -300.0]]),), rtol=1e-9)


@check("invented", "warns of nothing", hint="log(1 + e^z) overflows.")
def test_invented_silent(student):
    student.is_silent((np.array([[-900.0, 900.0]]),))
'''
MISTAKES = {"in place": "    z += np.logaddexp(0, z) - z\n    return z", "overflows": "    return np.log(1 + np.exp(z))",
            "log for log1p": "    return np.log(1 + np.exp(-np.abs(z))) + np.maximum(z, 0)",
            "base 2": "    return np.logaddexp2(0, z)", "the sigmoid": "    return 1 / (1 + np.exp(-z))"}


def said(console):
    return console.file.getvalue()


@pytest.fixture
def course(tmp_path):
    """A copy of the rooms that an author works in, with the first assignment."""
    for room in [*ROOMS, "source/ps1"]:
        shutil.copytree(ROOT / room, tmp_path / room, ignore=shutil.ignore_patterns("__pycache__"))
    shutil.copy(ROOT / "nbgrader_config.py", tmp_path)
    return tmp_path


def quiet():
    return Console(file=io.StringIO(), width=200)


def replace(path, before, after):
    text = path.read_text()
    assert before in text, (path, before)
    path.write_text(text.replace(before, after))


def fill_in(root, notebook, place):
    """What an author writes into the skeleton of `invented`."""
    replace(root / "reference_impl" / f"{notebook}.py", '    raise NotImplementedError("invented: write the right answer here, '
            'with NumPy alone")\n', ANSWER)
    nb = nbformat.read(place, as_version=4)
    for cell in nb.cells:
        if cell.id == "invented":
            cell.source = re.sub(r"    raise NotImpl.*\n", ANSWER, cell.source)
        if cell.id == "test_invented":
            cell.source = cell.source.replace("gives=[[1.0, 2.0]]", "gives=[[1.3132616875182228, 2.1269280110429727]]")
    nbformat.write(nb, place)
    hidden = root / "tests" / "hidden" / f"test_{notebook}.py"
    hidden.write_text(hidden.read_text() + CHECKS)
    wrong = root / "tests" / "misconceptions" / f"{notebook}.py"
    replace(wrong, "from grading.checks import misconception\n", "import numpy as np\n\nfrom grading.checks import misconception\n") \
        if "import numpy" not in wrong.read_text() else None
    wrong.write_text(wrong.read_text() + "".join(
        f'\n\n@misconception("invented", "{name}", at_most={0.9 if "log" in name or "in" in name or "over" in name else 0.0}, says="See.")\n'
        f"def invented_{number}(z):\n{body}\n" for number, (name, body) in enumerate(MISTAKES.items())))
    right = root / "tests" / "right_answers" / f"{notebook}.py"
    replace(right, '    raise NotImplementedError("invented: write a right answer in another style than the reference\'s")\n', ANSWER)
    right.write_text(right.read_text() + '''

@right_answer("invented", "logaddexp")
def invented_logaddexp(z):
    return np.logaddexp(0, z)


@right_answer("invented", "minus the logarithm of the sigmoid")
def invented_minus(z):
    return np.maximum(z, 0) + np.log1p(np.exp(-np.abs(z)))
''')
    (root / "tests" / "course" / "test_reference_new.py").write_text("# invented beside mpmath\n")


@pytest.mark.parametrize(("assignment", "notebook"), [("ps1", "activations"), ("week-06", "week_06")])
def test_an_exercise_that_is_added_and_thought_about_lacks_nothing(assignment, notebook, course):
    before = {path for path in course.rglob("*") if path.is_file()}
    touched = add(quiet(), course, assignment, "invented")
    assert touched == [f"source/{assignment}/{notebook}.ipynb", f"reference_impl/{notebook}.py", f"tests/hidden/test_{notebook}.py",
                       f"tests/misconceptions/{notebook}.py", f"tests/right_answers/{notebook}.py"]
    new = {str(path.relative_to(course)) for path in course.rglob("*") if path.is_file()} - {str(p.relative_to(course)) for p in before}
    assert new <= {*touched, f"source/{assignment}/visible_checks.py", f"source/{assignment}/gradient_plots.py"}
    lines = missing(course, "invented")
    assert any("tests/hidden" in line for line in lines) and any("tests/misconceptions" in line for line in lines)
    proved = proofs(course, "invented")
    assert any("tests/hidden" in line or "nothing could be judged" in line for line in proved)
    fill_in(course, notebook, course / "source" / assignment / f"{notebook}.ipynb")
    assert missing(course, "invented") == []
    assert proofs(course, "invented") == []


BROKEN = {
    "a wrong reference": ("reference_impl/activations.py", "def relu(z):\n", "def relu(z):\n    z = np.asarray(z) + 1\n", "earns 0% of everything"),
    "a check that nothing fails": ("tests/hidden/test_activations.py", '@check("relu",',
                                   '@check("relu", "is callable", hint="-")\ndef test_relu_nothing(student):\n    student.expect(True, 1)\n\n\n'
                                   '@check("relu",', "no known mistake fails test_relu_nothing"),
    "a mistake that earns too much": ("tests/misconceptions/activations.py", None, '\n\n@misconception("relu", "right", at_most=0.0, says="-")\n'
                                      "def relu_right(z):\n    return np.maximum(np.asarray(z, float), 0)\n", "may earn 0%"),
    "a right answer that is wrong": ("tests/right_answers/activations.py", None, '\n\n@right_answer("relu", "wrong")\ndef relu_wrong(z):\n'
                                     "    return z\n", "'wrong' earns"),
}


@pytest.mark.parametrize("what", BROKEN)
def test_what_does_not_hold_is_named_with_its_file(what, course):
    file, before, after, words = BROKEN[what]
    path = course / file
    text = path.read_text()
    path.write_text(text + after if before is None else text.replace(before, after, 1))
    lines = proofs(course, "relu")
    assert any(words in line for line in lines), lines


def test_a_solution_that_the_release_would_show_is_named(course):
    path = course / "source" / "ps1" / "activations.ipynb"
    nb = nbformat.read(path, as_version=4)
    (answer,) = [cell for cell in nb.cells if cell.id == "tanh_derivative"]
    solution = max(re.search(r"### BEGIN SOLUTION\n(.*?)### END", answer.source, re.DOTALL)[1].splitlines(), key=len).strip()
    nb.cells[0].source += f"\n\n{solution}"
    nbformat.write(nb, path)
    assert any("the release would show" in line for line in proofs(course, "tanh_derivative"))


@pytest.mark.parametrize(("names", "words"), [(("ps1", "relu"), "There is an exercise relu"), (("ps1", "no-name"), "a name of Python"),
                                              (("ps1", "class"), "a name of Python"), (("../ps9", "invented"), "name of an assignment")])
def test_what_cannot_be_added_is_refused_and_nothing_is_written(names, words, course):
    before = {path: path.read_bytes() for path in course.rglob("*") if path.is_file()}
    with pytest.raises(CourseError, match=words):
        add(quiet(), course, *names)
    assert before == {path: path.read_bytes() for path in course.rglob("*") if path.is_file()}


def test_an_exercise_that_nobody_asks_for_is_named_with_the_way_to_add_it(course):
    with pytest.raises(CourseError, match="course add ASSIGNMENT reluu"):
        missing(course, "reluu")
