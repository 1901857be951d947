"""Where the CPU time of a notebook goes: one process grades a class with a clock around each phase.

    python -m benchmarks.phases COURSE RESULT.json

The clock counts this process and all of its sandbox. It is put around functions from outside: grading knows nothing of it.
"""

import functools
import json
import os
import sys
import time
from pathlib import Path

from grading.run import batch
from grading.checks.suite import Suite
from grading.run.course import Course
from grading.run.gradebook import Writer
from grading.border.sandbox import Sandbox
from grading.border.subject import KernelSubject

from .measure import below

TICK = 1 / os.sysconf("SC_CLK_TCK")
START, CELLS, CHECKS, READ, BOOK, WRITE = PHASES = (
    "kernel: start and end", "student's cells", "checks", "reading and screening", "gradebook and folder",
    "mending, tables and writing the notebook")


class Clock:
    """CPU seconds of each phase; the time of an inner phase is not the outer one's."""

    def __init__(self):
        self.seconds, self.running, self.last = dict.fromkeys(PHASES, 0.0), [], 0.0

    def switch(self):
        now = cpu_seconds()
        if self.running:
            self.seconds[self.running[-1]] += now - self.last
        self.last = now

    def around(self, owner, name, phase):
        function = getattr(owner, name)

        @functools.wraps(function)
        def timed(*args, **kwargs):
            self.switch()
            self.running.append(phase)
            try:
                return function(*args, **kwargs)
            finally:
                self.switch()
                self.running.pop()

        setattr(owner, name, timed)


def cpu_seconds():
    """CPU seconds of this process, of the living processes below it, and of those of theirs that ended."""
    return time.process_time() + sum(map(used, below(os.getpid())))


def used(pid):
    try:
        running = int(Path("/proc", pid, "schedstat").read_text().split()[0]) / 1e9
        ended = Path("/proc", pid, "stat").read_text().rpartition(")")[2].split()[13:15]
    except (OSError, IndexError):
        return 0.0
    return running + TICK * sum(map(int, ended))


def main(course, result):
    clock, where = Clock(), Course(course)
    waiting = where.submissions("ps1", force=True)
    with where.writer("ps1") as writer:
        bundle = where.bundle("ps1", writer)
        grade_one(where, writer, bundle, waiting[0])        # the server starts, the checks are collected
        for owner, name, phase in ((batch, "read_submission", READ), (batch, "grade", WRITE), (Sandbox, "open", START),
                                   (Sandbox, "end", START), (KernelSubject, "run", CELLS), (Suite, "judge", CHECKS),
                                   (Writer, "store", BOOK)):
            clock.around(owner, name, phase)
        for one in waiting:
            grade_one(where, writer, bundle, one)
    seconds = {phase: used / len(waiting) for phase, used in clock.seconds.items()}
    Path(result).write_text(json.dumps({"submissions": len(waiting), "phases": seconds}))


def grade_one(where, writer, bundle, one):
    submission = batch.read_submission(one.folder, one.student, bundle.canons, where.dir.ignore)
    graded = batch.grade(bundle, submission)
    if graded.error:
        sys.exit(f"{one.student}: {graded.error}")
    writer.store(graded)


if __name__ == "__main__":
    main(*sys.argv[1:])
