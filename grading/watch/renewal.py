"""Whether what runs is still what lies on disk: after an update of the code, or of the course's settings, a watcher starts again."""

import json
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from contextlib import ExitStack
from pathlib import Path

from ..root import CONFIG
from .stamps import LOOK_SECONDS, Stamps, stamps

CODE, SUFFIXES = Path(__file__).resolve().parents[1], (".py", ".j2", ".css", ".json")
TRY_SECONDS = 120
TRY = (f"import signal; signal.alarm({TRY_SECONDS + 10}); import json, sys; from grading.run.course import Course; from grading.watch import service, settings; course = Course(sys.argv[1]); "
       "settings.Watch(config=course.config); [course.assignments(name) for name in json.loads(sys.argv[2])]")
State = tuple[tuple[str, ...], Stamps]      # which assignments there are, and what the files are


class Renewal:
    """What this process was made of: the code, the settings of the course in `root`, and which assignments are in `source`. Those that
    were asked for by name, `named`, have to be there in the end."""

    def __init__(self, root: str | Path, source: str | Path, named: Sequence[str] = ()) -> None:
        self.root, self.source, self.named, self.asked = Path(root), Path(root, source), named, 0.0
        self.began = self.seen = self.state()
        self.tried: State | None = None
        self.trial: Trial | None = None
        self.trouble: str | None = None

    def is_due(self, now: float) -> bool:
        """Whether they have changed, have stayed so for one look, and can be started with; else `trouble` says why not. Nobody waits for that."""
        if self.trial and self.trial.is_over():
            self.trouble = self.trial.trouble or None
            self.close()
            return self.trouble is None and self.state() == self.tried
        if now - self.asked < LOOK_SECONDS:
            return False
        self.asked, before, self.seen = now, self.seen, self.state()
        if self.seen == self.began:
            self.close()
            self.tried = self.trouble = None
        elif self.seen == before and self.seen != self.tried:       # nobody is at it any more
            self.close()
            self.tried, self.trial = self.seen, self.try_it()
        return False

    def close(self) -> None:
        if self.trial:
            self.trial.end()
            self.trial = None

    def state(self) -> State:
        places = [path for path in sorted(CODE.rglob("*")) if path.suffix in SUFFIXES]
        return tuple(sorted(map(str, self.source.glob("*/")))), stamps([*places, self.root / CONFIG])

    def try_it(self) -> "Trial":
        return Trial([sys.executable, "-W", "ignore", "-c", TRY, str(self.root), json.dumps(list(self.named))])


class Trial:
    """Another process that loads code and settings, and may take its time. Once it is over, `trouble` says in one line what went wrong."""

    def __init__(self, command: Sequence[str]) -> None:
        self.until, self.trouble = time.monotonic() + TRY_SECONDS, ""
        with ExitStack() as begun:
            self.said = begun.enter_context(tempfile.TemporaryFile())
            self.process = subprocess.Popen(command, cwd=CODE.parent, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=self.said)
            begun.pop_all()

    def is_over(self) -> bool:
        status = self.process.poll()
        if status is None and time.monotonic() < self.until:
            return False
        self.said.seek(0)
        lines = self.said.read().decode(errors="replace").strip().splitlines()
        if status != 0:
            why = f"they take longer than {TRY_SECONDS} s to load" if status is None else (lines or [f"exit status {status}"])[-1]
            self.trouble = f"New code or settings cannot be used: {why}; those that were known stay in use"
        return True

    def end(self) -> None:
        with self.process, self.said:
            self.process.kill()
