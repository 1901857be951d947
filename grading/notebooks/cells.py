"""What the cells of a course's notebook are: names, kinds, hidden regions, and how an exercise is linked to its cells.

An exercise is a function. Its answer cell bears its name as `grade_id`, its tests cell `test_<exercise>`, a question that
a person grades `explain_<notebook>`.
"""

from __future__ import annotations

import re
from functools import lru_cache
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from nbformat import NotebookNode

TESTS, QUESTION = "test_", "explain_"
HIDDEN_CALL = re.compile(r"""^run_hidden_checks\(["'](\w+)["']\)\s*$""", re.MULTILINE)
HIDDEN, RUBRIC = "HIDDEN TESTS", "MARK SCHEME"      # what stands between the lines BEGIN and END of either is not released


def grade_id(cell: NotebookNode) -> str | None:
    """The name that nbgrader knows the cell by, if it knows it."""
    return cell.metadata.get("nbgrader", {}).get("grade_id")


def name_of(cell: NotebookNode) -> str:
    """A name for any cell: its `grade_id`, else its id."""
    return grade_id(cell) or cell.get("id", "")


def tests_cell(exercise: str) -> str:
    """The `grade_id` of the cell that tests an exercise."""
    return TESTS + exercise


def exercise_of(grade_id: str) -> str:
    """The exercise that a graded cell belongs to; a question's own name stays."""
    return grade_id.removeprefix(TESTS)


def title_of(grade_id: str) -> str:
    """What people read of a graded cell's name."""
    return exercise_of(grade_id).removeprefix(QUESTION)


def marked(cell: NotebookNode, kind: str) -> bool:
    """Whether nbgrader's mark says "grade" or "solution" of the cell; `nbgrader.utils` would load all of nbgrader to say so."""
    return bool(cell.metadata.get("nbgrader", {}).get(kind))


def is_tests(cell: NotebookNode) -> bool:
    return cell.cell_type == "code" and marked(cell, "grade") and not marked(cell, "solution")


def hidden_calls(source: str) -> list[str]:
    """The exercises whose hidden checks the source of a tests cell asks for."""
    return HIDDEN_CALL.findall("".join(source[start:end] for start, end in regions(source, HIDDEN)))


def exercises(nb: NotebookNode) -> list[str]:
    """The exercises of a source notebook, in their order."""
    return [name for cell in nb.cells if is_tests(cell) for name in hidden_calls(cell.source)]


def points_of(nb: NotebookNode) -> dict[str, float]:
    """{exercise: the points of its tests cell} of a source notebook, in its order."""
    return {name: cell.metadata.nbgrader.points for cell in nb.cells if is_tests(cell) for name in hidden_calls(cell.source)}


def code_alone(nb: NotebookNode) -> NotebookNode:
    """The code cells of a notebook without their outputs: what is to be read of a student's code in another process."""
    node = type(nb)
    return node({"cells": [node({"cell_type": "code", "source": cell.source, "metadata": cell.metadata}) for cell in nb.cells if cell.cell_type == "code"]})


def code_lines(source: str) -> list[str]:
    """The lines of a cell as Python counts them: a form feed or another sign at which `str.splitlines` cuts ends none."""
    return source.replace("\r\n", "\n").replace("\r", "\n").removesuffix("\n").split("\n")


def visible(cell: NotebookNode) -> str:
    """The source that is sent to the student's kernel: everything but hidden regions."""
    return without(cell.source, HIDDEN) if marked(cell, "grade") else cell.source


@lru_cache(maxsize=256)
def as_released(source: str) -> str:
    """The source of a locked cell, the course's own, as students got it: of a class the same again and again."""
    return without(without(source, HIDDEN), RUBRIC).strip()


def without(source: str, name: str) -> str:
    """`source` without the regions of that name."""
    kept, at = [], 0
    for start, end in regions(source, name):
        kept.append(source[at:start])
        at = end
    return "".join([*kept, source[at:]])


def regions(source: str, name: str) -> list[tuple[int, int]]:
    """Where whole lines from BEGIN to END stand in `source`. A student may have written it: each line is looked at once."""
    found, start, at = [], None, 0
    for line in source.split("\n"):
        rest = line
        if start is None and f"BEGIN {name}" in line:
            start, rest = at, line.partition(f"BEGIN {name}")[2]
        at = min(at + len(line) + 1, len(source))
        if start is not None and f"END {name}" in rest:
            found.append((start, at))
            start = None
    return found
