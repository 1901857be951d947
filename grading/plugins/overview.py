"""Feedback pages: nbgrader's page per notebook, and beside them one overview of the assignment, `index.html`.

nbgrader's hooks after a conversion learn neither student nor folder, so this subclass takes the place of its
`GenerateFeedback` in `nbgrader generate_feedback` and in formgrader (`install`, called in nbgrader_config.py).
"""

from pathlib import Path

import nbformat
import nbgrader.apps.api
import nbgrader.apps.generatefeedbackapp
from nbgrader import converters
from nbgrader.api import Gradebook

from ..pages.html import Html, link, page, paragraph, section, table
from ..notebooks.cells import exercise_of
from ..notebooks.mend import in_words
from ..notebooks.record import Outcome, Record, written

NAME = "index.html"


def install():
    """Have `nbgrader generate_feedback` and formgrader use this module's class."""
    nbgrader.apps.generatefeedbackapp.GenerateFeedback = GenerateFeedback
    nbgrader.apps.api.GenerateFeedback = GenerateFeedback


class GenerateFeedback(converters.GenerateFeedback):
    """nbgrader's converter, with an overview for each student."""

    def set_permissions(self, assignment_id, student_id):
        """Called last for each submission that went well."""
        place = Path(self._format_dest(assignment_id, student_id))
        graded = Path(self._format_source(assignment_id, student_id))
        with Gradebook(self.coursedir.db_url, self.coursedir.course_id) as gradebook:
            content = overview(gradebook.find_submission(assignment_id, student_id), graded)
        place.joinpath(NAME).unlink(missing_ok=True)
        place.joinpath(NAME).write_text(content, encoding="utf-8")
        super().set_permissions(assignment_id, student_id)


def overview(submission, folder):
    """The overview page of a submission (a row of the gradebook) whose graded notebooks lie in `folder`."""
    parts, waiting, points, most = [], [], 0.0, 0.0
    for notebook in sorted(submission.notebooks, key=lambda row: row.name):
        path = folder / f"{notebook.name}.ipynb"
        record = Record.read(nbformat.read(path, as_version=4)) if path.exists() else Record()
        rows = [row_of(grade, record.verdicts) for grade in notebook.grades]
        for grade in notebook.grades:
            points, most = points + grade.score, most + grade.max_score
            if grade.needs_manual_grade:
                waiting.append(exercise_of(grade.name))
        words = f"Your {notebook.name} notebook with all comments"
        to_page = Html(f"<p>{link(f'{notebook.name}.html', words)}</p>") if path.exists() else \
            paragraph("This notebook was not handed in.")
        mended = [paragraph(f"Mended before grading: {line}", note=True) for line in in_words(record.mended)]
        parts.append(section(notebook.name, table(f"Points in {notebook.name}", ("exercise", "points", "of", "checks"), rows),
                             first_step(rows, record.verdicts), to_page, *mended))
    name = submission.assignment.name
    return page(f"Feedback on {name}", *summary(submission, points, most, waiting), *parts)


def summary(submission, points, most, waiting):
    """Paragraphs on the whole assignment that are true at this moment."""
    said = [paragraph(f"You have {written(points)} of {written(most)} points.")]
    if waiting:
        said.append(paragraph(f"A person still reads: {', '.join(sorted(waiting))}. Points can be added there."))
    penalty = submission.late_submission_penalty
    if penalty:
        said.append(paragraph(f"It came after the deadline: {written(penalty)} points are taken off, so {written(points - penalty)} count."))
    return said


def row_of(grade, verdicts):
    name = exercise_of(grade.name)
    known = grade.auto_score is not None or grade.manual_score is not None
    verdict = verdicts.get(name)
    checks = "graded by a person"
    if verdict:
        passed = f"{verdict.count(Outcome.PASSED)} of {len(verdict.checks)} passed"
        checks = "not handed in" if verdict.blank else passed
        if grade.manual_score is not None:
            checks = f"a person decided (the checks alone gave {written(float(grade.auto_score or 0))}: {checks})"
    return name, float(grade.score) if known else None, float(grade.max_score), checks


def first_step(rows, verdicts):
    """Where to go on: the exercise that lost most points for each check that did not pass, for there is most to win."""
    judged = {name: (most - points, verdicts[name]) for name, points, most, _ in rows
              if name in verdicts and points is not None}
    gains = {name: lost / max(1, len(verdict.checks) - verdict.count(Outcome.PASSED))
             for name, (lost, verdict) in judged.items() if lost > 0}
    if not judged:
        return ""
    if not gains:
        praise = " Well done!" if any(most > 0 for name, _, most, _ in rows if name in judged) else ""
        return paragraph("Every exercise has all of its points." + praise)
    done = len(judged) - len(gains)
    start = f"{done} of {len(judged)} exercises are complete. " if done else ""
    return paragraph(f"{start}A good place to go on is {max(gains, key=gains.get)}: there are most points to win for each check "
                     "that failed. Its table in the notebook's page says what each check saw and what to try.")
