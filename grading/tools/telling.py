"""`course mistakes ASSIGNMENT WHICH --tell`: one comment to all who made a mistake, kept by nbgrader as a person's own."""

import hashlib
import json
import shlex
from pathlib import Path

from nbgrader.api import BaseCell, Comment, Notebook, SubmittedAssignment, SubmittedNotebook
from rich.console import Console

from ..lms.private import write_private
from ..notebooks.names import printable
from ..root import AUDIT, CourseError
from ..run import audit
from ..run.course import Course
from ..run.gradebook import find_generated
from .class_answers import Group
from .terminal import tell

MOST = 2000     # characters of a comment
TOLD = "told.json"      # digests of the comments that this command wrote: these it may correct


def comment(course: Course, assignment: str, group: Group, words: str) -> tuple[list[str], list[str], list[str]]:
    """Write `words` under the answers of a group: the students who have it now, who had it, whose own comment stays.

    One transaction: all of them or, if this raises, none.
    """
    words = words.strip()
    if not words or len(words) > MOST:
        raise CourseError(f"A comment has 1 to {MOST} characters; this one has {len(words)}.")
    written: list[str] = []
    there: list[str] = []
    kept: list[str] = []
    with course.gradebook() as gradebook:
        row = find_generated(gradebook, assignment)
        found = gradebook.db.query(SubmittedAssignment.student_id, Comment).join(
            SubmittedNotebook, SubmittedNotebook.assignment_id == SubmittedAssignment.id).join(
            Comment, Comment.notebook_id == SubmittedNotebook.id).join(BaseCell, BaseCell.id == Comment.cell_id).join(
            Notebook, Notebook.id == SubmittedNotebook.notebook_id).filter(
            SubmittedAssignment.assignment_id == row.id, Notebook.name == group.notebook, BaseCell.name == group.exercise).all()
        mine = {answer.student for answer in group.answers}
        told = read_told(course)
        for student, one in sorted(((student, one) for student, one in found if student in mine), key=lambda pair: pair[0]):
            said = (one.manual_comment or "").strip()
            if said == words:
                there.append(student)
            elif not said or digest_of(assignment, student, group.exercise, said) in told:
                one.manual_comment = words
                written.append(student)
            else:
                kept.append(student)
        if written:
            note_told(course, told | {digest_of(assignment, student, group.exercise, words) for student in written})
        gradebook.db.commit()
    if missing := mine - {*written, *there, *kept}:
        raise CourseError(f"The gradebook has no place for a comment on {group.exercise} for {len(missing)} of them; the others have it. "
                          f"Is {group.exercise} the name of its answer cell in source/{assignment}?")
    return written, there, kept


def digest_of(assignment: str, student: str, exercise: str, words: str) -> str:
    return hashlib.sha256(json.dumps([assignment, student, exercise, words]).encode()).hexdigest()[:32]


def read_told(course: Course) -> set[str]:
    try:
        return set(json.loads(Path(course.dir.root, AUDIT, TOLD).read_text(encoding="ascii")))
    except (OSError, ValueError, TypeError):
        return set()


def note_told(course: Course, told: set[str]) -> None:
    """Written before the comments are: what is noted and not there harms nothing."""
    write_private(audit.make(course.dir.root) / TOLD, json.dumps(sorted(told)).encode())


def show(console: Console, course: Course, assignment: str, group: Group, words: str, names: bool) -> None:
    """Write the comment and say what came of it."""
    labels = {answer.student: printable(answer.student) if names else answer.label for answer in group.answers}
    written, there, kept = comment(course, assignment, group, words)
    tell(console, f"Comment on {group.exercise}: {words.strip()}")
    tell(console, f"{len(written)} have it now" + (f", {len(there)} had it" if there else "") + ".")
    if kept:
        tell(console, f"A comment of a person's own stays, and this one was not written, for {len(kept)}: "
                      + ", ".join(sorted(labels[student] for student in kept)) + ("" if names else " (--names says who)"))
    if written:
        tell(console, f"On their pages: course feedback {shlex.quote(assignment)}")
