"""Whether a student's pages have been handed out since they were made: a mark beside their folder in feedback/."""

import os
from contextlib import suppress
from pathlib import Path

from .folders import names_ending


def place_of(pages: str | Path) -> str:
    folder, name = os.path.split(pages)
    return os.path.join(folder, f".{name}.returned")


def note_returned(pages: Path) -> None:
    """To be called once they are handed out."""
    with suppress(OSError):     # who may not write here may still hand out
        Path(place_of(pages)).write_text(state_of(pages), encoding="ascii")


def are_returned(pages: str | Path) -> bool:
    try:
        with open(place_of(pages), encoding="ascii") as file:
            return file.read() == state_of(pages)
    except (OSError, UnicodeDecodeError):
        return False


def state_of(pages: str | Path) -> str:
    """Changes whenever a page is made anew."""
    about = ((name, os.stat(os.path.join(pages, name))) for name in names_ending(pages, ".html"))
    return "".join(f"{name.encode().hex()} {found.st_mtime_ns} {found.st_size}\n" for name, found in about)
