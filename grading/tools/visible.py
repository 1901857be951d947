"""Run the visible checks of an exercise of source/ on any function, in this process: for the course's own code only."""

import contextlib
import io
import sys
from collections.abc import Callable
from functools import cache
from pathlib import Path
from typing import Any

import nbformat

from ..notebooks.cells import exercise_of, grade_id, is_tests, visible


@cache
def code_cells(path: Path) -> tuple[tuple[str, str, bool], ...]:
    """(name, what the student sees of it, whether it is a tests cell) of the code cells of the source notebook at `path`."""
    return tuple((grade_id(cell) or cell.get("id", ""), visible(cell), is_tests(cell))
                 for cell in nbformat.read(path, as_version=4).cells if cell.cell_type == "code")


@cache
def prepared(path: Path) -> dict[str, Any]:
    """What the cells before and between the exercises define: modules, helpers and the right answers."""
    namespace: dict[str, Any] = {"__name__": "notebook"}
    sys.path.insert(0, str(path.parent))
    try:
        with contextlib.redirect_stdout(io.StringIO()):
            for name, source, tests in code_cells(path):
                if not tests and not name.startswith("draw-"):
                    exec(compile(source, name, "exec"), namespace)
    finally:
        sys.path.remove(str(path.parent))
    return namespace


def complaint(path: Path, exercise: str, function: Callable[..., Any]) -> Exception | None:
    """What the visible checks of `exercise` say against `function`: an exception, or None if all hold."""
    namespace = {**prepared(path), exercise: function}
    (source,) = [source for name, source, tests in code_cells(path) if tests and exercise_of(name) == exercise]
    try:
        with contextlib.redirect_stdout(io.StringIO()):
            exec(compile(source, f"test_{exercise}", "exec"), namespace)
    except Exception as error:      # whatever stops the cell is what the student sees
        return error
    return None
