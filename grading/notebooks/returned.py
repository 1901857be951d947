"""Whether a student's pages have been handed out since they were made: a mark beside their folder in feedback/."""

from contextlib import suppress
from pathlib import Path


def place_of(pages: Path) -> Path:
    return pages.with_name(f".{pages.name}.returned")


def note_returned(pages: Path) -> None:
    """To be called once they are handed out."""
    with suppress(OSError):     # who may not write here may still hand out
        place_of(pages).write_text(state_of(pages), encoding="ascii")


def are_returned(pages: Path) -> bool:
    try:
        return place_of(pages).read_text(encoding="ascii") == state_of(pages)
    except (OSError, UnicodeDecodeError):
        return False


def state_of(pages: Path) -> str:
    """Changes whenever a page is made anew."""
    return "".join(f"{path.name.encode().hex()} {path.stat().st_mtime_ns} {path.stat().st_size}\n" for path in sorted(pages.glob("*.html")))
