"""Whether the gradebook can be worked with: what is wrong with it in one sentence, and what mends it."""

import sqlite3
import sys
from pathlib import Path
from types import TracebackType

from nbgrader.api import Base
from sqlalchemy import create_engine, inspect
from sqlalchemy.engine import Engine, make_url
from sqlalchemy.exc import DBAPIError

from .gradebook import exists

UPGRADE = "Upgrade it, which keeps a copy beside it: nbgrader db upgrade. If it says the same afterwards, put back a copy of yours."
NONE_YET = "there is none yet: nbgrader generate_assignment makes it", ""
OTHERS = [sys.excepthook]       # what says everything else
BUSY = "Wait for it, or end it (a grading run, formgrader, an open sqlite3); what was done so far is kept."


def in_a_sentence(error: DBAPIError) -> str:
    """What an error of the database means and what to do about it."""
    said = str(error.orig or error).splitlines()[0]
    if "locked" in said or "busy" in said:
        return f"The gradebook is in use by another program ({said}). {BUSY}"
    if "no such column" in said or "no such table" in said or "has no column" in said or "does not exist" in said:
        return f"The gradebook was made by another version of nbgrader ({said}). {UPGRADE}"
    if "not a database" in said or "malformed" in said:
        return f"The gradebook is damaged ({said}). Put back a copy; submissions can be graded again, what people graded is in the copy."
    if "readonly" in said or "unable to open" in said:
        return f"The gradebook may not be written or opened ({said}). Mend the rights of the file and of its folder."
    return f"The gradebook does not answer ({said})."


def install() -> None:
    """Have an error of the database that ends one of nbgrader's own commands say that sentence."""
    if sys.excepthook is not say:
        OTHERS.append(sys.excepthook)
        sys.excepthook = say


def say(kind: type[BaseException], error: BaseException, trace: TracebackType | None) -> None:
    if isinstance(error, DBAPIError):
        print(in_a_sentence(error), file=sys.stderr)
    else:
        OTHERS[-1](kind, error, trace)


def look(db_url: str) -> tuple[str, str]:
    """(what is wrong, what mends it), or (what is right, ""). A database without a table is new: nbgrader makes them."""
    if not exists(db_url):
        return NONE_YET
    try:
        engine = create_engine(db_url)
        try:
            if not inspect(engine).get_table_names():
                return NONE_YET
            lacking = missing(engine)
        finally:
            engine.dispose()
    except DBAPIError as error:
        what, _, remedy = in_a_sentence(error).partition(". ")
        return what, remedy or "See what the database's own log says."
    if lacking:
        return f"it lacks {', '.join(lacking[:5])}{' …' * bool(lacking[5:])}, so it was made by another version of nbgrader", UPGRADE
    if made_here(db_url) and (said := locked(make_url(db_url).database or "")):
        return said, BUSY
    return "it has all that nbgrader asks for", ""


def missing(engine: Engine) -> list[str]:
    """Tables, and columns as `table.column`, that nbgrader's own schema has and the database does not."""
    there = inspect(engine)
    tables = set(there.get_table_names())
    found = []
    for table in Base.metadata.sorted_tables:
        if table.name not in tables:
            found.append(f"the table {table.name}")
            continue
        columns = {column["name"] for column in there.get_columns(table.name)}
        found += [f"the column {table.name}.{column.name}" for column in table.columns if column.name not in columns]
    return found


def made_here(db_url: str) -> bool:
    return make_url(db_url).get_backend_name() == "sqlite"


def locked(path: str) -> str | None:
    """Whether somebody else is writing to the file; asking changes nothing."""
    try:
        connection = sqlite3.connect(Path(path), timeout=0.2, isolation_level=None)
        try:
            connection.execute("BEGIN IMMEDIATE")
            connection.execute("ROLLBACK")
        finally:
            connection.close()
    except sqlite3.OperationalError as error:
        return f"it cannot be written now ({error})"
    return None
