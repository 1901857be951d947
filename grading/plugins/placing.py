"""Who may put which page where in the exchange: a final page takes the place of a preview, and nothing takes that of a final page.

Whether a page is a preview stands in its first line, and not in a log that may be lost. Both sides hold one lock while they
look and replace; a page that is not there yet is linked into place, which fails where somebody was faster.
"""

import fcntl
import os
import re
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

PREVIEW = b'data-course="preview"'      # in the first tag of the page, before anything that a student may have written
FINAL = re.compile(rb'<html lang="en" data-course="final" data-points="([\d.]{1,12})" data-most="([\d.]{1,12})"( data-open)?>')
HEAD = 200                              # bytes in which that stands
LOCK = ".placing.lock"


@contextmanager
def placing(folder: str | Path) -> Iterator[None]:
    """Be the only one who replaces pages in the exchange's folder of feedback."""
    mode = 0o660 if os.stat(folder).st_mode & 0o020 else 0o600      # to hold it, one has only to open it: that is for who may write there
    with open(os.open(Path(folder, LOCK), os.O_RDWR | os.O_CREAT | os.O_CLOEXEC | os.O_NOFOLLOW, mode), "w") as file:
        with suppress(PermissionError):     # a colleague's, who has seen to it
            os.fchmod(file.fileno(), mode)
        fcntl.flock(file, fcntl.LOCK_EX)
        yield


@dataclass(frozen=True)
class Final:
    """What final pages say: points net of a late penalty, and whether a person has yet to read part of it."""

    points: float
    most: float
    open: bool


def head_of(path: str | Path) -> bytes:
    with open(os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_CLOEXEC | os.O_NONBLOCK), "rb") as file:
        return file.read(HEAD)


def is_preview(path: str | Path) -> bool:
    return PREVIEW in head_of(path)


def final_of(path: str | Path) -> Final | None:
    """What a final page says of one notebook; None of a preview, and of a page that was not made by this course."""
    found = FINAL.search(head_of(path))
    return Final(float(found[1]), float(found[2]), bool(found[3])) if found else None


def place_preview(page: bytes, folder: str | Path, *names: str) -> bool:
    """Put a preview into `folder` under each of the names, whole or not at all, on the disk once; False if a final page stands at one
    of them. Raises `OSError`."""
    new = Path(folder, f".page.{os.getpid()}.new")
    try:
        with open(os.open(new, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600), "wb") as file:
            file.write(page)
            file.flush()
            os.fsync(file.fileno())
        new.chmod(0o644)
        with placing(folder):
            placed = [take_place(new, Path(folder, name)) for name in dict.fromkeys(names)]
        return all(placed)
    finally:
        new.unlink(missing_ok=True)


def take_place(new: Path, target: Path) -> bool:
    """Give the file `new` the name `target` as well, unless a final page has it."""
    try:
        os.link(new, target)
    except FileExistsError:
        if not is_preview(target):
            return False
        other = new.with_name(f".other{new.name}")
        os.link(new, other)
        os.replace(other, target)
    return True


def sweep(folder: str | Path) -> None:
    """Remove what a process that was killed left of pages that it was writing."""
    for leftover in Path(folder).glob(".*.new"):
        leftover.unlink(missing_ok=True)
