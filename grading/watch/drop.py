"""A folder into which something else drops submissions, for courses without a hub: `student/….ipynb`, or a learning platform's zip.

What is dropped is copied within the caps of `grading.plugins.collect` before anything looks at it; pages go into another folder,
`student/notebook.html`, from which any script can take them.
"""

import datetime
import os
import re
import shutil
import time
from collections.abc import Iterator
from contextlib import suppress
from hashlib import sha256
from pathlib import Path, PurePosixPath
from typing import Any

from ..notebooks.archives import NotUnpacked, members
from ..notebooks.folders import FOLDER, NotTaken, read_regular
from ..notebooks.names import one_name, trouble_with, trouble_with_student
from ..plugins.collect import Copy, NotCollected
from ..plugins.placing import place_preview
from ..root import CourseError
from ..run.course import Course
from .inbox import HandIn, Refused, last_change
from .log import FOLDER as PRIVATE
from .queue import Entry

QUIET_SECONDS = 2.0     # nothing must have changed for so long: nobody says when it is complete
MAX_ZIP = 256 * 2**20
MOODLE = re.compile(r"^(?P<name>.+?)_\d+_assignsubmission_file_?.*$")
CANVAS = re.compile(r"^(?P<name>[^_]+)(_LATE)?_\d+_\d+_(?P<file>.+)$", re.IGNORECASE)


class Drop:
    """The folder `inbound`, whose pages go to `pages`. The same methods as `Exchange`."""

    def __init__(self, course: Course, inbound: Path, pages: Path) -> None:
        if not inbound.is_dir():
            raise CourseError(f"There is no folder {inbound}. Make it, and let submissions be dropped there: {inbound}/STUDENT/NOTEBOOK.ipynb")
        self.course, self.inbound, self.pages = course, inbound, pages
        self.staged = Path(course.dir.root, PRIVATE, "dropped")
        self.unpacked: dict[str, dict[str, bytes]] = {}     # of zips: by the name of the entry
        pages.mkdir(parents=True, exist_ok=True)

    def folder(self, name: str) -> str:
        return str(self.staged / sha256(name.encode()).hexdigest()[:24])

    # --- what was dropped ---------------------------------------------------------------------------------------

    def entries(self, known: set[str], assignments: list[str]) -> Iterator[tuple[str, HandIn | Refused | None]]:
        """(name, what it is) of all that is not in `known`; what is dropped again with another content has another name."""
        for item in sorted(os.scandir(self.inbound), key=lambda item: item.name):
            if item.name.startswith("."):
                continue
            if item.is_dir(follow_symlinks=False):
                yield from self.of_folder(item, known, assignments)
            elif item.name.lower().endswith(".zip") and item.is_file(follow_symlinks=False):
                yield from self.of_zip(item, known, assignments)

    def of_folder(self, item: os.DirEntry[str], known: set[str], assignments: list[str]) -> Iterator[tuple[str, HandIn | Refused]]:
        student = one_name(item.name)
        inside = [name for name in assignments if Path(item.path, name).is_dir()]
        places = {name: os.path.join(item.path, name) for name in inside} or ({assignments[0]: item.path} if len(assignments) == 1 else {})
        for assignment, path in places.items():
            changed = last_change(path)
            name = f"{student}+{assignment}+{stamp(changed)}"
            if name not in known:
                trouble = trouble_with_student(student)
                yield name, Refused(trouble) if trouble else HandIn(name, path, student, assignment, changed)

    def of_zip(self, item: os.DirEntry[str], known: set[str], assignments: list[str]) -> Iterator[tuple[str, HandIn | Refused]]:
        about = item.stat(follow_symlinks=False)
        whole = f"{item.name}+{stamp(about.st_ctime)}"
        if whole in known or time.time() - about.st_ctime < QUIET_SECONDS:
            return
        known.add(whole)
        try:
            content = members(read_regular(item.path, MAX_ZIP))
        except (NotUnpacked, NotTaken, OSError) as error:
            yield whole, Refused(str(error))
            return
        for student, files in sorted(by_student(content, Path(item.name).stem).items()):
            assignment = assignments[0]
            name = f"{student}+{assignment}+{stamp(about.st_ctime)}+{item.name}"
            if name not in known:
                self.unpacked[name] = files
                trouble = trouble_with_student(student)
                yield name, Refused(trouble) if trouble else HandIn(name, item.path, student, assignment, about.st_ctime)

    def is_complete(self, one: HandIn) -> bool:
        return time.time() - one.claimed >= QUIET_SECONDS

    def check(self, one: HandIn) -> None:
        """Copy it to where nobody changes it. Raises `Refused`."""
        target = Path(self.folder(one.name))
        shutil.rmtree(target, ignore_errors=True)
        target.mkdir(parents=True)
        files = self.unpacked.pop(one.name, None)
        if files is not None:
            for relative, content in files.items():
                place = target / relative
                place.parent.mkdir(parents=True, exist_ok=True)
                place.write_bytes(content)
            return
        try:
            source = os.open(one.folder, FOLDER)
            try:
                Copy(self.course.dir).folder(source, str(target))
            finally:
                os.close(source)
        except (NotCollected, OSError) as error:
            raise Refused(str(error)) from None

    # --- what comes back ----------------------------------------------------------------------------------------

    def put(self, one: HandIn | Entry, notebook: str, page: bytes) -> bool:
        """Put a page where whoever runs the upload finds it. Raises `OSError` or `Refused`."""
        if trouble_with(notebook) or "/" in notebook:
            raise Refused("has a notebook whose name cannot be that of a page")
        folder = self.pages / one.student
        folder.mkdir(exist_ok=True)
        return place_preview(page, folder, f"{notebook}.html")

    def done(self, one: HandIn | Entry) -> None:
        shutil.rmtree(self.folder(one.name), ignore_errors=True)

    def beat(self, **about: Any) -> None:
        """Nobody here looks for a sign of life."""

    def rest(self) -> None:
        with suppress(OSError):
            self.staged.rmdir()


def stamp(moment: float) -> str:
    return datetime.datetime.fromtimestamp(moment, datetime.UTC).strftime("%Y-%m-%d %H:%M:%S.%f UTC")


def by_student(content: dict[str, bytes], stem: str) -> dict[str, dict[str, bytes]]:
    """{student: {file: content}} of a zip: a folder for each student, as Moodle packs them, or their names before each file, as
    Canvas does; else it is one student's, whose name is the zip's."""
    found: dict[str, dict[str, bytes]] = {}
    for path, blob in content.items():
        parts = PurePosixPath(path).parts
        if ".." in parts:
            continue
        if len(parts) > 1:
            match = MOODLE.match(parts[0])
            student, relative = match["name"] if match else parts[0], str(PurePosixPath(*parts[1:]))
        else:
            match = CANVAS.match(parts[0])
            student, relative = (match["name"], match["file"]) if match else (stem, parts[0])
        found.setdefault(one_name(student), {})[relative] = blob
    return found
