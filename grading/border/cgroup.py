"""A control group (version 2) around a sandbox, where the host lets the grader make one: limits on all of it together.

Root can make one, and so can a user in a session that systemd delegates. Else systemd itself is asked for one, for each
sandbox: `systemd-run --scope`, with `--user` for all but root. Where none can be had, the limits of each process (rlimits)
and the sandbox's own watch hold alone.
"""

import contextlib
import functools
import os
import re
import shutil
import subprocess
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path

from .limits import Limits

CONTROLLERS = ("memory", "pids")
OWN_BYTES, OWN_PROCESSES = 512 * 2**20, 16      # for bubblewrap, the warm server and the monitor
ANSWER_SECONDS = 5                              # for systemd to say whether it can make one
VARIABLES = ("XDG_RUNTIME_DIR", "DBUS_SESSION_BUS_ADDRESS")     # by which systemd's program finds the user's manager
STALE_SECONDS = 60                              # after which a group that is empty belongs to nobody: its grader was killed
EMPTY_SECONDS = 2                               # for the system to take killed processes out of it
COMMAND = ["/bin/sh", "-c", 'echo 0 > "$0" && exec "$@"']       # joins the group and becomes the program


class Cgroup:
    """One group with its limits in force. `folder` is its place in the file system."""

    def __init__(self, folder: Path, limits: Limits) -> None:
        self.folder = folder
        self.write("memory.max", limits.memory_bytes + OWN_BYTES)
        self.write("pids.max", limits.processes + OWN_PROCESSES)
        with contextlib.suppress(OSError):
            self.write("memory.swap.max", 0)    # hosts without swap accounting have no such file

    def write(self, name: str, value: int) -> None:
        (self.folder / name).write_text(f"{value}\n")

    def around(self, command: Sequence[str]) -> list[str]:
        """`command`, started inside the group: it is in it before its first instruction."""
        return [*COMMAND, str(self.folder / "cgroup.procs"), *command]

    def close(self) -> None:
        """End what is left in the group and remove it."""
        with contextlib.suppress(OSError):
            self.write("cgroup.kill", 1)
        until = time.monotonic() + EMPTY_SECONDS
        while self.folder.exists() and time.monotonic() < until:
            try:
                self.folder.rmdir()
            except OSError:
                time.sleep(0.01)


class Scope:
    """The same by systemd: a transient scope in which the sandbox starts, and which goes with it."""

    def __init__(self, command: Sequence[str], limits: Limits) -> None:
        self.command = [*command, "--property", f"MemoryMax={limits.memory_bytes + OWN_BYTES}", "--property",
                        "MemorySwapMax=0", "--property", f"TasksMax={limits.processes + OWN_PROCESSES}", "--"]

    def around(self, command: Sequence[str]) -> list[str]:
        return [*self.command, *command]

    def close(self) -> None:
        """Nothing to do: a scope ends with its last process."""


@functools.cache
def systemd() -> tuple[str, ...]:
    """The command that runs something in a scope of its own; empty where systemd runs none for this user."""
    program = shutil.which("systemd-run")
    if program is None or not os.path.isdir("/run/systemd/system") and not os.environ.get("DBUS_SESSION_BUS_ADDRESS"):
        return ()
    command = [program, *(["--user"] if os.geteuid() else []), "--scope", "--quiet", "--collect"]
    try:
        done = subprocess.run([*command, "--property", "MemoryMax=1G", "--property", "TasksMax=64", "--", "/bin/sh", "-c", ":"],
                              stdin=subprocess.DEVNULL, capture_output=True, timeout=ANSWER_SECONDS)
    except (OSError, subprocess.TimeoutExpired):
        return ()
    return tuple(command) if done.returncode == 0 else ()


def enclose(limits: Limits) -> Cgroup | Scope | None:
    """A new `Cgroup`, else a `Scope` of systemd, else None."""
    made = make(limits)
    return Scope(systemd(), limits) if made is None and systemd() else made


def make(limits: Limits) -> Cgroup | None:
    """A new `Cgroup` with `limits`, or None where the host offers none that limits both memory and processes."""
    for place in places():
        sweep(place)
        try:
            folder = Path(tempfile.mkdtemp(prefix="grading-", dir=place))
        except OSError:
            continue
        try:
            enable(place)
            return Cgroup(folder, limits)
        except OSError:
            folder.rmdir()
    return None


def sweep(place: Path) -> None:
    """Remove the groups that graders left which were killed; one with a process in it Linux keeps."""
    for folder in place.glob("grading-*"):
        with contextlib.suppress(OSError):
            if time.time() - folder.stat().st_ctime > STALE_SECONDS:
                folder.rmdir()


def places() -> list[Path]:
    """Folders in which a group may be made: that of this process and those above it."""
    try:
        mounts = re.findall(r"^\S+ \S+ \S+ / (\S+) .* - cgroup2 ", Path("/proc/self/mountinfo").read_text(), re.MULTILINE)
        own = re.search(r"^0::(/.*)$", Path("/proc/self/cgroup").read_text(), re.MULTILINE)
    except OSError:
        return []
    if not mounts or not own:
        return []
    top, here = Path(mounts[0]), Path(mounts[0], own[1].lstrip("/"))
    found = [place for place in (here, *here.parents) if place.is_relative_to(top)]
    return [place for place in found if os.access(place, os.W_OK)]


def enable(place: Path) -> None:
    """Have the groups below `place` limit what `CONTROLLERS` control; the system refuses while `place` has processes."""
    control = place / "cgroup.subtree_control"
    missing = set(CONTROLLERS) - set(control.read_text().split())
    if missing:
        control.write_text(" ".join(f"+{name}" for name in sorted(missing)))
