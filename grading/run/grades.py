"""What counts for a student in an assignment, at this moment: one answer for every table that leaves the course."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from nbgrader.api import Assignment, Gradebook, SubmittedAssignment
from nbgrader.coursedir import CourseDirectory

from .gradebook import penalty_of, submissions_of, waits_for_a_person
from .kept import Kept
from .results import results_of
from .penalties import net_of, score_of


@dataclass(frozen=True)
class Standing:
    """`net` points, penalty taken off, or None with the reason (`why`) why there is no number yet.

    `raw` and `penalty` are its parts, `so_far` what is known of a submission that a person still reads.
    """

    net: float | None
    why: str = ""
    raw: float | None = None
    penalty: float = 0.0
    timestamp: datetime | None = None
    so_far: float | None = None


def now() -> datetime:
    """As the gradebook counts."""
    return datetime.now(UTC).replace(tzinfo=None)


def raw_of(submission: SubmittedAssignment) -> float:
    """The points of a submission, no penalty taken off."""
    return sum(score_of(grade) for notebook in submission.notebooks for grade in notebook.grades)


def is_graded(submission: SubmittedAssignment) -> bool:
    """Whether anybody has graded it: a row may be there for an extension alone."""
    return any(grade.auto_score is not None or grade.manual_score is not None
               for notebook in submission.notebooks for grade in notebook.grades)


class Grades:
    """The standing of each student in one assignment (a row of the gradebook); `coursedir` knows what waits in submitted/."""

    def __init__(self, gradebook: Gradebook, assignment: Assignment, coursedir: CourseDirectory | None = None,
                 moment: datetime | None = None) -> None:
        self.assignment, self.coursedir, self.now = assignment, coursedir, moment or now()
        self.rows = {row.student_id: row for row in submissions_of(gradebook, assignment)}
        self.someone = any(map(is_graded, self.rows.values()))
        self.kept = Kept.read(assignment, results_of(gradebook, assignment.name))

    def why_not_yet(self) -> str | None:
        """Why the assignment as a whole is in no table; None if it is."""
        if not self.assignment.notebooks:
            return "it is not generated"
        if self.assignment.duedate and self.assignment.duedate > self.now:
            return "it is not due"
        if not self.someone and not any(map(self.waits, self.rows)):
            return "nobody has handed it in"
        return None

    def of(self, student: str) -> Standing:
        """A student's standing."""
        submission, due = self.rows.get(student), self.assignment.duedate
        if submission is not None and submission.extension and due:
            due += submission.extension
        if due and due > self.now:
            return Standing(None, "it is not due yet")
        if lacks := self.lacks(student):
            return Standing(None, lacks)
        if submission is None or not is_graded(submission):
            if self.waits(student):
                return Standing(None, "it is handed in and not graded")
            return Standing(0.0, raw=0.0) if self.someone else Standing(None, "nobody has handed it in")
        raw, penalty = round(raw_of(submission), 2), round(penalty_of(submission), 2)
        net = net_of(raw, penalty)
        if waits_for_a_person(submission):
            return Standing(None, "a person has to finish grading it", raw, penalty, submission.timestamp, net)
        return Standing(net, "", raw, penalty, submission.timestamp)

    def lacks(self, student: str) -> str | None:
        """What is wrong with the rows of a submission that was graded, see `Kept.lacks`."""
        return self.kept.lacks(student, self.folder(self.coursedir.autograded_directory, student)) if self.coursedir is not None else None

    def waits(self, student: str) -> bool:
        """Whether something of the student's lies in submitted/, or was graded and is not here."""
        return self.coursedir is not None and (self.folder(self.coursedir.submitted_directory, student).is_dir() or bool(self.lacks(student)))

    def folder(self, step: str, student: str) -> Path:
        assert self.coursedir is not None
        return Path(self.coursedir.format_path(step, student, self.assignment.name))

    def strangers(self, students: Iterable[str]) -> list[str]:
        """Who has handed something in and is not among `students`: the gradebook was changed since, or it is not graded yet."""
        if self.coursedir is None:
            return []
        steps, known = (self.coursedir.submitted_directory, self.coursedir.autograded_directory), {*students, *self.coursedir.student_id_exclude.split(",")}
        names = {place.name for step in steps for place in Path(self.coursedir.root, step).glob("[!.]*")} - known
        return sorted(name for name in names if any(self.folder(step, name).is_dir() for step in steps))
