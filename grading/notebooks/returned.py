"""Whether a student's pages have been handed out since they were made: a mark beside their folder in feedback/."""

from contextlib import suppress
from pathlib import Path

from .folders import beside, states_of

MARK = "returned"


def note_returned(pages: Path) -> None:
    """To be called once they are handed out."""
    with suppress(OSError):     # who may not write here may still hand out
        Path(beside(pages, MARK)).write_text(state_of(pages), encoding="ascii")


def are_returned(pages: str | Path) -> bool:
    try:
        with open(beside(pages, MARK), encoding="ascii") as file:
            return file.read() == state_of(pages)
    except (OSError, UnicodeDecodeError):
        return False


def state_of(pages: str | Path) -> str:
    """Changes whenever a page is made anew."""
    return "".join(f"{name.encode().hex()} {changed} {size}\n" for name, size, changed in states_of(pages, ".html"))
