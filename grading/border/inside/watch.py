"""The watch over a kernel: its processes together may use no more than one submission may.

Warm, the monitor inside the sandbox keeps it, out of the kernel's sight. Cold, the kernel has the sandbox for itself, and
this file runs as a program outside of it:

    watch.py PID MEMORY_BYTES CPU_SECONDS SCRATCH_FILES SOCKET_BYTES    (PID: process 1 of the sandbox, as the host names it)
"""

import contextlib
import os
import re
import resource
import select
import signal
import sys
from collections.abc import Callable, Iterable
from typing import Any

MILLISECONDS = 100
CROWD, LAST = 4, 19     # threads at work at the priority of all; that of those who let everybody else go first
WRITABLE = ("/scratch", "/dev/shm")
PAGE, TICKS = resource.getpagesize(), os.sysconf("SC_CLK_TCK")


class Use:
    """What the processes of one kernel use together. `folder` is an open /proc, `pids` returns which they are in it.

    `others` of the threads in there are the sandbox's own.
    """

    def __init__(self, folder: int, pids: Callable[[], list[str]], limits: dict[str, Any], net: str = "net", scratch: Iterable[str] = (), others: int = 0) -> None:
        self.folder, self.pids, self.limits, self.net, self.scratch, self.others = folder, pids, limits, net, scratch, others

    def too_much(self) -> bool:
        """Whether it is over a limit. A process that ends while it is looked at may count twice, so look twice."""
        return self.over() and self.over()

    def make_way(self) -> None:
        """Let a crowd have what nobody else wants: beside sixty busy processes an honest notebook would run out of time."""
        names = self.pids()
        if sum(int((self.fields(name)[17:18] or ["0"])[0]) for name in names) > CROWD + self.others:
            for thread in [thread for name in names for thread in self.threads(name)]:
                with contextlib.suppress(OSError):      # it ended meanwhile
                    os.setpriority(os.PRIO_PROCESS, thread, LAST)

    def threads(self, name: str) -> list[int]:
        try:
            folder = os.open(f"{name}/task", os.O_RDONLY, dir_fd=self.folder)
        except OSError:
            return []
        try:
            return [int(thread) for thread in os.listdir(folder)]
        except OSError:
            return []
        finally:
            os.close(folder)

    def over(self) -> bool:
        names = self.pids()
        if sum(self.cpu_seconds(name) for name in names) > self.limits["cpu_seconds"] + 1:
            return True
        if self.files() > self.limits["scratch_files"]:
            return True
        most: int = self.limits["memory_bytes"] - self.sockets() * self.limits["socket_bytes"]
        # pages that forks share are counted many times first, then, if need be, once
        return sum(self.resident_bytes(name) for name in names) > most \
            and sum(self.own_bytes(name) for name in names) > most

    def cpu_seconds(self, name: str) -> float:
        """Of a process and of its children that have ended: none can end without being waited for or staying visible."""
        return sum(map(int, self.fields(name)[11:15])) / TICKS

    def fields(self, name: str) -> list[str]:
        """What /proc tells of a process in one line, from the third word on: the second is its name and may hold anything."""
        return self.read(f"{name}/stat").rpartition(")")[2].split()

    def resident_bytes(self, name: str) -> int:
        sizes = re.findall(r"^Vm(?:RSS|Swap|PTE):\s+(\d+) kB", self.read(f"{name}/status"), re.MULTILINE)
        return 1024 * sum(map(int, sizes))

    def own_bytes(self, name: str) -> int:
        """Memory with shared pages divided among those who share them; a process that hides it counts in full.

        Page tables come to it: for memory that is only read Linux has nothing else.
        """
        found = re.findall(r"^(?:Pss|SwapPss):\s+(\d+) kB", self.read(f"{name}/smaps_rollup"), re.MULTILINE)
        tables = re.findall(r"^VmPTE:\s+(\d+) kB", self.read(f"{name}/status"), re.MULTILINE) if found else ()
        return 1024 * sum(map(int, [*found, *tables])) if found else self.resident_bytes(name)

    def sockets(self) -> int:
        """How many there are: what waits in their buffers is in no process's size."""
        found = re.search(r"^sockets: used (\d+)", self.read(f"{self.net}/sockstat"), re.MULTILINE)
        return int(found[1]) if found else 0

    def files(self) -> int:
        found = 0
        for place in self.scratch:
            with contextlib.suppress(OSError):
                sizes = os.statvfs(place)
                found += sizes.f_files - sizes.f_ffree
        return found

    def read(self, name: str) -> str:
        """The text of a file of a process; empty if it ended meanwhile or does not let itself be read."""
        try:
            with open(os.open(name, os.O_RDONLY, dir_fd=self.folder), errors="replace") as file:
                return file.read()
        except OSError:
            return ""


def all_but(folder: int, others: set[int]) -> Callable[[], list[str]]:
    """The processes in an open /proc but for `others`."""
    return lambda: [name for name in os.listdir(folder) if name.isdigit() and int(name) not in others]


def descendants(first: int) -> Callable[[], list[str]]:
    """Process `first` and what comes of it, in this process's /proc."""
    def pids() -> list[str]:
        found, wanted = {}, [str(first)]
        while wanted:
            name = wanted.pop()
            if name not in found:
                found[name] = True
                wanted += children(name)
        return list(found)
    return pids


def children(name: str) -> list[str]:
    """The children of all threads of a process; none if it ended meanwhile."""
    found = []
    try:
        for thread in os.listdir(f"/proc/{name}/task"):
            with open(f"/proc/{name}/task/{thread}/children") as file:
                found += file.read().split()
    except OSError:
        pass
    return found


def keep(pidfd: int, leash: int, use: "Use") -> None:
    """Return when the process behind `pidfd` has ended, `leash` becomes readable, or `use` is too much."""
    events = select.poll()
    events.register(pidfd, select.POLLIN)
    events.register(leash, select.POLLIN)       # nobody writes: it becomes readable when the other end lets go
    while not events.poll(MILLISECONDS):
        if use is not None:
            if use.too_much():
                return
            use.make_way()


def main(pid: int, memory_bytes: int, cpu_seconds: int, scratch_files: int, socket_bytes: int) -> None:
    try:
        pidfd = os.pidfd_open(pid)
    except ProcessLookupError:
        return
    folder = os.open("/proc", os.O_RDONLY)
    limits = {"memory_bytes": memory_bytes, "cpu_seconds": cpu_seconds, "scratch_files": scratch_files,
              "socket_bytes": socket_bytes}
    keep(pidfd, 0, Use(folder, descendants(pid), limits, f"{pid}/net", [f"/proc/{pid}/root{place}" for place in WRITABLE], others=1))
    try:
        signal.pidfd_send_signal(pidfd, signal.SIGKILL)     # process 1: all others go with it
    except ProcessLookupError:
        pass


if __name__ == "__main__":
    main(*map(int, sys.argv[1:]))
