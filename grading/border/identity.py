"""Whose host user id student code has: one of its own wherever the grader can give it one.

Root takes an id that nobody else has. An ordinary user gets one out of the range that /etc/subuid gives to that user, by
`newuidmap`. Else student code has the grader's own id, in a namespace: it owns no file that it can see, but it shares the
counts that Linux keeps for each user, and a flaw in the mounts would be a flaw with the grader's rights.
"""

import enum
import itertools
import os
import pwd
import shutil
import subprocess
from pathlib import Path
from typing import NamedTuple

# Where root grades, an id of its own out of the range that systemd leaves unused.
FIRST_UID, PIDS, PER_PROCESS = 1_900_000_000, 2**22, 50
NUMBERS = itertools.count()
SUBUIDS, SUBGIDS, UID_MAP = Path("/etc/subuid"), Path("/etc/subgid"), Path("/proc/self/uid_map")


class Kind(enum.StrEnum):
    ROOT = "root"           # becomes another user before it runs anything
    MAPPED = "mapped"       # in a user namespace that maps one id of /etc/subuid
    SHARED = "shared"       # in a user namespace, with the host id of who grades


class Identity(NamedTuple):
    """A way to give student code a user id. `uid` is the id on the host, `inside` the one that the server takes."""

    kind: Kind
    uid: int
    gid: int
    inside: int | None = None

    @property
    def own(self) -> bool:
        return self.kind is not Kind.SHARED

    @property
    def mapped(self) -> bool:
        return self.kind is Kind.MAPPED

    def map(self, pid: int) -> str:
        """Map the ids of the new user namespace of process `pid`; what went wrong, or nothing."""
        for program, own, wanted in (("newuidmap", os.geteuid(), self.uid), ("newgidmap", os.getegid(), self.gid)):
            done = subprocess.run([program, str(pid), "0", str(own), "1", str(self.inside), str(wanted), "1"], text=True,
                                  capture_output=True)
            if done.returncode:
                return done.stderr.strip() or f"{program} failed"
        return ""


SHARED = Identity(Kind.SHARED, 0, 0)


def candidates() -> list[Identity]:
    """The ways to be tried, best first."""
    number = os.getpid() + next(NUMBERS) % PER_PROCESS * PIDS
    if os.geteuid() == 0:
        uid = own_of_root(number)
        found = [Identity(Kind.ROOT, uid, uid, uid)] if uid else []
        return found if is_real_root() and found else [*found, SHARED]
    shared = Identity(Kind.SHARED, os.geteuid(), os.getegid())
    users, groups = given(SUBUIDS), given(SUBGIDS)
    if users and groups and shutil.which("newuidmap") and shutil.which("newgidmap"):
        return [Identity(Kind.MAPPED, users[0] + number % users[1], groups[0] + number % groups[1], 1), shared]
    return [shared]


def mapped_ids() -> list[tuple[int, int]]:
    """[(first, how many)] of the user ids that exist for this process."""
    try:
        rows = [list(map(int, line.split())) for line in UID_MAP.read_text().splitlines()]
    except (OSError, ValueError):
        return [(0, 2**32 - 2)]
    return [(row[0], row[2]) for row in rows]


def is_real_root() -> bool:
    """Whether this root is the host's: a container's may be anybody there."""
    return mapped_ids() == [(0, 2**32 - 1)]


def own_of_root(number: int) -> int | None:
    """An id that exists for this process and belongs, as far as one can tell, to nobody."""
    uid = FIRST_UID + number
    first, count = max(mapped_ids(), key=lambda row: row[1])
    if first <= uid < first + count:
        return uid
    spare = count // 2          # in a container: out of the upper half of what it was given
    return first + spare + number % spare if spare and first + spare > 1000 else None


def given(path: Path) -> tuple[int, int] | None:
    """(first, how many) of the ids that `path` (/etc/subuid) gives to this user."""
    names = {str(os.geteuid())}
    try:
        names.add(pwd.getpwuid(os.geteuid()).pw_name)
    except KeyError:
        pass
    try:
        rows = [line.split(":") for line in path.read_text().splitlines()]
        return next(((int(row[1]), int(row[2])) for row in rows if row[0] in names and len(row) == 3 and int(row[2]) > 0), None)
    except (OSError, ValueError):
        return None
