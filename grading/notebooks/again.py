"""Whether what lies in submitted/ is what was graded: by content, whatever its time stamp says.

Beside each graded notebook lies a mark: the digest of the submission that was graded, and whether something of it was
refused. Its time is that at which the submission was read, so that files which have not been touched since need not be read
again. Ends of lines make no difference; neither do time stamp and secret of the exchange.
"""

import hashlib
import os
from collections.abc import Iterator
from itertools import islice
from pathlib import Path

from .folders import MAX_DEPTH, MOST_LISTED, NotTaken, regular
from .intake import MAX_ENTRIES, NOT_TAKEN, SECRET, STAMP, in_order, parse_stamp, read_stamp
from .reading import MAX_FILE

MARK = ".submission"
REFUSED, REFUSED_BEFORE = "refused", "refused before"
PIECE, MAX_READ = 2**20, 4 * MAX_FILE       # bytes of all files together: what grading takes is less
LEFT_OUT = {STAMP, SECRET}
LEFT_OUT_FOLDERS = {"__pycache__", ".ipynb_checkpoints"}


def digest(folder: str | Path) -> str:
    """A digest of the names and contents of a submission's files; links are not followed, pipes not opened."""
    found, room = hashlib.sha256(), MAX_READ
    for name, path in entries(folder):
        content, size = content_of(path, room)
        room -= size
        found.update(name.encode("utf-8", "surrogateescape") + b"\0" + content + b"\0")
    return found.hexdigest()


def entries(folder: str | Path) -> list[tuple[str, str]]:
    """(relative name, path) of everything that is no folder, in order: all that `intake` looks at, within its bounds."""
    return sorted((name, entry.path) for name, entry, holds_more in looked_at(folder) if not holds_more)


def looked_at(folder: str | Path) -> Iterator[tuple[str, os.DirEntry[str], bool]]:
    """(relative name, entry, whether it is a folder, or a link to one) of what lies in a folder, each folder's before those of the
    folders in it. No link is followed.

    In the order of `intake`, and as many: what it looks at is among this, and no name that it leaves out takes the room of one.
    """
    places, room = [("", os.fspath(folder), 0, False)], {False: MAX_ENTRIES, True: MAX_ENTRIES}
    while places:
        inside, place, depth, left_out = places.pop()
        deeper = []
        for entry, holds_more in listed(place) if room[left_out] else ():
            name, ignored = f"{inside}{entry.name}", left_out or NOT_TAKEN.match(entry.name) is not None
            if not room[ignored] or not holds_more and name in LEFT_OUT:
                continue
            room[ignored] -= 1
            yield name, entry, holds_more
            if holds_more and depth < MAX_DEPTH and entry.name not in LEFT_OUT_FOLDERS and not entry.is_symlink():
                deeper.append((f"{name}/", entry.path, depth + 1, ignored))
        places += reversed(deeper)


def listed(place: str) -> list[tuple[os.DirEntry[str], bool]]:
    """(entry, whether it is a folder, or a link to one) of what lies in one folder; [] for one that cannot be looked into."""
    try:
        with os.scandir(place) as entries:
            found = sorted(islice(entries, MOST_LISTED), key=lambda entry: in_order(entry.name))
            return [(entry, is_folder(entry)) for entry in found]
    except OSError:
        return []


def is_folder(entry: os.DirEntry[str]) -> bool:
    try:
        return entry.is_dir()
    except OSError:     # a link to itself
        return False


def content_of(path: str, room: int) -> tuple[bytes, int]:
    """(a digest of a file, or of its size and the time of its last change where it is larger than `room`, how many bytes were read)"""
    found, cut, left = hashlib.sha256(), b"", room
    try:
        with regular(path) as (fd, size), open(fd, "rb", closefd=False) as file:
            if size > min(room, MAX_FILE):      # grading takes none of that size, and it leaves the others their room
                raise NotTaken("is too large")
            while piece := file.read(min(PIECE, left)):         # it may grow meanwhile
                left -= len(piece)
                piece = cut + piece
                cut = piece[-1:] if piece.endswith(b"\r") else b""        # its \n may come with the next piece
                found.update(piece.removesuffix(cut).replace(b"\r\n", b"\n"))
    except (NotTaken, OSError) as error:
        found.update(f"{type(error).__name__} {about(path)}".encode())
    found.update(cut)
    return found.digest(), room - left


def about(path: str) -> str:
    """Size and time of the last change of what is not read: that time cannot be set, so what is written over it has another."""
    try:
        found = os.lstat(path)
        return f"{found.st_size} {found.st_ctime_ns}"
    except OSError:
        return ""


def mark_of(found: str, refused: bool) -> bytes:
    """What is written into the mark."""
    return f"{found}\n{REFUSED if refused else ''}".encode().strip() + b"\n"


def needs_grading(submitted: str | Path, graded: str | Path) -> str | None:
    """Why a submission needs grading, by nbgrader's own rule or because its content is another; None if it does not."""
    if not os.path.isdir(graded):
        return "new"
    stamp = read_stamp(submitted, [])
    before = read_stamp(graded, []) if stamp else None
    return "newer" if stamp and before and stamp != before and parse_stamp(stamp) > parse_stamp(before) else why_again(submitted, graded)


def why_again(submitted: str | Path, graded: str | Path) -> str | None:
    """Why a submission that was graded needs grading again; None if it does not, or was graded without a mark."""
    try:
        content, read_at = short(os.path.join(graded, MARK))
        lines = content.decode("ascii").split()
    except (OSError, UnicodeDecodeError):
        return None
    if not untouched_since(submitted, read_at) and lines and digest(submitted) != lines[0]:
        return "handed in again"
    return REFUSED_BEFORE if REFUSED in lines[1:] else None


def short(path: str) -> tuple[bytes, int]:
    """A short file of ours and when it was written, in four calls of Linux. Raises `OSError`."""
    fd = os.open(path, os.O_RDONLY)
    try:
        return os.read(fd, 4096), os.fstat(fd).st_mtime_ns
    finally:
        os.close(fd)


def untouched_since(folder: str | Path, moment: int) -> bool:
    """Whether nothing in a folder changed after `moment` (ns). A change time cannot be set back, as one of writing can."""
    try:
        return os.lstat(folder).st_ctime_ns < moment and \
            all(entry.stat(follow_symlinks=False).st_ctime_ns < moment for _, entry, _ in looked_at(folder))
    except OSError:
        return False
