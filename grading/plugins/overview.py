"""The overview of an assignment, `index.html`, that stands beside the feedback pages of its notebooks."""

from ..pages.html import Html, link, page, paragraph, section, table
from ..notebooks.cells import exercise_of
from ..notebooks.dates import zone_called
from ..notebooks.mend import in_words
from ..notebooks.record import Outcome, Record, records_in, written
from .feedback import in_time

NAME = "index.html"


def overview(submission, folder, records=None, zone=None):
    """The overview page of a submission (its row, or `run/results.py`'s) whose graded notebooks lie in `folder`.

    `records` is what they say of their grading, where it is known already. Moments are shown in `zone`, by default this machine's.
    """
    records, parts, waiting, points, most = records_in(folder) if records is None else records, [], [], 0.0, 0.0
    for notebook in sorted(submission.notebooks, key=lambda row: row.name):
        record = records.get(notebook.name, Record())
        rows = [row_of(grade, record.verdicts) for grade in notebook.grades]
        for grade in notebook.grades:
            points, most = points + grade.score, most + grade.max_score
            if grade.needs_manual_grade:
                waiting.append(exercise_of(grade.name))
        words = f"Your {notebook.name} notebook with all comments"
        to_page = Html(f"<p>{link(f'{notebook.name}.html', words)}</p>") if notebook.name in records else \
            paragraph("This notebook was not handed in.")
        mended = [paragraph(f"Mended before grading: {line}", note=True) for line in in_words(record.mended)]
        parts.append(section(notebook.name, table(f"Points in {notebook.name}", ("exercise", "points", "of", "checks"), rows),
                             first_step(rows, record.verdicts), to_page, *mended))
    name = submission.assignment.name
    return page(f"Feedback on {name}", *summary(submission, points, most, waiting, zone or zone_called(None)), *parts)


def summary(submission, points, most, waiting, zone):
    """Paragraphs on the whole assignment that are true at this moment."""
    said = [paragraph(f"You have {written(points)} of {written(most)} points.")]
    if waiting:
        said.append(paragraph(f"A person still reads: {', '.join(sorted(waiting))}. Points can be added there."))
    penalty = submission.late_submission_penalty
    if penalty:
        said.append(paragraph(f"It came after the deadline: {written(penalty)} points are taken off, so {written(points - penalty)} count."))
    if when := in_time(submission, zone):
        said.append(paragraph(when))
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
