"""Formgrader's totals are what counts, as in the feedback, the report and the grade files: late penalties are taken off, and
what a person gave to an answer that was changed since counts for nothing until somebody has looked again.

nbgrader's own totals and averages know neither. Its sums of a kind (code, written, task) are before penalties here as well, for a
penalty is the whole submission's. It also takes for graded what has the time stamp of what was graded, so that a file from elsewhere
was never graded to it, and who only got an extension for one who handed in: here both go by what lies in the folders.
"""

import inspect
import os
from collections import Counter, defaultdict
from collections.abc import Callable
from functools import cache, partial, wraps
from pathlib import Path
from typing import Any

from nbgrader.api import Assignment, Grade, GradeCell, Gradebook, Notebook, SubmittedAssignment, SubmittedNotebook
from nbgrader.apps.api import NbGraderAPI
from sqlalchemy import func

from ..notebooks.again import REFUSED_BEFORE
from ..run.kept import Kept
from ..run.penalties import net_of

About = tuple[bool, bool, bool]
Points = Counter[str]       # {"score" or the name of a kind: points}
INSTALLED = "what_counts"       # the mark of what was replaced
# {method: what of (student, assignment, notebook) one of its rows is about}
METHODS: dict[str, About] = {"get_student": (True, False, False), "get_students": (True, False, False), "get_submission": (True, True, False),
           "get_submissions": (True, True, False), "get_notebook_submissions": (True, True, True),
           "get_student_notebook_submissions": (True, True, True)}
KINDS = {"code": "code_score", "markdown": "written_score", None: "task_score"}      # of a cell that is graded; a task is no `GradeCell`
AVERAGES = ("score", *KINDS.values())


def install() -> None:
    """Have formgrader's tables of assignments, students, submissions and notebooks show what counts."""
    for name, about in METHODS.items():
        replace(name, partial(counted, about=about))
    replace("get_assignment", averaged_assignment)
    replace("get_notebooks", averaged_notebooks)
    NbGraderAPI.get_autograded_students = autograded_students


def replace(name: str, change: Callable[[Callable[..., Any]], Callable[..., Any]]) -> None:
    """Once, so that a second course in a process takes nothing off twice; `deadlines.py` may have replaced the same method."""
    upstream = getattr(NbGraderAPI, name)
    if not getattr(upstream, INSTALLED, False):
        replaced = wraps(upstream)(change(upstream))
        setattr(replaced, INSTALLED, True)
        setattr(NbGraderAPI, name, replaced)


def autograded_students(self: NbGraderAPI, assignment_id: str) -> set[str]:
    """The students of whose submission what was graded is what was handed in."""
    with self.gradebook as gradebook:
        known = [student for student, in gradebook.db.query(SubmittedAssignment.student_id).join(Assignment).filter(
            Assignment.name == assignment_id)]
    found, kept = {student: folders(self, student, assignment_id) for student in known}, Kept.of(self.coursedir, assignment_id)
    return {student for student, (submitted, graded) in found.items() if graded.is_dir()
            and (not submitted.is_dir() or kept.why_grade(student, submitted, graded) in (None, REFUSED_BEFORE))}


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
            for kind, points in less[only(key, about)].items():
                if kind in row:     # a student's total has no kinds
                    row[kind] = net_of(row[kind], points)
        return found
    return get


def averaged_assignment(upstream: Callable[..., Any]) -> Callable[..., Any]:
    def get_assignment(self: NbGraderAPI, assignment_id: str, *arguments: Any, **options: Any) -> Any:
        found = upstream(self, assignment_id, *arguments, **options)
        if found and found["id"]:
            with self.gradebook as gradebook:
                found |= averages(points_of(self, gradebook, assignment_id), (True, False, False))[()]
        return found
    return get_assignment


def averaged_notebooks(upstream: Callable[..., Any]) -> Callable[..., Any]:
    def get_notebooks(self: NbGraderAPI, assignment_id: str) -> Any:
        found = upstream(self, assignment_id)
        with self.gradebook as gradebook:
            points = points_of(self, gradebook, assignment_id)
        of_each, handed_in = averages(points, (True, False, True)), Counter(notebook for _, _, notebook in points)
        for row in found:
            row |= of_each[row["name"],] | {"num_submissions": handed_in[row["name"]]}
        return found
    return get_notebooks


def points_of(api: NbGraderAPI, gradebook: Gradebook, assignment: str) -> dict[tuple[str, str, str], Points]:
    """{(student, assignment, notebook): what counts, of all and of each kind} of the notebooks that are graded."""
    found = defaultdict[tuple[str, str, str], Points](Counter)
    course = api.coursedir

    @cache
    def is_graded(student: str, notebook: str) -> bool:      # each has a row for each kind of cell
        return os.path.exists(os.path.join(course.format_path(course.autograded_directory, student, assignment), f"{notebook}.ipynb"))

    rows = gradebook.db.query(SubmittedAssignment.student_id, Notebook.name, GradeCell.cell_type, func.sum(Grade.score)) \
        .select_from(SubmittedNotebook).join(SubmittedAssignment, SubmittedNotebook.assignment_id == SubmittedAssignment.id) \
        .join(Notebook, SubmittedNotebook.notebook_id == Notebook.id).join(Assignment, SubmittedAssignment.assignment_id == Assignment.id) \
        .join(Grade, Grade.notebook_id == SubmittedNotebook.id).outerjoin(GradeCell, GradeCell.id == Grade.cell_id) \
        .filter(Assignment.name == assignment).group_by(SubmittedAssignment.student_id, Notebook.name, GradeCell.cell_type)
    for student, notebook, kind, points in rows:
        if is_graded(student, notebook):
            found[student, assignment, notebook].update({"score": points or 0.0, KINDS[kind]: points or 0.0})
    for key, less in taken_off(gradebook, None, assignment).items():
        if key in found:
            found[key].subtract(less)
    return found


def averages(points: dict[tuple[str, str, str], Points], about: About) -> defaultdict[tuple[str, ...], dict[str, float]]:
    """{what of (student, assignment, notebook) but the student: formgrader's averages over the students}."""
    each = defaultdict[tuple[str, ...], defaultdict[str, list[float]]](lambda: defaultdict(list))
    for (_, *key), counts in summed(points, about).items():
        for kind in AVERAGES:
            each[tuple(key)][f"average_{kind}"].append(net_of(counts[kind], 0.0))
    none = {f"average_{kind}": 0.0 for kind in AVERAGES}
    return defaultdict(none.copy, {key: {name: sum(values) / len(values) for name, values in kinds.items()} for key, kinds in each.items()})


def taken_off(gradebook: Gradebook, student: str | None = None, assignment: str | None = None) -> dict[tuple[str, str, str], Points]:
    """{(student, assignment, notebook): the points that nbgrader's total, and its sum of a kind, have too many}, of all or of one
    student or assignment: nbgrader asks for each submission that is not graded by itself."""
    found, names = defaultdict[tuple[str, str, str], Points](Counter), {row.id: row.name for row in gradebook.assignments}
    base = gradebook.db.query(SubmittedNotebook).join(SubmittedAssignment, SubmittedNotebook.assignment_id == SubmittedAssignment.id) \
        .join(Notebook, SubmittedNotebook.notebook_id == Notebook.id)
    if student is not None:
        base = base.filter(SubmittedAssignment.student_id == student)
    if assignment is not None:
        base = base.join(Assignment, SubmittedAssignment.assignment_id == Assignment.id).filter(Assignment.name == assignment)
    where = SubmittedAssignment.student_id, SubmittedAssignment.assignment_id, Notebook.name
    late = base.filter(SubmittedNotebook.late_submission_penalty > 0).with_entities(*where, SubmittedNotebook.late_submission_penalty)
    for student, key, notebook, points in late:
        found[student, names[key], notebook]["score"] += points
    waiting = base.join(Grade, Grade.notebook_id == SubmittedNotebook.id).outerjoin(GradeCell, GradeCell.id == Grade.cell_id) \
        .filter(Grade.needs_manual_grade).with_entities(*where, Grade.score - func.coalesce(Grade.auto_score, 0.0), GradeCell.cell_type)
    for student, key, notebook, points, kind in waiting:
        for total in ("score", KINDS[kind]):
            found[student, names[key], notebook][total] += points
    return found


def summed(points: dict[tuple[str, str, str], Points], about: About) -> defaultdict[tuple[str, ...], Points]:
    """The same for all assignments, or all notebooks, together."""
    found = defaultdict[tuple[str, ...], Points](Counter)
    for key, counts in points.items():
        found[only(key, about)].update(counts)
    return found


def only(key: tuple[Any, ...], about: About) -> tuple[Any, ...]:
    return tuple(one for one, wanted in zip(key, about) if wanted)
