"""`course add ASSIGNMENT EXERCISE`: the skeleton of an exercise in every room, linked by its name.

What is written runs, and refuses: `course missing EXERCISE --prove` then names what an author has to think about. Nothing
that stands there is changed; an exercise that exists already is refused.
"""

import keyword
import re
import shutil
from pathlib import Path
from typing import Any

import nbformat
from nbformat import NotebookNode
from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook
from rich.console import Console

from ..notebooks.cells import QUESTION, grade_id, tests_cell
from ..root import CourseError
from .terminal import tell

SETUP = """\
# Run this cell first. If it ends in an error, the last line says what to do.
import numpy as np
from visible_checks import checking, ready
ready()"""
SECTION = """\
## Exercise {number}: `{exercise}` (2 points)

What it is, and the formula.

**Contract.** `z` has shape (m, n). Returns an array of the same shape.

**By hand.** For `z = [[1, 2]]` the result is `[[1, 2]]`."""
ANSWER = '''\
def {exercise}(z):
    """What it returns.

    z: (m, n). Returns an array (m, n).
    """
    ### BEGIN SOLUTION
    raise NotImplementedError("{exercise}: write the solution here")
    ### END SOLUTION'''
TESTS = """\
with checking("{exercise}") as check:
    check(np.array([[1.0, 2.0]]), gives=[[1.0, 2.0]], says="The example's numbers should come out.")
### BEGIN HIDDEN TESTS
run_hidden_checks("{exercise}")
### END HIDDEN TESTS"""
TASK = """\
## Question: explain what you saw (5 points)

Ask for what the pictures show and why. This question is read and graded by a person.

### BEGIN MARK SCHEME
**Mark scheme (5 points)**

- 5 points: say what each point is for.
### END MARK SCHEME"""
OWN_WORDS = "*Write your answer here: double-click this cell and replace this line.*"
# The rooms outside of source/: the file, what it begins with if it is new, and what is added for an exercise.
ROOMS = {
    "reference_impl/{notebook}.py": ('''\
"""The right answers of {assignment}: say here what they share, and their source."""

import numpy as np
''', '''

def {exercise}(z):
    """What it returns, (m, n).  Source: the lecture, section ...

    z: (m, n).
    """
    raise NotImplementedError("{exercise}: write the right answer here, with NumPy alone")
'''),
    "tests/hidden/test_{notebook}.py": ('''\
"""Hidden checks of {assignment}."""

import numpy as np

from grading.checks import check
''', '''

@check("{exercise}", "is right for ordinary values", weight=3, core=True, hint="Say what to try.")
def test_{exercise}_values(student):
    student.agrees((student.rng.normal(size=(3, 4)),), rtol=1e-9)


@check("{exercise}", "leaves its argument alone", hint="Make a new array.")
def test_{exercise}_argument(student):
    student.leaves_arguments_alone((np.array([[1.0, 2.0]]),))
'''),
    "tests/misconceptions/{notebook}.py": ('''\
"""Wrong answers to {assignment} that students give, each with the most it may earn."""

from grading.checks import misconception
''', '''

@misconception("{exercise}", "returns its argument", at_most=0.0, says="Your function hands back what it got.")
def {exercise}_unchanged(z):
    return z
'''),
    "tests/right_answers/{notebook}.py": ('''\
"""Right answers to {assignment} in different styles: each must earn everything."""

import numpy as np

from grading.checks import right_answer
''', '''

@right_answer("{exercise}", "in the style of ...")
def {exercise}_in_a_style(z):
    raise NotImplementedError("{exercise}: write a right answer in another style than the reference's")
'''),
}


def add(console: Console, root: Path, assignment: str, exercise: str, notebook: str | None = None) -> list[str]:
    """Write the skeleton; the files that were touched. Raises `CourseError` where it cannot be done, and writes nothing."""
    notebook = notebook or notebook_of(root, assignment)
    for what, name in (("exercise", exercise), ("notebook", notebook)):
        if not name.isidentifier() or keyword.iskeyword(name):
            raise CourseError(f"{name} cannot be the name of the {what}: it has to be a name of Python, like spectral_norm.")
    if not re.fullmatch(r"[A-Za-z0-9][\w.-]*", assignment):
        raise CourseError(f"{assignment} cannot be the name of an assignment: letters, digits, - and _ can.")
    refuse_existing(root, exercise)
    place = root / "source" / assignment / f"{notebook}.ipynb"
    nb = nbformat.read(place, as_version=4) if place.exists() else new_assignment(root, place)
    insert(nb, exercise)
    touched = [write(root, place.relative_to(root), nbformat.writes(nb) + "\n")]
    names = {"assignment": assignment, "notebook": notebook, "exercise": exercise}
    for pattern, (head, text) in ROOMS.items():
        file = root / pattern.format(**names)
        before = file.read_text(encoding="utf-8") if file.exists() else head.format(**names)
        touched.append(write(root, file.relative_to(root), before + text.format(**names)))
    for written in touched:
        tell(console, f"wrote {written}")
    console.print(f"Next: course missing {exercise} --prove says what is left to think about.", highlight=False, soft_wrap=True)
    return touched


def notebook_of(root: Path, assignment: str) -> str:
    """The notebook of an assignment; of a new one the assignment's own name."""
    found = sorted((root / "source" / assignment).glob("*.ipynb"))
    if len(found) > 1:
        raise CourseError(f"{assignment} has several notebooks: {', '.join(path.stem for path in found)}. "
                          "Say which: --notebook NAME")
    return found[0].stem if found else re.sub(r"\W", "_", assignment)


def refuse_existing(root: Path, exercise: str) -> None:
    for path in root.glob("source/*/*.ipynb"):
        if any(grade_id(cell) in (exercise, tests_cell(exercise)) for cell in nbformat.read(path, as_version=4).cells):
            raise CourseError(f"There is an exercise {exercise} in {path.relative_to(root)}. Choose another name.")


def new_assignment(root: Path, place: Path) -> NotebookNode:
    """A notebook with head, first cell and question, and beside it what the course's notebooks import."""
    place.parent.mkdir(parents=True, exist_ok=True)
    for helper in ("visible_checks.py", "gradient_plots.py"):
        if originals := sorted(path for path in root.glob(f"source/*/{helper}") if path.parent != place.parent):
            shutil.copy(originals[0], place.parent / helper)
    question = QUESTION + place.stem
    return new_notebook(metadata={"kernelspec": {"name": "python3", "display_name": "Python 3", "language": "python"},
                                  "language_info": {"name": "python"}}, cells=[
        new_markdown_cell(f"# {place.stem}\n\nWhat this notebook is about, and what you can do afterwards.", id="title"),
        marked(new_code_cell(SETUP, id="setup"), "setup", locked=True),
        marked(new_markdown_cell(TASK, id=question), question, task=True, locked=True, points=5),
        new_markdown_cell(OWN_WORDS, id="answer-" + question.replace("_", "-"))])


def insert(nb: NotebookNode, exercise: str) -> None:
    """Put section, answer and tests cell in front of the question, or at the end where there is none."""
    number = sum(1 for cell in nb.cells if cell.metadata.get("nbgrader", {}).get("solution")) + 1
    at = next((place for place, cell in enumerate(nb.cells) if (grade_id(cell) or "").startswith(QUESTION)), len(nb.cells))
    tests = marked(new_code_cell(TESTS.format(exercise=exercise), id=tests_cell(exercise)), tests_cell(exercise), grade=True,
                   locked=True, points=2)
    tests.metadata["tags"] = ["raises-exception"]       # Run All goes on past a check that fails
    nb.cells[at:at] = [new_markdown_cell(SECTION.format(number=number, exercise=exercise), id=f"about_{exercise}"),
                       marked(new_code_cell(ANSWER.format(exercise=exercise), id=exercise), exercise, solution=True), tests]


def marked(cell: NotebookNode, name: str, **marks: Any) -> NotebookNode:
    cell.metadata["nbgrader"] = {"schema_version": 3, "grade_id": name, "grade": False, "solution": False, "locked": False,
                                 "task": False, **marks}
    return cell


def write(root: Path, name: str | Path, text: str) -> str:
    (root / name).parent.mkdir(parents=True, exist_ok=True)
    (root / name).write_text(text, encoding="utf-8")
    return str(name)
