"""What the tests of the sandbox share: code run as a student's cell, code run in a plain process, who is alive."""

import os
import subprocess
import sys
import textwrap
import time
from pathlib import Path

from grading.border.sandbox import Limits, Sandbox

WARM_AND_COLD = ("warm", "cold")


def make_sandbox(mode, **limits):
    """A sandbox that forks kernels ("warm"), starts each in a bubblewrap of its own ("cold"), or is "none"."""
    box = Sandbox("none" if mode == "none" else "bwrap", Limits(**limits))
    box.warm = mode == "warm"
    return box


def inside(subject, code):
    """What `code` prints as a cell of the student's notebook, errors included."""
    run = subject.run(0, textwrap.dedent(code))
    return "".join(o.get("text") or o.get("evalue", "") for o in run.outputs)


def outside(code):
    """What `code` prints in a plain process of the grader's user."""
    return subprocess.run([sys.executable, "-c", textwrap.dedent(code)], text=True, capture_output=True, timeout=60,
                          env=os.environ).stdout


def assert_denied(subject, code):
    code = textwrap.dedent(code) + "\nprint('it was done')\n"
    assert "it was done" in outside(code), "the control failed: this proves nothing"
    assert "it was done" not in inside(subject, code)


def processes(argument):
    """/proc entries of the processes that have `argument` on their command line."""
    found = []
    for path in Path("/proc").glob("[0-9]*"):
        try:
            if argument.encode() in (path / "cmdline").read_bytes().split(b"\0"):
                found.append(path)
        except OSError:
            continue        # it ended meanwhile
    return found


def wait_for(condition):
    """Whether `condition()` becomes true within a few seconds."""
    for _ in range(100):
        if condition():
            return True
        time.sleep(0.05)
    return False
