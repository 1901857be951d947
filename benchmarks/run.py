"""All benchmarks of grading in one run: `make bench`, or `python -m benchmarks.run [options]`.

Graders take turns, round after round, on the same class; medians are kept in build/bench/results.json. Nothing is
asserted: read the table. `--quick` only shows that all of it works; `--write-docs` puts the results into
docs/performance.md.
"""

import argparse
import datetime
import json
import os
import platform
import statistics
import subprocess
import sys
import time
from importlib.metadata import version

from . import answers, classes, exchange, staff, systems, watching

BENCH = systems.BENCH
RESULTS = BENCH / "results.json"
STOCK, OTTER, FLOOR, ONE, TWO, DASK = ("nbgrader 0.9.6", "otter-grader 7", "floor: plain exec", "course grade, 1 process",
                                       "course grade, 2 processes", "course grade, Dask, 2 workers")


def options(arguments):
    parser = argparse.ArgumentParser(prog="make bench ARGS=...", description=__doc__.split("\n\n")[0])
    parser.add_argument("--submissions", type=int, default=100, help="in the class that all graders grade")
    parser.add_argument("--otter", type=int, default=10, help="submissions for otter, which starts anew for each")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--wild-rounds", type=int, default=3, help="rounds with slow, looping and crashing submissions")
    parser.add_argument("--sizes", type=int, nargs="*", default=[10, 100, 500, 2000], help="of classes, for the growth")
    parser.add_argument("--loop", type=int, nargs="*", default=[100, 500], help="classes that go through the whole loop")
    parser.add_argument("--loop-stock", type=int, default=100, help="submissions that go through stock's whole loop")
    parser.add_argument("--staff", type=int, nargs="*", default=[100, 1000, 10000], help="classes for course status and report")
    parser.add_argument("--watch", action="store_true", help="only the load tests of course watch")
    parser.add_argument("--watch-students", type=int, default=300)
    parser.add_argument("--watch-each", type=int, default=3, help="submissions of each student")
    parser.add_argument("--watch-seconds", type=float, default=600, help="within which they come")
    parser.add_argument("--quick", action="store_true", help="a few submissions each: does it run?")
    parser.add_argument("--only", nargs="+", choices=STAGES, help="measure these; the rest stays as it was measured last")
    parser.add_argument("--write-docs", action="store_true", help="put the results into docs/performance.md")
    parser.add_argument("--only-docs", action="store_true", help="the same with the results of the last run")
    parser.add_argument("--machine", default=machine(), help="how the docs name the machine")
    chosen = parser.parse_args(arguments)
    if chosen.watch:
        chosen.only = ["watch", "burst", "clicks"]
    if chosen.quick:
        chosen.staff = [8, 16]
        chosen.loop, chosen.loop_stock, chosen.watch_students, chosen.watch_each, chosen.watch_seconds = [8], 2, 9, 2, 20
        chosen.submissions, chosen.otter = 8, 1
        chosen.rounds, chosen.wild_rounds, chosen.sizes = 1, 1, [4, 8]
    return chosen


def machine():
    gib = os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE") / 2**30
    return f"{len(os.sched_getaffinity(0))}-core machine, {gib:.0f} GiB, Linux {platform.release().split('-')[0]}"


# --- the comparison -----------------------------------------------------------------------------------------------

def compare(chosen, wild, rounds):
    """Yield {grader: its summary so far} after each round on one class; the graders take turns."""
    kind = "wild" if wild else "calm"
    course = classes.make_course(BENCH / f"ours-{kind}", chosen.submissions, wild)
    twin = classes.make_course(BENCH / f"stock-{kind}", chosen.submissions, wild, stock=True)
    trouble = systems.prepare_otter()
    if trouble:
        print(f"otter is left out: {trouble}", flush=True)
    turns = {ONE: lambda: systems.ours(course, 1), TWO: lambda: systems.ours(course, 2),
             DASK: lambda: systems.ours_with_dask(course, 2), FLOOR: lambda: systems.floor(course),
             STOCK: lambda: systems.stock(twin)}
    if not trouble:
        turns[OTTER] = lambda: systems.otter(course, chosen.otter)
    found = {name: [] for name in turns}
    for number in range(rounds):
        for name, turn in turns.items():
            one = turn()
            found[name].append(one)
            print(f"{kind} round {number + 1}: {name}: {one['submissions'] / one['wall']:.2f}/s, "
                  f"{one['cpu'] / one['submissions']:.2f} CPU s each, status {one['status']}", flush=True)
        yield {name: summary(many) for name, many in found.items()}


def summary(many):
    """Medians over rounds, per submission."""
    number = many[0]["submissions"]
    return {"submissions": number, "rounds": len(many), "status": sorted({one["status"] for one in many}),
            "per_second": statistics.median(number / one["wall"] for one in many),
            "cpu": statistics.median(one["cpu"] / number for one in many),
            "peak": statistics.median(one["peak"] for one in many)}


def phases():
    """Yield the CPU seconds per submission of each phase of grading, on the calm class."""
    course = BENCH / "ours-calm"
    classes.reset(course)
    subprocess.run([sys.executable, "-W", "ignore", "-m", "benchmarks.phases", course, BENCH / "phases.json"],
                   cwd=systems.ROOT, check=True, stdout=subprocess.DEVNULL)
    yield json.loads((BENCH / "phases.json").read_text())["phases"]


# --- growth and soak ----------------------------------------------------------------------------------------------

def growth(chosen):
    """Yield {"sizes": [{"submissions", "wall", "cpu", "peak", "memory", what is left}], "stock": notebooks per second} of
    `course grade` as the class grows, and of stock nbgrader, which has its turn before the largest class."""
    twin, found = classes.make_course(BENCH / "growth-stock", chosen.submissions, stock=True), {"sizes": []}
    for size in chosen.sizes:
        if size == chosen.sizes[-1]:
            found["stock"] = summary([systems.stock(twin)])["per_second"]
        course = classes.make_course(BENCH / "growth", size)
        one = systems.ours(course, 2)
        found["sizes"].append({**one, "graded": sum(1 for _ in course.glob("autograded/*/ps1"))})
        print(f"{size} submissions: {size / one['wall']:.2f}/s, peak {one['peak'] / 2**20:.0f} MiB, "
              f"left behind: {one['files_left'] or 'nothing'}", flush=True)
    yield found


def soak(growth):
    """What the largest class says of leaks: memory early and late in the run, and what was left when it ended."""
    last = growth["sizes"][-1]
    sizes = [size for _, size in last["memory"]]
    tenth = max(1, len(sizes) // 10)
    return {"submissions": last["submissions"], "graded": last["graded"], "files_left": last["files_left"],
            "seconds_until_no_process_was_left": last["until_nothing_is_left"] - last["wall"],
            "early": statistics.median(sizes[tenth:3 * tenth] or sizes),
            "late": statistics.median(sizes[-3 * tenth:-tenth] or sizes)}


def cores(chosen):
    """Yield what a second process is worth: notebooks per second of one and of two, and the same of plain loops."""
    course, found = classes.make_course(BENCH / "growth", chosen.sizes[-2:][0]), []
    for _ in range(chosen.rounds):
        one, two = systems.ours(course, 1), systems.ours(course, 2)
        found.append((one["wall"] / two["wall"], plain_loops()))
        grading, loops = map(statistics.median, zip(*found))
        print(f"two processes: {grading:.2f} times one; plain loops: {loops:.2f} times", flush=True)
        yield {"submissions": one["submissions"], "rounds": len(found), "grading": grading, "loops": loops}


def assignments(chosen):
    """Yield {assignment: {grader: its summary}} of a class of each assignment; the two graders take turns."""
    found = {}
    for assignment in sorted(path.name for path in systems.ROOT.glob("source/ps*")):
        course = classes.make_course(BENCH / f"ours-{assignment}", chosen.submissions, assignment=assignment)
        twin = classes.make_course(BENCH / f"stock-{assignment}", chosen.submissions, stock=True, assignment=assignment)
        turns = [(systems.ours(course, 2, assignment=assignment), systems.stock(twin, assignment)) for _ in range(chosen.rounds)]
        found[assignment] = {name: summary(list(many)) for name, many in zip((TWO, STOCK), zip(*turns))}
        print(assignment, {name: f"{one['per_second']:.2f}/s, {one['cpu']:.2f} CPU s each" for name, one in found[assignment].items()}, flush=True)
        yield found


def plain_loops():
    """How many times the work of one process two do here, if each but counts: what the machine itself allows."""
    walls = []
    for count in (1, 2):
        started = time.monotonic()
        for process in [subprocess.Popen([sys.executable, "-c", "for i in range(10**8): pass"]) for _ in range(count)]:
            process.wait()
        walls.append(time.monotonic() - started)
    return 2 * walls[0] / walls[1]


STAGES = {"calm": lambda chosen: compare(chosen, False, chosen.rounds), "phases": lambda chosen: phases(),
          "assignments": assignments, "answers": lambda chosen: answers.all_of_them(), "growth": growth, "cores": cores,
          "loop": exchange.whole_loop, "pages": exchange.pages, "staff": staff.growth, "watch": watching.load, "burst": watching.burst, "clicks": watching.clicks,
          "wild": lambda chosen: compare(chosen, True, chosen.wild_rounds)}


def main(arguments=None):
    chosen = options(arguments)
    BENCH.mkdir(parents=True, exist_ok=True)
    if not chosen.only_docs:
        about = {"machine": chosen.machine, "date": datetime.date.today().isoformat(), "quick": chosen.quick,
                 "python": platform.python_version(),
                 "versions": {name: version(name) for name in ("nbgrader", "numpy", "ipykernel", "distributed")}}
        results = {**(json.loads(RESULTS.read_text()) if RESULTS.exists() else {}), **about} if chosen.only else about
        load = results.setdefault("load", {})
        for name in chosen.only or STAGES:
            before = os.getloadavg()[0]
            for found in STAGES[name](chosen):
                results[name], load[name] = found, (before, os.getloadavg()[0])
                RESULTS.write_text(json.dumps(results, indent=1))       # what took an hour is kept if the rest is stopped
    from . import page
    results = json.loads(RESULTS.read_text())
    print(*page.tables(results).values(), sep="\n\n")
    if chosen.write_docs or chosen.only_docs:
        page.write(results)


if __name__ == "__main__":
    main()
