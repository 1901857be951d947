"""What the gradebook says of submissions, as plain data: read in a few queries, sent to other processes, compared.

The attributes bear the names of nbgrader's rows, so that what reads these reads rows as well.
"""

from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from nbgrader.api import BaseCell, Comment, Grade, Gradebook, SubmittedAssignment, SubmittedNotebook
from sqlalchemy.orm import Session

from .penalties import score_of

AT_A_TIME = 500     # submissions that one query is about


@dataclass(frozen=True, slots=True)
class CellGrade:
    """One graded cell; `score` is what it counts, see `penalties.score_of`."""

    name: str
    score: float
    max_score: float
    auto_score: float | None
    manual_score: float | None
    needs_manual_grade: bool


@dataclass(frozen=True, slots=True)
class CellComment:
    """What was said of one answer: by a person, and by nbgrader ("No response.")."""

    manual_comment: str | None
    auto_comment: str | None


@dataclass(frozen=True, slots=True)
class NotebookResult:
    """One notebook; `comments` are by the name of their cell. `max_score` counts cells that have no grade as well."""

    name: str
    grades: tuple[CellGrade, ...]
    comments: dict[str, CellComment]
    max_score: float
    late_submission_penalty: float | None

    @property
    def score(self) -> float:
        return sum(grade.score for grade in self.grades)

    def grade(self, name: str) -> CellGrade | None:
        return next((grade for grade in self.grades if grade.name == name), None)


@dataclass(frozen=True, slots=True)
class Named:
    """An assignment, as far as a submission names it."""

    name: str
    duedate: datetime | None = None     # UTC, as all moments of the gradebook


@dataclass(frozen=True, slots=True)
class SubmissionResult:
    """One submission with its notebooks."""

    student_id: str
    assignment: Named
    notebooks: tuple[NotebookResult, ...]
    timestamp: datetime | None = None
    extension: timedelta | None = None

    @property
    def duedate(self) -> datetime | None:
        due = self.assignment.duedate
        return due + self.extension if due and self.extension else due

    @property
    def late_submission_penalty(self) -> float:
        return sum(notebook.late_submission_penalty or 0.0 for notebook in self.notebooks)

    @property
    def waits_for_a_person(self) -> bool:
        return any(grade.needs_manual_grade for notebook in self.notebooks for grade in notebook.grades)

    def notebook(self, name: str) -> NotebookResult | None:
        return next((notebook for notebook in self.notebooks if notebook.name == name), None)


def results_of(gradebook: Gradebook, assignment: str, students: list[str] | None = None) -> Iterator[SubmissionResult]:
    """What the gradebook says of an assignment's submissions, or of those by `students`. Raises nbgrader's `MissingEntry`.

    nbgrader's tables have no index for the rows of a submission: a query for each would read the whole table each time.
    """
    row, db = gradebook.find_assignment(assignment), gradebook.db
    notebooks = {notebook.id: (notebook.name, notebook.max_score) for notebook in row.notebooks}
    cells = {cell.id: (cell.name, getattr(cell, "max_score", None) or 0.0)
             for cell in db.query(BaseCell).filter(BaseCell.notebook_id.in_(list(notebooks)))}
    wanted = db.query(SubmittedAssignment.id, SubmittedAssignment.student_id, SubmittedAssignment.timestamp,
                      SubmittedAssignment.extension).filter_by(assignment_id=row.id)
    if students is not None:
        wanted = wanted.filter(SubmittedAssignment.student_id.in_(students))
    submissions = wanted.order_by(SubmittedAssignment.student_id).all()
    for first in range(0, len(submissions), AT_A_TIME):
        some = {key: about for key, *about in submissions[first:first + AT_A_TIME]}
        yield from read(db, Named(assignment, row.duedate), some, notebooks, cells)


def read(db: Session, assignment: Named, submissions: dict[str, list[Any]], notebooks: dict[str, tuple[str, float]],
         cells: dict[str, tuple[str, float]]) -> Iterator[SubmissionResult]:
    """The results of `submissions` ({id: [student, time stamp, extension]}); `notebooks` and `cells` are the assignment's own, by id."""
    parts = db.query(SubmittedNotebook.id, SubmittedNotebook.assignment_id, SubmittedNotebook.notebook_id,
                     SubmittedNotebook.late_submission_penalty).filter(SubmittedNotebook.assignment_id.in_(list(submissions))).all()
    ids = [part.id for part in parts]
    grades, comments = defaultdict[str, list[CellGrade]](list), defaultdict[str, dict[str, CellComment]](dict)
    for one in db.query(Grade.notebook_id, Grade.cell_id, Grade.extra_credit, Grade.auto_score, Grade.manual_score,
                        Grade.needs_manual_grade).filter(Grade.notebook_id.in_(ids)):
        name, most = cells[one.cell_id]
        grades[one.notebook_id].append(CellGrade(name, score_of(one), most, one.auto_score, one.manual_score, bool(one.needs_manual_grade)))
    for one in db.query(Comment.notebook_id, Comment.cell_id, Comment.manual_comment, Comment.auto_comment).filter(
            Comment.notebook_id.in_(ids)):
        comments[one.notebook_id][cells[one.cell_id][0]] = CellComment(one.manual_comment, one.auto_comment)
    found = defaultdict[str, list[NotebookResult]](list)
    for part in parts:
        name, most = notebooks[part.notebook_id]
        found[part.assignment_id].append(NotebookResult(name, tuple(grades[part.id]), comments[part.id], most,
                                                        part.late_submission_penalty))
    for key, (student, timestamp, extension) in submissions.items():
        yield SubmissionResult(student, assignment, tuple(found[key]), timestamp, extension)
