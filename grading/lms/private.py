"""Files that only their owner may read: the folder `.lti/` of a course."""

import os
import shlex
import stat
from pathlib import Path

from ..root import CourseError

FOLDER = ".lti"


def read_private(path: Path) -> bytes:
    """The bytes of a file that nobody else can read. Raises `CourseError` with the remedy, or `FileNotFoundError`."""
    try:
        descriptor = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_CLOEXEC)
    except FileNotFoundError:
        raise
    except OSError as error:
        raise CourseError(f"{path} cannot be read: {error.strerror}") from None
    with open(descriptor, "rb") as file:
        found = os.fstat(file.fileno())
        if not stat.S_ISREG(found.st_mode):
            raise CourseError(f"{path} is no file")
        if found.st_mode & 0o077:
            raise CourseError(f"{path} can be read by others (its mode is {stat.S_IMODE(found.st_mode):04o}), and it holds a secret. "
                              f"Do: chmod 600 {shlex.quote(str(path))}")
        return file.read()


def write_private(path: Path, content: bytes, anew: bool = False) -> None:
    """Write a file that nobody else can read, as a whole or not at all; with `anew` never over one that is there."""
    path.parent.mkdir(mode=0o700, exist_ok=True)
    partial = path.with_name(f".{path.name}.{os.getpid()}")
    partial.unlink(missing_ok=True)
    try:
        with open(os.open(partial, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600), "wb") as file:
            file.write(content)
        if anew:
            os.link(partial, path)      # fails where there is one
        else:
            os.replace(partial, path)
    finally:
        partial.unlink(missing_ok=True)
