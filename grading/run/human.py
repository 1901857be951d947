"""Who needs a human, and why: one meaning, in the same words, for `course grade`, `nbgrader autograde`, status and report.

A submission needs one if it could not be graded, if something was odd about what was handed in, if a person had graded
another answer, or if a written question has no score yet. The last is so for whole classes: it is counted, not listed.
In the gradebook one of its grades waits then. Once every grade of it is resolved in formgrader, nobody is asked again, unless
something else is handed in.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from types import MappingProxyType

from nbgrader.api import Grade, Gradebook
from nbgrader.coursedir import CourseDirectory

from ..notebooks.cells import exercise_of
from ..notebooks.names import shown
from ..notebooks.record import NOTHING, Record, written
from .penalties import seconds_late
from .results import results_of
from .review import waits_above

MAX_NAMES = 8


@dataclass(frozen=True)
class Standing:
    """How the graded submissions of a run stand: {question without a score: the students}, and who was late."""

    questions: Mapping[str, list[str]]
    above: Mapping[str, list[str]]  # {graded cell that is worth less by now than a person gave: the students}
    late: list[tuple[str, str]]     # (student, by how much and what it costs)

    @property
    def waiting(self) -> set[str]:
        return {student for found in (self.questions, self.above) for students in found.values() for student in students}


def reasons(record: Record, notebook: str, scores: Mapping[str, float | None] = MappingProxyType({})) -> list[str]:
    """What a human should look at of one graded notebook; `scores` are those that people gave to its cells before."""
    said, _ = record.notes
    found = [f"not graded: {said.removesuffix(' ' + NOTHING)}" if record.refused else f"graded, but look at {notebook}: {said}"] if said else []
    found += [f"graded, but look: {line}" for line in record.look]
    return found + [f"graded, but look: {changed_words(cell, scores.get(cell))}" for cell in record.changed]


def kinds(record: Record, notebook: str, grades: Iterable[Grade]) -> list[str]:
    """The same without anything that a student chose, for a page that others may read, while one of the `grades` waits for a
    person: who has resolved them all has seen the rest as well."""
    waiting = {grade.name for grade in grades if grade.needs_manual_grade}
    if record.damaged:
        return [f"the graded {notebook} cannot be read: it has to be graded again, with --force"]
    if not waiting:
        return []
    found = [f"{notebook} could not be graded"] if record.refused else [f"{notebook} was not handed in as it should be"] \
        if any(record.notes) else []
    return found + [changed_words(cell) for cell in record.changed if cell in waiting] + above(grades)


def changed_words(cell: str, score: float | None = None) -> str:
    given = "graded by a person" if score is None else f"given {written(score)} points by a person"
    return f"{exercise_of(cell)} was {given} and changed since"


def open_questions(grades: Iterable[Grade]) -> list[str]:
    """The graded cells (rows of the gradebook) that wait for their first score."""
    return [exercise_of(grade.name) for grade in grades
            if grade.needs_manual_grade and grade.manual_score is None and grade.auto_score is None]


def above(grades: Iterable[Grade]) -> list[str]:
    """On each graded cell that waits because a person gave more points than it is worth by now, see `waits_above`."""
    return [f"{exercise_of(grade.name)} was given {written(grade.manual_score or 0.0)} points by a person and is worth {written(grade.max_score)} by now"
            for grade in grades if waits_above(grade)]


def standing(coursedir: CourseDirectory, assignment: str, students: Iterable[str]) -> Standing:
    """How the graded submissions of these students stand in the gradebook."""
    chosen, questions, higher, late = set(students), dict[str, list[str]](), dict[str, list[str]](), list[tuple[str, str]]()
    with Gradebook(coursedir.db_url, coursedir.course_id) as gradebook:
        for result in results_of(gradebook, assignment):
            if result.student_id not in chosen:
                continue
            for notebook in result.notebooks:
                for name in open_questions(notebook.grades):
                    questions.setdefault(name, []).append(result.student_id)
                for line in above(notebook.grades):
                    higher.setdefault(line, []).append(result.student_id)
            if (seconds := seconds_late(result)) > 0:
                late.append((result.student_id, how_late(seconds, result.late_submission_penalty)))
    return Standing(ordered(questions), ordered(higher), sorted(late))


def ordered(found: Mapping[str, list[str]]) -> dict[str, list[str]]:
    return {name: sorted(students) for name, students in sorted(found.items())}


def how_late(seconds: float, penalty: float) -> str:
    minutes = max(1, round(seconds / 60))
    days, hours = divmod(minutes // 60, 24)
    parts = [f"{days} d"] * bool(days) + [f"{hours} h"] * bool(hours) + [f"{minutes % 60} min"] * (not days)
    return " ".join(parts) + (f", {written(penalty)} points off" if penalty else "")


def in_words(found: Standing) -> list[str]:
    """Lines on what holds for many."""
    lines = [f"{question} has no score yet: {len(students)} submissions, {names(students)}"
             for question, students in found.questions.items()]
    lines += [f"{line}: confirm or change it in formgrader: {names(students)}" for line, students in found.above.items()]
    if found.late:
        lines.append("late: " + ", ".join(f"{shown(student)} by {words}" for student, words in found.late[:3 * MAX_NAMES])
                     + (f" and {len(found.late) - 3 * MAX_NAMES} more" if found.late[3 * MAX_NAMES:] else ""))
    return lines


def names(students: list[str]) -> str:
    more = f" and {len(students) - MAX_NAMES} more" if students[MAX_NAMES:] else ""
    return ", ".join(map(shown, students[:MAX_NAMES])) + more
