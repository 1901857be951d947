"""`course grade --dry-run`: who would change, by how much, and why - points, words, weights, penalties."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Protocol

from nbformat import NotebookNode
from nbgrader.api import MissingEntry
from nbgrader.utils import parse_utc
from rich.markup import escape
from rich.table import Table

from ..notebooks.cells import exercise_of, is_tests
from ..notebooks.names import printable
from ..notebooks.record import Record, VerdictRecord, written
from ..notebooks.writing import notebook_in, notebook_of
from ..run.batch import Graded
from ..run.course import Course
from ..run.gradebook import Writer, penalty_of
from ..run.penalties import owed

LATE = "late penalty"


@dataclass(frozen=True)
class Change:
    """One exercise, or the late penalty: points before and now (None: there were none, or will be none until a person has looked),
    and what makes the difference."""

    exercise: str
    before: float | None
    now: float | None
    why: str


class Changed(Protocol):
    """A student and what would change."""

    student: str
    changes: list[Change]


def changes(course: Course, assignment: str, graded: Graded) -> list[Change]:
    """What a regrade (`graded`) would change of what stands in autograded/ and in the gradebook."""
    folder = course.graded_folder(assignment, graded.student)
    found = []
    for name, text in graded.notebooks.items():
        before, after = told(notebook_in(folder / f"{name}.ipynb")), told(notebook_of(text))
        for exercise, (verdict, words) in after.items():
            old, old_words = before.get(exercise, (None, ""))
            why = reasons(old, verdict, words != old_words)
            if old is None or old.points != verdict.points or why:
                found.append(Change(exercise, None if old is None else old.points, verdict.points, why))
    return found + flagged(graded) + penalty_changes(course, assignment, graded)


def flagged(graded: Graded) -> list[Change]:
    """What a person graded and would be asked about again, because the student changed it."""
    return [Change(exercise_of(cell), graded.judged.get(cell), None, "a person graded it before the student changed it: to be looked at again")
            for _, cell in graded.changed]


def told(nb: NotebookNode | None) -> dict[str, tuple[VerdictRecord, str]]:
    """{exercise: (its record, the words that its student reads)} of a graded notebook, if there is one."""
    if nb is None:
        return {}
    tables = tables_of(nb)
    return {name: (verdict, tables.get(name, "")) for name, verdict in Record.read(nb).verdicts.items()}


def tables_of(nb: NotebookNode) -> dict[str, str]:
    """{exercise: its table as text} of a graded notebook."""
    return {text.partition(":")[0]: text for cell in filter(is_tests, nb.cells) for output in cell.outputs
            if output.output_type == "display_data" and (text := output.data.get("text/plain"))}


def reasons(old: VerdictRecord | None, now: VerdictRecord, other_words: bool) -> str:
    """Why a verdict is another, or is told otherwise, in a few words; "" if nothing is."""
    if old is None:
        return "new"
    before, after = ({check.name: check for check in verdict.checks} for verdict in (old, now))
    parts = [name.removeprefix("test_") for name, check in after.items()
             if name not in before or before[name].outcome != check.outcome]
    parts += [f"{name.removeprefix('test_')} is gone" for name in before if name not in after]
    parts += [f"weight of {name.removeprefix('test_')} {before[name].weight} -> {check.weight}" for name, check in after.items()
              if name in before and before[name].weight != check.weight]
    parts += [f"{name.removeprefix('test_')} is {'core' if check.core else 'core no more'}" for name, check in after.items()
              if name in before and before[name].core != check.core]
    parts += [f"of {written(old.most)} -> of {written(now.most)} points"] if old.most != now.most else []
    return ", ".join(parts) or ("other words in the feedback" if other_words else "")


def penalty_changes(course: Course, assignment: str, graded: Graded) -> list[Change]:
    """What would be taken off for being late, by the deadline, the extension, the policy and the points as they are now."""
    with course.gradebook() as gradebook, gradebook.db.no_autoflush:
        try:
            submission = gradebook.find_submission(assignment, graded.student)
        except MissingEntry:
            return []
        before = penalty_of(submission)
        for notebook in submission.notebooks:
            for grade in notebook.grades:       # as a regrade would store it; nothing of it is kept
                Writer.store_grade(grade, notebook.name, grade.name, graded)
        if graded.timestamp:
            submission.timestamp = parse_utc(graded.timestamp)
        now = sum(penalty or 0.0 for penalty in owed(submission, course.late_policy()).values())
        gradebook.db.rollback()
    if not round(now - before, 2):
        return []
    return [Change(LATE, -before or 0.0, -now or 0.0, "deadline, extension, policy or points")]


def changes_table(lines: Iterable[Changed], title: str = "Dry run: nothing was written. A regrade would change:") -> Table:
    """Who would change."""
    table = Table(title_justify="left", title=title)
    for name in ("student", "exercise", "before", "now", "why"):
        table.add_column(name, overflow="fold")
    for line in lines:
        for change in line.changes:
            table.add_row(escape(printable(line.student)), change.exercise, points(change.before), points(change.now), escape(change.why))
        total = sum((change.now or 0.0) - (change.before or 0.0) for change in line.changes)
        if len(line.changes) > 1:
            table.add_row("", "all together", "", f"{'+' if total >= 0 else ''}{written(total)}", "")
    if not table.row_count:
        table.add_row("nobody", "", "", "", "")
    return table


def points(value: float | None) -> str:
    return "–" if value is None else written(value)
