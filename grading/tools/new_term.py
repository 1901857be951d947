"""`course new-term`: put what belongs to a term into an archive, so that the course is as before the first hand-in.

Everything is moved entry by entry, and a mark stands in the archive until all is there: a run that was interrupted goes on when it
is started again under the same name.
"""

import errno
import os
import re
import shlex
import shutil
from collections.abc import Iterable, Iterator
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass
from pathlib import Path

from rich.console import Console
from sqlalchemy.engine import make_url

from ..lms.ids import FILE as STUDENTS
from ..lms.lti_sent import FILE as SENT
from ..lms.private import FOLDER as LTI
from ..notebooks.names import shown
from ..plugins.written import GRADERS
from ..root import AUDIT, CONFIG, CourseError
from ..run.course import Course
from ..run.only_one import the_only_one
from ..watch.log import FOLDER as WATCH
from . import status
from .terminal import tell

UNFINISHED = "UNFINISHED"
KEPT = {"README.md", ".grading.lock", "lock"}       # of the folders of a term; of an exchange nothing
REPORTS = ("report-*", "similar-*", "mistakes-*", "feedback-*", "followup-*", "return-*", "revised-*")      # of build/
TABLES = ("grades.csv", "canvas.csv", "moodle.csv")
COPIED = ("source", "reference_impl", "tests/hidden", "tests/misconceptions")       # of the course: what a term was graded by
CLOSED = """

# The archive of a term that is over: its own gradebook, and no exchange.
import os.path as _path
_here = _path.dirname(_path.abspath(__file__))
c.CourseDirectory.root = c.Execute.course_root = _here
c.CourseDirectory.db_url = "sqlite:///" + _path.join(_here, {gradebook!r})
c.Exchange.root = _path.join(_here, "no exchange")
"""


@dataclass(frozen=True)
class Part:
    """What is moved: `entries` into the folder `into` of the archive, under the names that they have."""

    what: str
    into: str
    entries: tuple[Path, ...]


def new_term(console: Console, root: Path | None, term: str, yes: bool = False, anyway: bool = False) -> None:
    """Archive the term that ends as archive/`term`. Raises `CourseError` for a state in which something would be torn apart."""
    course = Course(root)
    if not re.fullmatch(r"[\w.+-]+", term) or term.startswith("."):
        raise CourseError(f"{shown(term)} is no name for a folder. Use letters, figures and -, for example 2026-winter")
    place = Path(course.dir.root, "archive", term)
    for line in course.settle() if yes else ():
        tell(console, line)
    refuse(course, place, anyway)
    with course.locked(), unwatched(course.dir.root):       # raises where somebody is at work
        parts = [part for part in parts_of(course) if part.entries]
        if not parts and not place.is_dir():
            raise CourseError("There is nothing of a term here: no gradebook, no submissions, no feedback.")
        for part in parts:
            tell(console, f"{'moved' if yes else 'would move'}: {part.what} ({len(part.entries)}) to archive/{term}/{part.into}")
        if not yes:
            tell(console, "Nothing was moved. To do it: the same command with --yes")
            return
        move(course, parts, place)
    tell(console, "kept: source/, release/, lecture/, reference_impl/, tests/, nbgrader_config.py")
    tell(console, f"The term is in {place}: keep it as long as your rules ask for, and where only you can read it."
                  + (f" To look something up there: cd {shlex.quote(str(place))}, then course status, course history" if (place / CONFIG).exists() else ""))
    for name in map(shlex.quote, course.assignments()[:1]):
        tell(console, f"Next: nbgrader generate_assignment {name} --force, course class import FILE, course due {name} WHEN")


# --- whether ----------------------------------------------------------------------------------------------------

def refuse(course: Course, place: Path, anyway: bool) -> None:
    """Raises `CourseError` where work is under way or not done."""
    others = [mark.parent.name for mark in place.parent.glob(f"*/{UNFINISHED}") if mark.parent != place]
    if others:
        raise CourseError(f"archive/{others[0]} was not finished. Finish it first: course new-term {others[0]} --yes")
    if os.path.lexists(place) and not (place / UNFINISHED).exists() and (entries(place) or not place.is_dir()):
        raise CourseError(f"{place} is there already. Choose another name.")
    if not course.dir.db_url.startswith("sqlite") and not anyway:
        raise CourseError("The gradebook is in a database server, where nothing is moved. Keep a copy of it (pg_dump), name an empty one in "
                          "c.CourseDirectory.db_url, then: the same command with --anyway")
    if (place / UNFINISHED).exists() or anyway:
        return
    open_ends = [one for one in status.states(course.dir.root) if one.submitted and not one.done]
    if open_ends:
        lines = "; ".join(f"{one.assignment}: {one.next}" for one in open_ends)
        raise CourseError(f"The term is not over. Next for {lines}. To leave it as it is: the same command with --anyway")


def unwatched(root: str | Path) -> AbstractContextManager[None]:
    """Raises `CourseError` while `course watch` is at work: it writes into the exchange and into its own log."""
    folder = Path(root, WATCH)
    return the_only_one(folder / "lock", "course watch is at work in this course. End it first: Ctrl-C, or systemctl --user stop "
                        "course-watch-... where it is a service") if folder.is_dir() else nullcontext()


# --- what -------------------------------------------------------------------------------------------------------

def parts_of(course: Course) -> Iterator[Part]:
    """Every part of a term, in an order in which the gradebook goes last: as long as it is here, nothing is forgotten."""
    root = Path(course.dir.root)
    for name in (course.dir.submitted_directory, course.dir.autograded_directory, course.dir.feedback_directory):
        folder = Path(root, name)
        yield Part(name, folder.name, tuple(entry for entry in entries(folder) if entry.name not in KEPT))
    exchange = course.exchange_root()
    yield Part("the exchange", "exchange", tuple(entries(Path(exchange, course.dir.course_id))) if exchange and course.dir.course_id else ())
    yield Part("the audit of regrades", "audit", tuple(entries(root / AUDIT)))
    yield Part("reports", "reports", tuple(sorted(path for pattern in REPORTS for path in (root / "build").glob(pattern))))
    yield Part("tables of grades", "reports", tuple(root / name for name in TABLES if (root / name).exists()))
    yield Part("what was sent to the learning platform", "lti", tuple(path for path in [root / LTI / SENT] if path.exists()))
    yield Part("the log of course watch", "watch", tuple(entry for entry in entries(root / WATCH) if entry.name not in KEPT))
    yield Part("ids of the class, and who gave which score", ".", tuple(path for path in (root / STUDENTS, root / GRADERS) if path.exists()))
    if course.dir.db_url.startswith("sqlite"):
        database = Path(make_url(course.dir.db_url).database or "")
        yield Part("the gradebook", ".", tuple(sorted(database.parent.glob(f"{database.name}*"))) if database.name else ())


def entries(folder: Path) -> list[Path]:
    return sorted(folder.iterdir()) if folder.is_dir() else []


def move(course: Course, parts: Iterable[Part], place: Path) -> None:
    """Move all, each entry as a whole; what is in the way there is of the run that was interrupted, and is joined."""
    at = place
    try:
        place.mkdir(parents=True, exist_ok=True)
        place.chmod(0o700)
        (place / UNFINISHED).touch()
        for part in parts:
            (place / part.into).mkdir(parents=True, exist_ok=True)
            for at in part.entries:
                put(at, place / part.into / at.name)
        if course.dir.db_url.startswith("sqlite"):
            close(course, place)
        (place / UNFINISHED).unlink()
    except OSError as error:
        raise CourseError(f"{at} could not be moved ({error.strerror or error}). What was moved so far is in {place}, all else is where it "
                          "was. Mend that, and run the same command again: it goes on.") from None


def close(course: Course, place: Path) -> None:
    """Make the archive a course of its own, with copies of what it was graded by: what is asked there has nothing to do with the next term."""
    for name in COPIED:
        if (folder := Path(course.dir.root, name)).is_dir():
            shutil.copytree(folder, place / name, dirs_exist_ok=True, ignore=shutil.ignore_patterns("__pycache__"))
    gradebook = Path(make_url(course.dir.db_url).database or "gradebook.db").name
    text = Path(course.dir.root, CONFIG).read_text(encoding="utf-8") + CLOSED.format(gradebook=gradebook)
    (place / CONFIG).write_text(text, encoding="utf-8")


def put(entry: Path, target: Path) -> None:
    if target.is_dir() and entry.is_dir() and not entry.is_symlink():
        for inside in entries(entry):
            put(inside, target / inside.name)
        entry.rmdir()
    else:
        try:
            os.rename(entry, target)
        except OSError as error:
            if error.errno != errno.EXDEV:       # another file system
                raise
            copied(entry, target)


def copied(entry: Path, target: Path) -> None:
    """Moved by copying: what is there before the copy is whole has another name."""
    partial = target.with_name(f".{target.name}.partial")
    remove(partial)
    shutil.copytree(entry, partial, symlinks=True) if entry.is_dir() and not entry.is_symlink() else \
        shutil.copy2(entry, partial, follow_symlinks=False)
    os.rename(partial, target)
    remove(entry)


def remove(path: Path) -> None:
    if path.is_dir() and not path.is_symlink():
        shutil.rmtree(path)
    else:
        path.unlink(missing_ok=True)
