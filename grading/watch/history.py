"""What the log says of how a class got there: when work began, how many attempts it took, and which checks took longest."""

import statistics
from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

from .log import Log, Row, State


@dataclass(frozen=True)
class Way:
    """One student's way through an assignment: when they first handed in (of the epoch), and how many answers they had until
    each check passed that had failed, and until each exercise was right; None for one that never was."""

    student: str
    began: float
    answers: int
    until: dict[tuple[str, str], int | None]
    right: dict[str, int | None] = field(default_factory=dict)


@dataclass(frozen=True)
class Hurdle:
    """One check: how many students did not pass it at first, in how many answers half of them did, and how many never."""

    exercise: str
    check: str
    stumbled: int
    answers: float | None
    never: int


def ways(log: Log, assignment: str) -> list[Way]:
    """The way of each student whom the watcher answered."""
    rows = defaultdict(list)
    for row in log.rows(State.ANSWERED, assignment=assignment):
        rows[row.student].append(row)
    return [Way(student, min(row.first_seen for row in mine), len(mine), until_passed(mine), until_right(mine))
            for student, mine in sorted(rows.items())]


def until_passed(rows: Iterable[Row]) -> dict[tuple[str, str], int | None]:
    found: dict[tuple[str, str], int | None] = {}
    for number, row in enumerate(rows, start=1):
        for exercise, (_, _, *failed) in row.checks.items():
            failing = set(failed[0]) if failed else set()
            for check in failing:
                found[exercise, check] = None
            for known in [key for key, value in found.items() if key[0] == exercise and value is None and key[1] not in failing]:
                found[known] = number
    return found


def until_right(rows: Iterable[Row]) -> dict[str, int | None]:
    found: dict[str, int | None] = {}
    for number, row in enumerate(rows, start=1):
        for exercise, (passed, count, *_) in row.checks.items():
            if found.setdefault(exercise) is None and passed == count:
                found[exercise] = number
    return found


def hurdles(found: Sequence[Way]) -> list[Hurdle]:
    """The checks at which somebody stumbled, those that took longest first."""
    by_check = defaultdict(list)
    for way in found:
        for key, number in way.until.items():
            by_check[key].append(number)
    made = [Hurdle(exercise, check, len(numbers), statistics.median(passed) if (passed := [n for n in numbers if n is not None]) else None,
                   numbers.count(None)) for (exercise, check), numbers in by_check.items()]
    return sorted(made, key=lambda one: (-one.never, -(one.answers or 0), -one.stumbled, one.exercise, one.check))
