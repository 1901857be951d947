"""Files that only their owner may read, in the folders `.lti/` and `audit/` of a course."""

import os
import shlex
import stat
from pathlib import Path

from ..notebooks.folders import NotTaken, regular
from ..root import CourseError

FOLDER = ".lti"


def read_private(path: Path) -> bytes:
    """The bytes of a file that nobody else can read. Raises `CourseError` with the remedy, or `FileNotFoundError`."""
    try:
        with regular(path) as (descriptor, _), open(descriptor, "rb", closefd=False) as file:
            mode = stat.S_IMODE(os.fstat(descriptor).st_mode)
            if mode & 0o077:
                raise CourseError(f"{path} can be read by others (its mode is {mode:04o}), and it holds a secret. Do: chmod 600 {shlex.quote(str(path))}")
            return file.read()
    except NotTaken as error:
        raise CourseError(f"{path} {error}. Move it away") from None


def write_private(path: Path, content: bytes, anew: bool = False) -> None:
    """Write a file that nobody else can read, as a whole or not at all; it is on the disk when this returns. With `anew` never over
    one that is there."""
    path.parent.mkdir(mode=0o700, exist_ok=True)
    partial = path.with_name(f".{path.name}.{os.getpid()}")
    partial.unlink(missing_ok=True)
    try:
        with open(os.open(partial, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600), "wb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        if anew:
            os.link(partial, path)      # fails where there is one
        else:
            os.replace(partial, path)
    finally:
        partial.unlink(missing_ok=True)
    sync(path.parent)


def sync(path: Path) -> None:
    """Have a file, or the names in a folder, on the disk."""
    descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
