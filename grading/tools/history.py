"""`course history STUDENT`: what a complaint is answered with - points, what lost them, what graded it, and every regrade."""

import shlex
from pathlib import Path

from nbformat import NotebookNode
from nbgrader.api import Student
from rich.console import Console

from ..notebooks.cells import exercise_of
from ..notebooks.dates import shown_moment
from ..notebooks.names import one_name, printable
from ..notebooks.near import did_you_mean
from ..notebooks.record import Outcome, Record, VerdictRecord, read_record, written
from ..notebooks.writing import notebook_in
from ..root import CourseError
from ..run import audit
from ..run.course import Course
from ..run.execute import JUDGES, OWN
from ..run.gradebook import find_generated
from ..run.journal import standing
from ..run.kept import LOST, remedy
from ..run.older import Today
from ..run.results import CellGrade, NotebookResult, SubmissionResult, results_of
from .dry_run import points, tables_of
from .terminal import tell


def history(console: Console, root: Path | None, student: str, assignment: str | None = None) -> None:
    """Print it. Raises `CourseError` where nobody is called so."""
    course, student = Course(root), one_name(student)
    wanted = course.assignments(assignment)
    for line in course.settle(assignment):
        tell(console, line)
    told = bool([name for name in wanted if not_as_graded(console, course, name, student)])
    with course.gradebook() as gradebook:
        known = [row.id for row in gradebook.db.query(Student)]
        if student not in known:
            if told:
                return
            raise CourseError(f"Nobody in this course is called {printable(student)}.{did_you_mean(student, known)}")
        names = [assignment] if assignment else [row.name for row in gradebook.assignments if row.notebooks]
        for name in names:
            row = find_generated(gradebook, name)
            for result in results_of(gradebook, name, [student]):
                told = True
                show(console, course, result, Today(course, row))
    if not told:
        tell(console, f"{printable(student)} handed in nothing that is in the gradebook.")


def not_as_graded(console: Console, course: Course, assignment: str, student: str) -> bool:
    """Say where the gradebook does not have what was graded, and what the audit still knows of it; whether that is so."""
    if not (why := course.kept(assignment).lacks(student, course.graded_folder(assignment, student))):
        return False
    tell(console, f"{assignment}: {why}. {remedy(course.dir, assignment, student)}", "bold")
    for entry in audit.entries(course.dir.root, assignment) if why == LOST else ():
        if entry.student == student:
            show_entry(console, course, entry)
    return True


def show(console: Console, course: Course, result: SubmissionResult, today: Today) -> None:
    """One assignment."""
    assignment = result.assignment.name
    now = standing({grade.name: grade.score for notebook in result.notebooks for grade in notebook.grades}, result.late_submission_penalty)
    most = sum(notebook.max_score for notebook in result.notebooks)
    taken = f" ({written(now['points'])} earned, {written(now['penalty'])} taken off for being late)" if now["penalty"] else ""
    tell(console, f"{assignment}: {written(now['counts'])} of {written(most)} points count{taken}.", "bold")
    if result.timestamp:
        tell(console, f"handed in {shown_moment(result.timestamp, course.zone)}" + (
            f", due {shown_moment(result.duedate, course.zone)}" if result.duedate else ""))
    if result.waits_for_a_person:
        tell(console, "A person has yet to grade part of it.")
    folder, records = course.graded_folder(assignment, result.student_id), {}
    for notebook in result.notebooks:
        path = folder / f"{notebook.name}.ipynb"
        if not path.exists():
            tell(console, f"\n{notebook.name} was not handed in.")
            continue
        nb, records[notebook.name] = notebook_in(path), read_record(path)
        if nb is not None and not records[notebook.name].damaged:
            show_notebook(console, notebook, nb, records[notebook.name])
    if records:
        same, name = today.differs(result, records), shlex.quote(assignment)
        remedy = f"course grade {name} --force --student {shlex.quote(result.student_id)}" if any(record.damaged for record in records.values()) \
            else f'course regrade {name} --because "..."'
        tell(console, f"\nToday it would be graded {'the same.' if same is None else f'otherwise ({same}): {remedy}'}")
    for entry in audit.entries(course.dir.root, assignment):
        if entry.student == result.student_id:
            show_entry(console, course, entry)
    console.print()


def show_notebook(console: Console, notebook: NotebookResult, nb: NotebookNode, record: Record) -> None:
    tables = tables_of(nb)
    for grade in notebook.grades:
        verdict = record.verdicts.get(exercise_of(grade.name))
        tell(console, f"\n{exercise_of(grade.name)}: {points_of(grade)}", "bold")
        if comment := notebook.comments.get(exercise_of(grade.name)) or notebook.comments.get(grade.name):
            if comment.manual_comment:
                tell(console, f"  a person's comment: {printable(comment.manual_comment, 500)}")
        if verdict and not verdict.passed:
            for line in [] if verdict.blank else how_lost(verdict):
                tell(console, f"  {line}")
            for line in tables.get(exercise_of(grade.name), "").splitlines():
                tell(console, f"  {line}")
    by = record.graded_by
    if by:
        versions = ", ".join(f"{name} {number}" for name, number in by.get("versions", {}).items())
        tell(console, f"\n{notebook.name} was graded by {', '.join(f'{key} {by[key]}' for key in (*JUDGES, OWN) if key in by)}")
        tell(console, f"  with {versions}, sandbox {by.get('sandbox', 'unknown')}")


def points_of(grade: CellGrade) -> str:
    """What a cell earned, lost, and who decided."""
    if grade.auto_score is None and grade.manual_score is None:
        return f"not graded yet, of {written(grade.max_score)}"
    lost = grade.max_score - grade.score
    said = f"{written(grade.score)} of {written(grade.max_score)}" + (f", {written(lost)} lost" if round(lost, 2) > 0 else "")
    if grade.manual_score is not None and grade.auto_score is not None:
        said += f"; a person decided, the checks alone gave {written(grade.auto_score)}"
    return said


def how_lost(verdict: VerdictRecord) -> list[str]:
    """The sum behind the points, and which checks are missing in it, with their weights."""
    total, failed = sum(check.weight for check in verdict.checks), [check for check in verdict.checks if check.outcome != Outcome.PASSED]
    passed = total - sum(check.weight for check in failed)
    share = verdict.most * passed / total if total else 0.0
    said = f"checks of weight {passed} of {total} passed: {written(verdict.most)} x {passed}/{total} = {written(share)}"
    if any(check.core for check in failed):
        said += "; a core check failed, so the exercise earns 0"
    elif round(share, 2) > verdict.points:
        said += f"; a check marked + failed, so it earns at most {written(verdict.points)}"
    return [said, "lost by: " + "; ".join(f"{check.title} (weight {check.weight}{', core' if check.core else ''})" for check in failed)]


def show_entry(console: Console, course: Course, entry: audit.Entry) -> None:
    """One line of the audit."""
    before, after = written(entry.old["counts"]), written(entry.new["counts"])
    what = f"regraded because {entry.because}" if entry.how == audit.REGRADED else entry.because[:1].upper() + entry.because[1:]
    tell(console, f"{shown_moment(entry.moment.replace(second=0), course.zone)}: {what}: {before} -> {after} points")
    for exercise, old, new, why in entry.changes:
        tell(console, f"  {exercise}: {points(old)} -> {points(new)} ({why})")
    for notebook in sorted({*entry.by.get("old", {}), *entry.by.get("new", {})}):
        old, new = (entry.by.get(side, {}).get(notebook, {}).get(OWN, "unknown") for side in ("old", "new"))
        tell(console, f"  {notebook}: checks, reference and sentences {old} -> {new}" if old != new else
             f"  {notebook}: checks, reference and sentences as before ({new})")
