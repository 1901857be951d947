"""What the tests of the pool give its workers to do: a module of its own, so that a worker that was not forked finds it."""

import os
import resource
import signal
import time
from pathlib import Path


def double(item):
    number, blob = item
    time.sleep(number % 3 / 300)
    return 2 * number, blob[::-1]


def follow(item):
    """Do what `item` says: (deed, file that says that it was done once, or None to do it each time)."""
    deed, done = item
    if deed and not (done and Path(done).exists()):
        if done:
            Path(done).touch()
        return deed()
    return os.getpid()


def be_killed():
    os.kill(os.getpid(), signal.SIGKILL)


def be_stopped():
    os.kill(os.getpid(), signal.SIGSTOP)


def kill_all():
    """Every worker of the pool, this one included: none is told before another."""
    pids = [int(pid) for pid in Path(f"/proc/{os.getppid()}/task/{os.getppid()}/children").read_text().split()]
    workers = [pid for pid in pids if Path(f"/proc/{pid}/comm").read_text() == "course worker\n"]
    for pid in sorted(workers, key=lambda pid: pid == os.getpid()):
        os.kill(pid, signal.SIGKILL)


def run_out_of_memory():
    resource.setrlimit(resource.RLIMIT_AS, (2**30, 2**30))
    bytearray(2**34)


def leave():
    os._exit(0)


def break_off():
    raise ValueError("a fault of the task itself")


def give_what_nobody_can_send():
    return lambda: None


def never_end():
    while True:
        time.sleep(1)


def refuse_to_end():
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
    never_end()


def wait_or_make(item):
    deed, path = item
    while deed == "wait" and not path.exists():
        time.sleep(0.02)
    if deed == "make":
        path.touch()
    return "done"


def answer_that_kills(item):
    """A result on which the worker dies while it is being sent."""
    return Deadly(os.getpid(), "write") if item == "deadly" else item


class Deadly:
    """It kills a process while it is written there, or read in another one than `pid`."""

    def __init__(self, pid, when):
        self.pid, self.when = pid, when

    def __getstate__(self):
        if self.when == "write":
            be_killed()
        return vars(self)

    def __setstate__(self, state):
        if os.getpid() != state["pid"]:
            be_killed()
