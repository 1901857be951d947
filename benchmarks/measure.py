"""Run a command and measure it with everything that it starts: wall time, CPU time, memory over time.

    python benchmarks/measure.py RESULT.json COMMAND ...

This process adopts orphans, so it ends when nothing is left of the command, and their CPU time counts.
"""

import ctypes
import json
import os
import re
import resource
import subprocess
import sys
import threading
import time
from pathlib import Path

PR_SET_CHILD_SUBREAPER = 36
SAMPLE_SECONDS, SAMPLE_SHARE = 0.5, 1 / 50      # a look at memory holds up what it looks at: so often, and for so much of the time at most


def measure(command, cwd, result, log, **environment):
    """Run `command` through this file: {"wall", "cpu", "peak", "memory": [[seconds, bytes], ...], "status"}."""
    with open(log, "w") as file:
        subprocess.run([sys.executable, __file__, str(result), *map(str, command)], cwd=cwd, stdout=file, stderr=file,
                       env={**own_environment(), "PYTHONWARNINGS": "ignore", **environment}, check=True)
    return json.loads(Path(result).read_text())


def own_environment():
    """This process's environment, but that Python keeps what it compiles, as it does unless somebody forbids it."""
    return {name: value for name, value in os.environ.items() if name != "PYTHONDONTWRITEBYTECODE"}


def main(result, command):
    ctypes.CDLL(None).prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0)
    memory, over, started = [], threading.Event(), time.monotonic()
    child = subprocess.Popen(command)
    sampler = threading.Thread(target=sample, args=(memory, over, started))
    sampler.start()
    status = child.wait()
    wall = time.monotonic() - started
    while True:
        try:
            os.wait()
        except ChildProcessError:
            break
    over.set()
    sampler.join()
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    Path(result).write_text(json.dumps({
        "wall": wall, "until_nothing_is_left": time.monotonic() - started, "cpu": used.ru_utime + used.ru_stime,
        "peak": max((size for _, size in memory), default=0), "memory": memory, "status": status}))


def sample(memory, over, started):
    pause = SAMPLE_SECONDS
    while not over.wait(pause):
        looked = time.monotonic()
        memory.append([round(looked - started, 1), sum(map(own_bytes, below(os.getpid())))])
        pause = max(SAMPLE_SECONDS, (time.monotonic() - looked) / SAMPLE_SHARE)


def below(pid):
    """The ids of all processes below `pid`."""
    found, pending = [], [str(pid)]
    while pending:
        place = Path("/proc", pending.pop(), "task")
        try:
            children = [child for task in place.iterdir() for child in (task / "children").read_text().split()]
        except OSError:
            continue        # it ended meanwhile
        found += children
        pending += children
    return found


def own_bytes(pid):
    """Memory of a process, with pages that several share divided among them."""
    try:
        found = re.search(r"^Pss:\s+(\d+) kB", Path("/proc", pid, "smaps_rollup").read_text(), re.MULTILINE)
    except OSError:
        return 0
    return 1024 * int(found[1]) if found else 0


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2:])
