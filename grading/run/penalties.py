"""What is taken off a submission because it came late: worked out anew whenever points, deadline or extension change."""

from typing import Protocol

from nbgrader.api import Grade, SubmittedAssignment
from nbgrader.preprocessors import AssignLatePenalties
from traitlets.config import Config


class Judgement(Protocol):
    """A graded cell: a row, or `results.CellGrade`."""

    @property
    def auto_score(self) -> float | None: ...

    @property
    def manual_score(self) -> float | None: ...

    @property
    def needs_manual_grade(self) -> bool: ...


class Policy(Protocol):
    """What nbgrader asks of a late policy: an instance of its `BasePlugin`."""

    def late_submission_penalty(self, student_id: str, score: float, total_seconds_late: float) -> float | None:
        """The points to take off, None for none."""


def late_policy(config: Config) -> Policy:
    """The plug-in that `c.AssignLatePenalties.plugin_class` names."""
    plugin = AssignLatePenalties(config=config)
    plugin.init_plugin()
    policy: Policy = plugin.plugin_inst
    return policy


def score_of(grade: Grade) -> float:
    """What a graded cell (a row as it is in memory) counts: nbgrader's `Grade.score`, but while a person has to look what the
    checks gave: what a person gave to an answer that was changed since is shown to who looks again, and counts for nothing."""
    return counted(grade.auto_score, grade.manual_score, grade.extra_credit, grade.needs_manual_grade)


def counted(automatic: float | None, manual: float | None, extra: float | None, waits: bool) -> float:
    """`score_of` a cell with these columns."""
    if waits:
        return float(automatic or 0.0)
    given = manual if manual is not None else automatic
    return 0.0 if given is None else given + (extra or 0.0)


def net_of(points: float, penalty: float) -> float:
    """What counts of points once a penalty is taken off."""
    return round(max(0.0, points - penalty), 2)


def is_judged(grade: Judgement) -> bool:
    """Whether the answer that lies there now has points: from the checks, or from a person who saw it."""
    return grade.auto_score is not None or (grade.manual_score is not None and not grade.needs_manual_grade)


def owed(submission: SubmittedAssignment, policy: Policy | None) -> dict[str, float | None]:
    """{id of a submitted notebook: the points to take off, None where it was in time}."""
    late, found = seconds_late(submission), dict[str, float | None]()
    for notebook in submission.notebooks:
        score = sum(map(score_of, notebook.grades))
        penalty = policy.late_submission_penalty(submission.student_id, score, late) if late > 0 and policy else None
        found[notebook.id] = None if penalty is None else min(max(penalty, 0.0), score)
    return found


def seconds_late(submission: SubmittedAssignment) -> float:
    """nbgrader's `total_seconds_late`, as the rows are in memory."""
    due = submission.assignment.duedate
    if due is None or submission.timestamp is None:
        return 0.0
    if submission.extension is not None:
        due += submission.extension
    late: float = (submission.timestamp - due).total_seconds()
    return max(0.0, late)


def renew(submission: SubmittedAssignment, policy: Policy | None, handed_in: set[str] | None = None) -> tuple[float, float]:
    """Work out the penalties of a submission as everything is now: (points off before, now). Commits nothing.

    What was not handed in (`handed_in`: ids of submitted notebooks; by default what has no points and no penalty) has none.
    """
    before, now = sum(notebook.late_submission_penalty or 0.0 for notebook in submission.notebooks), 0.0
    for notebook, penalty in zip(submission.notebooks, owed(submission, policy).values()):
        there = notebook.id in handed_in if handed_in is not None else penalty or notebook.late_submission_penalty is not None
        notebook.late_submission_penalty = penalty if there else None
        now += notebook.late_submission_penalty or 0.0
    return before, now
