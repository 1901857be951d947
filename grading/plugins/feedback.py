"""What GenerateFeedback adds for the page of `templates/feedback`: who still has to look, and Markdown without TeX."""

from jinja2 import pass_context
from nbgrader import preprocessors
from nbgrader.preprocessors import GetGrades as NbgraderGetGrades
from nbgrader.utils import is_locked

from ..notebooks.cells import title_of
from ..notebooks.record import written
from ..pages.formulas import to_html
from ..pages.macros import Macros


class GetGrades(NbgraderGetGrades):
    """nbgrader's, which also marks what nobody has graded yet: without that it looks like 0 points."""

    def _get_score(self, cell, resources):
        super()._get_score(cell, resources)
        grade = self.gradebook.find_grade(cell.metadata["nbgrader"]["grade_id"], self.notebook_id, self.assignment_id,
                                          self.student_id)
        cell.metadata.nbgrader["waiting"] = bool(grade.needs_manual_grade) or (
            grade.auto_score is None and grade.manual_score is None)
        if cell.cell_type == "code":        # the grader's table first, then what the visible checks printed
            cell.outputs.sort(key=lambda output: output.output_type != "execute_result")


class OfTheCourse:
    """The marks of a hidden region are the course's in locked cells. In a student's own they are only words: no page fails
    because they do not match."""

    def preprocess_cell(self, cell, resources, cell_index):
        try:
            return super().preprocess_cell(cell, resources, cell_index)
        except RuntimeError:
            if is_locked(cell):
                raise
            return cell, resources


class ClearHiddenTests(OfTheCourse, preprocessors.ClearHiddenTests):
    """nbgrader's, for cells that students may have written."""


class ClearMarkScheme(OfTheCourse, preprocessors.ClearMarkScheme):
    """nbgrader's, for cells that students may have written."""


@pass_context
def markdown(context, source):
    """The template's filter: Markdown as HTML, formulas as MathML, with the macros of all cells so far."""
    macros = context["resources"].setdefault("macros", Macros())
    cell = context.get("cell") or {}
    return to_html(source, macros, cell.get("attachments"))


def exercise(grade_id):
    """The template's filter: the name of the exercise that a cell belongs to."""
    return title_of(grade_id)


def points(value):
    """The template's filter: points without needless decimals."""
    return written(float(value or 0))
