"""Check the host: what grading needs is there, and for every missing thing the command that mends it.

`diagnose_host` changes nothing. Each check below looks at one thing and returns a `Finding`; a check that cannot be
made is a finding that is not ok, never an error.
"""

import contextlib
import os
import platform
import re
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Collection, Sequence
from ctypes.util import find_library
from dataclasses import dataclass
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

from ..run.health import look
from ..border import cgroup, mounts, needs, probe, surroundings
from ..border.identity import Identity, candidates
from ..root import trouble_with_path
from ..border.errors import KernelNotStarted, SandboxUnavailable
from ..border.limits import Limits
from ..border.sandbox import Sandbox, find_bwrap
from ..border.subject import CellRun, KernelSubject
from ..border.needs import Missing, Need
from ..border.surroundings import Surroundings

PYTHON, NUMPY, LINUX, FREE_BYTES = (3, 11), (1, 26), (5, 14), 2 * 2**30
EXCHANGES = ("/usr/local/share/nbgrader", "/usr/local/share/nbgrader/exchange", "/srv/nbgrader/exchange")


@dataclass(frozen=True)
class Finding:
    """One thing that was looked at: whether it is as it should be, what was found, and else what to do about it.

    `needed` tells whether grading is refused without it; the rest makes grading faster or safer.
    """

    name: str
    ok: bool
    said: str
    remedy: str = ""
    needed: bool = True


def diagnose_host(places: Sequence[str] = (), gradebook: str | None = None) -> list[Finding | Missing]:
    """Look at everything that grading stands on: it takes a few seconds, for it starts a sandbox.

    `places` are the folders and files of a course, which student code must not see; `gradebook` is the address of its gradebook.
    """
    here = surroundings.look()
    return [Finding("place", True, here.describe()), *course_folder(places), python(), numpy(), alembic(), linux(), bubblewrap(),
            *sandbox(places), seccomp(), memory(here), grader(here), free_space(), *([health_of(gradebook)] if gradebook else [])]


def health_of(gradebook: str) -> Finding:
    said, remedy = look(gradebook)
    return Finding("gradebook", not remedy, said, remedy)


# --- what runs on the host ----------------------------------------------------------------------------------------

def course_folder(places: Sequence[str]) -> list[Finding]:
    """A course may lie in a folder of almost any name."""
    trouble = next(filter(None, map(trouble_with_path, places)), None)
    return [Finding("folder of the course", not trouble, trouble or "its name makes no trouble", "Rename the folder.")] if places else []


def python() -> Finding:
    return Finding("Python", sys.version_info[:2] >= PYTHON, f"Python {platform.python_version()}",
                   "apt-get install python3.11 python3.11-venv, then: make PYTHON=python3.11 test")


def numpy() -> Finding:
    try:
        found = version("numpy")
    except PackageNotFoundError:
        return Finding("NumPy", False, "NumPy is not installed", "bin/setup python3")
    return Finding("NumPy", numbers(found) >= NUMPY, f"NumPy {found}", "bin/setup python3")


def alembic() -> Finding:
    """nbgrader calls it by name when it upgrades a gradebook, and a new one bears its number."""
    beside = Path(sys.executable).parent
    found = shutil.which("alembic", path=os.pathsep.join((str(beside), os.environ.get("PATH", ""))))
    return Finding("alembic", found is not None, found or "alembic is neither beside Python nor on PATH",
                   f"{sys.executable} -m pip install alembic")


def free_space() -> Finding:
    free = shutil.disk_usage(tempfile.gettempdir()).free
    return Finding("free space", free >= FREE_BYTES, f"{free / 2**30:.1f} GiB free in {tempfile.gettempdir()}",
                   "Free some space, or name another folder: export TMPDIR=/a/larger/place", needed=False)


def grader(here: Surroundings = Surroundings()) -> Finding:
    """Root grades safely, but nothing of grading needs its rights."""
    how = f"Start the container with:\n{needs.everywhere(Need.USER, here.container)}" if here.container else \
        "Grade as an ordinary user: then a flaw in the sandbox is not a flaw with root's rights."
    return Finding("grader's user", os.geteuid() != 0, "an ordinary user" if os.geteuid() else "root", how, needed=False)


# --- what the sandbox stands on -----------------------------------------------------------------------------------

def linux() -> Finding:
    found = os.uname().release
    return Finding("Linux", numbers(found) >= LINUX, f"Linux {found}",
                   "Use Linux 5.14 or newer: older ones count processes per user, so the limit on them is left out.",
                   needed=False)


def bubblewrap() -> Finding:
    found = find_bwrap()
    if found is None:
        return Finding("bubblewrap", False, "bwrap is not installed", "apt-get install bubblewrap")
    said = output_of(found, "--version")
    return Finding("bubblewrap", said is not None, f"{said or 'does not run'} ({found})", "apt-get install bubblewrap")


LOOK = """
import os, sys
import kernel
kernel.MAX_STREAM = 10**8
for folder, names, files in os.walk("/"):
    for name in names + files:
        status = os.lstat(os.path.join(folder, name))
        print(status.st_dev, status.st_ino)
"""


def sandbox(places: Sequence[str] = ()) -> list[Finding]:
    """Start the real thing: whether a sandbox can be had, what can be seen in it, whose id student code has there."""
    box = Sandbox(hidden=mounts.below(places))
    subject = KernelSubject(box)
    try:
        run = subject.run(0, LOOK)
        warm = box.warm
    except (SandboxUnavailable, KernelNotStarted) as error:
        said, _, remedy = str(error).partition("\n")
        found = [Finding(one.name, False, one.said, one.remedy) for one in lacking()] if find_bwrap() else []
        return [Finding("sandbox", False, said, "It starts once what follows is mended." if found else
                        remedy or "See docs/threat-model.md, section Host."), *found]
    finally:
        box.close()
    return [Finding("sandbox", True, "student code can be isolated"), seen_inside(run, places), host_id(box.identity),
            Finding("nested namespaces", warm, "a fork per submission" if warm else "a bubblewrap per submission",
                    "" if warm else f"Grading works, slower by a second or two a submission.\n{to_nest()}", needed=False)]


def lacking() -> list[Missing]:
    return needs.missing(probe.ask(), surroundings.look())


def to_nest() -> str:
    """What lets a process in bubblewrap make namespaces, where bubblewrap itself can."""
    return "\n".join(one.remedy for one in lacking()) or needs.bwrap_profile(find_bwrap() or "/usr/bin/bwrap")


def seen_inside(run: CellRun, places: Collection[str]) -> Finding:
    """What student code sees is told apart by the identity of files, so that no other name or mount hides anything."""
    text = "".join(output.get("text", "") for output in run.outputs)
    seen = {tuple(map(int, line.split())) for line in text.splitlines() if re.fullmatch(r"\d+ \d+", line)}
    found = []
    for place in sorted({*map(str, places), str(mounts.COURSE), os.path.expanduser("~"), *EXCHANGES}):
        with contextlib.suppress(OSError):
            status = os.stat(place)
            if (status.st_dev, status.st_ino) in seen:
                found.append(place)
    if len(seen) < 1000:
        return Finding("what student code sees", False, "it could not be looked at", "See docs/threat-model.md, section Host.")
    return Finding("what student code sees", not found, f"it sees {', '.join(found)}" if found else
                   f"{len(seen)} files of the interpreter and its packages, nothing of the course",
                   "Do not grade here. Move what is named to a folder outside of Python's packages.")


def host_id(identity: Identity, here: Surroundings | None = None) -> Finding:
    """Counts that Linux keeps for each user are shared with whoever has the same id, and so are rights."""
    if identity.own:
        return Finding("student code's user", True, f"an id of its own on the host ({identity.uid})")
    here = here or surroundings.look()
    give = f"usermod --add-subuids 200000-265535 --add-subgids 200000-265535 {os.environ.get('USER', 'YOU')} (as root)"
    if here.container and here.gains_no_rights:
        how = "Not to be had where the container gains no rights (no-new-privileges), which is worth more: mount nothing into it but the course."
    elif any(other.mapped for other in candidates()):
        how = "newuidmap is there and was refused an id of /etc/subuid. It needs its own rights, and the range ids that are nobody's: " \
              f"apt-get install --reinstall uidmap; remove the range from /etc/subuid and /etc/subgid; {give}"
    else:
        how = f"Give it one: apt-get install uidmap; {give}"
    return Finding("student code's user", False, f"the id of who grades ({identity.uid}), in a namespace: a flaw in what is mounted "
                   "would be a flaw with your rights, and a submission can use up what Linux counts for each user", how, needed=False)


def seccomp() -> Finding:
    """libseccomp makes the list of system calls that are possible inside; without it grading is refused."""
    found = find_library("seccomp")
    try:
        binding = version("pyseccomp")
    except PackageNotFoundError:
        binding = None
    said = f"{found or 'libseccomp is missing'}, pyseccomp {binding or 'is missing'}"
    return Finding("system call filter", bool(found and binding), said,
                   f"apt-get install libseccomp2; {sys.executable} -m pip install pyseccomp")


def memory(here: Surroundings = Surroundings()) -> Finding:
    """Where a cgroup can be made, it caps all of a sandbox together; rlimits and a watch hold everywhere."""
    group = cgroup.enclose(Limits())
    if group:
        group.close()
    how = "A container gets none to divide. Give the whole of it a limit: --memory 4g --pids-limit 1000 (Docker, podman), " \
          "mem_limit and pids_limit (compose), resources.limits (Kubernetes)" if here.container else \
          "Where systemd runs for your user it is asked for one: loginctl enable-linger, then log in again"
    return Finding("cgroup v2", bool(group), "memory and processes of a sandbox are capped together" if group else
                   "none can be made here: rlimits and a watch ten times a second hold alone, so for a tenth of a second a submission "
                   "may take more memory than it may have", how, needed=False)


# --- small change -------------------------------------------------------------------------------------------------

def numbers(text: str) -> tuple[int, int]:
    """(major, minor) out of a version such as "6.18.44-fc"; (0, 0) if there is none."""
    found = re.match(r"(\d+)\.(\d+)", text)
    return (int(found[1]), int(found[2])) if found else (0, 0)


def output_of(*command: str) -> str | None:
    try:
        return subprocess.run(command, text=True, capture_output=True, timeout=20, check=True).stdout.strip()
    except (OSError, subprocess.SubprocessError):
        return None
