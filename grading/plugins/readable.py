"""What GenerateAssignment adds: formulas and pictures written out, before checksums are made and cells are saved."""

from typing import Any

from nbformat import NotebookNode
from nbgrader.preprocessors import NbGraderPreprocessor

from ..notebooks.embedded import written_out
from ..notebooks.readable import make_readable


class WriteOutFormulas(NbGraderPreprocessor):
    """Students get no macros: in their pages these would reach only part of the formulas."""

    def preprocess(self, nb: NotebookNode, resources: dict[str, Any]) -> tuple[NotebookNode, dict[str, Any]]:
        return make_readable(nb, resources["metadata"]["path"]), resources


class WriteOutPictures(NbGraderPreprocessor):
    """Pictures attached to a cell go into its text: that is all of a cell that the gradebook keeps, and a tool of a student's may lose the rest."""

    def preprocess_cell(self, cell: NotebookNode, resources: dict[str, Any], cell_index: int) -> tuple[NotebookNode, dict[str, Any]]:
        if cell.cell_type == "markdown" and "attachments" in cell:
            cell.source = written_out(cell.source, cell.pop("attachments"))
        return cell, resources
