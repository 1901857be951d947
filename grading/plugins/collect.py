"""`nbgrader collect`, without what a student may have put into the exchange to be followed, believed or waited for.

nbgrader copies what links point to, with the instructor's rights: a link to the source notebook becomes a copy of it in
the student's own submission. One pipe, one folder that is too large, one name that it cannot read ends the collection
for everybody. And anyone may put a folder with another student's name into the exchange. Here each submission is copied
by descriptor (`notebooks/folders.py`) into a folder of its own, which takes its place when it is whole; what cannot be
taken is named at the end. Wired as `c.ExchangeFactory.collect` in nbgrader_config.py.
"""

import fnmatch
import os
import shlex
import shutil
import stat
from datetime import datetime
from logging import Logger
from pathlib import Path
from typing import Any

from nbgrader.api import Gradebook, MissingEntry
from nbgrader.coursedir import CourseDirectory
from nbgrader.exchange.default import ExchangeCollect
from nbgrader.utils import check_mode

from ..notebooks.exchange import is_borrowed, note_left, owner_of, parse_name, time_of, waiting
from ..notebooks.folders import FILE, FOLDER, FOREIGN, MAX_DEPTH, kind_of, names_in, opened
from ..notebooks.intake import MAX_ENTRIES, MAX_NOTES, STAMP, in_order, parse_stamp
from ..notebooks.names import shown, trouble_with
from ..run.students import in_class, unknown

GROUP_FOLDER, GROUP_FILE = 0o2770, 0o660        # what nbgrader's `groupshared` asks for
KILOBYTE = 1000                                 # as nbgrader counts `max_file_size` and `max_dir_size`


Entry = dict[str, Any]      # a folder of the exchange as nbgrader's ExchangeCollect knows it: username, filename, timestamp


class NotCollected(Exception):
    """Why one submission is not taken; the message completes the sentence that its name begins."""


class Collect(ExchangeCollect):
    """nbgrader's collector, in which one submission costs no other."""

    # --- which --------------------------------------------------------------------------------------------------

    def init_src(self) -> None:
        """Of each student the newest submission, or the newest before the deadline where that is asked for."""
        if self.coursedir.course_id == "":
            self.fail("No course id specified. Re-run with --course flag.")
        self.course_path = os.path.join(self.root, self.coursedir.course_id)
        self.inbound_path = os.path.join(self.course_path, "inbound")
        if not os.path.isdir(self.inbound_path):
            self.fail(f"Course not found: {self.inbound_path}")
        if not check_mode(self.inbound_path, read=True, execute=True):
            self.fail(f"You don't have read permissions for the directory: {self.inbound_path}")
        self.left: list[tuple[str, str]] = []
        students: dict[str, list[Entry]] = {}
        for name in sorted(os.listdir(self.inbound_path)):
            if record := self.read_name(name):
                students.setdefault(record["username"], []).append(record)
        due = self.due()
        self.src_records = []
        for _, records in sorted(students.items()):
            records = self._sort_by_timestamp(records)
            in_time = [record for record in records if due and record["timestamp"] <= due]
            self.src_records.append((in_time or records)[0])

    def due(self) -> datetime | None:
        """The deadline, if only what was handed in before it is to be collected."""
        if not self.before_duedate:
            return None
        with Gradebook(self.coursedir.db_url, self.coursedir.course_id) as gradebook:
            try:
                return gradebook.find_assignment(self.coursedir.assignment_id).duedate
            except MissingEntry:
                return None

    def read_name(self, name: str) -> Entry | None:
        """The record of the folder `name` of the exchange; None if it is another assignment's, or none: that is named."""
        parts, wanted = parse_name(name, self.coursedir.assignment_id), self.coursedir.student_id or "*"
        if not parts or parts[0] != wanted and not fnmatch.fnmatchcase(parts[0], wanted):
            return None
        try:
            trouble = "begins with a dot" if name.startswith(".") else trouble_with(parts[0]) or trouble_with_place(os.path.join(self.inbound_path, name))
            when = parse_stamp(parts[1])
        except Exception:       # dateutil has more than one way to refuse a time
            trouble = "holds no time stamp"
        if not trouble and self.check_owner and is_borrowed(os.path.join(self.inbound_path, name), parts[0]):
            trouble = "does not belong to the user whose name it bears; where that is as it should be, set c.ExchangeCollect.check_owner = False"
        if trouble:
            self.leave(name, trouble)
            return None
        return {"username": parts[0], "filename": name, "timestamp": when}

    def _sort_by_timestamp(self, records: list[Entry]) -> list[Entry]:
        """The newest first, but a folder that belongs to the student it names before any that does not."""
        newest = super()._sort_by_timestamp(records)
        return sorted(newest, key=lambda record: self.check_owner and not self.is_own(record))

    def is_own(self, record: Entry) -> bool:
        return self.owner(record) == record["username"]

    def owner(self, record: Entry) -> str | None:
        return owner_of(os.path.join(self.inbound_path, record["filename"]))

    # --- take them ----------------------------------------------------------------------------------------------

    def copy_files(self) -> None:
        """Collect them all, then name what was left."""
        say = self.log.info if self.src_records else self.log.warning
        say("%d submissions of %s for course %s to collect", len(self.src_records), self.coursedir.assignment_id,
            self.coursedir.course_id)
        for record in self.src_records:
            try:
                self.collect(record)
            except Exception as error:
                self.leave(record["filename"], str(error) if isinstance(error, NotCollected)
                           else f"could not be copied ({type(error).__name__}: {getattr(error, 'strerror', None) or '-'})")
        if self.coursedir.student_id in ("", "*"):
            note_left(Path(self.coursedir.root, self.coursedir.submitted_directory), self.coursedir.assignment_id, dict(self.left))
        self.say_what_waits()
        students = [record["username"] for record in self.src_records]
        for line in unknown(students, in_class(self.coursedir)):
            self.log.warning("%s", line)
        if self.left:
            self.log.error("%d entries of the exchange were not collected:", len(self.left))
            for name, trouble in self.left[:1000]:
                self.log.error("  %s: %s", shown(name), trouble)

    def say_what_waits(self) -> None:
        """Without `update` a second submission stays in the exchange."""
        course, assignment = self.coursedir, self.coursedir.assignment_id
        found = [] if self.update or self.before_duedate else waiting(
            self.inbound_path, assignment, lambda student: course.format_path(course.submitted_directory, student, assignment),
            self.check_owner)
        if found:
            self.log.warning("%d students handed in again since, and that stays in the exchange: %s. Collect it with: "
                             "nbgrader collect %s --update", len(found), ", ".join(shown(one.student) for one in found[:20]),
                             shlex.quote(assignment))

    def leave(self, name: str, trouble: str) -> None:
        self.left.append((name, trouble))

    def collect(self, record: Entry) -> None:
        student, assignment = record["username"], self.coursedir.assignment_id
        if self.check_owner and not self.is_own(record):
            self.log.warning("%s claims to be submitted by %s but is owned by %s; cheating attempt? You may disable this "
                             "warning by unsetting the option CollectApp.check_owner", shown(record["filename"]),
                             shown(student), shown(self.owner(record) or "unknown id"))
        target = self.coursedir.format_path(self.coursedir.submitted_directory, student, assignment)
        if os.path.lexists(target):
            before = time_of(target)
            newer = self.update and (before is None or record["timestamp"] > before)
            stamped = before is None or os.path.lexists(os.path.join(target, STAMP))     # else it came another way
            if not newer and not (self.before_duedate and stamped and before != record["timestamp"]):
                self.log.info("%s: %s %s", "No newer submission to collect" if self.update else
                              "Submission already exists, use --update to update", shown(student), assignment)
                return
        self.log.info("Collecting submission: %s %s", shown(student), assignment)
        os.makedirs(os.path.dirname(target), exist_ok=True)
        self.replace(os.path.join(self.inbound_path, record["filename"]), target)

    def replace(self, source: str, target: str) -> None:
        """Copy `source` beside `target` and move it there: what was collected before stays until the new one is whole.

        Where there was nothing before, an empty folder stays for what cannot be taken, and grading names it.
        """
        new, old = (os.path.join(os.path.dirname(target), f".{os.path.basename(target)}.{what}") for what in ("new", "old"))
        for leftover in (new, old):
            remove(leftover)
        try:
            self.copy(source, new)
            if os.path.lexists(target):
                os.rename(target, old)
            os.rename(new, target)
        except BaseException:
            remove(new)
            if not os.path.lexists(target):
                os.rename(old, target) if os.path.lexists(old) else os.mkdir(target)
            raise
        remove(old)

    def do_copy(self, src: str, dest: str, log: Logger | None = None) -> None:
        """nbgrader's method: copy one submission; one that cannot be taken is named and leaves an empty folder."""
        try:
            self.copy(src, dest)
        except NotCollected as error:
            self.log.error("%s was not collected: it %s", shown(src), error)
            remove(dest)
            os.mkdir(dest)

    def copy(self, source: str, dest: str) -> None:
        """Copy one submission into the new folder `dest`. Raises `NotCollected` or `OSError`."""
        os.makedirs(dest)
        copy = Copy(self.coursedir)
        try:
            folder = os.open(source, FOLDER)
        except OSError as error:
            kind = None if os.path.isdir(source) and not os.path.islink(source) else kind_of(source)
            raise NotCollected(kind or f"could not be opened ({error.strerror})") from None
        try:
            copy.folder(folder, dest)
        finally:
            os.close(folder)
        for line in copy.left[:MAX_NOTES]:
            self.log.warning("%s: left behind: %s", shown(os.path.basename(source)), line)
        if copy.left[MAX_NOTES:]:
            self.log.warning("%s: left behind: %d more", shown(os.path.basename(source)), len(copy.left) - MAX_NOTES)
        if self.coursedir.groupshared:
            share(dest)


class Copy:
    """One submission on its way: copied within the caps of the course, links as links, special files not at all."""

    def __init__(self, coursedir: CourseDirectory) -> None:
        self.ignore, self.include = coursedir.ignore, coursedir.include
        self.file_bytes = KILOBYTE * coursedir.max_file_size
        self.room, self.entries = KILOBYTE * coursedir.max_dir_size, MAX_ENTRIES
        self.left: list[str] = []
        self.owner = -1         # of the folder that is copied

    def folder(self, source: int, dest: str, inside: str = "", depth: int = 0) -> None:
        """Copy the open folder `source` into the existing folder `dest`: notebooks, other files, folders."""
        if depth == 0:
            self.owner = os.fstat(source).st_uid
        names = [name for name in names_in(source) if not any(fnmatch.fnmatch(name, pattern) for pattern in self.ignore)]
        for name in sorted(names, key=lambda name: (kind_of(name, source) is not None, in_order(name))):
            self.entries -= 1
            if self.entries < 0:
                self.left.append(f"what is beyond {MAX_ENTRIES} files")
                return
            try:
                trouble = self.one(source, name, os.path.join(dest, name), os.path.join(inside, name), depth)
            except OSError as error:
                trouble = f"could not be copied ({error.strerror})"
            if trouble:
                self.left.append(f"{shown(os.path.join(inside, name))} {trouble}")

    def one(self, source: int, name: str, dest: str, relative: str, depth: int) -> str | None:
        """Copy one entry; why it is left behind, or None."""
        mode = os.stat(name, dir_fd=source, follow_symlinks=False).st_mode
        if stat.S_ISLNK(mode):
            os.symlink(os.readlink(name, dir_fd=source), dest)
        elif stat.S_ISDIR(mode):
            if depth >= MAX_DEPTH:
                return "lies too deep"
            os.mkdir(dest)
            with opened(source, name) as inside:
                self.folder(inside, dest, relative, depth + 1)
        elif not stat.S_ISREG(mode):
            return kind_of(name, source) or "is no ordinary file"
        elif self.include and not any(fnmatch.fnmatch(name, pattern) for pattern in self.include):
            return None
        else:
            return self.file(source, name, dest)
        return None

    def file(self, source: int, name: str, dest: str) -> str | None:
        with open(os.open(name, FILE, dir_fd=source), "rb") as file:
            about = os.fstat(file.fileno())
            if not stat.S_ISREG(about.st_mode):
                return "is no ordinary file"
            if about.st_nlink > 1 and about.st_uid != self.owner:
                return FOREIGN
            if about.st_size > self.file_bytes:
                return "is larger than CourseDirectory.max_file_size"
            content = file.read(min(self.file_bytes, self.room) + 1)      # it may have grown since
        self.room -= len(content)
        if self.room < 0:
            raise NotCollected("is larger than CourseDirectory.max_dir_size")
        if len(content) > self.file_bytes:
            return "is larger than CourseDirectory.max_file_size"
        Path(dest).write_bytes(content)
        os.utime(dest, ns=(about.st_atime_ns, about.st_mtime_ns))
        return None


def trouble_with_place(path: str) -> str | None:
    """Why what lies in the exchange at `path` is no submission, or None if it is a folder."""
    if stat.S_ISDIR(os.lstat(path).st_mode):
        return None
    return kind_of(path) or "is a file, not a folder"


def remove(path: str) -> None:
    if os.path.islink(path) or os.path.isfile(path):
        os.unlink(path)
    else:
        shutil.rmtree(path, ignore_errors=True)


def share(folder: str) -> None:
    """Give the group the rights that nbgrader gives it."""
    for inside, _, names in os.walk(folder):
        os.chmod(inside, os.stat(inside).st_mode & 0o7777 | GROUP_FOLDER)
        for name in names:
            path = os.path.join(inside, name)
            if not os.path.islink(path):
                os.chmod(path, os.stat(path).st_mode & 0o7777 | GROUP_FILE)
