"""What GenerateFeedback adds for the page of `templates/feedback`: who decided and who still has to look, the titles of the
exercises, the grader's tables apart from what a cell printed, and Markdown without TeX."""

import re
import shlex
from datetime import timedelta, tzinfo
from typing import Any

from jinja2 import pass_context
from jinja2.runtime import Context
from nbformat import NotebookNode
from nbgrader import preprocessors
from nbgrader.api import Gradebook, MissingEntry
from nbgrader.preprocessors import GetGrades as NbgraderGetGrades, NbGraderPreprocessor
from nbgrader.utils import is_locked

from ..notebooks.cells import is_tests, title_of
from ..notebooks.dates import shown_moment, zone_of
from ..notebooks.names import for_shell, in_one_line
from ..notebooks.outputs import clean_markdown
from ..notebooks.record import Record, written
from ..pages.formulas import Translations, to_html
from ..pages.macros import Macros
from ..run.penalties import is_judged
from ..run.results import NotebookResult, SubmissionResult, results_of


HEADING = re.compile(r"^#{1,6}[ \t]([^\n]*)$", re.MULTILINE)
MAX_TITLE = 120
POINTS = re.compile(r"\(\d{1,9}(\.\d{1,9})? points?\)$")


class GetGrades(NbgraderGetGrades):
    """nbgrader's, which also marks what nobody has graded yet: without that it looks like 0 points.

    What the gradebook says comes in `resources["nbgrader"]["submission"]` from a converter that has read it for the whole class;
    else it is read here.
    """

    def preprocess(self, nb: NotebookNode, resources: dict[str, Any]) -> tuple[NotebookNode, dict[str, Any]]:
        about = resources["nbgrader"]
        submission = about.get("submission") or read_submission(**{name: about[name] for name in ("db_url", "assignment", "student", "notebook")})
        result: NotebookResult | None = submission.notebook(about["notebook"])
        if result is None:
            raise not_in_gradebook("notebook", about)
        self.result = result
        self.refused = Record.read(nb).refused
        for number, cell in enumerate(nb.cells):
            self.preprocess_cell(cell, resources, number)
        penalty = self.result.late_submission_penalty or 0
        about["open"] = any(grade.needs_manual_grade for grade in self.result.grades)
        about |= {"score": self.result.score - penalty, "max_score": self.result.max_score, "late_penalty": penalty}
        for cell in filter(is_tests, nb.cells):
            # all that is left of what student code put out there is streams: see `as_text` in notebooks/outputs.py
            cell.metadata.nbgrader["tables"] = [output.data["text/html"] for output in cell.outputs
                                                if output.output_type == "display_data" and "text/html" in output.data]
            cell.outputs = [output for output in cell.outputs if output.output_type in ("stream", "error")]
        resources["title"], resources["deadline"] = give_titles(nb) or about["notebook"], in_time(submission, zone_of(self.config))
        return nb, resources

    def _get_comment(self, cell: NotebookNode, resources: dict[str, Any]) -> None:
        """A person's words alone, and whether anything was answered: "No response." is nbgrader's note, not a comment."""
        comment = self.result.comments.get(cell.metadata.nbgrader["grade_id"])
        if comment is None:
            raise not_in_gradebook(f"comment for {cell.metadata.nbgrader['grade_id']}", resources["nbgrader"])
        said = comment.manual_comment       # it may quote what a student wrote
        cell.metadata.nbgrader["comment"] = clean_markdown(said) if said else said
        cell.metadata.nbgrader["unanswered"] = comment.auto_comment is not None

    def _get_score(self, cell: NotebookNode, resources: dict[str, Any]) -> None:
        grade = self.result.grade(cell.metadata.nbgrader["grade_id"])
        if grade is None:
            raise not_in_gradebook(f"grade for {cell.metadata.nbgrader['grade_id']}", resources["nbgrader"])
        # where the checks and a person have both judged, the person decides, until the student changes the answer
        overruled = is_tests(cell) and grade.manual_score is not None and not grade.needs_manual_grade
        cell.metadata.nbgrader |= {
            "score": grade.score, "points": grade.max_score, "overruled": (grade.auto_score or 0.0) if overruled else None,
            "waiting": not is_judged(grade) or (self.refused and grade.needs_manual_grade)}


def read_submission(db_url: str, assignment: str, student: str, notebook: str) -> SubmissionResult:
    """What the gradebook says of a submission. Raises `MissingEntry` where it knows no such notebook of it."""
    with Gradebook(db_url) as gradebook:
        gradebook.find_submission_notebook(notebook, assignment, student)
        return next(results_of(gradebook, assignment, [student]))


def not_in_gradebook(what: str, about: dict[str, Any]) -> MissingEntry:
    of, name = "called" if what == "notebook" else "in", shlex.quote(about["assignment"])
    remedy = f"Grade again: course grade {name} --force --student={for_shell(about['student'])}" if what == "notebook" else \
        f'The assignment was changed after it was graded: course regrade {name} --because "..."'
    return MissingEntry(f"The gradebook has no {what} {of} {about['notebook']} of {about['assignment']} by {about['student']}. {remedy}")


def in_time(submission: SubmissionResult, zone: tzinfo) -> str | None:
    """A sentence on the deadline of a submission and on when it came; None where there is no deadline."""
    if submission.assignment.duedate is None or (due := submission.duedate) is None:
        return None
    said = f"It was due {shown_moment(due, zone)}" + (", with the extension you were given" if submission.extension else "")
    if submission.timestamp is None:
        return said + "."
    late = submission.timestamp - due
    return f"{said}; it came {shown_moment(submission.timestamp, zone)}, " + (
        "in time." if late.total_seconds() <= 0 else f"{how_long(late)} late.")


def how_long(late: timedelta) -> str:
    minutes = int(late.total_seconds() // 60)
    days, hours, minutes = minutes // 1440, minutes // 60 % 24, minutes % 60
    parts = [(days, "day"), (hours, "hour"), (minutes, "minute")]
    return " ".join(f"{count} {name}{'s' * (count != 1)}" for count, name in parts if count) or "less than a minute"


def give_titles(nb: NotebookNode) -> str:
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


def headings(source: str) -> list[str]:
    """The headings of a Markdown cell, in their order."""
    return [text for found in HEADING.findall(source) if (text := found.strip().rstrip("#").rstrip())]


def plain(heading: str | None) -> str:
    """A heading, which may be a student's, as plain text in one line, without the points that it promises: the page says what was earned."""
    return POINTS.sub("", in_one_line((heading or "").replace("`", ""))[:MAX_TITLE]).rstrip()


class OfTheCourse(NbGraderPreprocessor):
    """The marks of a hidden region are the course's in locked cells. In a student's own they are only words: no page fails
    because they do not match. `marks` are the names of the traits that hold them."""

    marks: tuple[str, ...]

    def preprocess_cell(self, cell: NotebookNode, resources: dict[str, Any], cell_index: int) -> tuple[NotebookNode, dict[str, Any]]:
        if not any(getattr(self, mark) in cell.source for mark in self.marks):
            return cell, resources
        try:
            return super().preprocess_cell(cell, resources, cell_index)
        except RuntimeError:
            if is_locked(cell):
                raise
            return cell, resources


class ClearHiddenTests(OfTheCourse, preprocessors.ClearHiddenTests):
    """nbgrader's, for cells that students may have written."""

    marks = "begin_test_delimeter", "end_test_delimeter"


class ClearMarkScheme(OfTheCourse, preprocessors.ClearMarkScheme):
    """nbgrader's, for cells that students may have written."""

    marks = "begin_mark_scheme_delimeter", "end_mark_scheme_delimeter"


@pass_context
def markdown(context: Context, source: str, cell: NotebookNode | None = None) -> str:
    """The template's filter: Markdown as HTML, formulas as MathML, with the macros of all cells so far."""
    macros = context["resources"].setdefault("macros", Macros())
    attachments = (cell or context.get("cell") or {}).get("attachments")
    translations: Translations | None = context["resources"].get("translations")
    return (translations.to_html if translations else to_html)(source, macros, attachments)


def points(value: float | None) -> str:
    """The template's filter: points without needless decimals."""
    return written(float(value or 0))
