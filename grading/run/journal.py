"""Changes of a submission as wholes: its rows, its folder and its line in the audit change together, whatever is killed in between.

Before anything is changed an intent is on the disk: the line that is to come, with the rows before and after. `Writer.swap` then moves the
older folder away, commits the rows, renames the new folder into place, adds the line and removes the intent; `Writer.settle`, first of all
in any later run, finds out whether the rows were committed, and goes on from there or back. Each of its steps may be done twice.
"""

import hashlib
import json
import os
import shutil
from collections.abc import Container, Iterable, Iterator, Mapping
from contextlib import suppress
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import Any, NamedTuple

from nbgrader.api import SubmittedAssignment

from ..lms.private import sync, write_private
from ..notebooks.cells import exercise_of
from ..notebooks.record import records_in
from ..root import AUDIT, OPEN
from . import audit
from .audit import Act, Entry
from .penalties import net_of, score_of

BEFORE, GRADED, ROWS = "before", "graded", "rows.json"
LATE = "late penalty"
Cells = dict[str, tuple[str, dict[str, tuple[str, str]]]]        # see `gradebook.cells_of`


# --- the rows of a submission as plain data -----------------------------------------------------------------------

class Row(NamedTuple):
    """One graded cell, with the names of nbgrader's own rows."""

    notebook: str
    cell: str
    auto_score: float | None
    manual_score: float | None
    extra_credit: float | None
    needs_manual_grade: bool


@dataclass(frozen=True)
class Rows:
    """All graded cells of a submission, and what is taken off each notebook for being late."""

    cells: list[Row] = field(default_factory=list)
    penalties: dict[str, float | None] = field(default_factory=dict)

    @property
    def graded(self) -> bool:
        """Whether anybody has graded it: a row may be there for an extension alone."""
        return any(row.auto_score is not None or row.manual_score is not None for row in self.cells)

    @property
    def autos(self) -> dict[tuple[str, str], float | None]:
        return {(row.notebook, row.cell): row.auto_score for row in self.cells}

    @property
    def standing(self) -> dict[str, Any]:
        """What counts, and its parts, as the audit has it."""
        return standing({row.cell: score_of(row) for row in self.cells}, sum(penalty or 0.0 for penalty in self.penalties.values()))


def rows_of(submission: SubmittedAssignment, cells: Cells) -> Rows:
    """The rows of a submission as they are in memory."""
    found = Rows()
    for notebook in submission.notebooks:
        name, names = cells[notebook.notebook_id]
        found.penalties[name] = notebook.late_submission_penalty
        found.cells.extend(Row(name, names[one.cell_id][0], one.auto_score, one.manual_score, one.extra_credit,
                               bool(one.needs_manual_grade)) for one in notebook.grades)
    return Rows(sorted(found.cells, key=lambda row: row[:2]), dict(sorted(found.penalties.items())))


def rows_from(stored: Mapping[str, Any]) -> Rows:
    return Rows([Row(*row) for row in stored["cells"]], dict(stored["penalties"]))


def standing(points: Mapping[str, float], penalty: float) -> dict[str, Any]:
    exercises = {cell: round(score, 4) for cell, score in points.items()}
    total, penalty = round(sum(exercises.values()), 2), round(penalty, 2)
    return {"points": total, "penalty": penalty, "counts": net_of(total, penalty), "exercises": exercises}


def differences(old: Mapping[str, Any], new: Mapping[str, Any], why: str) -> list[Any]:
    """[exercise, before, now, why] for each that has other points, and for the late penalty."""
    found = [[exercise_of(cell), old["exercises"].get(cell), score, why] for cell, score in new["exercises"].items()
             if old["exercises"].get(cell) != score]
    return found + ([[LATE, -old["penalty"] or 0.0, -new["penalty"] or 0.0, why]] if old["penalty"] != new["penalty"] else [])


# --- what is graded, by digests -----------------------------------------------------------------------------------

def state(folder: Path) -> str:
    """A digest of the graded notebooks in a folder."""
    found = hashlib.sha256()
    for path in sorted(folder.glob("*.ipynb")):
        found.update(path.stem.encode() + b"\0" + hashlib.sha256(path.read_bytes()).digest())
    return found.hexdigest()[:16]


def digests_of(folder: Path, keys: Iterable[str]) -> dict[str, dict[str, str]]:
    """{notebook: the digests of what judged it}"""
    return {name: {key: record.graded_by[key] for key in keys if key in record.graded_by} for name, record in records_in(folder).items()}


# --- intents ------------------------------------------------------------------------------------------------------

@dataclass(frozen=True)
class Intent:
    """What is about to be changed. Without `after` something else changes it, nbgrader itself, and what came of it is looked up."""

    entry: Entry
    before: Rows
    after: Rows | None = None

    @property
    def name(self) -> str:
        """One submission has one intent at a time."""
        return hashlib.sha256(f"{self.entry.assignment}\0{self.entry.student}".encode()).hexdigest()[:32] + ".json"


def intended(act: Act, assignment: str, student: str, before: Rows, after: Rows | None = None, **more: Any) -> Intent:
    """The intent of an act on a submission; `more` is of the line that is to come."""
    new = after.standing if after else before.standing
    more = {"changes": differences(before.standing, new, act.how), **more}
    return Intent(Entry(act.run, assignment, student, act.moment.isoformat(timespec="seconds"), act.because, before.standing, new,
                        undoes=act.undoes, how=act.how, **more), before, after)


def intend(root: str | Path, intent: Intent) -> None:
    """Write an intent; it is on the disk, whole, when this returns."""
    folder = audit.make(root) / OPEN
    folder.mkdir(exist_ok=True, mode=0o700)
    write_private(folder / intent.name, json.dumps(asdict(intent)).encode())


def seen(intent: Intent, now: Rows, **more: Any) -> Intent:
    """An intent of what something else did, with what came of it; `more` is of the line."""
    changes = differences(intent.before.standing, now.standing, intent.entry.how)
    return replace(intent, entry=replace(intent.entry, new=now.standing, changes=changes, **more))


def fulfilled(root: str | Path, intent: Intent, done: Container[tuple[str, str]] = ()) -> None:
    """Add the line of what was done and drop the intent; where somebody was killed the line may be among those that are there, whose
    runs and students are in `done`."""
    if (intent.entry.run, intent.entry.student) not in done:
        audit.append(root, intent.entry)
    drop(root, intent)


def drop(root: str | Path, intent: Intent) -> None:
    folder = Path(root, AUDIT, OPEN)
    folder.joinpath(intent.name).unlink(missing_ok=True)
    with suppress(OSError):     # another one lies there
        folder.rmdir()


def is_open(root: str | Path) -> bool:
    """Whether there is an intent of something that is at work, or was killed."""
    return os.path.isdir(Path(root, AUDIT, OPEN))      # False too for who may not look into the audit


def open_intents(root: str | Path) -> Iterator[Intent]:
    """The intents that are there. What was not written to its end is removed: nothing was changed yet."""
    for path in sorted(Path(root, AUDIT, OPEN).glob("*.json*")):
        try:
            if path.suffix != ".json":
                raise ValueError(path)
            stored = json.loads(path.read_text(encoding="utf-8"))
            intent = Intent(Entry(**stored["entry"]), rows_from(stored["before"]), rows_from(stored["after"]) if stored["after"] else None)
        except (ValueError, TypeError, KeyError):
            path.unlink(missing_ok=True)
        else:
            yield intent
    with suppress(OSError):
        Path(root, AUDIT, OPEN).rmdir()


def was_committed(intent: Intent, now: Rows) -> bool:
    """Whether the rows of a change stand in the gradebook. A person may have graded since, whose points and late penalty count last."""
    assert intent.after is not None
    before, after = intent.before, intent.after
    for one, other, there in ((before.autos, after.autos, now.autos), (before.penalties, after.penalties, now.penalties),
                              (before.cells, after.cells, now.cells)):
        if one != other:
            return there != one
    return False


# --- what stood there before a regrade ----------------------------------------------------------------------------

def kept(root: str | Path, run: str, student: str) -> Path:
    return Path(root, AUDIT, BEFORE, run, student)


def keep(root: str | Path, intent: Intent, folder: Path) -> None:
    """Keep a graded folder and its rows, before any of it is changed."""
    target = kept(root, intent.entry.run, intent.entry.student)
    shutil.rmtree(target, ignore_errors=True)
    target.parent.mkdir(parents=True, exist_ok=True)
    shutil.copytree(folder, target / GRADED)
    (target / ROWS).write_text(json.dumps(asdict(intent.before)), encoding="utf-8")
    sync_all(target)


def forget(root: str | Path, intent: Intent) -> None:
    shutil.rmtree(kept(root, intent.entry.run, intent.entry.student), ignore_errors=True)


def kept_rows(folder: Path) -> Rows | None:
    """The rows that `keep` wrote; None where they cannot be read."""
    try:
        return rows_from(json.loads((folder / ROWS).read_text(encoding="utf-8")))
    except (OSError, ValueError, TypeError, KeyError):
        return None


def sync_all(folder: Path) -> None:
    """Have all that lies in a folder on the disk."""
    for place, _, names in os.walk(folder):
        for name in names:
            sync(Path(place, name))
        sync(Path(place))
