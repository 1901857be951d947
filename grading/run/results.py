"""What the gradebook says of submissions, as plain data: read in a few queries, sent to other processes, compared.

The attributes bear the names of nbgrader's rows, so that what reads these reads rows as well.
"""

from collections import defaultdict
from collections.abc import Collection, Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from nbgrader.api import BaseCell, Comment, Grade, Gradebook, SubmittedAssignment, SubmittedNotebook
from sqlalchemy import func, select
from sqlalchemy.orm import Session

from .penalties import counted


FEW = 500       # ids that one query names


@dataclass(frozen=True, slots=True)
class CellGrade:
    """One graded cell; `score` is what it counts, see `penalties.counted`."""

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

    nbgrader's tables have no index for the rows of a submission: a query for each, or for some of a class, would read the whole table
    each time.
    """
    row, db = gradebook.find_assignment(assignment), gradebook.db
    notebooks = {notebook.id: (notebook.name, notebook.max_score) for notebook in row.notebooks}
    cells = {cell.id: (cell.name, getattr(cell, "max_score", None) or 0.0)
             for cell in db.query(BaseCell).filter(BaseCell.notebook_id.in_(list(notebooks)))}
    table = SubmittedAssignment.__table__.c
    wanted = select(table.id, table.student_id, table.timestamp, table.extension).where(table.assignment_id == row.id)
    if students is not None:
        wanted = wanted.where(table.student_id.in_(students))
    submissions = {key: about for key, *about in db.execute(wanted.order_by(table.student_id))}
    yield from read(db, Named(assignment, row.duedate), submissions, notebooks, cells)


def read(db: Session, assignment: Named, submissions: dict[str, list[Any]], notebooks: dict[str, tuple[str, float]],
         cells: dict[str, tuple[str, float]]) -> Iterator[SubmissionResult]:
    """The results of `submissions` ({id: [student, time stamp, extension]}); `notebooks` and `cells` are the assignment's own, by id."""
    parts: dict[str, list[Any]] = {key: about for key, *about in rows(db, SubmittedNotebook, ("id", "assignment_id", "notebook_id", "late_submission_penalty"),
                                                ("assignment_id", submissions), ("notebook_id", notebooks))}
    grades, comments = defaultdict[str, list[CellGrade]](list), defaultdict[str, dict[str, CellComment]](dict)
    for notebook, cell, extra, automatic, manual, waits in rows(
            db, Grade, ("notebook_id", "cell_id", "extra_credit", "auto_score", "manual_score", "needs_manual_grade"),
            ("notebook_id", parts), ("cell_id", cells)):
        name, most = cells[cell]
        grades[notebook].append(CellGrade(name, counted(automatic, manual, extra, waits), most, automatic, manual, bool(waits)))
    for notebook, cell, manual, automatic in rows(db, Comment, ("notebook_id", "cell_id", "manual_comment", "auto_comment"),
                                                  ("notebook_id", parts), ("cell_id", cells)):
        comments[notebook][cells[cell][0]] = CellComment(manual, automatic)
    found = defaultdict[str, list[NotebookResult]](list)
    for key, (submission, notebook, penalty) in parts.items():
        name, most = notebooks[notebook]
        found[submission].append(NotebookResult(name, tuple(grades[key]), comments[key], most, penalty))
    for key, (student, timestamp, extension) in submissions.items():
        yield SubmissionResult(student, assignment, tuple(found[key]), timestamp, extension)


def rows(db: Session, model: Any, columns: Iterable[str], mine: tuple[str, Collection[str]],
         cells: tuple[str, Iterable[str]]) -> list[Any]:
    """The rows of a table that belong to submissions, in the order in which they were made: each is read once, whoever is asked for.

    `mine` is a column and the ids that it may have, `cells` the same for what the assignment itself consists of, by which those of a
    whole class are found. As plain rows, for making objects of a large class takes most of the time.
    """
    table, (owner, ids), (part, parts) = model.__table__.c, mine, cells
    # not by an index, in whose order a page would differ from what it was made of
    these = table[owner].in_(list(ids)) if len(ids) <= FEW else func.coalesce(table[part], "").in_(list(parts))
    found = db.execute(select(*(table[name] for name in columns)).where(these))
    place = list(columns).index(owner)
    return [row for row in found.all() if row[place] in ids]
