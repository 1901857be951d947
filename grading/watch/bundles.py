"""What submissions are graded with, as course and gradebook have it now; and still as they had it, where it cannot be read."""

import os
from dataclasses import replace
from pathlib import Path

from sqlalchemy.engine import make_url
from sqlalchemy.exc import SQLAlchemyError

from ..run.batch import Bundle
from ..run.course import Course
from ..run.execute import JUDGES
from ..run.gradebook import NotGenerated

LOOK_SECONDS = 5.0      # how often it is asked whether something changed


class Bundles:
    """The bundles of some assignments. The gradebook is opened for reading only."""

    def __init__(self, course: Course, assignments: list[str], terse: bool) -> None:
        self.course, self.assignments, self.terse = course, assignments, terse
        self.held: dict[str, Bundle] = {}
        self.stamp: object = None
        self.asked = 0.0
        course.dir.db_url = for_reading(course.dir.db_url)

    def refresh(self, now: float) -> str | None:
        """Make them anew if something has changed; why that was not possible, or None."""
        if now - self.asked < LOOK_SECONDS:
            return None
        self.asked, stamp = now, self.state()
        if stamp == self.stamp and len(self.held) == len(self.assignments):
            return None
        for name in self.assignments:
            try:
                with self.course.writer(name) as writer:
                    self.held[name] = replace(self.course.bundle(name, writer), terse=self.terse)
            except (SQLAlchemyError, NotGenerated, OSError) as error:
                return f"{name}: {str(error).splitlines()[0]}" + ("; the checks that were known stay in use" if name in self.held else "")
        self.stamp = stamp
        return None

    def state(self) -> object:
        """What changes when the files that they are made of do."""
        database = make_url(self.course.dir.db_url).database or ""
        places = [Path(database.removeprefix("file:").split("?")[0])] if database else []
        for name in JUDGES:
            places += sorted(Path(self.course.execute.course_root, name).glob("*.py"))
        for name in self.assignments:
            places += sorted(Path(self.course.dir.format_path(self.course.dir.source_directory, ".", name)).rglob("*"))
        return tuple((str(place), about.st_mtime_ns, about.st_size) for place in places if (about := stat(place)))


def stat(place):
    try:
        return os.stat(place)
    except OSError:
        return None


def for_reading(address: str) -> str:
    """The address of a gradebook with which SQLite opens it for reading, and does not wait for who writes it."""
    url = make_url(address)
    if not url.drivername.startswith("sqlite") or not url.database or "mode=" in address:
        return address
    return f"sqlite:///file:{Path(url.database).absolute()}?mode=ro&uri=true&timeout=0.2"
