"""Whether what runs is still what lies on disk: after an update of the code, or of the course's settings, a watcher starts again."""

import subprocess
import sys
from pathlib import Path

from ..root import CONFIG
from .stamps import LOOK_SECONDS, Stamps, stamps

CODE, SUFFIXES = Path(__file__).resolve().parents[1], (".py", ".j2", ".css", ".json")
TRY = ("import sys; from grading.run.course import Course; from grading.watch import service, settings; "
       "settings.Watch(config=Course(sys.argv[1]).config)")
TRY_SECONDS = 120
State = tuple[tuple[str, ...], Stamps]      # which assignments there are, and what the files are


class Renewal:
    """What this process was made of: the code, the settings of the course in `root`, and which assignments are in `source`."""

    def __init__(self, root: str | Path, source: str | Path) -> None:
        self.root, self.source, self.asked = Path(root), Path(root, source), 0.0
        self.began = self.seen = self.state()
        self.tried: State | None = None
        self.trouble: str | None = None

    def is_due(self, now: float) -> bool:
        """Whether they have changed, have stayed so for one look, and can be started with; else `trouble` says why not."""
        if now - self.asked < LOOK_SECONDS:
            return False
        self.asked, before, self.seen = now, self.seen, self.state()
        if self.seen == self.began:
            self.tried = self.trouble = None
        elif self.seen == before and self.seen != self.tried:       # nobody is at it any more
            self.tried, self.trouble = self.seen, self.try_it()
            return self.trouble is None
        return False

    def state(self) -> State:
        places = [path for path in sorted(CODE.rglob("*")) if path.suffix in SUFFIXES]
        return tuple(sorted(map(str, self.source.glob("*/")))), stamps([*places, self.root / CONFIG])

    def try_it(self) -> str | None:
        """What goes wrong if code and settings are loaded by another process, in one line; None if nothing does."""
        try:
            done = subprocess.run([sys.executable, "-W", "ignore", "-c", TRY, self.root], cwd=CODE.parent, capture_output=True, text=True,
                                  errors="replace", timeout=TRY_SECONDS)
        except (OSError, subprocess.TimeoutExpired) as error:
            return f"New code or settings could not be tried ({type(error).__name__}); those that were known stay in use"
        if done.returncode == 0:
            return None
        said = (done.stderr.strip().splitlines() or [f"exit status {done.returncode}"])[-1]
        return f"New code or settings cannot be used: {said}; those that were known stay in use"
