"""What commands changed of points: a line for each student, never taken back.

audit/ASSIGNMENT.jsonl has a line per student and change: who, when, why, points before and after, which checks made the
difference, the digests that graded before and after. `journal.py` sees to it that each change has its line. audit/before/RUN/STUDENT
keeps what stood there before a regrade, so that it can be undone. Only the owner can read it; `course new-term` archives it.
"""

import json
import os
from collections.abc import Iterable
from dataclasses import asdict, dataclass, field
from datetime import UTC, datetime, tzinfo
from pathlib import Path
from typing import Any

from ..notebooks.dates import shown_moment
from ..notebooks.record import written
from ..root import AUDIT

BEHIND = "the gradebook has other points than the graded notebook"
REGRADED, UNDONE, AGAIN, ANEW, TERMS = "regraded", "undone", "graded again", "handed in again", "other terms"


@dataclass(frozen=True)
class Act:
    """What somebody does to submissions. `run` is its name; `how` is REGRADED, UNDONE, AGAIN (by the same hand-in), ANEW (by a newer
    one) or TERMS (a deadline, points or a policy); `because` completes "regraded because", and is a sentence else."""

    because: str
    how: str = AGAIN
    undoes: str | None = None       # the run that this one takes back
    moment: datetime = field(default_factory=lambda: datetime.now(UTC))

    @property
    def run(self) -> str:
        return self.moment.strftime("%Y%m%d-%H%M%S-%f")


def act_of(why: str | None) -> Act:
    """A grading of what was graded before; `why` is what `Kept.why_grade` says."""
    if why in ("newer", "handed in again"):
        return Act("graded again, for it was handed in again", ANEW)
    return Act(f"graded again, for {BEHIND}" if why == BEHIND else "graded again")


@dataclass(frozen=True)
class Entry:
    """One line. `old` and `new` are {"points", "penalty", "counts", "exercises"}; `changes` are [exercise, before, now, why];
    `by` are the digests {"old": {notebook: {...}}, "new": ...}."""

    run: str
    assignment: str
    student: str
    when: str       # UTC
    because: str
    old: dict[str, Any]
    new: dict[str, Any]
    changes: list[Any] = field(default_factory=list)
    by: dict[str, Any] = field(default_factory=dict)
    graded: dict[str, str] = field(default_factory=dict)      # digests of the graded notebooks {"old", "new"}
    undoes: str | None = None
    how: str = REGRADED

    @property
    def changed(self) -> bool:
        """Whether points changed, in any exercise or by a penalty."""
        return any(before != now for _, before, now, _ in self.changes)

    @property
    def moment(self) -> datetime:
        """As the gradebook counts: UTC, unnamed."""
        return datetime.fromisoformat(self.when).replace(tzinfo=None)


def place(root: str | Path, assignment: str) -> Path:
    return Path(root, AUDIT, f"{assignment}.jsonl")


def make(root: str | Path) -> Path:
    """Have the folder, which only its owner can look into."""
    Path(root, AUDIT).mkdir(exist_ok=True, mode=0o700)
    return Path(root, AUDIT)


def append(root: str | Path, entry: Entry) -> None:
    """Add a line; it is on the disk when this returns."""
    make(root)
    with open(place(root, entry.assignment), "a+b", opener=lambda name, flags: os.open(name, flags, 0o600)) as file:
        if file.tell():
            file.seek(-1, os.SEEK_END)
        whole = file.read(1) in (b"", b"\n")        # else a line was cut off when the machine stopped
        file.write((b"" if whole else b"\n") + json.dumps(asdict(entry), ensure_ascii=False).encode("utf-8", "replace") + b"\n")
        file.flush()
        os.fsync(file.fileno())


def entries(root: str | Path, assignment: str) -> list[Entry]:
    """All lines on an assignment, in their order. One that was cut off when the machine stopped is none."""
    path = place(root, assignment)
    lines = path.read_text(encoding="utf-8", errors="replace").split("\n") if path.exists() else []
    return [entry for line in lines if (entry := entry_of(line)) is not None]


def entry_of(line: str) -> Entry | None:
    """The entry that a line holds; None where the line is not whole."""
    try:
        entry = Entry(**json.loads(line))
        return entry if {"counts", "exercises"} <= entry.old.keys() & entry.new.keys() else None
    except (ValueError, TypeError, AttributeError):
        return None


def in_force(found: Iterable[Entry]) -> list[Entry]:
    """What changed points of the same hand-in and was not taken back."""
    found = list(found)
    undone = {(entry.undoes, entry.student) for entry in found if entry.undoes}
    return [entry for entry in found if entry.how in (REGRADED, AGAIN) and not entry.undoes and (entry.run, entry.student) not in undone]


def in_words(entry: Entry, zone: tzinfo) -> str:
    """What its student reads of a regrade."""
    before, after = written(entry.old["counts"]), written(entry.new["counts"])
    why = f" because {entry.because.rstrip('.')}" if entry.how == REGRADED else ""
    return f"{entry.how.capitalize()} on {shown_moment(entry.moment.replace(second=0), zone)}{why}: {before} points counted before, {after} after."
