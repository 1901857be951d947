"""`course collect ZIP`: what students handed in on a learning platform, into submitted/."""

import os
import shutil
from collections import Counter
from collections.abc import Container, Iterable
from datetime import datetime
from pathlib import Path

from nbgrader.utils import parse_utc
from rich.console import Console
from rich.markup import escape

from ..lms import archives
from ..lms.people import People
from ..lms.records import read_records, write_records
from ..notebooks.again import digest
from ..notebooks.dates import utc
from ..notebooks.folders import Names
from ..notebooks.intake import MAX_ENTRIES, SECRET, STAMP, read_stamp
from ..notebooks.names import printable, trouble_with, trouble_with_student
from ..plugins.collect import KILOBYTE
from ..root import CourseError
from ..run.course import Course
from ..run.students import class_list, notebooks_of
from .terminal import tell

LEFT = 3        # exit status
MOST_LINES = 50         # on files that were not taken


def collect(console: Console, root: Path | None, file: str | Path, assignment: str | None = None, new: bool = False) -> int:
    """Put each hand-in of the archive `file` into submitted/, and say which need a person. Returns the exit status."""
    course, path = Course(root), Path(file)
    try:
        archive = archives.Archive(path)
        assignment = assignment or guessed(course, archive.hand_ins)
        course.assignments(assignment)
    except CourseError as error:
        raise CourseError(f"{path}: {error}") from None
    except Exception as error:      # zipfile has more than one way to refuse an archive
        raise CourseError(f"{path} cannot be read as a zip: {getattr(error, 'strerror', None) or error}") from None
    run = Collection(course, archive, assignment, new)
    run.take_all()
    run.finish()
    say(console, run, path, archive.trouble)
    return LEFT if archive.trouble or run.human else 0


def guessed(course: Course, found: Iterable[archives.HandIn]) -> str:
    """The assignment whose notebooks are in the archive. Raises `CourseError` where that is none, or more than one."""
    name = archives.assignment_of((entry.file for one in found for entry in one.entries), notebooks_of(course.dir, course.assignments()))
    if name is None:
        raise CourseError("the names of its files do not say which assignment it is. Say it: course collect FILE ASSIGNMENT")
    return name


class Collection:
    """One archive on its way into submitted/."""

    def __init__(self, course: Course, archive: archives.Archive, assignment: str, new: bool) -> None:
        self.course, self.archive, self.system, self.assignment, self.new = course, archive, archive.system, assignment, new
        self.people = People(class_list(course.dir, self.system))
        self.base = Path(course.dir.root, course.dir.submitted_directory)
        self.notebooks = [path.stem for path in Path(course.dir.root, course.dir.source_directory, assignment).glob("*.ipynb")]
        self.records = read_records(self.base, assignment)
        self.kinds: dict[str, list[str]] = {"new": [], "handed in again": [], "as before": [], "older than what is here": []}
        self.owners: dict[str, str] = {}
        self.late: list[str] = []
        self.earlier: list[str] = []
        self.notes: list[str] = []
        self.human: list[str] = []

    def take_all(self) -> None:
        """Every hand-in: first those whose number is known, for a name may be two people's; and whoever fills the room leaves others theirs."""
        for line in archives.take_out_unsure(self.archive.hand_ins, self.people.numbered):
            self.human.append(f"{line}. Put it into {self.base.name}/STUDENT/{self.assignment}/ by hand")
        order = sorted(self.archive.hand_ins, key=lambda one: (not self.has_number(one), one.claimed > archives.MODEST))
        told = [(one, *self.whose(one)) for one in order]
        often = Counter(student for one, student, _ in told if not self.has_number(one))
        before = {student: account for student, record in self.records.items() if (account := archives.account_of(record.get("prefix", "")))}
        # an assignment that was made anew there has other numbers for everybody
        anew = not any(student and before.get(student) == archives.account_of(one.prefix) for one, student, _ in told)
        for one, student, why in told:
            if student and not self.has_number(one) and often[student] > 1:
                why = f"{often[student]} hand-ins bear that name, and nothing tells which is {student}'s"
            elif student and not anew and before.get(student, account := archives.account_of(one.prefix)) != account:
                why = f"it comes from another account there than what {student} handed in before"
            self.take(one, student, f"{why}. Put the right one into {self.base.name}/{student}/{self.assignment}/ by hand" if student and why else why)

    def take(self, one: archives.HandIn, student: str | None, why: str) -> None:
        """One person's hand-in, unless `why` says why not; whatever is wrong with it is this one's alone."""
        try:
            if student is None or why:
                raise CourseError(why)
            if student in self.owners:
                raise CourseError(f"it would be {student}'s, as that of {self.owners[student]} is")
            self.owners[student] = printable(one.name)
            files = self.files_of(one)
            self.kinds[self.place(student, files, one.when)].append(student)
        except (CourseError, OSError) as error:
            self.human.append(f"{printable(one.name)}{f' ({one.user})' if one.user not in ('', one.name) else ''}: {error}")
            return
        self.records[student] = {"system": self.system, "prefix": one.prefix, "late": one.late}
        self.late += [student] if one.late else []
        self.earlier += [f"{student} ({one.earlier})"] if one.earlier else []

    def has_number(self, one: archives.HandIn) -> bool:
        return any(user in self.people.numbered for user in (one.user, *one.logins))

    def whose(self, one: archives.HandIn) -> tuple[str | None, str]:
        student, why = self.people.find(one.name, one.user, one.logins)
        if student is None and not why.startswith("nobody"):
            return None, f"{why}. Put it into {self.base.name}/STUDENT/{self.assignment}/ by hand"
        if student is None and (self.new or (self.system == "blackboard" and not self.people.known)):
            student = one.user if self.system == "blackboard" else one.name
            trouble = trouble_with_student(student)
            return (None, trouble) if trouble else (student, "")
        return student, why + (". Put them on the list (course class import, nbgrader db student add), or take such names as ids: --new"
                               if student is None else "")

    def files_of(self, one: archives.HandIn) -> dict[str, bytes]:
        """{path: bytes} of a hand-in. A file that cannot be had is said, and costs the others nothing."""
        found: dict[str, bytes] = {}
        place, entries, names = self.course.dir, [], Names()

        def note(file: str, said: str) -> None:
            self.notes.append(f"{printable(one.name)}: {printable(file)}: {said}")

        for entry in one.entries[:MAX_ENTRIES]:
            if trouble := next(filter(None, map(trouble_with, entry.file.split("/"))), None):
                note(entry.file, trouble)
            elif entry.file in (STAMP, SECRET):
                note(entry.file, "that name is the exchange's, and what it holds is believed")
            else:
                entries.append(entry)
        if beyond := one.entries[MAX_ENTRIES:]:
            note(beyond[0].file, f"and all behind it: {MAX_ENTRIES} files are the most of one hand-in")
        contents = self.archive.contents(entries, KILOBYTE * place.max_file_size, KILOBYTE * place.max_dir_size)
        for entry, content in zip(entries, contents):
            name = self.name_here(entry.file, found)
            if isinstance(content, str):
                note(entry.file, content)
                continue
            if found.get(name, content) != content:
                note(entry.file, "it is there twice, and not the same; the later one is taken")
            elif name not in found and (trouble := names.take(name)):
                note(entry.file, f"it {trouble}")
                continue
            found[name] = content
        if not found:
            raise CourseError("no file of it could be taken" + (f" ({self.notes[-1]})" if self.notes else ""))
        return found

    def name_here(self, file: str, taken: Container[str]) -> str:
        """What the file is called here: a notebook of the assignment without the number that the platform put behind it."""
        plain = archives.without_number(file.rpartition("/")[2])
        if plain.removesuffix(".ipynb") in self.notebooks and plain.endswith(".ipynb") and plain not in taken:
            return file.rpartition("/")[0] + "/" * ("/" in file) + plain
        return file

    def place(self, student: str, files: dict[str, bytes], when: datetime | None) -> str:
        """Write a hand-in in place of an earlier one, as a whole; which kind of news it is."""
        target = Path(self.course.dir.format_path(self.course.dir.submitted_directory, student, self.assignment))
        stamp = utc(when.replace(tzinfo=self.course.zone)) if when else None
        before = read_stamp(target, []) if target.is_dir() else None
        if stamp and before and parse_utc(before) > stamp:
            return "older than what is here"
        fresh, old = (target.with_name(f".{target.name}.{what}") for what in ("new", "old"))
        shutil.rmtree(fresh, ignore_errors=True)
        for name, content in files.items():
            path = fresh / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(content)
        if stamp:
            (fresh / STAMP).write_text(f"{stamp:%Y-%m-%d %H:%M:%S} UTC\n")
        kind = "new" if not os.path.lexists(target) else "as before" if digest(target) == digest(fresh) else "handed in again"
        if kind == "as before" and not (stamp and before != read_stamp(fresh, [])):
            shutil.rmtree(fresh)
            return kind
        shutil.rmtree(old, ignore_errors=True)
        if kind != "new":
            os.rename(target, old)
        os.rename(fresh, target)
        shutil.rmtree(old, ignore_errors=True)
        return kind

    def finish(self) -> None:
        if self.records:
            write_records(self.base, self.assignment, self.records)


def some(lines: list[str]) -> list[str]:
    """The first of them and how many more there are: who hands in thousands of files hides nobody who needs a human."""
    return lines if len(lines) <= MOST_LINES else [*lines[:MOST_LINES], f"and {len(lines) - MOST_LINES} more"]


def say(console: Console, run: Collection, path: Path, trouble: list[str]) -> None:
    """What became of an archive."""
    counts = ", ".join(f"{len(students)} {kind}" for kind, students in run.kinds.items() if students) or "nothing"
    tell(console, f"{path}: {run.system.title()}'s submissions of {run.assignment}: {counts}.")
    for kind in ("handed in again", "older than what is here"):
        if run.kinds[kind]:
            tell(console, f"{kind}: {', '.join(map(printable, run.kinds[kind]))}")
    if run.earlier:
        tell(console, f"earlier attempts that a newer one replaces: {', '.join(map(printable, run.earlier))}")
    if run.late:
        tell(console, f"late, as {run.system.title()} marks it: {', '.join(map(printable, run.late))}. The archive does not say by how much; "
             f"penalties need the time in submitted/STUDENT/{run.assignment}/{STAMP}, for example \"2026-11-30 12:00:00 UTC\".")
    for line in some(run.notes):
        tell(console, f"not taken: {line}")
    for line in some(trouble):
        console.print(f"[bold red]not taken:[/] {escape(line)}", highlight=False, soft_wrap=True)
    for line in run.human:
        console.print(f"[bold red]needs a human:[/] {escape(line)}", highlight=False, soft_wrap=True)
