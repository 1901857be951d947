"""What GenerateFeedback adds for the page of `templates/feedback`: who decided and who still has to look, the titles of the
exercises, the grader's tables apart from what a cell printed, and Markdown without TeX."""

import re

from jinja2 import pass_context
from nbgrader import preprocessors
from nbgrader.preprocessors import GetGrades as NbgraderGetGrades
from nbgrader.utils import is_locked

from ..notebooks.cells import is_tests, title_of
from ..notebooks.record import written
from ..pages.formulas import to_html
from ..pages.macros import Macros


HEADING = re.compile(r"^#{1,6}[ \t]([^\n]*)$", re.MULTILINE)
MAX_TITLE = 120
POINTS = re.compile(r"\(\d{1,9}(\.\d{1,9})? points?\)$")


class GetGrades(NbgraderGetGrades):
    """nbgrader's, which also marks what nobody has graded yet: without that it looks like 0 points."""

    def preprocess(self, nb, resources):
        nb, resources = super().preprocess(nb, resources)
        for cell in filter(is_tests, nb.cells):
            # all that is left of what student code put out there is streams: see `as_text` in notebooks/outputs.py
            cell.metadata.nbgrader["tables"] = [output.data["text/html"] for output in cell.outputs
                                                if output.output_type == "display_data" and "text/html" in output.data]
            cell.outputs = [output for output in cell.outputs if output.output_type in ("stream", "error")]
        resources["title"] = give_titles(nb) or resources["nbgrader"]["notebook"]
        return nb, resources

    def _get_comment(self, cell, resources):
        """A person's words alone, and whether anything was answered: "No response." is nbgrader's note, not a comment."""
        comment = self.gradebook.find_comment(cell.metadata["nbgrader"]["grade_id"], self.notebook_id, self.assignment_id,
                                              self.student_id)
        cell.metadata.nbgrader["comment"] = comment.manual_comment
        cell.metadata.nbgrader["unanswered"] = comment.auto_comment is not None

    def _get_score(self, cell, resources):
        super()._get_score(cell, resources)
        grade = self.gradebook.find_grade(cell.metadata["nbgrader"]["grade_id"], self.notebook_id, self.assignment_id,
                                          self.student_id)
        # where the checks and a person have both judged, the person decides, also when it was graded again since
        overruled = is_tests(cell) and grade.manual_score is not None
        cell.metadata.nbgrader["overruled"] = (grade.auto_score or 0.0) if overruled else None
        cell.metadata.nbgrader["waiting"] = not overruled and (bool(grade.needs_manual_grade) or (
            grade.auto_score is None and grade.manual_score is None))


def give_titles(nb):
    """Give each graded cell the heading that it stands under; returns the notebook's own, its first.

    A heading counts for the next graded cell alone: a moved cell is not to bear another exercise's title.
    """
    first = heading = None
    for cell in nb.cells:
        mark = cell.metadata.get("nbgrader", {})
        own = headings(cell.source) if cell.cell_type == "markdown" else []
        first = first or (own[0] if own else None)
        if "points" in mark:
            mark["title"] = plain((own[0] if own else None) if cell.cell_type == "markdown" else heading) or title_of(mark["grade_id"])
            heading = None
        elif own:
            heading = own[-1]
    return plain(first)


def headings(source):
    """The headings of a Markdown cell, in their order."""
    return [text for found in HEADING.findall(source) if (text := found.strip().rstrip("#").rstrip())]


def plain(heading):
    """A heading as plain text, without the points that it promises: the page says what was earned."""
    return POINTS.sub("", (heading or "").replace("`", "")[:MAX_TITLE]).rstrip()


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
def markdown(context, source, cell=None):
    """The template's filter: Markdown as HTML, formulas as MathML, with the macros of all cells so far."""
    macros = context["resources"].setdefault("macros", Macros())
    cell = cell or context.get("cell") or {}
    return to_html(source, macros, cell.get("attachments"))


def points(value):
    """The template's filter: points without needless decimals."""
    return written(float(value or 0))
