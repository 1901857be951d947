"""One process at a time: a lock that the system lets go of when its holder ends, however that is."""

import fcntl
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path
from typing import TYPE_CHECKING

from ..root import CourseError

if TYPE_CHECKING:       # for what is light it takes its time to load
    from nbgrader.coursedir import CourseDirectory


class Busy(CourseError):
    """Somebody else holds it."""


@contextmanager
def the_only_one(path: Path, otherwise: str, shared: bool = False) -> Iterator[None]:
    """Hold the lock file at `path`. Raises `Busy` with the words `otherwise` where somebody holds it; who holds it `shared` bears
    others who do."""
    with open(path, "w") as file:
        try:
            fcntl.flock(file, (fcntl.LOCK_SH if shared else fcntl.LOCK_EX) | fcntl.LOCK_NB)
        except BlockingIOError:
            raise Busy(otherwise) from None
        yield


@contextmanager
def locked(coursedir: "CourseDirectory", shared: bool = False) -> Iterator[None]:
    """Only one grading run at a time may write to this course. Raises `Busy`."""
    folder = Path(coursedir.root, coursedir.autograded_directory)
    folder.mkdir(exist_ok=True)
    with the_only_one(folder / ".grading.lock", "Another grading run is at work in this course. Wait for it, or end it.", shared):
        yield


@contextmanager
def in_turn(coursedir: "CourseDirectory", seconds: float, tell: Callable[[str], None]) -> Iterator[None]:
    """What nbgrader grades: several may at once, but never while a `locked` run is at work. It waits so long for that to end, and says
    so. Raises `Busy`; then nothing was begun."""
    end, said = time.monotonic() + seconds, False
    with ExitStack() as held:
        while True:
            try:
                held.enter_context(locked(coursedir, shared=True))
            except OSError:         # where no lock can be had, nobody else has one
                break
            except Busy:
                if time.monotonic() >= end:
                    raise
                if not said:
                    tell(f"Another grading run is at work in this course; waiting up to {seconds:g} s for it.")
                said = True
                time.sleep(0.2)
            else:
                break
        yield


@contextmanager
def at_work(coursedir: "CourseDirectory") -> Iterator[None]:
    """What a command on deadlines is at work on: no `locked` run begins meanwhile, and nobody takes its intents for those of a dead
    one. Several may be at work at once, and it is done also where it cannot be told to others."""
    with ExitStack() as told:
        with suppress(Busy, OSError):
            told.enter_context(locked(coursedir, shared=True))
        yield
