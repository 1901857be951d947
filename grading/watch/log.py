"""The watcher's private log: what was handed in when, what it was, what became of it. It is also an honest receipt.

SQLite with a write-ahead log: readers (`course status`, the hub's page) never hold up the watcher, and a process that is
killed leaves whole rows. A log that is lost costs the counts of the limits and nothing else.
"""

import json
import sqlite3
import time
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass, fields
from enum import StrEnum
from pathlib import Path
from typing import Any

from ..root import CourseError

FOLDER, NAME = ".watch", "log.sqlite"       # below the course's root
HOUR, DAY = 3600.0, 86400.0
FRESH_SECONDS = 60      # a watcher that said nothing for longer was not there
TABLES = """
create table if not exists submissions (
    name text primary key, student text not null, assignment text not null, claimed real not null, first_seen real not null,
    changed real not null, digest text, state text not null, since real not null, due real not null default 0, slow integer not null default 0,
    tries integer not null default 0, seconds real not null default 0, points real, most real, checks text, note text, replaced real);
create index if not exists by_student on submissions (student, assignment, state);
create table if not exists answers (student text not null, assignment text not null, given real not null);
create index if not exists by_attempt on answers (student, assignment, given);
create table if not exists runs (started real primary key, seen real not null, stopped real);
pragma user_version = 1;
"""


class State(StrEnum):
    """What became of a submission. `FAILED` is our fault and costs no attempt."""

    WAITING = "waiting"
    WORKING = "working"
    ANSWERED = "answered"
    STANDS = "stands"
    SUPERSEDED = "superseded"
    REFUSED = "refused"
    FAILED = "failed"


@dataclass(frozen=True)
class Row:
    """One submission as the log has it. Times are of the epoch; `checks` is {exercise: [passed, all, names of the others]}."""

    name: str
    student: str
    assignment: str
    claimed: float
    first_seen: float
    changed: float
    digest: str | None
    state: State
    since: float
    due: float
    slow: bool
    tries: int
    seconds: float
    points: float | None
    most: float | None
    checks: dict[str, Any]
    note: str | None
    replaced: float | None


COLUMNS = ", ".join(field.name for field in fields(Row))


class Log:
    """The log of one course. The watcher writes it; everybody else of the staff may read it meanwhile."""

    def __init__(self, root: str | Path, read_only: bool = False) -> None:
        self.path = Path(root, FOLDER, NAME)
        if not read_only:
            self.path.parent.mkdir(mode=0o700, exist_ok=True)
            self.path.touch(0o600)
        address = f"file:{self.path}?mode={'ro' if read_only else 'rw'}"
        self.db = sqlite3.connect(address, uri=True, timeout=10, isolation_level=None)
        self.db.row_factory = sqlite3.Row
        if not read_only:
            self.db.execute("pragma journal_mode = wal")
            self.db.execute("pragma synchronous = normal")
            self.db.executescript(TABLES)
        self.rows(State.WORKING)        # raises where there are no such tables, or others

    def close(self) -> None:
        self.db.close()

    @contextmanager
    def together(self) -> Iterator[None]:
        """One transaction: all of it or nothing."""
        self.db.execute("begin immediate")
        try:
            yield
        except BaseException:
            self.db.execute("rollback")
            raise
        self.db.execute("commit")

    # --- runs of the watcher --------------------------------------------------------------------------------------

    def begin_run(self, now: float) -> None:
        """A watcher starts: what was at work when the last one ended waits again."""
        with self.together():
            self.db.execute("update submissions set state = ?, since = ? where state = ?", (State.WAITING, now, State.WORKING))
            self.db.execute("insert or replace into runs values (?, ?, null)", (now, now))
        self.started = now

    def still_here(self, now: float) -> None:
        self.db.execute("update runs set seen = ? where started = ?", (now, self.started))

    def end_run(self, now: float) -> None:
        self.db.execute("update runs set seen = ?, stopped = ? where started = ?", (now, now, self.started))

    def was_watching(self, moment: float) -> bool:
        """Whether a watcher was at work then and had been for a while: what it saw first had just been handed in."""
        return self.db.execute("select 1 from runs where started + ? < ? and seen + ? > ?",
                               (FRESH_SECONDS, moment, FRESH_SECONDS, moment)).fetchone() is not None

    def away_since(self, now: float) -> float | None:
        """When the last watcher was seen last; None while one is at work, and before there ever was one."""
        seen, stopped = self.db.execute("select seen, stopped from runs order by seen desc, started desc limit 1").fetchone() or (now, None)
        return seen if stopped is not None or seen + FRESH_SECONDS < now else None

    # --- submissions ----------------------------------------------------------------------------------------------

    def names(self) -> set[str]:
        return {row["name"] for row in self.db.execute("select name from submissions")}

    def add(self, name: str, student: str, assignment: str, claimed: float, now: float, changed: float, state: State,
            note: str | None = None) -> None:
        name = name.encode("utf-8", "backslashreplace").decode()        # bytes that are no text can be no row's either
        self.db.execute("insert into submissions (name, student, assignment, claimed, first_seen, changed, state, since, note) values "
                        "(?, ?, ?, ?, ?, ?, ?, ?, ?) on conflict (name) do update set state = excluded.state, since = excluded.since, note = excluded.note",
                        (name, student, assignment, claimed, now, changed, state, now, note))

    def set(self, name: str, state: State, now: float, **more: Any) -> None:
        """Change a submission's state, and what else is known of it now (names of columns)."""
        if "checks" in more:
            more["checks"] = json.dumps(more["checks"])
        values = {"state": state, "since": now, **more}
        self.db.execute(f"update submissions set {', '.join(f'{column} = :{column}' for column in values)} where name = :name",
                        {**values, "name": name})

    def row(self, name: str) -> Row | None:
        return next(iter(self.rows(name=name)), None)

    def number_since(self, student: str, since: float) -> int:
        """How many submissions of a student were first seen since then; of nobody: how many names that are none."""
        number: int = self.db.execute("select count(*) from submissions where student = ? and first_seen > ?", (student, since)).fetchone()[0]
        return number

    def rows(self, *states: State, assignment: str | None = None, student: str | None = None, name: str | None = None) -> list[Row]:
        """The submissions in these states (or all), oldest first."""
        asked = {"assignment": assignment, "student": student, "name": name}
        where = [f"{column} = :{column}" for column, value in asked.items() if value is not None]
        if states:
            where.append(f"state in ({', '.join(repr(str(state)) for state in states)})")
        found = self.db.execute(f"select {COLUMNS} from submissions" + (f" where {' and '.join(where)}" if where else "")
                                + " order by first_seen, claimed, name", asked)
        return [Row(**{**dict(row), "state": State(row["state"]), "slow": bool(row["slow"]),
                       "checks": json.loads(row["checks"] or "{}")}) for row in found]

    def count_attempt(self, student: str, assignment: str, now: float) -> None:
        """An answer was given. It counts whatever becomes of the submission: its folder is the student's to change."""
        self.db.execute("insert into answers values (?, ?, ?)", (student, assignment, now))

    def answered(self, student: str, assignment: str, since: float) -> list[float]:
        """When answers were given that count as attempts."""
        return [row["given"] for row in self.db.execute(
            "select given from answers where student = ? and assignment = ? and given > ?", (student, assignment, since))]

    def work_of_last_hour(self, now: float) -> dict[str, float]:
        """{student: seconds that were worked for them}."""
        return {row[0]: row[1] for row in self.db.execute(
            "select student, sum(seconds) from submissions where since > ? group by student", (now - HOUR,))}


def open_log(root: str | Path) -> Log | None:
    """The log of a course to read in, None where no watcher has ever been. Raises `CourseError` where it cannot be read."""
    place = Path(root, FOLDER, NAME)
    if not place.exists() or not place.stat().st_size:      # the first watcher is about to begin
        return None
    try:
        return Log(root, read_only=True)
    except sqlite3.Error as error:
        raise unreadable(root, error) from None


def unreadable(root: str | Path, error: sqlite3.Error) -> CourseError:
    return CourseError(f"{Path(root, FOLDER, NAME)} cannot be used: {error}. If that stays so, move it away, with the files beside it: a new one is "
                       "made, and all that is lost are the answers that were counted.")


def receipts(log: Log, assignment: str, due_of: Callable[[str], float | None], tolerance: float = 300.0) -> dict[str, list[str]]:
    """{student: what the log says against the times that the student's side wrote}, where they differ and it matters: around
    the deadline that `due_of` gives for a student (of the epoch)."""
    said: dict[str, list[str]] = {}
    rows = log.rows(assignment=assignment)      # what was refused is among them: `collect` needs no secret
    newest = {row.student: row.name for row in sorted(rows, key=lambda row: row.claimed)}
    for row in rows:
        due = due_of(row.student)
        seen = row.first_seen if log.was_watching(row.first_seen) else row.changed
        if due is not None and row.claimed <= due < seen - tolerance:
            said.setdefault(row.student, []).append(f"claims {clock(row.claimed)}, first seen {clock(seen)}")
        if row.replaced and due is not None and row.replaced > due and (row.state is State.ANSWERED or row.name == newest[row.student]):
            what = "replaced" if row.state is State.ANSWERED else "touched"     # then nobody compared it
            said.setdefault(row.student, []).append(f"{what} after the deadline, {clock(row.replaced)}")
    return said


def clock(moment: float) -> str:
    return time.strftime("%Y-%m-%d %H:%M", time.gmtime(moment)) + " UTC"


@contextmanager
def reading(root: str | Path) -> Iterator[Log | None]:
    """The log of a course while it is read. Raises `CourseError` where that cannot be done."""
    log = open_log(root)
    if log is None:
        yield None
        return
    with closing(log):
        try:
            yield log
        except sqlite3.Error as error:
            raise unreadable(root, error) from None
