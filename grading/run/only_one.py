"""One process at a time: a lock that the system lets go of when its holder ends, however that is."""

import fcntl
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from ..root import CourseError


class Busy(CourseError):
    """Somebody else holds it."""


@contextmanager
def the_only_one(path: Path, otherwise: str) -> Iterator[None]:
    """Hold the lock file at `path`. Raises `Busy` with the words `otherwise` where somebody holds it."""
    with open(path, "w") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise Busy(otherwise) from None
        yield
