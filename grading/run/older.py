"""Submissions that would be graded otherwise today: other checks, other points, another policy for late ones."""

import json
from collections.abc import Callable
from functools import partial
from pathlib import Path

from nbgrader.api import Assignment, Notebook

from ..notebooks.cells import hidden_calls
from .course import Course
from .execute import CELLS, JUDGES, OWN, cells_digest, course_files, digests, own_digest
from ..notebooks.record import Record
from .penalties import seconds_late
from .results import SubmissionResult


class Today:
    """What judges an assignment now: the course's files, the points of its cells, its late policy."""

    def __init__(self, course: Course, row: Assignment) -> None:
        self.root, self.policy = course.execute.course_root, course.late_policy()
        code = course_files(self.root)
        self.folder: Callable[[str], Path] = partial(course.graded_folder, row.name)
        self.judges = digests(code)
        self.own = {notebook.name: own_digest(code, notebook.name) for notebook in row.notebooks}
        self.cells = {notebook.name: cells_digest({cell.name for cell in (*notebook.grade_cells, *notebook.task_cells)})
                      for notebook in row.notebooks}
        self.points = {notebook.name: points_of_exercises(notebook) for notebook in row.notebooks}

    def differs(self, result: SubmissionResult, records: dict[str, Record]) -> str | None:
        """Why a graded submission (`run/results.py`'s) with these records would be graded otherwise, in words; None if it would not."""
        reasons = set()
        for name, record in records.items():
            if record.damaged:
                reasons.add(f"the graded {name} cannot be read")
            if name not in self.own or not record.graded_by:
                continue
            by = record.graded_by
            same = by[OWN] == self.own[name] if OWN in by else all(by.get(judge) == self.judges[judge] for judge in JUDGES)
            reasons |= set() if same else {"other checks, reference or sentences"}
            if (by.get(CELLS) or self.cells_in(result.student_id, name)) != self.cells[name]:
                reasons.add("other exercises or questions")
            if record.verdicts and {exercise: round(verdict.most, 2) for exercise, verdict in record.verdicts.items()} != self.points[name]:
                reasons.add("other points")
        if round(self.penalty(result) - result.late_submission_penalty, 2):
            reasons.add("another late policy, deadline or score")
        return ", ".join(sorted(reasons)) or None

    def cells_in(self, student: str, notebook: str) -> str:
        """The digest of the graded cells of a graded notebook, from before a record had it; today's, where that cannot be read."""
        try:
            cells = json.loads(Path(self.folder(student), f"{notebook}.ipynb").read_text(encoding="utf-8"))["cells"]
            marks = [cell["metadata"].get("nbgrader", {}) for cell in cells]
            return cells_digest(mark["grade_id"] for mark in marks if mark.get("grade") or mark.get("task"))
        except (OSError, ValueError, LookupError, TypeError, AttributeError):
            return self.cells[notebook]

    def penalty(self, result: SubmissionResult) -> float:
        late = seconds_late(result)
        given = [self.policy.late_submission_penalty(result.student_id, notebook.score, late) or 0.0 for notebook in result.notebooks] \
            if late > 0 and self.policy else []
        return sum(min(max(penalty, 0.0), notebook.score) for penalty, notebook in zip(given, result.notebooks))


def points_of_exercises(notebook: Notebook) -> dict[str, float]:
    """{exercise: its points} of a notebook as the gradebook has it: a tests cell's are those of its exercises in equal parts."""
    calls = {cell.name: hidden_calls(cell.source or "") for cell in notebook.source_cells}
    return {exercise: round(cell.max_score / len(calls[cell.name]), 2) for cell in notebook.grade_cells for exercise in calls.get(cell.name, ())}
