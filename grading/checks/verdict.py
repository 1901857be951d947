"""What judging an exercise gives: the outcome of each check, and the share of the points that they are worth."""

from collections.abc import Iterable
from dataclasses import dataclass, field

from ..border.subject import StudentError
from ..notebooks.record import CheckRecord, Outcome, VerdictRecord
from .bank import Misconception

PASSED, FAILED, NOT_RUN, OUR_ERROR = Outcome
RAISED = "your function raised an error"


class Failed(Exception):
    """The student's answer does not hold; `said` is for the student, `candidates` are known mistakes that answer alike."""

    def __init__(self, said: str, candidates: Iterable[Misconception] = (), error: StudentError | None = None) -> None:
        super().__init__(said)
        self.said, self.candidates, self.error = said, candidates, error


@dataclass
class CheckResult:
    """The outcome of one check: PASSED, FAILED, NOT_RUN or OUR_ERROR, and what the student is told."""

    name: str
    title: str
    hint: str
    weight: int
    core: bool
    outcome: Outcome
    said: str = ""
    misconception: Misconception | None = None
    error: StudentError | None = None
    most: float = 1.0
    candidates: tuple[Misconception, ...] = ()      # the known mistakes that give the same wrong result here: see recognition.py
    wrong: str = ""         # digests of what came back, of a failed check: see wrong.py


@dataclass
class Verdict:
    """All checks of one exercise on one subject. `warnings` are the floating-point warnings that its calls raised."""

    exercise: str
    checks: list[CheckResult] = field(default_factory=list)
    warnings: list[str] = field(default_factory=list)
    definitions: int = 1
    place: str = ""         # said where the exercise was judged at its place in the notebook

    def those(self, outcome: Outcome) -> list[CheckResult]:
        """The checks that ended so."""
        return [c for c in self.checks if c.outcome == outcome]

    @property
    def blank(self) -> bool:
        """Whether every call ended in the NotImplementedError that stands where an answer is due."""
        return bool(self.checks) and all(c.error and c.error.type == "NotImplementedError" for c in self.checks)

    @property
    def core_failed(self) -> bool:
        return any(c.core and c.outcome != PASSED for c in self.checks)

    @property
    def fraction(self) -> float:
        """The share of the points that is earned: passed weight over all weight, no more than `most` of any check that
        did not pass, and 0 if one of those is core."""
        total = sum(c.weight for c in self.checks)
        if not total or self.core_failed:
            return 0.0
        share = sum(c.weight for c in self.those(PASSED)) / total
        return min([share, *(c.most for c in self.checks if c.outcome != PASSED)])

    def record(self, most: float) -> VerdictRecord:
        """What is kept of it where the exercise is worth `most` points: the one place where points are computed."""
        checks = tuple(CheckRecord(c.name, c.title, c.weight, c.core, c.outcome,
                                   c.misconception.name if c.misconception else None, c.wrong) for c in self.checks)
        return VerdictRecord(round(most * self.fraction, 2), most, checks, tuple(self.warnings), self.definitions,
                             self.blank)

    @property
    def misconceptions(self) -> list[Misconception]:
        """The known mistakes that were recognised, each once."""
        found = [c.misconception for c in self.checks if c.misconception]
        return list({m.name: m for m in found}.values())
