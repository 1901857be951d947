"""Processes that grade, each with a socket of its own: one that dies at any moment costs a retry, and no wait is without an end.

A task, and what became of it, is a file without a name (`memfd_create`); only its descriptor is sent. Such a message
arrives whole or not at all and is too small to wait for a reader, so that neither side is ever stuck in the middle of
one. The parent keeps the worker's end of the socket as well, and can take back what a worker has not begun.
"""

import ctypes
import gc
import os
import pickle
import select
import signal
import socket
import struct
import sys
import tempfile
import time
import traceback
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from functools import partial
from itertools import count
from multiprocessing.connection import wait
from typing import Any

from ..border import bounded
from ..border.sandbox import Sandbox
from .held import HELD

RETRIES = 2             # of a task whose process was lost
AHEAD = 2               # tasks that a worker is given at a time: the next one is there when it has done the first
STARTS = 10             # processes in a row that may end before they begin to work
START_SECONDS = 120     # for a process to begin: a cold disk reads a few hundred files
LOOK_SECONDS = 5        # how often a silent worker is looked at
END_SECONDS = 30        # for a worker to end its sandboxes and itself
PR_SET_PDEATHSIG, PR_SET_NAME = 1, 15
INT = struct.Struct("i")
READY = -1              # in place of a task's number: a worker that begins to work
SPAWNED = "import signal, sys; signal.signal(signal.SIGINT, signal.SIG_IGN); sys.path[:] = sys.argv[4:]; " \
          "from grading.run.pool import spawned; spawned(*sys.argv[1:4])"


class NoWorkers(RuntimeError):
    """This machine gives no process to grade with; the message says why."""


@dataclass(frozen=True)
class Lost:
    """In place of a result: the process `why` ("died each time"); `late` if it was ended because it took too long."""

    why: str
    late: bool = field(default=False, repr=False)


@dataclass(eq=False)
class Task:
    """One item to work on; `deaths` are those of its process while no other was at work."""

    number: int
    item: Any
    deaths: int = 0


# --- messages -----------------------------------------------------------------------------------------------------

def send(sock: socket.socket, number: int, thing: Any) -> None:
    with open(os.memfd_create("message"), "wb") as file:
        pickle.dump(thing, file, pickle.HIGHEST_PROTOCOL)
        file.flush()
        socket.send_fds(sock, [INT.pack(number)], [file.fileno()])


def receive(sock: socket.socket, flags: int = 0) -> tuple[int, Any]:
    """The next message: its task's number and the content. Raises `EOFError` if nobody is left to send one, with MSG_DONTWAIT `BlockingIOError` if there is none yet."""
    # not by socket.recv_fds, which passes no flags on
    number, ancillary, _, _ = sock.recvmsg(INT.size, socket.CMSG_LEN(INT.size), flags | socket.MSG_CMSG_CLOEXEC)
    if not ancillary:
        raise EOFError
    with open(INT.unpack(ancillary[0][2])[0], "rb") as file:
        file.seek(0)
        return INT.unpack(number)[0], pickle.load(file)


# --- a worker -----------------------------------------------------------------------------------------------------

def serve(sock: socket.socket, folder: str, parent: int, box: Sandbox | None = None) -> None:
    """Be a worker until the parent closes the socket, says stop, or ends, whatever ends it. Leave Ctrl-C to it."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    signal.signal(signal.SIGTERM, stop)
    libc = ctypes.CDLL(None)
    libc.prctl(PR_SET_NAME, b"course worker", 0, 0, 0)
    libc.prctl(PR_SET_PDEATHSIG, signal.SIGKILL, 0, 0, 0)
    HELD.begin(folder)
    bounded.begin()         # forked from here it has all that is loaded; once the checks have their thread it could not be
    if box:
        HELD.keep(box)
    with suppress(EOFError, ConnectionError):
        send(sock, READY, None)
        while os.getppid() == parent:       # it may have ended before this process asked to end with it
            number, (function, item) = receive(sock)
            try:
                send(sock, number, function(item))
            except MemoryError:
                stop()      # the task is done again, with nothing else at work
            except Exception as error:      # a fault of ours, or a result that cannot be sent
                send(sock, number, Lost(f"failed: {type(error).__name__}"))
    HELD.close()


def stop(*_: Any) -> None:
    """Leave the task at hand, take up no other, and leave nothing behind."""
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
    HELD.close()
    os._exit(1)


def spawned(descriptor: str, folder: str, parent: str) -> None:
    """The program of a worker that was not forked."""
    os.set_inheritable(int(descriptor), False)
    serve(socket.socket(fileno=int(descriptor)), folder, int(parent))


# --- the parent's side --------------------------------------------------------------------------------------------

class Worker:
    """A process, the two ends of its socket, and what it was given: `tasks` by number; the first is at hand."""

    def __init__(self, start: Callable[[socket.socket, socket.socket], int]) -> None:
        self.ours, self.theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        try:
            self.pid = start(self.ours, self.theirs)
        except BaseException:
            self.let_go()
            raise
        self.pidfd = os.pidfd_open(self.pid)
        self.tasks: dict[int, Task] = {}
        self.since, self.ready, self.stopped, self.late, self.why = time.monotonic(), False, False, False, "died"

    def give(self, function: Callable[[Any], Any], task: Task) -> None:
        if not self.tasks:
            self.since = time.monotonic()
        self.tasks[task.number] = task
        send(self.ours, task.number, (function, task.item))

    def take_back(self) -> list[Task]:
        """A task that the worker has not taken yet, if there is one: the kernel gives a message to one reader, never to two."""
        try:
            number = self.theirs.recv(INT.size, socket.MSG_DONTWAIT)
        except BlockingIOError:
            return []
        return [self.tasks.pop(INT.unpack(number)[0])]

    def results(self) -> Iterator[tuple[Task, Any]]:
        """(task, result) of all that it has done by now."""
        with suppress(BlockingIOError, EOFError, ConnectionError):
            while True:
                number, result = receive(self.ours, socket.MSG_DONTWAIT)
                self.since = time.monotonic()
                if number == READY:
                    self.ready = True
                else:
                    yield self.tasks.pop(number), result

    def alive(self) -> bool:
        return not select.select([self.pidfd], [], [], 0)[0]

    def due(self, seconds: float) -> float:
        """When it must have answered."""
        return self.since + (seconds if self.ready else START_SECONDS)

    def look(self, seconds: float) -> None:
        """End it if it will not answer: at work for longer than `seconds`, or stopped by somebody at two looks on end."""
        before, self.stopped = self.stopped, False
        with suppress(ChildProcessError):
            self.stopped = os.waitid(os.P_PIDFD, self.pidfd, os.WSTOPPED | os.WNOHANG | os.WNOWAIT) is not None
        if time.monotonic() > self.due(seconds):
            self.late, self.why = self.ready, f"did not answer for {seconds:g} s"
        elif self.stopped and before:
            self.why = "was stopped"
        else:
            return
        self.signal(signal.SIGKILL)

    def signal(self, number: int) -> None:
        with suppress(ProcessLookupError):
            signal.pidfd_send_signal(self.pidfd, number)

    def let_go(self) -> None:
        """Close the socket: a worker that is at leisure ends."""
        self.ours.close()
        self.theirs.close()

    def bury(self) -> None:
        """End it the hard way, if it has not ended."""
        self.let_go()
        self.signal(signal.SIGKILL)
        wait([self.pidfd], END_SECONDS)
        with suppress(ChildProcessError):
            os.waitpid(self.pid, os.WNOHANG)
        os.close(self.pidfd)


def let_go(box: Sandbox) -> None:
    """Leave a sandbox that was started to another process: its server ends when nobody holds on to it."""
    if box.control:
        box.control.close()


def alone() -> bool:
    """Whether this process has one thread."""
    return len(os.listdir("/proc/self/task")) == 1


class Pool:
    """Local worker processes. As a context manager: they end after what they were given, or at once if that is left early.

    They are forked from this process, which has loaded everything, unless it has threads, which do not survive a fork.
    Make the pool before a gradebook is open: a connection is not for several processes. A worker that takes the place
    of another is a new program. `boxes` are sandboxes that this process launched, at most one for each worker; they take
    them over. All that workers write to disk lies in one folder, which goes with the pool.
    """

    def __init__(self, jobs: int, boxes: Sequence[Sandbox] = ()) -> None:
        self.jobs, self.workers = jobs, list[Worker]()
        self.folder = tempfile.TemporaryDirectory(prefix="course-", ignore_cleanup_errors=True)
        if alone():
            import matplotlib.figure    # noqa: F401  each worker would load it for its first picture
            gc.freeze()     # what is loaded stays: collections would look at all of it, and workers copy its pages
            for number in range(jobs):
                self.workers.append(Worker(partial(self.fork, boxes, number)))
            for box in boxes:
                let_go(box)

    def fork(self, boxes: Sequence[Sandbox], number: int, ours: socket.socket, theirs: socket.socket) -> int:
        """Fork a worker that has the sandbox `number`, if there is one; its process id."""
        sys.stdout.flush()
        sys.stderr.flush()
        parent = os.getpid()
        if pid := os.fork():
            return pid
        status = 1
        try:
            ours.close()
            for worker in self.workers:
                worker.let_go()
            for box in [*boxes[:number], *boxes[number + 1:]]:
                let_go(box)
            serve(theirs, self.folder.name, parent, *boxes[number:number + 1])
            status = 0
        except BaseException:
            traceback.print_exc()
        finally:
            os._exit(status)

    def spawn(self, ours: socket.socket, theirs: socket.socket) -> int:
        """Start a worker as a program of its own; its process id."""
        theirs.set_inheritable(True)
        arguments = [str(theirs.fileno()), self.folder.name, str(os.getpid()), *sys.path]
        try:
            return os.posix_spawn(sys.executable, [sys.executable, "-c", SPAWNED, *arguments], os.environ)
        finally:
            theirs.set_inheritable(False)

    # --- work ---------------------------------------------------------------------------------------------------

    def run(self, function: Callable[[Any], Any], items: Iterable[Any], seconds: float) -> Iterator[tuple[Any, Any]]:
        """Yield (item, function(item)) for each of `items`, not in their order; `Lost` in place of a result, see there.

        Few items are in flight, so memory stays flat however many there are. What a process had at hand when it was lost
        is done again with nothing else at work, so that it is known whose fault it is; then its deaths count. A process
        that takes longer than `seconds` for one item is ended. Raises `NoWorkers`.
        """
        source, again, suspects = map(Task, count(), items), deque[Task](), deque[Task]()
        stillborn = 0
        while True:
            most = 1 if suspects else AHEAD * self.jobs
            while self.in_flight() < most:
                queue = suspects or again
                task = queue.popleft() if queue else next(source, None)
                if task is None:
                    self.level(function)
                    break
                self.freest().give(function, task)
            single = self.in_flight() == 1
            if not self.in_flight():
                return
            self.watch(seconds)
            for worker in list(self.workers):
                dead = not worker.alive()       # asked first: then all that it ever sent can be read
                for task, result in worker.results():
                    yield task.item, result
                stillborn = 0 if worker.ready else stillborn + dead
                if stillborn > STARTS:
                    raise NoWorkers("its processes end before they begin to work")
                if not dead:
                    continue
                self.workers.remove(worker)
                while taken := worker.take_back():
                    again.extendleft(taken)
                worker.bury()
                for task in worker.tasks.values():
                    task.deaths += single
                    if task.deaths <= RETRIES:
                        suspects.append(task)
                    else:
                        yield task.item, Lost(f"{worker.why} each time")

    def in_flight(self) -> int:
        return sum(len(worker.tasks) for worker in self.workers)

    def freest(self) -> Worker:
        """The worker that has least to do, a new one if there is room for one. Raises `NoWorkers`."""
        best = min(self.workers, key=lambda worker: len(worker.tasks), default=None)
        if best is None or best.tasks and len(self.workers) < self.jobs:
            try:
                best = Worker(self.spawn)
                self.workers.append(best)
            except OSError as error:
                if best is None:
                    raise NoWorkers(f"no process could be started ({error})") from None
        return best

    def level(self, function: Callable[[Any], Any]) -> None:
        """When nothing is left to give out: what waits behind a slow task goes to those that have none."""
        idle = [worker for worker in self.workers if not worker.tasks]
        for worker, busy in zip(idle, [worker for worker in self.workers if len(worker.tasks) > 1]):
            for task in busy.take_back():
                worker.give(function, task)

    def watch(self, seconds: float) -> None:
        """Wait until a worker has said something or ended, and end those that will do neither."""
        ends = [end for worker in self.workers for end in (worker.ours, worker.pidfd)]
        busy = [worker for worker in self.workers if worker.tasks]
        late = min(worker.due(seconds) for worker in busy) - time.monotonic()
        if not wait(ends, max(0, min(LOOK_SECONDS, late + 0.01))):
            for worker in busy:
                worker.look(seconds)

    def __enter__(self) -> "Pool":
        return self

    def __exit__(self, failed: type[BaseException] | None, *_: Any) -> None:
        try:
            for worker in self.workers:
                worker.let_go()
                if failed:
                    worker.signal(signal.SIGTERM)
            until = time.monotonic() + END_SECONDS
            for worker in self.workers:
                wait([worker.pidfd], max(0, until - time.monotonic()))
        finally:
            for worker in self.workers:
                worker.bury()
            self.folder.cleanup()
