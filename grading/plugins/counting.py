"""Formgrader's totals are what counts, as in the feedback, the report and the grade files: late penalties are taken off, and
what a person gave to an answer that was changed since counts for nothing until somebody has looked again.

nbgrader's own totals know neither. Its sums of a kind (code, written, task) stay as they are. It also takes for graded what has the
time stamp of what was graded, so that a file from elsewhere was never graded to it, and who only got an extension for one who
handed in: here both go by what lies in the folders.
"""

import inspect
from collections import defaultdict
from collections.abc import Callable
from functools import wraps
from pathlib import Path
from typing import Any

from nbgrader.api import Assignment, Grade, Gradebook, Notebook, SubmittedAssignment, SubmittedNotebook
from nbgrader.apps.api import NbGraderAPI
from sqlalchemy import func

from ..notebooks.again import REFUSED_BEFORE, needs_grading

About = tuple[bool, bool, bool]
INSTALLED = "what_counts"       # the mark of what was replaced
# {method: what of (student, assignment, notebook) one of its rows is about}
METHODS: dict[str, About] = {"get_student": (True, False, False), "get_students": (True, False, False), "get_submission": (True, True, False),
           "get_submissions": (True, True, False), "get_notebook_submissions": (True, True, True),
           "get_student_notebook_submissions": (True, True, True)}


def install() -> None:
    """Have formgrader's tables of students, submissions and notebooks show what counts."""
    for name, about in METHODS.items():
        upstream = getattr(NbGraderAPI, name)
        if not hasattr(upstream, INSTALLED):
            replaced = wraps(upstream)(counted(upstream, about))
            setattr(replaced, INSTALLED, True)
            setattr(NbGraderAPI, name, replaced)
    NbGraderAPI.get_autograded_students = autograded_students


def autograded_students(self: NbGraderAPI, assignment_id: str) -> set[str]:
    """The students of whose submission what was graded is what was handed in."""
    with self.gradebook as gradebook:
        known = [student for student, in gradebook.db.query(SubmittedAssignment.student_id).join(Assignment).filter(
            Assignment.name == assignment_id)]
    found = {student: folders(self, student, assignment_id) for student in known}
    return {student for student, (submitted, graded) in found.items() if graded.is_dir()
            and (not submitted.is_dir() or needs_grading(submitted, graded) in (None, REFUSED_BEFORE))}


def folders(api: NbGraderAPI, student: str, assignment: str) -> tuple[Path, Path]:
    course = api.coursedir
    return (Path(course.format_path(course.submitted_directory, student, assignment)),
            Path(course.format_path(course.autograded_directory, student, assignment)))


def counted(upstream: Callable[..., Any], about: About) -> Callable[..., Any]:
    signature = inspect.signature(upstream)

    def get(self: NbGraderAPI, *arguments: Any, **options: Any) -> Any:
        found = upstream(self, *arguments, **options)
        asked = signature.bind(self, *arguments, **options).arguments
        with self.gradebook as gradebook:
            less = summed(taken_off(gradebook, asked.get("student_id"), asked.get("assignment_id")), about)
        if upstream.__name__ == "get_submissions":
            found = [row for row in found if any(folder.is_dir() for folder in folders(self, row["student"], asked["assignment_id"]))]
        for row in found if isinstance(found, list) else filter(None, [found]):
            key = row.get("student", row.get("id")), asked.get("assignment_id"), row.get("name")
            row["score"] = max(0.0, round(row["score"] - less[only(key, about)], 2))
        return found
    return get


def taken_off(gradebook: Gradebook, student: str | None = None, assignment: str | None = None) -> dict[tuple[str, str, str], float]:
    """{(student, assignment, notebook): the points that nbgrader's total has too many}, of all or of one student or assignment:
    nbgrader asks for each submission that is not graded by itself."""
    found: defaultdict[tuple[str, str, str], float] = defaultdict(float)
    names = {row.id: row.name for row in gradebook.assignments}
    base = gradebook.db.query(SubmittedNotebook).join(SubmittedAssignment, SubmittedNotebook.assignment_id == SubmittedAssignment.id) \
        .join(Notebook, SubmittedNotebook.notebook_id == Notebook.id)
    if student is not None:
        base = base.filter(SubmittedAssignment.student_id == student)
    if assignment is not None:
        base = base.join(Assignment, SubmittedAssignment.assignment_id == Assignment.id).filter(Assignment.name == assignment)
    where = SubmittedAssignment.student_id, SubmittedAssignment.assignment_id, Notebook.name
    late = base.filter(SubmittedNotebook.late_submission_penalty > 0).with_entities(*where, SubmittedNotebook.late_submission_penalty)
    waiting = base.join(Grade, Grade.notebook_id == SubmittedNotebook.id).filter(Grade.needs_manual_grade) \
        .with_entities(*where, Grade.score - func.coalesce(Grade.auto_score, 0.0))
    for student, assignment, notebook, points in (*late, *waiting):
        found[student, names[assignment], notebook] += points
    return found


def summed(less: dict[tuple[Any, ...], float], about: About) -> dict[tuple[Any, ...], float]:
    """The same for all assignments, or all notebooks, together."""
    found: defaultdict[tuple[Any, ...], float] = defaultdict(float)
    for key, points in less.items():
        found[only(key, about)] += points
    return found


def only(key: tuple[Any, ...], about: About) -> tuple[Any, ...]:
    return tuple(one for one, wanted in zip(key, about) if wanted)
