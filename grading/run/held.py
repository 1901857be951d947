"""What a process that grades keeps from one submission to the next. It has one owner, `HELD`, and nobody else assigns to it."""

import shutil
import tempfile
import threading
from logging import Logger
from multiprocessing.util import Finalize
from pathlib import Path

from ..border.limits import Limits
from ..border.sandbox import COLD, Sandbox
from ..checks.suite import Suite


class Held:
    """Warm sandboxes, collected checks and unpacked courses of this process.

    `shelf` is a folder in which the workers of one run keep pictures for each other, or None. `lock` is for a process
    with several threads that grade, as a Dask worker may be: sandbox and suite serve one submission at a time.
    """

    def __init__(self) -> None:
        self.lock = threading.Lock()
        self.sandboxes: dict[tuple[str, Limits, tuple[str | Path, ...]], Sandbox] = {}
        self.told: set[str] = set()
        self.suites: dict[tuple[str, str], tuple[dict[str, str], Suite]] = {}
        self.roots: dict[str, str] = {}
        self.shelf: Path | None = None

    def begin(self, folder: str) -> None:
        """Begin anew in a process that was just forked: what is held are its parent's. All of its own goes to `folder`."""
        for held in (self.sandboxes, self.suites, self.roots):
            held.clear()
        self.shelf = Path(folder)
        tempfile.tempdir = folder

    def sandbox(self, mode: str, limits: Limits, hidden: tuple[str | Path, ...] = ()) -> Sandbox:
        """The one warm sandbox for these settings."""
        if (mode, limits, hidden) not in self.sandboxes:
            self.keep(Sandbox(mode, limits, hidden))
        return self.sandboxes[mode, limits, hidden]

    def keep(self, sandbox: Sandbox) -> None:
        """Make `sandbox` the one for its settings, until the process ends."""
        self.sandboxes[sandbox.mode, sandbox.limits, sandbox.hidden] = sandbox
        Finalize(None, sandbox.close, exitpriority=1)       # atexit does not run in the processes of multiprocessing

    def tell_once(self, log: Logger, sandbox: Sandbox) -> None:
        """Say in the log of a run which limits hold here, and warn where there is less than there could be."""
        for say, words in ((log.info, sandbox.describe()), (log.warning, COLD if sandbox.cold else "")):
            if words and words not in self.told:
                self.told.add(words)
                say(words)

    def suite(self, root: str, notebook: str, judges: dict[str, str]) -> Suite:
        """The collected checks of a notebook; collected anew if `judges`, the hashes of the course's files, are others."""
        known = self.suites.get((root, notebook))
        if known is None or known[0] != judges:
            if known:
                known[1].close()
            self.suites[root, notebook] = judges, Suite(root, notebook)
        return self.suites[root, notebook][1]

    def root(self, digest: str, code: dict[str, bytes]) -> str:
        """The folder that holds the files of `code` (by path), unpacked once for each digest."""
        if digest not in self.roots:
            folder = tempfile.mkdtemp(prefix="course-")
            Finalize(None, shutil.rmtree, (folder, True), exitpriority=1)
            for path, content in code.items():
                target = Path(folder, path)
                target.parent.mkdir(parents=True, exist_ok=True)
                target.write_bytes(content)
            self.roots[digest] = folder
        return self.roots[digest]

    def forget(self, root: str) -> None:
        """Let go of the checks that were collected in the folder `root`."""
        for key in [key for key in self.suites if key[0] == root]:
            self.suites.pop(key)[1].close()

    def close(self) -> None:
        """Leave nothing behind: no sandbox, no folder."""
        for sandbox in self.sandboxes.values():
            sandbox.close()
        for folder in self.roots.values():
            shutil.rmtree(folder, ignore_errors=True)


HELD = Held()
