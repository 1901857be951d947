"""What GenerateAssignment adds: formulas written out, before checksums are made and cells are saved."""

from typing import Any

from nbformat import NotebookNode
from nbgrader.preprocessors import NbGraderPreprocessor

from ..notebooks.readable import make_readable


class WriteOutFormulas(NbGraderPreprocessor):
    """Students get no macros: in their pages these would reach only part of the formulas."""

    def preprocess(self, nb: NotebookNode, resources: dict[str, Any]) -> tuple[NotebookNode, dict[str, Any]]:
        return make_readable(nb, resources["metadata"]["path"]), resources
