"""The watcher under load: a class hands in again and again, and one in nine is slow, loops without end or kills its kernel; a
hundred hand in within ten seconds; and one student clicks on Submit in JupyterLab, see `clicks.py`.

What is measured of the first two is the time from the exchange's last act to the page of the answer, as a student's server sees it.
"""

import json
import os
import random
import signal
import statistics
import subprocess
import sys
import time
from contextlib import contextmanager
from pathlib import Path

from grading.watch.log import State, reading

from . import classes, exchange, systems

WAITS = b'data-waits="yes"'
FREE = "c.Watch.free = 1000\nc.Watch.answers = 1000\n"


BURST, BURST_SECONDS = 100, 10


def load(chosen):
    """Yield what became of `students` x `each` submissions within `seconds`."""
    with watched(chosen.watch_students, wild=True) as (course, place, parked, calm, pid):
        yield run(chosen, course, place, parked, calm, pid)


def burst(chosen):
    """Yield how long answers take when a hundred students hand in within ten seconds."""
    with watched(min(BURST, chosen.watch_students), wild=False) as (_, place, parked, _, _):
        students, waiting, found = sorted(path.name for path in parked.iterdir()), [], {}
        begin = time.monotonic()
        for number, student in enumerate(students):
            while time.monotonic() < begin + number * BURST_SECONDS / len(students):
                waiting = look(waiting, found)
                time.sleep(0.01)
            waiting.append((exchange.hand_in(place, student, parked / student), time.monotonic(), student))
        wait(waiting, 300, found)
        yield {"submissions": len(students), "seconds": BURST_SECONDS, "answered": len(found), **latencies(found.values())}


def clicks(chosen):
    """Yield how long answers take from the click on Submit in JupyterLab; nothing without Chromium."""
    from tests.chromium import CHROMIUM
    if CHROMIUM is None:
        print("clicks are left out: Chromium is not installed", flush=True)
        return
    kept = systems.BENCH / "clicks.json"
    subprocess.run([sys.executable, "-m", "pytest", "-q", "-p", "tests.browser.conftest", "-Wignore::pytest.PytestAssertRewriteWarning", "benchmarks/clicks.py"],
                   cwd=systems.ROOT, check=True, env={**os.environ, "CLICKS": "3" if chosen.quick else "40", "CLICKS_RESULT": str(kept)})
    yield json.loads(kept.read_text())


def latencies(seconds):
    ordered = sorted(seconds)
    return {"p50": statistics.median(ordered), "p95": ordered[int(0.95 * (len(ordered) - 1))], "max": ordered[-1]}


@contextmanager
def watched(students, wild):
    """A course and its watcher, which has answered once: (course, the exchange's folder, the works to hand in, who is calm, process id)."""
    course = exchange.make(systems.BENCH / "watch", students, wild=wild)
    place = course / "exchange" / "gradients"
    works = {folder: folder.name.split("+")[0] for folder in place.glob("inbound/*")}
    calm = calm_students(students, wild)
    parked = course / "works"
    parked.mkdir()
    for folder, student in works.items():
        folder.rename(parked / student)
    with open(course / "nbgrader_config.py", "a", encoding="utf-8") as file:
        file.write(FREE)
    with open(course / "watch.log", "w") as log:
        watcher = subprocess.Popen([sys.executable, "-W", "ignore", "-m", "grading", "watch", "ps1", "--course", course], cwd=systems.ROOT, stdout=log, stderr=log)
        try:
            warm(place, parked, place / "feedback" / ".watching")
            yield course, place, parked, calm, watcher.pid
        finally:
            watcher.send_signal(signal.SIGTERM)
            watcher.wait()


def calm_students(students, wild):
    """Those whose notebook neither waits nor loops nor ends its kernel, in a class as it was made."""
    return {f"s{number:04d}" for number, case in enumerate(classes.cases(students, wild)) if case not in classes.WILD}


def warm(place, parked, heart):
    """Wait for the watcher, and for its first answer: sandboxes and pictures are ready then."""
    while not heart.exists():
        time.sleep(0.1)
    page = exchange.hand_in(place, "warm", next(path for path in sorted(parked.iterdir())))
    wait([(page, time.monotonic(), "warm")], 120)


def outcomes(course, *states):
    """The submissions that the watcher's log has in these states."""
    with reading(course) as log:
        return log.rows(*states)


def run(chosen, course, place, parked, calm, pid):
    turns = [(student, again) for again in range(chosen.watch_each) for student in sorted(path.name for path in parked.iterdir())]
    random.Random(0).shuffle(turns)
    pause, due, waiting, found, memory = chosen.watch_seconds / len(turns), time.monotonic(), [], {}, []
    for student, again in turns:
        due += pause
        while time.monotonic() < due:
            waiting = look(waiting, found)
            time.sleep(0.02)
        waiting.append((exchange.hand_in(place, student, parked / student), time.monotonic(), (student, again)))
        if len(found) % 20 == 0:
            memory.append(memory_of(pid))
    waiting = wait(waiting, 600, found, lambda: len(outcomes(course, State.ANSWERED, State.SUPERSEDED)) > len(turns))     # the warm one is there too
    memory.append(memory_of(pid))
    of_calm = [seconds for (student, _), seconds in found.items() if student in calm]
    return {"submissions": len(turns), "students": len(turns) // chosen.watch_each, "seconds": chosen.watch_seconds, "answered": len(found),
            "superseded": len(outcomes(course, State.SUPERSEDED)),
            "calm": len(of_calm), **latencies(of_calm),
            "memory_first": memory[0], "memory_last": memory[-1]}


def answered(page):
    """Whether a page is there that says more than when the answer will come."""
    try:
        with open(page, "rb") as file:
            return WAITS not in file.read(200)
    except FileNotFoundError:
        return False


def look(waiting, found):
    left = []
    for page, since, name in waiting:
        if answered(page):
            found[name] = time.monotonic() - since
        else:
            left.append((page, since, name))
    return left


def wait(waiting, seconds, found=None, done=lambda: False):
    until, found = time.monotonic() + seconds, {} if found is None else found
    while waiting and time.monotonic() < until and not done():
        waiting = look(waiting, found)
        time.sleep(0.02)
    return look(waiting, found)     # of what came last


def memory_of(pid):
    """Bytes of the watcher and of all below it; what processes share is counted once."""
    total, pending = 0, [pid]
    while pending:
        one = pending.pop()
        try:
            total += sum(int(line.split()[1]) for line in Path(f"/proc/{one}/smaps_rollup").read_text().splitlines() if line.startswith("Pss:")) * 1024
            pending += [int(child) for task in os.listdir(f"/proc/{one}/task") for child in Path(f"/proc/{one}/task/{task}/children").read_text().split()]
        except OSError:
            continue
    return total


