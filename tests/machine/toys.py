"""A toy course for tests of grading: three functions of one number, a few checks each, notebooks made of text."""

import nbformat.v4

from grading.notebooks.record import Record
from grading.run import execute

REFERENCE = '''
def double(z):
    return 2 * z


def half(z):
    return z / 2


def negative(z):
    return -z
'''

CHECKS = '''
from grading.checks import check


@check("double", "doubles small numbers", weight=1, core=True, hint="Add it to itself.")
def test_double_small(student):
    student.agrees((1.5,), (-3,), rtol=1e-9)


@check("double", "doubles large numbers", weight=2, hint="Add it to itself.")
def test_double_large(student):
    student.agrees((1000.0,), rtol=1e-9)


@check("double", "doubles zero", weight=1, hint="Add it to itself.")
def test_double_zero(student):
    student.agrees((0.0,), rtol=1e-9)


@check("half", "halves numbers", weight=1, core=True, hint="Divide.")
def test_half_values(student):
    student.agrees((3.0,), (1000.0,), rtol=1e-9)


@check("half", "warns of nothing", weight=1, hint="Divide by 2.")
def test_half_silent(student):
    student.is_silent((1e300,))


@check("negative", "turns the sign", weight=1, core=True, hint="Subtract.")
def test_negative_values(student):
    student.agrees((3.0,), (-2.0,), rtol=1e-9)
'''

MISCONCEPTIONS = '''
from grading.checks import misconception


@misconception("half", "doubled instead", at_most=0.0, says="This doubles the number instead of halving it.")
def half_doubles(z):
    return 2 * z
'''

ANSWERS = {"double": "def double(z):\n    return z + z", "half": "def half(z):\n    return 0.5 * z",
           "negative": "def negative(z):\n    return 0.0 - z"}
EXERCISES = tuple(ANSWERS)


def make_course(root, checks=CHECKS):
    """Write the toy course below `root`."""
    for path, text in {"reference_impl/toy.py": REFERENCE, "reference_impl/__init__.py": "",
                       "tests/hidden/test_toy.py": checks, "tests/misconceptions/toy.py": MISCONCEPTIONS}.items():
        (root / path).parent.mkdir(parents=True, exist_ok=True)
        (root / path).write_text(text)
    return root


def cell_of_tests(exercise, hidden=None, points=4):
    hidden = f'run_hidden_checks("{exercise}")' if hidden is None else hidden
    mark = {"schema_version": 3, "grade_id": f"test_{exercise}", "grade": True, "solution": False, "locked": True,
            "task": False, "points": points, "cell_type": "code"}
    source = f"print({exercise}(1.0))\n### BEGIN HIDDEN TESTS\n{hidden}\n### END HIDDEN TESTS"
    return nbformat.v4.new_code_cell(source, metadata={"nbgrader": mark})


def notebook(first="", last="", **answers):
    """A notebook with an answer and a tests cell for each exercise; `answers` replace the right ones.

    `first` and `last` are the sources of a cell in front of it all and of one behind the first exercise.
    """
    cells = [nbformat.v4.new_code_cell(first)]
    for name, right in ANSWERS.items():
        mark = {"schema_version": 3, "grade_id": name, "grade": False, "solution": True, "locked": False, "task": False}
        cells += [nbformat.v4.new_code_cell(answers.get(name, right), metadata={"nbgrader": mark}), cell_of_tests(name)]
        if name == EXERCISES[0]:
            cells.append(nbformat.v4.new_code_cell(last))
    return nbformat.v4.new_notebook(cells=cells)


def grade(nb, root, sandbox):
    """Grade `nb` in place; {exercise: (share of the points, [outcome of each check])}."""
    execute.execute(nb, "toy", str(root), sandbox, [])
    return {name: (round(verdict.points / verdict.most, 6), [check.outcome for check in verdict.checks])
            for name, verdict in Record.read(nb).verdicts.items()}


def table_of(nb, exercise):
    """The plain text of the table that a student gets for an exercise, without the line breaks that 80 columns ask for."""
    cell = next(cell for cell in nb.cells if cell.metadata.get("nbgrader", {}).get("grade_id") == f"test_{exercise}")
    return next(" ".join(output.data["text/plain"].split()) for output in cell.outputs if output.output_type == "display_data")
