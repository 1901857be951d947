"""Trusted code on untrusted data, in a process that may die: with a limit of CPU time, of wall time and of memory.

`bounded(function, *arguments)` is a call of a function of ours in a process beside this one. It is forked where that is
safe, serves one call after the other, and is replaced after a call that cost too much. What a caller makes of `Overrun`
is a finding about the data: nothing that a student hands in can hold up or end the run of a class.
"""

import gc
import os
import resource
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from multiprocessing.connection import Connection, Pipe
from multiprocessing.util import Finalize
from typing import Any, TypeVar

from .errors import PAUSES, is_wanting

CPU_SECONDS = 20
WALL_SECONDS = 60, 10                   # at least, and for each second of CPU time: on a busy machine a start takes long
MEMORY = 1024 * 2**20                   # above what the process has when a call begins, in bytes of address space
TOO_MUCH = f"needs more than {MEMORY // 2**20} MiB of memory"
PR_SET_PDEATHSIG = 1
T = TypeVar("T")


class Overrun(Exception):
    """The call was given up; the message completes a sentence that begins with what was to be done."""


class Died(Overrun):
    """The process ended during the call, or had been ended before it."""


class Helper:
    """The process beside this one."""

    def __init__(self) -> None:
        self.connection, theirs = Pipe()
        self.owner = os.getpid()
        self.pid: int | None
        self.popen: subprocess.Popen[bytes] | None
        self.pid, self.popen = (fork(theirs), None) if has_no_threads() else spawn(theirs)
        theirs.close()

    def call(self, function: Callable[..., Any], arguments: tuple[Any, ...], seconds: float) -> Any:
        """What the function returned, or raises what it raised. Raises `Overrun`: then the process is of no more use."""
        try:
            self.connection.send((function, arguments, seconds))
            if not self.connection.poll(WALL_SECONDS[0] + WALL_SECONDS[1] * seconds):
                raise Overrun(f"takes more than {seconds} seconds")
            done, result = self.connection.recv()
        except (EOFError, OSError):
            if self.end() == -signal.SIGXCPU:
                raise Overrun(f"takes more than {seconds} seconds") from None
            raise Died("ends the process that does it") from None
        if done:
            return result
        raise result

    def end(self) -> int | None:
        """End the process, if it has not ended by itself; how it ended, as `subprocess` counts."""
        if self.pid is None or self.owner != os.getpid():       # else it belongs to the process that this was forked from
            return None
        self.connection.close()
        pid, self.pid = self.pid, None
        ended, status = os.waitpid(pid, os.WNOHANG) if self.popen is None else (self.popen.poll() is not None, 0)
        if not ended:
            os.kill(pid, signal.SIGKILL)
        if self.popen:
            return self.popen.wait()
        return os.waitstatus_to_exitcode(status if ended else os.waitpid(pid, 0)[1])


def has_no_threads() -> bool:
    """They do not survive a fork, but their locks do."""
    return len(os.listdir("/proc/self/task")) == 1


def fork(connection: "Connection[Any, Any]") -> int:
    pid = os.fork()
    if pid:
        return pid
    try:
        end_with_parent()
        let_go_of_files(connection.fileno())
        serve(connection)
    finally:
        os._exit(0)


def spawn(connection: "Connection[Any, Any]") -> tuple[int, subprocess.Popen[bytes]]:
    begin = f"import sys; sys.path[:] = {sys.path!r}; from multiprocessing.connection import Connection; " \
            f"from {__name__} import serve; " \
            f"serve(Connection({connection.fileno()}))"
    popen = subprocess.Popen([sys.executable, "-c", begin], pass_fds=[connection.fileno()], stdin=subprocess.DEVNULL)
    return popen.pid, popen


def end_with_parent() -> None:
    """Of use after a fork alone: where there are threads, it would end with the one that made it."""
    import ctypes
    ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGKILL, 0, 0, 0)


def let_go_of_files(kept: int) -> None:
    """Close what was inherited: a sandbox ends when nobody holds on to it.

    What the parent made stays uncollected, for it would close numbers that are other files by then.
    """
    gc.freeze()
    for number in [int(name) for name in os.listdir("/proc/self/fd")]:
        if number > 2 and number != kept:
            try:
                os.close(number)
            except OSError:
                pass        # the one through which the list was read


def serve(connection: "Connection[Any, Any]") -> None:
    """The life of the process: it answers calls until nobody is left who asks."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)        # Ctrl-C is for the process that asks
    signal.signal(signal.SIGTERM, signal.SIG_DFL)
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    while True:
        try:
            function, arguments, seconds = connection.recv()
        except (EOFError, OSError):
            return
        limit(seconds)
        try:
            answer: tuple[bool, Any] = True, function(*arguments)
        except MemoryError:
            answer = False, Overrun(TOO_MUCH)
        except RecursionError:
            answer = False, Overrun("goes too deep")
        except Exception as error:
            answer = False, error
        try:
            connection.send(answer)
        except MemoryError:
            connection.send((False, Overrun(TOO_MUCH)))
        del function, arguments, answer
        lift()


def limit(seconds: float) -> None:
    used = resource.getrusage(resource.RUSAGE_SELF)
    with open("/proc/self/statm") as file:
        size = int(file.read().split()[0]) * resource.getpagesize()
    lower(resource.RLIMIT_CPU, int(used.ru_utime + used.ru_stime + seconds) + 1)
    lower(resource.RLIMIT_AS, size + MEMORY)


def lift() -> None:
    """Between calls: what loading the next function takes is not the data's fault."""
    for kind in (resource.RLIMIT_CPU, resource.RLIMIT_AS):
        lower(kind, resource.RLIM_INFINITY)


def lower(kind: int, most: int) -> None:
    hard = resource.getrlimit(kind)[1]
    infinite = resource.RLIM_INFINITY
    resource.setrlimit(kind, (hard if most == infinite else most if hard == infinite else min(most, hard), hard))


# --- the one of this process --------------------------------------------------------------------------------------

LOCK = threading.Lock()
HELPERS: list[Helper] = []


def bounded(function: Callable[..., Any], *arguments: Any, seconds: float = CPU_SECONDS) -> Any:
    """`function(*arguments)` with at most so many `seconds` of CPU time. Raises what it raises, or `Overrun`.

    `function` is one of a module's; arguments, result and errors can be pickled.
    """
    with LOCK:
        for last in (False, True):
            try:
                return helper().call(function, arguments, seconds)
            except Overrun as error:
                end()
                if last or not isinstance(error, Died):     # it may have died of something else, before this call
                    raise


def bounded_or(otherwise: T, function: Callable[..., T], *arguments: Any, seconds: float = CPU_SECONDS) -> T:
    """As `bounded`; `otherwise` where it fails or takes too much: for what the rest of a submission can do without."""
    try:
        result: T = bounded(function, *arguments, seconds=seconds)
        return result
    except Exception:
        return otherwise


def begin() -> None:
    """Have the process ready before the first call, to be called while this one has no threads yet."""
    with LOCK:
        helper()


def timed(function: Callable[..., Any], *arguments: Any) -> tuple[Any, float]:
    """(what the function returned, or None where it failed, its CPU time in seconds): for callers that have a budget of them."""
    begun = time.process_time()
    try:
        result = function(*arguments)
    except Exception:
        result = None
    return result, time.process_time() - begun


def helper() -> Helper:
    if not HELPERS or HELPERS[0].owner != os.getpid():
        HELPERS[:] = [begun()]
        Finalize(None, end, exitpriority=1)     # atexit does not run in worker processes
    return HELPERS[0]


def begun() -> Helper:
    """A new one. What fails because others have all processes is tried again, for it is no finding about the data."""
    for pause in PAUSES:
        try:
            return Helper()
        except OSError as error:
            if not is_wanting(error):
                raise
            time.sleep(pause)
    return Helper()


def end() -> None:
    while HELPERS:
        HELPERS.pop().end()
