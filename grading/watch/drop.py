"""A folder into which something else drops submissions, for courses without a hub: `student/….ipynb`, or a learning platform's zip.

What is dropped is copied within the caps of `grading.plugins.collect` before anything looks at it; pages go into another folder,
`student/notebook.html`, from which any script can take them.
"""

import datetime
import os
import shutil
import time
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from contextlib import AbstractContextManager, nullcontext, suppress
from hashlib import sha256
from itertools import islice
from pathlib import Path, PurePosixPath
from typing import Any

from sqlalchemy.exc import DBAPIError

from ..border.bounded import Overrun, bounded
from ..lms import archives
from ..lms.people import People
from ..notebooks.archives import MAX_CONTENT, NotUnpacked, members
from ..notebooks.intake import MAX_ENTRIES
from ..notebooks.folders import Names, NotTaken, opened, read_regular
from ..notebooks.names import one_name, trouble_with, trouble_with_student
from ..plugins.collect import Copy, NotCollected
from ..plugins.placing import place_preview
from ..root import CourseError
from ..run.course import Course
from ..run.students import class_list, in_class, notebooks_of
from .inbox import HandIn, Refused, last_change
from .log import FOLDER as PRIVATE
from .queue import Entry

QUIET_SECONDS = 2.0     # nothing must have changed for so long: nobody says when it is complete
MAX_ZIP = 256 * 2**20
MOST_TOLD = 50          # entries of a zip of which it is said why they were not taken: each is a row of the log


class Drop:
    """The folder `inbound`, whose pages go to `pages`. The same methods as `Exchange`."""

    def __init__(self, course: Course, inbound: Path, pages: Path) -> None:
        if not inbound.is_dir():
            raise CourseError(f"There is no folder {inbound}. Make it, and let submissions be dropped there: {inbound}/STUDENT/NOTEBOOK.ipynb")
        self.course, self.inbound, self.pages = course, inbound, pages
        self.staged = Path(course.dir.root, PRIVATE, "dropped")
        self.unpacked: dict[str, tuple[HandIn, dict[str, bytes]]] = {}      # of zips, by the name of the entry, until it is copied
        pages.mkdir(parents=True, exist_ok=True)

    def alone(self) -> AbstractContextManager[None]:
        """Whoever drops something there says who answers it."""
        return nullcontext()

    def folder(self, name: str) -> str:
        return str(self.staged / sha256(name.encode()).hexdigest()[:24])

    # --- what was dropped ---------------------------------------------------------------------------------------

    def entries(self, known: set[str], assignments: list[str]) -> Iterator[tuple[str, HandIn | Refused | None]]:
        """(name, what it is) of all that is not in `known`; what is dropped again with another content has another name."""
        yield from [(name, one) for name, (one, _) in self.unpacked.items() if name not in known]        # where a disk was full
        for item in sorted(os.scandir(self.inbound), key=lambda item: item.name):
            if item.name.startswith("."):
                continue
            with suppress(FileNotFoundError):       # it may be gone again
                if item.is_dir(follow_symlinks=False):
                    yield from self.of_folder(item, known, assignments)
                elif item.name.lower().endswith(".zip") and item.is_file(follow_symlinks=False):
                    yield from self.of_zip(item, known, assignments)
                else:
                    yield from self.no_hand_in(item, known)

    def no_hand_in(self, item: os.DirEntry[str], known: set[str]) -> Iterator[tuple[str, Refused]]:
        changed = item.stat(follow_symlinks=False).st_ctime
        name = f"{item.name}+{stamp(changed)}"
        if name not in known and is_quiet(changed):
            yield name, Refused("is a link, and links are not followed" if item.is_symlink() else
                                f"is neither a student's folder nor a zip. Put it into {self.inbound}/STUDENT/")

    def of_folder(self, item: os.DirEntry[str], known: set[str], assignments: list[str]) -> Iterator[tuple[str, HandIn | Refused]]:
        student = one_name(item.name)
        inside = [name for name in assignments if Path(item.path, name).is_dir()]
        places = {name: os.path.join(item.path, name) for name in inside} or ({assignments[0]: item.path} if len(assignments) == 1 else {})
        if not places:
            changed = last_change(item.path)
            name = f"{student}+{stamp(changed)}"
            if name not in known and is_quiet(changed) and holds_a_file(item.path):
                yield name, Refused(f"does not say of which assignment it is. Put it into {self.inbound}/STUDENT/ASSIGNMENT/, which is one of "
                                    f"{', '.join(assignments)}")
        for assignment, path in places.items():
            changed = last_change(path)
            name = f"{student}+{assignment}+{stamp(changed)}"
            if name not in known and is_quiet(changed) and holds_a_file(path):
                trouble = trouble_with_student(student)
                yield name, Refused(trouble) if trouble else HandIn(name, path, student, assignment, changed)

    def of_zip(self, item: os.DirEntry[str], known: set[str], assignments: list[str]) -> Iterator[tuple[str, HandIn | Refused]]:
        about = item.stat(follow_symlinks=False)
        whole = f"{item.name}+{stamp(about.st_ctime)}"
        if whole in known or not is_quiet(about.st_ctime):
            return
        try:
            found = self.taken_apart(read_regular(item.path, MAX_ZIP), Path(item.name).stem)
        except DBAPIError:      # somebody holds the gradebook: who is who is asked again
            return
        except (NotUnpacked, NotTaken, CourseError, OSError) as error:
            known.add(whole)
            yield whole, Refused(f"could not be taken apart: {error}. Then drop it again" if isinstance(error, CourseError) else str(error))
            return
        known.add(whole)
        for student, files in sorted(found.items()):
            assignment = assignments[0] if len(assignments) == 1 or isinstance(files, Refused) else \
                archives.assignment_of(files, notebooks_of(self.course.dir, assignments))
            name = f"{student}+{assignment}+{stamp(about.st_ctime)}+{item.name}"
            if name in known:
                continue
            if isinstance(files, Refused):
                yield name, files
            elif assignment is None:
                yield name, Refused("is named like no notebook of one assignment")
            elif trouble := trouble_with_student(student):
                yield name, Refused(trouble)
            else:
                one = HandIn(name, item.path, student, assignment, about.st_ctime)
                self.unpacked[name] = one, files
                yield name, one

    def taken_apart(self, content: bytes, stem: str) -> Mapping[str, dict[str, bytes] | Refused]:
        """{student: {file: content}, or why not} of a zip: as a learning platform packs a class, else with a folder for each, else it
        is one student's, whose name is the zip's. Raises `NotUnpacked`."""
        try:
            read, system, trouble = bounded(archives.read_whole, content, MAX_CONTENT, MAX_ZIP)
        except CourseError:     # no platform's
            return by_folder(unpacked(content), stem)
        except Overrun as error:
            raise NotUnpacked(f"is a zip archive that {error}") from None
        except Exception as error:      # zipfile has more than one way to refuse an archive
            raise NotUnpacked(f"is a zip archive that cannot be unpacked ({type(error).__name__})") from None
        taken: dict[str, dict[str, bytes] | Refused] = {**not_taken(trouble[:MOST_TOLD])}
        if trouble[MOST_TOLD:]:
            taken[f"{len(trouble) - MOST_TOLD} more entries"] = Refused("were not taken")
        people, found = People(class_list(self.course.dir, system)), [one for one, _ in read]
        content_of = {id(entry): got for one, contents in read for entry, got in zip(one.entries, contents)}
        taken |= not_taken(archives.take_out_unsure(found, people.numbered))
        whose = [people.find(one.name, one.user, one.logins) for one in found]
        if not in_class(self.course.dir):       # then a name is all that is known of somebody
            whose = [(student or one_name(one.name), "") for one, (student, _) in zip(found, whose)]
        often = Counter(student for student, _ in whose)
        for one, (student, why) in zip(found, whose):
            if student is None or often[student] > 1:
                taken[f"{one.name} ({one.prefix or one.user})"] = Refused(f"was not taken: {why or f'{often[student]} could be {student}'}")
                continue
            files = {entry.file: got for entry in one.entries
                     if isinstance(got := content_of[id(entry)], bytes) and not any(map(trouble_with, entry.file.split("/")))}
            taken[student] = files or Refused("was not taken: no file of it can be had")
        return taken

    def is_complete(self, one: HandIn) -> bool:
        return is_quiet(one.claimed)

    def check(self, one: HandIn) -> None:
        """Copy it to where nobody changes it. Raises `Refused`."""
        target = Path(self.folder(one.name))
        shutil.rmtree(target, ignore_errors=True)
        target.mkdir(parents=True)
        if one.name in self.unpacked:
            self.write(target, self.unpacked[one.name][1])
            del self.unpacked[one.name]
            return
        try:
            with opened(self.inbound.resolve(), Path(one.folder).relative_to(self.inbound)) as source:
                Copy(self.course.dir).folder(source, str(target))
        except (NotCollected, OSError) as error:
            raise Refused(str(error)) from None

    @staticmethod
    def write(folder: Path, files: Mapping[str, bytes]) -> None:
        """Write what lay in a zip; of names that cannot lie beside one another the first."""
        names = Names()
        for relative, content in files.items():
            if not names.take(relative):
                place = folder / relative
                place.parent.mkdir(parents=True, exist_ok=True)
                place.write_bytes(content)

    # --- what comes back ----------------------------------------------------------------------------------------

    def put(self, one: HandIn | Entry, notebooks: Iterable[str], page: bytes) -> bool:
        """Put a page where whoever runs the upload finds it. Raises `OSError` or `Refused`."""
        names = [f"{notebook}.html" for notebook in notebooks]
        if any(trouble_with(name) or "/" in name for name in names):
            raise Refused("has a notebook whose name cannot be that of a page")
        folder = self.pages / one.student
        folder.mkdir(exist_ok=True)
        return place_preview(page, folder, *names)

    def done(self, one: HandIn | Entry) -> None:
        shutil.rmtree(self.folder(one.name), ignore_errors=True)

    def beat(self, **about: Any) -> None:
        """Nobody here looks for a sign of life."""

    def rest(self) -> None:
        with suppress(OSError):
            self.staged.rmdir()


def stamp(moment: float) -> str:
    return datetime.datetime.fromtimestamp(moment, datetime.UTC).strftime("%Y-%m-%d %H:%M:%S.%f UTC")


def is_quiet(changed: float) -> bool:
    """Whether what was last changed then is complete: a copy that goes on has another name at each look."""
    return time.time() - changed >= QUIET_SECONDS


def holds_a_file(folder: str) -> bool:
    """An empty folder is about to be filled."""
    return any(files for _, _, files in islice(os.walk(folder), MAX_ENTRIES))


def unpacked(content: bytes) -> dict[str, bytes]:
    """The files of a zip that anybody may have packed, in whatever way. Raises `NotUnpacked`."""
    try:
        if len(content) > MAX_CONTENT:
            return members(content)     # which refuses it
        files: dict[str, bytes] = bounded(members, content)
        return files
    except Overrun as error:
        raise NotUnpacked(f"is a zip archive that {error}") from None


def not_taken(lines: Iterable[str]) -> dict[str, Refused]:
    """What is said of files of an archive, "name: why", by name."""
    return {name: Refused(f"was not taken: {why}") for name, _, why in (line.partition(": ") for line in lines)}


def by_folder(content: dict[str, bytes], stem: str) -> dict[str, dict[str, bytes]]:
    """{student: {file: content}} of a zip with a folder for each student; what lies in none is that of the zip's name."""
    found: dict[str, dict[str, bytes]] = {}
    for path, blob in content.items():
        parts = PurePosixPath(path).parts
        if ".." not in parts:
            student, inside = (parts[0], parts[1:]) if len(parts) > 1 else (stem, parts)
            found.setdefault(one_name(student), {})[str(PurePosixPath(*inside))] = blob
    return found
