"""What `course mistakes` and `course grade --mistake` do, by what was asked for."""

import shlex
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from rich.console import Console

from ..root import CourseError
from . import class_mistakes, naming, telling
from .terminal import tell


@dataclass(frozen=True)
class Wanted:
    """What somebody asked for: one mistake (`which`) or all, and what to do with it."""

    which: str | None = None
    name: str | None = None
    tell: bool = False
    words: str | None = None
    names: bool = False
    every: bool = False
    output: Path | None = None


def run(console: Console, root: Path | None, assignment: str, wanted: Wanted) -> None:
    """Do what was asked for. Raises `CourseError`."""
    acts = wanted.name is not None or wanted.tell or wanted.words is not None
    if wanted.which is None and acts:
        raise CourseError(f"Say which mistake, too: course mistakes {shlex.quote(assignment)} WHICH ...")
    if wanted.name is not None and (wanted.tell or wanted.words is not None):
        raise CourseError("--name and a comment are two acts: two commands.")
    if wanted.words is not None and not wanted.tell:
        raise CourseError("--words are those of a comment: add --tell to write it.")
    if wanted.which is None:
        class_mistakes.show_all(console, root, assignment, wanted.names, wanted.every, wanted.output)
        return
    course, found = class_mistakes.read_class(console, root, assignment)
    group = found.find(wanted.which)
    if wanted.name is not None:
        naming.name_cluster(console, course, found, group, wanted.name)
    elif acts:
        telling.show(console, course, assignment, group, wanted.words if wanted.words is not None else class_mistakes.to_send(course, group), wanted.names)
    else:
        class_mistakes.show_one(console, course, found, group, wanted.names)


def choose(console: Console, root: Path | None, assignment: str, name: str, students: Sequence[str]) -> list[str]:
    """Whom `course grade --mistake` grades again. Raises `CourseError` where that is nobody."""
    course, found = class_mistakes.read_class(console, root, assignment)
    if students:
        raise CourseError("--mistake says whom to grade again, and so does --student: give one of them.")
    chosen, unclear = naming.affected(course, found, name)
    if unclear:
        tell(console, f"{unclear} wrong answers were graded before digests of wrong answers were kept, and may be this mistake too: "
                      f"course regrade {shlex.quote(assignment)} --all --because \"...\"")
    if not chosen:
        raise CourseError(f"Nobody's graded {assignment} has the mistake {name}: there is nothing to grade again.")
    tell(console, f"{name}: {len(chosen)} of {found.students} submissions have it.")
    return chosen
