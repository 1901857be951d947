"""Open what lies in a folder that somebody else filled: by descriptor, and no part of a path may be a link.

Looking first and opening by name afterwards would open what was put there in between.
"""

import os
import stat
from collections.abc import Iterable, Iterator
from contextlib import contextmanager, suppress
from itertools import islice
from os import scandir
from pathlib import Path, PurePosixPath

FOLDER = os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC
FILE = os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC | os.O_NOCTTY
MAX_DEPTH = 8               # folders in folders that are looked into
MOST_LISTED = 20_000        # names of one folder: whoever fills it may make millions
KINDS = {stat.S_IFLNK: "is a link, and links are not followed", stat.S_IFDIR: "is a folder", stat.S_IFIFO: "is a pipe",
         stat.S_IFSOCK: "is a socket", stat.S_IFCHR: "is a device", stat.S_IFBLK: "is a device"}
FOREIGN = "is another name of somebody else's file"      # a hard link, where Linux lets anybody make one


class NotTaken(Exception):
    """A file that is not read; the message completes the sentence that its name begins."""


class Names:
    """Names of files that are to lie below one folder: an archive may hold any, also those that cannot lie beside one another."""

    def __init__(self, names: Iterable[str] = ()) -> None:
        self.files, self.folders = set[str](), set[str]()
        for name in names:
            self.take(name)

    def take(self, name: str) -> str | None:
        """Take one more. Else why it cannot lie there, as the end of a sentence that begins with the name."""
        above = {str(parent) for parent in PurePosixPath(name).parents} - {"."}
        if len(above) > MAX_DEPTH:
            return "lies in too many folders"
        if name in self.files or name in self.folders or above & self.files:
            return "has the name of another file, or of a folder"
        self.files.add(name)
        self.folders |= above
        return None


@contextmanager
def opened(folder: str | Path | int, inside: str | Path = "") -> Iterator[int]:
    """The descriptor of the folder `inside` below `folder` (a path or a descriptor). Raises `OSError`."""
    at = os.open(folder, FOLDER) if isinstance(folder, (str, os.PathLike)) else os.dup(folder)
    try:
        for part in Path(inside).parts if inside else ():
            at, above = os.open(part, FOLDER, dir_fd=at), at
            os.close(above)
        yield at
    finally:
        os.close(at)


def names_in(folder: str | Path | int) -> list[str]:
    """The names in a folder (a path or a descriptor), sorted: of more than `MOST_LISTED` those that Linux gives first."""
    with scandir(folder) as entries:
        return sorted(entry.name for entry in islice(entries, MOST_LISTED))


def kind_of(name: str | Path, folder: int | None = None) -> str | None:
    """What `name` in the folder with the descriptor `folder` is, if it is no regular file; None if it is one, or none."""
    try:
        return KINDS.get(stat.S_IFMT(os.stat(name, dir_fd=folder, follow_symlinks=False).st_mode))
    except OSError:
        return None


@contextmanager
def regular(name: str | Path, folder: int | None = None) -> Iterator[tuple[int, int]]:
    """(descriptor, size) of the regular file `name` in `folder` (a descriptor). Raises `NotTaken` or `FileNotFoundError`."""
    try:
        fd = os.open(name, FILE, dir_fd=folder)
    except FileNotFoundError:
        raise
    except OSError as error:
        raise NotTaken(kind_of(name, folder) or f"could not be opened ({error.strerror})") from None
    try:
        about = os.fstat(fd)
        if not stat.S_ISREG(about.st_mode):
            raise NotTaken(KINDS.get(stat.S_IFMT(about.st_mode), "is no ordinary file"))
        if about.st_nlink > 1 and folder is not None and about.st_uid != os.fstat(folder).st_uid:
            raise NotTaken(FOREIGN)
        yield fd, about.st_size
    finally:
        os.close(fd)


def read_regular(name: str | Path, most: int, folder: int | None = None) -> bytes:
    """The bytes of the regular file `name` in `folder` (a descriptor), at most `most`. Raises `NotTaken` or `FileNotFoundError`."""
    with regular(name, folder) as (fd, size), open(fd, "rb", closefd=False) as file:
        content = file.read(most + 1) if size <= most else b""
    if size > most or len(content) > most:     # it may have grown since
        raise NotTaken(f"is too large: {size / 2**20:.0f} MiB, and {most // 2**20} are the most"
                       if most >= 2**20 else "is too large")
    return content


def move_to(folder: str, target: str) -> tuple[str, str | None]:
    """Give a folder its other name, unless something bears that: (where it lies now, why it could not be moved or None)."""
    if folder == target:
        return folder, None
    if os.path.lexists(target):
        return folder, "two folders bear the name, with accents written in two ways; move one of them away"
    os.makedirs(os.path.dirname(target), exist_ok=True)
    os.rename(folder, target)
    with suppress(OSError):         # there may be other assignments in it
        os.rmdir(os.path.dirname(folder))
    return target, None


def names_ending(folder: str | Path, suffix: str) -> list[str]:
    """The names in a folder that end like that, in order; [] where there is none, or it cannot be read."""
    try:
        return [name for name in names_in(folder) if name.endswith(suffix)]
    except OSError:
        return []


def states_of(folder: str | Path, suffix: str) -> list[tuple[str, int, int]]:
    """(name, size, time of its last change in ns) of the files in a folder that end like that: another one once a file was written."""
    found = ((name, os.stat(os.path.join(folder, name))) for name in names_ending(folder, suffix))
    return [(name, about.st_size, about.st_mtime_ns) for name, about in found]


def beside(folder: str | Path, what: str) -> str:
    """Where a mark on a whole folder stands: a hidden file next to it."""
    place, name = os.path.split(folder)
    return os.path.join(place, f".{name}.{what}")


def read_below(folder: str | Path | int, relative: str | Path, most: int) -> bytes:
    """`read_regular` for a path below `folder` (a path or a descriptor), no part of which is a link."""
    try:
        with opened(folder, os.path.dirname(relative)) as inside:
            return read_regular(os.path.basename(relative), most, inside)
    except FileNotFoundError:
        raise
    except OSError as error:
        raise NotTaken(f"could not be opened ({error.strerror})") from None
