"""What is done to a notebook of source/ to make its release, step by step: the one list.

nbgrader_config.py names it for `nbgrader generate_assignment`; whatever has to know what a release will hold, without a
gradebook, asks `up_to_saved` or `released`.
"""

from collections.abc import Iterable
from pathlib import Path

from nbformat import NotebookNode
from traitlets.config import Config
from traitlets.utils.importstring import import_item

SAVE = "grading.plugins.save_cells.SaveCells"
# nbgrader's own list, with the deadline shown, formulas and pictures written out before anything is locked, saved or summed up
RELEASE = (
    "nbgrader.preprocessors.IncludeHeaderFooter",
    "grading.plugins.deadlines.ShowDeadline",
    "grading.plugins.readable.WriteOutFormulas",
    "grading.plugins.readable.WriteOutPictures",
    "grading.plugins.public.NameTheWebSite",
    "nbgrader.preprocessors.InstantiateTests",
    "nbgrader.preprocessors.LockCells",
    "nbgrader.preprocessors.ClearSolutions",
    "nbgrader.preprocessors.ClearOutput",
    "nbgrader.preprocessors.CheckCellMetadata",
    "nbgrader.preprocessors.ComputeChecksums",
    SAVE,
    "nbgrader.preprocessors.ClearHiddenTests",
    "nbgrader.preprocessors.ClearMarkScheme",
    "nbgrader.preprocessors.ComputeChecksums",
    "nbgrader.preprocessors.CheckCellMetadata",
)


def up_to_saved(nb: NotebookNode, folder: Path, config: Config | None = None) -> NotebookNode:
    """`nb`, which lies in `folder`, as the gradebook saves its cells: hidden tests are in it still."""
    return done(nb, folder, RELEASE[:RELEASE.index(SAVE)], config)


def released(nb: NotebookNode, folder: Path, config: Config | None = None) -> NotebookNode:
    """`nb`, which lies in `folder`, as students get it."""
    return done(nb, folder, [name for name in RELEASE if name != SAVE], config)


def done(nb: NotebookNode, folder: Path, names: Iterable[str], config: Config | None) -> NotebookNode:
    for name in names:
        nb, _ = import_item(name)(config=config)(nb, {"metadata": {"path": str(folder)}})
    return nb
