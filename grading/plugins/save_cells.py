"""nbgrader's SaveCells, which refuses to add or remove cells once something was handed in, with the command that can."""

import shlex

from nbformat import NotebookNode
from nbgrader.preprocessors import SaveCells as NbgraderSaveCells


class SaveCells(NbgraderSaveCells):
    """A step of GenerateAssignment, see `steps`."""

    def _create_notebook(self, nb: NotebookNode) -> None:
        try:
            super()._create_notebook(nb)
        except RuntimeError as error:
            raise RuntimeError(f"{error}. To take the change over without losing what people gave: course revise "
                               f"{shlex.quote(self.assignment_id)}") from None
