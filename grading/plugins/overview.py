"""The overview of an assignment, `index.html`, that stands beside the feedback pages of its notebooks."""

from collections.abc import Iterable, Mapping, Sequence
from datetime import tzinfo
from pathlib import Path
from typing import NamedTuple

import nbformat
from nbformat import NotebookNode

from ..pages.html import Html, link, page, paragraph, section, table
from ..notebooks.cells import exercise_of, grade_id, title_of
from ..notebooks.dates import zone_called
from ..notebooks.mend import in_words
from ..notebooks.record import Outcome, Record, VerdictRecord, records_in, written
from ..run.penalties import is_judged
from .feedback import give_titles, in_time
from ..run.results import CellGrade, SubmissionResult

NAME = "index.html"
Titles = tuple[str | None, dict[str, str | None]]     # of a notebook, and {grade_id: of an exercise}


def overview(submission: SubmissionResult, folder: str | Path, records: Mapping[str, Record] | None = None, zone: tzinfo | None = None, titles: Mapping[str, Titles] | None = None, regraded: Iterable[str] = ()) -> str:
    """The overview page of a submission (its row, or `run/results.py`'s) whose graded notebooks lie in `folder`.

    `records` is what they say of their grading and `titles` {notebook: `titles_of` it}, where these are known already. Moments are
    shown in `zone`, by default this machine's; `regraded` are sentences on regrades.
    """
    records, parts, waiting, points, most = records_in(folder) if records is None else records, [], [], 0.0, 0.0
    for notebook in sorted(submission.notebooks, key=lambda row: row.name):
        title, of_exercises = titles[notebook.name] if titles and notebook.name in titles else \
            titles_in(Path(folder) / f"{notebook.name}.ipynb")
        record = records.get(notebook.name, Record())
        rows = [row_of(grade, record.verdicts, of_exercises.get(grade.name) or title_of(grade.name), record.refused) for grade in notebook.grades]
        for grade, row in zip(notebook.grades, rows):
            points, most = points + (row.points or 0.0), most + grade.max_score
            if grade.needs_manual_grade:
                waiting.append(row.title)
        words = f"Your {notebook.name} notebook with all comments"
        to_page = Html(f"<p>{link(f'{notebook.name}.html', words)}</p>") if notebook.name in records else \
            paragraph("This notebook was not handed in.")
        mended = [paragraph(f"Mended before grading: {line}", note=True) for line in in_words(record.mended)]
        cells = [(row.title, row.points, row.most, row.checks) for row in rows]
        title = title or notebook.name
        parts.append(section(title, table(f"Points in {title}", ("exercise", "points", "of", "checks"), cells),
                             first_step(rows), to_page, *mended))
    name = submission.assignment.name
    return page(f"Feedback on {name}", *summary(submission, points, most, waiting, zone or zone_called(None)), *map(paragraph, regraded),
                *parts)


def titles_in(path: Path) -> Titles:
    """`titles_of` the graded notebook at `path`, if it is there. Grading wrote it: no validation."""
    return titles_of(nbformat.v4.reads(path.read_text(encoding="utf-8"))) if path.exists() else (None, {})


def titles_of(nb: NotebookNode) -> Titles:
    """(title, {grade_id: the exercise's title}) of a graded notebook, whose cells get them."""
    return give_titles(nb), {name: cell.metadata.nbgrader.get("title") for cell in nb.cells if (name := grade_id(cell))}


def summary(submission: SubmissionResult, points: float, most: float, waiting: Sequence[str], zone: tzinfo) -> list[str]:
    """Paragraphs on the whole assignment that are true at this moment."""
    said = [paragraph(f"You have {written(points)} of {written(most)} points.")]
    if waiting:
        said.append(paragraph(f"A person still reads {', '.join(f'“{title}”' for title in waiting)}. Points can be added there."))
    penalty = submission.late_submission_penalty
    if penalty:
        said.append(paragraph(f"It came after the deadline: {written(penalty)} points are taken off, so {written(points - penalty)} count."))
    if when := in_time(submission, zone):
        said.append(paragraph(when))
    return said


class Row(NamedTuple):
    """An exercise or a question: its title in the notebook, its points unless it waits for a person, what the checks said."""

    title: str
    points: float | None
    most: float
    checks: str
    verdict: VerdictRecord | None


def row_of(grade: CellGrade, verdicts: Mapping[str, VerdictRecord], title: str, refused: bool = False) -> Row:
    known = is_judged(grade) and not (refused and grade.needs_manual_grade)
    score = (grade.auto_score or 0.0) if grade.needs_manual_grade else grade.score
    verdict = verdicts.get(exercise_of(grade.name))
    checks = "graded by a person"
    if verdict:
        passed = f"{verdict.count(Outcome.PASSED)} of {len(verdict.checks)} passed"
        checks = "not handed in" if verdict.blank else passed
        if grade.manual_score is not None and not grade.needs_manual_grade:
            checks = f"a person decided (the checks alone gave {written(float(grade.auto_score or 0))}: {checks})"
    return Row(title, float(score) if known else None, float(grade.max_score), checks, verdict)


def first_step(rows: Sequence[Row]) -> str:
    """Where to go on: the exercise that lost most points for each check that did not pass, for there is most to win."""
    judged = [(row, row.verdict, row.points) for row in rows if row.verdict and row.points is not None]
    gains = {row.title: (row.most - points) / max(1, len(verdict.checks) - verdict.count(Outcome.PASSED))
             for row, verdict, points in judged if points < row.most}
    if not judged:
        return ""
    if not gains:
        praise = " Well done!" if any(row.most > 0 for row, _, _ in judged) else ""
        return paragraph("Every exercise has all of its points." + praise)
    done = len(judged) - len(gains)
    start = f"{done} of {len(judged)} exercises are complete. " if done else ""
    return paragraph(f"{start}A good place to go on is “{max(gains, key=gains.__getitem__)}”: there are most points to win for each check "
                     "that failed. Its table in the notebook's page says what each check saw and what to try.")
