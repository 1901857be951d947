"""The exchange as the watcher sees it: hand-ins come from `inbound/`, previews go into `feedback/`."""

import json
import os
import random
import time
from collections import Counter
from collections.abc import Iterable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

from nbgrader.exchange.default import ExchangeReleaseFeedback
from nbgrader.utils import notebook_hash

from ..plugins.placing import place_preview, sweep
from ..root import CourseError
from ..run.course import Course
from ..run.only_one import the_only_one
from . import inbox
from .inbox import HandIn, Refused
from .queue import Entry

TAKING_SECONDS = 1.0        # for what is new at one look: of a flood the rest comes at the next ones, and answers go on between
HEARTBEAT, LOCK = ".watching", ".watching.lock"     # in `feedback/`: students' servers see by its time whether waiting is worth while


class Exchange:
    """Where students of one course hand in and fetch. Made, it has only looked; `open` is for the one who puts pages there."""

    def __init__(self, course: Course, own: bool | None, quiet: float) -> None:
        self.release = ExchangeReleaseFeedback(coursedir=course.dir, config=course.config)
        place = Path(self.release.root, course.dir.course_id)
        self.inbound, self.feedback, self.own, self.quiet = place / "inbound", place / "feedback", own, quiet

    def open(self) -> None:
        """Get ready to put pages there. Raises `CourseError` where there is no exchange."""
        if not self.inbound.is_dir():
            raise CourseError(f"There is no exchange at {self.inbound.parent}: students have nowhere to hand in. Release first: nbgrader "
                              "release_assignment NAME, or set c.Exchange.root in nbgrader_config.py")
        self.release.init_dest()
        sweep(self.feedback)

    @contextmanager
    def alone(self) -> Iterator[None]:
        """Be the one watcher of this exchange. Raises `CourseError` if one is at work from another clone of the course."""
        lock = self.feedback / LOCK
        lock.touch(0o600)       # who can open it can hold it
        with the_only_one(lock, f"Another watcher is at work on {self.inbound.parent}, from another clone of this course: one is enough. End it first."):
            yield

    def entries(self, known: set[str], assignments: list[str]) -> Iterator[tuple[str, HandIn | Refused | None]]:
        """(name, what it is) of all that is not in `known`; None for another assignment's."""
        until = time.monotonic() + TAKING_SECONDS
        for name in in_turns(set(os.listdir(self.inbound)) - known):
            if time.monotonic() > until:
                return
            try:
                yield name, inbox.read_entry(self.inbound, name, assignments, self.own)
            except Refused as refused:
                yield name, refused

    def is_complete(self, one: HandIn) -> bool:
        return inbox.is_complete(one.folder, time.time(), self.quiet)

    def check(self, one: HandIn) -> None:
        """Raises `Refused` where no page could reach whoever handed it in."""
        inbox.secret_of(one.folder)

    def folder(self, name: str) -> str:
        """Where the submission `name` lies."""
        return str(self.inbound / name)

    def put(self, one: HandIn | Entry, notebooks: Iterable[str], page: bytes) -> bool:
        """Put a page where the student's side looks for that of each notebook; False if a final one is there. Raises `OSError` or `Refused`."""
        return place_preview(page, self.feedback, *(self.page_of(one.name, notebook).name for notebook in notebooks))

    def page_of(self, name: str, notebook: str) -> Path:
        """Where the student's side looks for the page of a notebook of the submission `name`. Raises `Refused`."""
        return self.feedback / f"{notebook_hash(secret=inbox.secret_of(self.folder(name)), notebook_id=notebook)}.html"

    def beat(self, **about: Any) -> None:
        """Say that somebody is watching."""
        heart = self.feedback / HEARTBEAT
        with suppress(OSError):
            if not heart.exists():
                heart.write_text(json.dumps(about))
                heart.chmod(0o644)
            os.utime(heart)

    def done(self, one: Entry) -> None:
        """It is answered; what was handed in stays for `collect`."""

    def rest(self) -> None:
        (self.feedback / HEARTBEAT).unlink(missing_ok=True)


def in_turns(names: Iterable[str]) -> list[str]:
    """Names of the exchange in an order in which everybody comes once before anybody comes twice, and each student's oldest comes first.
    All names that are no submission's are one body's."""
    come: Counter[str] = Counter()
    turns: list[tuple[int, float, str]] = []
    for name in sorted(names):
        match = inbox.NAME.fullmatch(name)
        student = match["student"] if match else ""
        turns.append((come[student], random.random(), name))
        come[student] += 1
    return [name for _, _, name in sorted(turns)]
