"""Submissions that would be graded otherwise today: other checks, other points, another policy for late ones."""

from nbgrader.api import Assignment

from .course import Course
from .execute import JUDGES, OWN, digests, own_digest
from ..notebooks.record import Record
from .penalties import seconds_late
from .results import SubmissionResult


class Today:
    """What judges an assignment now: the course's files, the points of its cells, its late policy."""

    def __init__(self, course: Course, row: Assignment) -> None:
        self.root, self.policy = course.execute.course_root, course.late_policy()
        self.judges = digests(self.root)
        self.own = {notebook.name: own_digest(self.root, notebook.name) for notebook in row.notebooks}
        self.points = {notebook.name: round(sum(cell.max_score for cell in notebook.grade_cells if cell.cell_type == "code"), 2)
                       for notebook in row.notebooks}

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
            if record.verdicts and round(sum(verdict.most for verdict in record.verdicts.values()), 2) != self.points[name]:
                reasons.add("other points")
        if round(self.penalty(result) - result.late_submission_penalty, 2):
            reasons.add("another late policy, deadline or score")
        return ", ".join(sorted(reasons)) or None

    def penalty(self, result: SubmissionResult) -> float:
        late = seconds_late(result)
        given = [self.policy.late_submission_penalty(result.student_id, notebook.score, late) or 0.0 for notebook in result.notebooks] \
            if late > 0 and self.policy else []
        return sum(min(max(penalty, 0.0), notebook.score) for penalty, notebook in zip(given, result.notebooks))
