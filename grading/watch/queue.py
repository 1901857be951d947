"""Who is answered next: the newest of each student and assignment, and first whoever had least work done in the last hour."""

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass


@dataclass(frozen=True)
class Entry:
    """One submission that waits; `due` is when the limits let it be answered, `slow` whether it needs the full limits. `again`: it has
    its answer, and is looked at once more because its folder was touched."""

    name: str
    student: str
    assignment: str
    first_seen: float
    claimed: float
    due: float = 0.0
    slow: bool = False
    again: bool = False

    @property
    def age(self) -> tuple[float, float, str]:
        return self.first_seen, self.claimed, self.name


def superseded(waiting: Iterable[Entry]) -> list[Entry]:
    """Those that a newer one of the same student and assignment has replaced. What has its answer keeps it."""
    entries, newest = [entry for entry in waiting if not entry.again], {}
    for entry in sorted(entries, key=lambda one: one.age):
        newest[entry.student, entry.assignment] = entry
    return [entry for entry in entries if newest[entry.student, entry.assignment] is not entry]


def in_order(waiting: Iterable[Entry], work: Mapping[str, float], now: float, busy: Collection[str] = (), slow: bool = False) -> list[Entry]:
    """Those that may be answered now, in the order of their turn. `work` are each student's seconds of the last hour, `busy` the
    students for whom something is at work: one at a time is enough for each."""
    ready = [entry for entry in waiting if entry.slow == slow and entry.due <= now and entry.student not in busy]
    return sorted(ready, key=lambda one: (work.get(one.student, 0.0), *one.age))
