"""Which course a command is about: one folder, which holds its configuration, checks, reference, source and gradebook.

It is the one that the user names, else the current folder, else the nearest above it that holds `nbgrader_config.py`.
"""

import sys
from functools import cache
from pathlib import Path

CONFIG = "nbgrader_config.py"
AUDIT, OPEN = "audit", "open"       # the folder of `run/audit.py`, and in it that of what was begun and is not done: see `run/journal.py`
CODE = Path(__file__).resolve().parents[1]      # the checkout whose code runs


class CourseError(Exception):
    """The course is not in a state for this command; the message says what to do."""


def find_root(given: Path | str | None = None) -> Path:
    """The folder of the course. Raises `CourseError` where there is none."""
    if given is not None:
        if Path(given, CONFIG).is_file():
            return Path(given).resolve()
        raise CourseError(f"{Path(given)} is no course: it holds no {CONFIG}. Name a folder that does: --course FOLDER")
    here = Path.cwd()
    for folder in (here, *here.parents):
        if (folder / CONFIG).is_file():
            return folder
    raise CourseError(f"{here} is no course, and lies in none: there is no {CONFIG} here or in a folder above. "
                      "Go to the course's folder, or name it: --course FOLDER")


def trouble_with_path(root: Path | str) -> str | None:
    """Why a course cannot lie in this folder, or None if it can: brackets, blanks, accents, quotes and per cent signs can be."""
    if "?" in str(root) or not str(root).isprintable():
        return f"the path {str(root)!r} holds a question mark, or a sign that cannot be printed: the gradebook's address would end there"
    return None


def foreign_code(root: Path) -> str | None:
    """A line to say where the course has grading code of its own and that of another checkout runs; else None."""
    if root == CODE or not (root / "grading" / "__init__.py").is_file():
        return None
    return f"the course is {root}, the code that grades it is that of {CODE}; checks and reference are the course's"


def say_foreign_code(root: Path | str) -> None:
    """Say once, on standard error, whose code runs if it is not the course's own."""
    say_once(foreign_code(Path(root).resolve()))


@cache
def say_once(line: str | None) -> None:
    if line:
        print(f"course: {line}", file=sys.stderr)
