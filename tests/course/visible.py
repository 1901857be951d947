"""Run the visible checks of an exercise on any function, in this process."""

import contextlib
import io
import sys
from functools import cache
from pathlib import Path

import nbformat

from grading.notebooks.cells import HIDDEN_REGION

SOURCE = Path(__file__).parents[2] / "source"


@cache
def cells(notebook):
    """{cell id: what the student sees of it} of the code cells of a source notebook."""
    (path,) = SOURCE.glob(f"*/{notebook}.ipynb")
    return {cell.id: HIDDEN_REGION.sub("", cell.source) for cell in nbformat.read(path, as_version=4).cells
            if cell.cell_type == "code"}


@cache
def prepared(notebook):
    """What the cells before and between the exercises define: modules, helpers and the right answers."""
    (path,) = SOURCE.glob(f"*/{notebook}.ipynb")
    namespace = {"__name__": "notebook"}
    sys.path.insert(0, str(path.parent))
    try:
        with contextlib.redirect_stdout(io.StringIO()):
            for name, source in cells(notebook).items():
                if not name.startswith(("test_", "draw-")):
                    exec(compile(source, name, "exec"), namespace)
    finally:
        sys.path.remove(str(path.parent))
    return namespace


def complaint(notebook, exercise, function):
    """What the visible checks of `exercise` say against `function`: an exception, or None if all hold."""
    namespace = {**prepared(notebook), exercise: function}
    try:
        with contextlib.redirect_stdout(io.StringIO()):
            exec(compile(cells(notebook)[f"test_{exercise}"], f"test_{exercise}", "exec"), namespace)
    except Exception as error:      # whatever stops the cell is what the student sees
        return error
    return None
