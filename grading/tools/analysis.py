"""What a graded class shows: points, checks, known mistakes, and how well each item tells students apart.

Item statistics are those of classical test theory. Facility is the mean share of an item's points that was earned
(so an easy item is near 1). Discrimination is the corrected item-total correlation: Pearson's r between the points of
the item and the points of everything else (S. Henrysson, "Correction of item-total correlations in item analysis",
Psychometrika 28, 1963, 211-218). For a check, which is passed or not, that is a point-biserial correlation, and
"everything else" are the other exercises.
"""

import hashlib
import shlex
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
from nbgrader.api import Grade, SubmittedAssignment

from ..root import CourseError
from ..run import human
from ..run.course import Course
from ..notebooks.cells import exercise_of
from ..notebooks.record import CheckRecord, Outcome, Record, records_in
from ..run.gradebook import find_generated, penalty_of, submissions_of, waits_for_a_person
from ..run.grades import raw_of
from ..run.kept import LOST
from ..run.penalties import is_judged, net_of, score_of
from .watching import Walk

Numbers = np.ndarray[Any, np.dtype[np.float64]]
FEWEST = 20     # submissions below which a correlation is not shown: from there on one of 0.45 is told from none


@dataclass
class Item:
    """A graded cell: an exercise, or a question that a person grades."""

    name: str
    most: float
    by_hand: bool


@dataclass
class Work:
    """One graded submission. `points` is None where a person still has to grade; `hours_early` is negative if late."""

    student: str
    label: str
    points: dict[str, float | None]
    checks: dict[tuple[str, str], CheckRecord] = field(default_factory=dict)        # by exercise and check
    reasons: list[str] = field(default_factory=list)        # why a human should look, without anything a student wrote
    hours_early: float | None = None
    penalty: float = 0.0
    counts: float | None = None     # what counts, penalty taken off; None while a person has to look


@dataclass
class ClassResult:
    """A class's results in one assignment. `pending` are items without a score for somebody: totals leave them out.

    It is read as a whole and not changed afterwards: what walks the class is done once.
    """

    assignment: str
    items: list[Item]
    works: list[Work]
    not_graded: list[tuple[str, str]]       # students and their labels

    @cached_property
    def pending(self) -> list[Item]:
        return [item for item in self.items if any(work.points[item.name] is None for work in self.works)]

    @cached_property
    def counted(self) -> list[Item]:
        return [item for item in self.items if item not in self.pending]

    @cached_property
    def most(self) -> float:
        return sum(item.most for item in self.counted)

    @cached_property
    def table(self) -> Numbers:
        """The points of every work (rows) in the counted items (columns)."""
        rows = [[work.points[item.name] for item in self.counted] for work in self.works]
        return np.array(rows, dtype=float).reshape(len(self.works), len(self.counted))

    @cached_property
    def totals(self) -> Numbers:
        """Of each work, in their order."""
        return self.table.sum(axis=1)

    def totals_without(self, name: str) -> Numbers:
        """The totals of each work without the item of that name, summed anew: a difference would not be exact."""
        return self.table[:, [item.name != name for item in self.counted]].sum(axis=1)


# --- read -------------------------------------------------------------------------------------------------------

def read(root: Path | None, assignment: str, watch: Walk = iter) -> ClassResult:
    """What an assignment shows, from the gradebook and autograded/. Raises `CourseError`, `NotGenerated`."""
    course = Course(root)
    with course.gradebook() as gradebook:
        row = find_generated(gradebook, assignment)
        items = [Item(exercise_of(cell.name), cell.max_score, cell.cell_type == "markdown")
                 for notebook in row.notebooks for cell in [*notebook.grade_cells, *notebook.task_cells]]
        submissions = submissions_of(gradebook, row)
        kept = course.kept(assignment)
        lacking = {student: why for student in course.graded_students(assignment)
                   if (why := kept.lacks(student, course.graded_folder(assignment, student)))}
        labels = labels_of(assignment, [*{*(submission.student_id for submission in submissions), *lacking}])
        works, not_graded = [], [(student, labels[student]) for student, why in lacking.items() if why == LOST]
        for submission in watch(submissions):
            folder = course.graded_folder(assignment, submission.student_id)
            if (why := lacking.get(submission.student_id)) == LOST:
                continue
            if folder.is_dir():
                works.append(read_work(submission, folder, labels[submission.student_id]))
                works[-1].reasons += [why] if why else []
            elif submission.extension is None:      # else the row may be there for the extension alone
                not_graded.append((submission.student_id, labels[submission.student_id]))
    if not works:
        raise CourseError(f"Nobody's {assignment} is graded yet. Grade it first: course grade {shlex.quote(assignment)}")
    return ClassResult(assignment, items, sorted(works, key=lambda work: work.label), not_graded)


def labels_of(assignment: str, students: Sequence[str]) -> dict[str, str]:
    """{student: a number that says nothing of the name or of the order of names}"""
    digest = {student: hashlib.sha256(f"{assignment}/{student}".encode()).digest() for student in students}
    width = len(str(len(students)))
    return {student: f"submission {number:0{width}}"
            for number, student in enumerate(sorted(students, key=digest.__getitem__), start=1)}


def read_work(submission: SubmittedAssignment, folder: Path, label: str) -> Work:
    work = Work(submission.student_id, label, {}, penalty=round(penalty_of(submission), 2))
    if not waits_for_a_person(submission):
        work.counts = net_of(raw_of(submission), work.penalty)
    if submission.timestamp and submission.duedate:
        work.hours_early = (submission.duedate - submission.timestamp).total_seconds() / 3600
    for notebook in submission.notebooks:
        for grade in notebook.grades:
            work.points[exercise_of(grade.name)] = points_of(grade)
        work.reasons += [f"{name} has no score yet" for name in human.open_questions(notebook.grades)]
    rows = {notebook.name: notebook.grades for notebook in submission.notebooks}
    for notebook, record in records_in(folder).items():
        work.reasons += human.kinds(record, notebook, rows.get(notebook, ()))
        read_checks(work, record)
    return work


def points_of(grade: Grade) -> float | None:
    """None where nobody has judged the answer that lies there now."""
    return score_of(grade) if is_judged(grade) else None


def read_checks(work: Work, record: Record) -> None:
    for exercise, verdict in record.verdicts.items():
        work.checks.update({(exercise, check.name): check for check in verdict.checks})


# --- count ------------------------------------------------------------------------------------------------------

def correlation(x: Any, y: Any) -> float | None:
    """Pearson's r of two lists; None where there are fewer than `FEWEST` pairs or one of them does not vary."""
    x, y = np.asarray(x, dtype=float), np.asarray(y, dtype=float)
    if len(x) < FEWEST or np.ptp(x) == 0 or np.ptp(y) == 0:
        return None
    return float(np.corrcoef(x, y)[0, 1])


def quartiles(values: Sequence[float] | Numbers) -> tuple[float, float, float]:
    """Lower quartile, median, upper quartile."""
    low, middle, high = np.quantile(values, (0.25, 0.5, 0.75)).tolist()
    return low, middle, high


def items(result: ClassResult) -> list[tuple[Item, int, float | None, float | None, float | None]]:
    """[(item, how many have a score, mean points, facility, discrimination)] in the notebook's order, None if unknown."""
    found = []
    for item in result.items:
        given = [work.points[item.name] for work in result.works]
        scored = [value is not None for value in given]
        points = [value for value in given if value is not None]
        mean = float(np.mean(points)) if points else None
        found.append((item, len(points), mean, mean / item.most if mean is not None and item.most else None,
                      correlation(points, result.totals_without(item.name)[scored])))
    return found


@dataclass
class CheckCount:
    """How a check went in the whole class."""

    exercise: str
    name: str
    title: str
    core: bool
    outcomes: Counter[Outcome] = field(default_factory=Counter)
    discrimination: float | None = None

    @property
    def rate(self) -> float:
        return self.outcomes[Outcome.PASSED] / self.outcomes.total()


def checks(result: ClassResult) -> list[CheckCount]:
    """Each check, in the order of items and of the checks in their file."""
    found: dict[tuple[str, str], CheckCount] = {}
    judged: dict[tuple[str, str], list[int]] = {}       # the numbers of works
    passed: dict[tuple[str, str], list[bool]] = {}      # whether each of them passed
    for number, work in enumerate(result.works):
        for key, check in work.checks.items():
            count = found.setdefault(key, CheckCount(*key, check.title, check.core))
            count.outcomes[check.outcome] += 1
            judged.setdefault(key, []).append(number)
            passed.setdefault(key, []).append(check.outcome == Outcome.PASSED)
    others = {exercise: result.totals_without(exercise) for exercise, _ in found}
    for key, count in found.items():
        count.discrimination = correlation(passed[key], others[key[0]][judged[key]])
    order = [item.name for item in result.items]
    return sorted(found.values(), key=lambda count: order.index(count.exercise) if count.exercise in order else len(order))


def mistakes(result: ClassResult) -> list[tuple[str, str, int]]:
    """[(exercise, known mistake, how many submissions)], the most frequent first."""
    found: dict[tuple[str, str], int] = {}
    for work in result.works:
        seen = {(exercise, check.misconception) for (exercise, _), check in work.checks.items()
                if check.misconception}
        for key in seen:
            found[key] = found.get(key, 0) + 1
    return sorted(((*key, count) for key, count in found.items()), key=lambda row: (-row[2], row[:2]))
