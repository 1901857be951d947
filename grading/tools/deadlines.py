"""`course due` and `course extend`: deadlines in the course's time zone, for all and for one student."""

import shlex
from collections.abc import Sequence
from datetime import datetime, timedelta
from pathlib import Path

from nbgrader.api import Assignment, Gradebook, Student, SubmittedAssignment
from rich.console import Console

from ..lms.ids import read_ids
from ..notebooks import dates
from ..notebooks.names import for_shell, printable, shown, trouble_with_student
from ..notebooks.near import did_you_mean
from ..notebooks.record import written
from ..root import CourseError
from ..run.audit import TERMS, Act
from ..run.course import Course
from ..run.gradebook import all_rows, commit, exists, find_generated, submissions_of
from ..run.grades import now
from ..run.penalties import renew
from .terminal import tell

Penalty = tuple[str, float, float]      # (student, points off before, now)
NAMES = 20      # of students that are named


# --- for all ----------------------------------------------------------------------------------------------------

def due(console: Console, root: Path | None, assignment: str, when: str | None = None, none: bool = False) -> None:
    """Show, set or remove (`none`) the deadline of an assignment; who has more time keeps as many days more of it."""
    course = Course(root)
    course.assignments(assignment)
    moment = dates.read_moment(when, course.zone) if when else None
    with course.gradebook() as gradebook:
        row = find_generated(gradebook, assignment)
        if when or none:
            changed = set_due(course, gradebook, row, moment)
            tell(console, f"{assignment} is due {dates.shown_moment(moment, course.zone)}." if moment else
                 f"{assignment} has no deadline now, and nobody an extension of it.")
            if moment and moment < now():
                tell(console, "That moment has passed: what is handed in from now on is late.")
            tell_penalties(console, changed)
            tell(console, f"The released notebooks show it after: nbgrader generate_assignment {shlex.quote(assignment)} --force")
        elif row.duedate:
            tell(console, f"{assignment} is due {dates.shown_moment(row.duedate, course.zone)}.")
        else:
            tell(console, f'{assignment} has no deadline. Set one: course due {shlex.quote(assignment)} "30 Nov 2026 12:00"')
        for line in extensions(course, gradebook, row):
            tell(console, line)


def set_due(course: Course, gradebook: Gradebook, row: Assignment, moment: datetime | None) -> list[Penalty]:
    """Write the deadline (UTC, or None) and what follows from it, where that changes."""
    before, policy, changed, submissions = row.duedate, course.late_policy(), [], submissions_of(gradebook, row)
    rows = all_rows(row, submissions)
    row.duedate = moment
    for submission in submissions:
        if submission.extension is not None and before and moment:      # days of the calendar stay days, hours stay hours
            days, rest = dates.apart(before, before + submission.extension, course.zone)
            submission.extension = dates.later(moment, course.zone, days) + rest - moment
        elif moment is None:        # nbgrader cannot add an extension to nothing
            submission.extension = None
        old, new = renew(submission, policy)
        if round(old - new, 2):
            changed.append((submission.student_id, old, new))
    commit(course.dir, gradebook, row, Act("the deadline is another", TERMS), rows, submissions)
    return changed


def tell_penalties(console: Console, changed: Sequence[Penalty]) -> None:
    for student, old, new in changed[:NAMES]:
        tell(console, f"{printable(student)}: {written(new)} points are taken off for being late, not {written(old)}.")
    if changed[NAMES:]:
        tell(console, f"and {len(changed) - NAMES} more")


# --- for one student --------------------------------------------------------------------------------------------

def extend(console: Console, root: Path | None, assignment: str, student: str, days: int, hours: int, new: bool = False) -> None:
    """Give one student more time: calendar days after the deadline of all, then hours; 0 takes it back.

    Raises `CourseError`, also for a student whom nobody knows (unless `new`), or `NotGenerated`.
    """
    course = Course(root)
    course.assignments(assignment)
    with course.gradebook() as gradebook:
        row = find_generated(gradebook, assignment)
        if row.duedate is None:
            raise CourseError(f'{assignment} has no deadline to extend. Set one: course due {shlex.quote(assignment)} "30 Nov 2026 12:00"')
        if not new:
            refuse_unknown(course, gradebook, student)
        elif why := trouble_with_student(student):
            raise CourseError(f"{printable(student)}: {why}")
        with gradebook.db.no_autoflush:     # nbgrader asks for the rows of a submission before it has stored it
            gradebook.update_or_create_student(student)
            submission = gradebook.update_or_create_submission(assignment, student)
        rows, until = all_rows(row, [submission]), dates.later(row.duedate, course.zone, days, hours)
        submission.extension = until - row.duedate or None
        before, after = renew(submission, course.late_policy())
        commit(course.dir, gradebook, row, Act("an extension of the deadline", TERMS), rows, [submission])
        tell(console, f"{student} may hand in {assignment} until {dates.shown_moment(until, course.zone)}.")
        if round(before - after, 2):
            tell_penalties(console, [(student, before, after)])


def refuse_unknown(course: Course, gradebook: Gradebook, student: str) -> None:
    """A mistyped id would get a row of its own in every table of grades."""
    known = {row.id for row in gradebook.db.query(Student)} | set(read_ids(course.dir.root))
    base = Path(course.dir.root, course.dir.submitted_directory)
    known |= {path.name for path in base.iterdir() if path.is_dir()} if base.is_dir() else set()
    if student not in known:
        if why := trouble_with_student(student):
            raise CourseError(f"{shown(student)} is nobody's id: {why}")
        word = for_shell(student)
        insist = f" If it is a new student: the same command with --new, or nbgrader db student add {word}" if word else ""
        raise CourseError(f"Nobody in this course is called {printable(student)}.{did_you_mean(student, known)}{insist}")


def show_extensions(console: Console, root: Path | None, assignment: str | None = None, student: str | None = None) -> None:
    """List who has more time, or say what one student has."""
    course = Course(root)
    lines = []
    if exists(course.dir.db_url):
        with course.gradebook() as gradebook:
            for name in course.assignments(assignment):
                row = next((row for row in gradebook.assignments if row.name == name), None)
                lines += extensions(course, gradebook, row, student) if row else []
            if student is not None:
                refuse_unknown(course, gradebook, student)
    who = "Nobody has" if student is None else f"{printable(student)} has no"
    for line in lines or [f"{who} more time{f' for {assignment}' if assignment else ''}."]:
        tell(console, line)


def extensions(course: Course, gradebook: Gradebook, row: Assignment, student: str | None = None) -> list[str]:
    """A line for each student, or for one, who has more time for an assignment."""
    found = gradebook.db.query(SubmittedAssignment).filter(SubmittedAssignment.assignment_id == row.id,
                                                           SubmittedAssignment.extension.is_not(None)).all()
    if row.duedate is None:
        return []
    return [f"{row.name}: {printable(one.student_id)} until {dates.shown_moment(row.duedate + one.extension, course.zone)} "
            f"({more_time(*dates.apart(row.duedate, row.duedate + one.extension, course.zone))} more)"
            for one in sorted(found, key=lambda one: one.student_id) if student in (None, one.student_id)]


def more_time(days: int, rest: timedelta) -> str:
    hours = rest.total_seconds() / 3600
    parts = [f"{days} day{'s' * (days != 1)}"] * bool(days) + [f"{hours:g} hour{'s' * (hours != 1)}"] * bool(hours)
    return " ".join(parts)
