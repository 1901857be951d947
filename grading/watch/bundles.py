"""What submissions are graded with, as course and gradebook have it now; and still as they had it, where it cannot be read."""

import shutil
import sqlite3
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import replace
from pathlib import Path

from nbgrader.coursedir import CourseDirectory
from sqlalchemy.engine import make_url
from sqlalchemy.exc import DBAPIError, SQLAlchemyError

from ..run.batch import Bundle
from ..run.course import Course
from ..run.execute import JUDGES
from ..run.gradebook import NotGenerated
from .stamps import LOOK_SECONDS, Stamps, stamps


class Bundles:
    """The bundles of some assignments, in `held`. The gradebook is opened for reading only. `version` counts their changes."""

    def __init__(self, course: Course, assignments: list[str], terse: bool) -> None:
        self.course, self.assignments, self.terse = course, assignments, terse
        self.held: dict[str, Bundle] = {}
        self.stamp: Stamps | None = None
        self.trouble: str | None = None
        self.version, self.asked = 0, 0.0
        course.dir.db_url = for_reading(course.dir.db_url)

    def refresh(self, now: float) -> str | None:
        """Make them anew if something has changed; why that is not possible, for as long as it lasts, or None."""
        if now - self.asked >= LOOK_SECONDS:
            self.asked, stamp = now, self.state()
            if stamp != self.stamp:
                trouble = [said for name in self.assignments if (said := self.renew(name))]
                self.stamp, self.trouble = None if trouble else stamp, ". ".join(trouble) or None
        return self.trouble

    def renew(self, name: str) -> str | None:
        """Make the bundle of one assignment; why it could not be made, or None."""
        try:
            bundle = replace(self.read(name), terse=self.terse)
            check_syntax(bundle.code)
        except (SQLAlchemyError, sqlite3.Error, NotGenerated, OSError, ValueError, SyntaxError) as error:
            said = (str(error).splitlines() or [type(error).__name__])[0]
            return f"{name}: {said}; " + ("the checks that were known stay in use" if name in self.held else "nothing is answered until that is mended")
        if bundle != self.held.get(name):
            self.held[name], self.version = bundle, self.version + 1
        return None

    def read(self, name: str) -> Bundle:
        try:
            with self.course.writer(name) as writer:
                return self.course.bundle(name, writer)
        except DBAPIError as error:
            if getattr(error.orig, "sqlite_errorname", "") != "SQLITE_READONLY_ROLLBACK":
                raise
        with copied(self.course.dir), self.course.writer(name) as writer:
            return self.course.bundle(name, writer)

    def state(self) -> Stamps:
        """What changes when the files that they are made of do."""
        places = [path] if (path := file_of(self.course.dir.db_url)) else []
        for name in JUDGES:
            places += sorted(Path(self.course.execute.course_root, name).glob("*.py"))
        for name in self.assignments:
            places += sorted(Path(self.course.dir.format_path(self.course.dir.source_directory, ".", name)).rglob("*"))
        return stamps(places)


def check_syntax(code: dict[str, bytes]) -> None:
    """Raises `SyntaxError` or `ValueError` where a file is no Python: somebody is in the middle of writing it."""
    for path, content in code.items():
        if path.endswith(".py"):
            try:
                compile(content, path, "exec", dont_inherit=True)
            except SyntaxError as error:
                raise SyntaxError(f"{path}, line {error.lineno}: {error.msg}") from None


def for_reading(address: str) -> str:
    """The address of a gradebook with which SQLite opens it for reading, and does not wait for who writes it."""
    url = make_url(address)
    if not url.drivername.startswith("sqlite") or not url.database or "mode=" in address:
        return address
    return f"sqlite:///file:{Path(url.database).absolute()}?mode=ro&uri=true&timeout=0.2"


def file_of(address: str) -> Path | None:
    """The file of a gradebook in SQLite."""
    database = make_url(address).database or ""
    return Path(database.removeprefix("file:").split("?")[0]) if database else None


@contextmanager
def copied(place: CourseDirectory) -> Iterator[None]:
    """Have the course `place` read a copy of its gradebook meanwhile.

    Whoever wrote it last was killed, and SQLite undoes what was half written when it is opened next. That is for who may write.
    """
    before, path = place.db_url, file_of(place.db_url)
    with tempfile.TemporaryDirectory(prefix="course-") as folder:
        for suffix in ("", "-journal", "-wal"):
            with suppress(FileNotFoundError):
                shutil.copy(f"{path}{suffix}", Path(folder, f"gradebook.db{suffix}"))
        sqlite3.connect(Path(folder, "gradebook.db")).execute("select 1 from sqlite_master").connection.close()
        place.db_url = for_reading(f"sqlite:///{folder}/gradebook.db")
        try:
            yield
        finally:
            place.db_url = before
