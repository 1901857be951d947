"""`course missing`: what an exercise still lacks in one of its rooms. Its name is the link between them."""

import ast
import re
from collections.abc import Iterable
from pathlib import Path

from nbformat import NotebookNode, v4
from rich.console import Console

from ..root import CourseError
from ..notebooks.cells import QUESTION, exercises, grade_id, hidden_calls, is_tests, marked, name_of
from .terminal import tell

# at least so many of each, by CONTRIBUTING.md and the tests of the course
ROOMS = {
    "tests/hidden/test_{}.py": ("check", 5, 'hidden checks: @check("{}", "is right for ...", hint="...")'),
    "tests/misconceptions/{}.py": ("misconception", 6, 'misconceptions: @misconception("{}", "name", at_most=0, says="...")'),
    "tests/right_answers/{}.py": ("right_answer", 3, 'right answers: @right_answer("{}", "style")'),
}


def missing(root: str | Path, only: str | None = None) -> list[str]:
    """What is missing in the course at `root`, one line each with the file that it belongs to; [] if nothing is.

    With `only`, of that exercise alone. Raises `CourseError` where nothing is to be looked at.
    """
    root, lines = Path(root), []
    notebooks = sorted(root.glob("source/*/*.ipynb"))
    if not notebooks:
        raise CourseError(f"There is no notebook in {root / 'source'}, so there is nothing to look for.")
    if only and not any(only in asked for path in notebooks for asked in exercises_of(graded_cells(path)).values()):
        raise CourseError(f"No tests cell of source/ asks for hidden checks of {only}. Begin with: course add ASSIGNMENT {only}")
    for path in notebooks:
        lines += missing_in(root, path)
    return [line for line in lines if not only or re.search(rf"\b{only}\b", line)]


def graded_cells(path: Path) -> list[NotebookNode]:
    return [cell for cell in v4.reads(path.read_text(encoding="utf-8")).cells if grade_id(cell)]


def missing_in(root: Path, path: Path) -> list[str]:
    """The same for one notebook of source/."""
    cells = graded_cells(path)
    place, name = path.relative_to(root), path.stem
    asked = exercises_of(cells)
    answers = {name_of(cell) for cell in cells if marked(cell, "solution") and not marked(cell, "grade")}
    lines = []
    for cell_id, names in asked.items():
        if not names:
            lines.append(f'{place}: the tests cell {cell_id} names no hidden checks; write run_hidden_checks("...") '
                         "as a line of its own between ### BEGIN HIDDEN TESTS and ### END HIDDEN TESTS.")
        lines += [f"{place}: the tests cell {cell_id} asks for {one}, but no answer cell has that grade_id."
                  for one in names if one not in answers]
    tested = [one for names in asked.values() for one in names]
    lines += [f"{place}: the answer cell {one} has no tests cell, so it earns no points."
              for one in sorted(answers - set(tested))]
    lines += without_rubric(place, cells, name)
    for exercise in tested:
        lines += missing_rooms(root, name, exercise)
    return lines


def exercises_of(cells: Iterable[NotebookNode]) -> dict[str, list[str]]:
    """{grade_id of a tests cell: the exercises that it asks hidden checks for}."""
    return {name: hidden_calls(cell.source) for cell in cells if is_tests(cell) and (name := grade_id(cell))}


def without_rubric(place: Path, cells: Iterable[NotebookNode], name: str) -> list[str]:
    questions = [cell for cell in cells if grade_id(cell) == QUESTION + name]
    if not questions:
        return [f"{place}: there is no question with the grade_id {QUESTION}{name}."]
    if "### BEGIN MARK SCHEME" not in questions[0].source:
        return [f"{place}: the question {QUESTION}{name} has no rubric; write it between ### BEGIN MARK SCHEME and "
                "### END MARK SCHEME."]
    return []


def missing_rooms(root: Path, notebook: str, exercise: str) -> list[str]:
    """What the rooms outside of source/ lack for one exercise."""
    place = f"reference_impl/{notebook}.py"
    lines = [] if exercise in functions(root / place) else [f"{place}: there is no function {exercise}: the right answer."]
    for pattern, (mark, least, what) in ROOMS.items():
        place = pattern.format(notebook)
        found = named(root / place, mark).count(exercise)
        if found < least:
            lines.append(f"{place}: {exercise} has {found} of at least {least} {what.format(exercise)}")
    return lines


def tree(path: Path) -> ast.Module:
    return ast.parse(path.read_text(encoding="utf-8")) if path.exists() else ast.Module([], [])


def functions(path: Path) -> set[str]:
    """The names of the functions at the top of a file."""
    return {node.name for node in tree(path).body if isinstance(node, ast.FunctionDef)}


def named(path: Path, mark: str) -> list[object]:
    """The exercises that the calls of `mark` in a file name as their first argument, one entry per call."""
    return [node.args[0].value for node in ast.walk(tree(path))
            if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id == mark
            and node.args and isinstance(node.args[0], ast.Constant)]


def proofs(root: Path, only: str | None) -> list[str]:
    from .prove import prove        # which loads nbgrader and pytest
    return [line for path in sorted(root.glob("source/*/*.ipynb"))
            for exercise in exercises(v4.reads(path.read_text(encoding="utf-8")))
            if only in (None, exercise) for line in prove(root, path, exercise)]


def show(console: Console, root: str | Path, only: str | None = None, prove: bool = False) -> int:
    """Print what is missing and, with `prove`, what does not hold; the number of lines."""
    lines = missing(root, only)
    if prove:
        lines += proofs(Path(root), only)
    for line in lines:
        tell(console, line)
    if not lines:
        console.print("Nothing is missing: every exercise has its reference, checks, misconceptions and right answers."
                      + (" All of it was run, and holds." if prove else ""))
    return len(lines)
