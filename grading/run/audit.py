"""What regrades changed: a line for each student, never taken back, and what stood there before, so that it can be.

audit/ASSIGNMENT.jsonl has a line per student and regrade: who, when, why, points before and after, which checks made the
difference, the digests that graded before and after. audit/before/RUN/STUDENT keeps the graded folder and the rows of the
gradebook as they were. Only the owner can read it; `course new-term` archives it.
"""

import hashlib
import json
import os
import shutil
from collections.abc import Callable, Iterable, Mapping
from dataclasses import asdict, dataclass, field
from datetime import datetime, tzinfo
from pathlib import Path
from typing import Any

from ..notebooks.dates import shown_moment
from ..notebooks.record import written

FOLDER, BEFORE, ROWS, LINE = "audit", "before", "rows.json", "line.json"


@dataclass(frozen=True)
class Entry:
    """One line. `old` and `new` are {"points", "penalty", "counts", "exercises"}; `changes` are [exercise, before, now, why];
    `by` are the digests {"old": {notebook: {...}}, "new": ...}; `undoes` is the run that this one took back."""

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

    @property
    def changed(self) -> bool:
        """Whether points changed, in any exercise or by a penalty."""
        return any(before != now for _, before, now, _ in self.changes)

    @property
    def moment(self) -> datetime:
        """As the gradebook counts: UTC, unnamed."""
        return datetime.fromisoformat(self.when).replace(tzinfo=None)


def place(root: str | Path, assignment: str) -> Path:
    return Path(root, FOLDER, f"{assignment}.jsonl")


def append(root: str | Path, entry: Entry) -> None:
    """Add a line; it is on the disk when this returns."""
    path = place(root, entry.assignment)
    make(root)
    whole = not path.exists() or path.read_bytes()[-1:] in (b"", b"\n")      # else a line was cut off when the machine stopped
    with open(path, "a", encoding="utf-8", opener=lambda name, flags: os.open(name, flags, 0o600)) as file:
        file.write(("" if whole else "\n") + json.dumps(asdict(entry), ensure_ascii=False) + "\n")
        file.flush()
        os.fsync(file.fileno())


def make(root: str | Path) -> None:
    """Have the folder, which only its owner can look into."""
    Path(root, FOLDER).mkdir(exist_ok=True, mode=0o700)


def entries(root: str | Path, assignment: str) -> list[Entry]:
    """All lines on an assignment, in their order. One that was cut off when the machine stopped is none."""
    path, found = place(root, assignment), []
    for line in path.read_text(encoding="utf-8").splitlines() if path.exists() else []:
        try:
            found.append(Entry(**json.loads(line)))
        except (ValueError, TypeError):
            continue
    return found


def in_force(found: Iterable[Entry]) -> list[Entry]:
    """The regrades that nobody took back."""
    found = list(found)
    undone = {(entry.undoes, entry.student) for entry in found if entry.undoes}
    return [entry for entry in found if not entry.undoes and (entry.run, entry.student) not in undone]


def in_words(entry: Entry, zone: tzinfo) -> str:
    """What its student reads of a regrade."""
    before, after = written(entry.old["counts"]), written(entry.new["counts"])
    return f"Regraded on {shown_moment(entry.moment.replace(second=0), zone)} because {entry.because.rstrip('.')}: {before} points counted before, {after} after."


# --- what stood there before --------------------------------------------------------------------------------------

def state(folder: Path) -> str:
    """A digest of the graded notebooks in a folder."""
    return state_of({path.stem: path.read_bytes() for path in folder.glob("*.ipynb")})


def state_of(notebooks: Mapping[str, bytes]) -> str:
    found = hashlib.sha256()
    for name, content in sorted(notebooks.items()):
        found.update(name.encode() + b"\0" + hashlib.sha256(content).digest())
    return found.hexdigest()[:16]


def kept(root: str | Path, run: str, student: str) -> Path:
    return Path(root, FOLDER, BEFORE, run, student)


def keep(root: str | Path, entry: Entry, folder: Path, rows: list[Any]) -> None:
    """Keep a graded folder, its rows and the line that is to come, before any of it is changed."""
    target = kept(root, entry.run, entry.student)
    make(root)
    target.parent.mkdir(parents=True, exist_ok=True)
    shutil.rmtree(target, ignore_errors=True)
    shutil.copytree(folder, target / "graded")
    (target / ROWS).write_text(json.dumps(rows), encoding="utf-8")
    (target / LINE).write_text(json.dumps(asdict(entry), ensure_ascii=False), encoding="utf-8")


def settle(root: str | Path, assignment: str, graded: Callable[[str], Path]) -> None:
    """Write the lines that a run which was killed still owed: of those whose result stands in `graded(student)`."""
    written = {(entry.run, entry.student) for entry in entries(root, assignment)}
    for path in sorted(Path(root, FOLDER, BEFORE).glob(f"*/*/{LINE}")):
        entry = Entry(**json.loads(path.read_text(encoding="utf-8")))
        if entry.assignment != assignment or (entry.run, entry.student) in written:
            continue
        if state(graded(entry.student)) == entry.graded["new"]:
            append(root, entry)
        else:
            shutil.rmtree(path.parent)


def rows(folder: Path) -> list[Any]:
    """The rows that `keep` wrote."""
    found: list[Any] = json.loads((folder / ROWS).read_text(encoding="utf-8"))
    return found
