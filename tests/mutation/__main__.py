"""Mutation testing of reference_impl: python -m tests.mutation [module ...] [--jobs N]. Of the hidden checks: checks; of grading/: grading.

Every mutant must fail a test of tests/course/test_reference_*.py or be listed in equivalent.toml, and no listed
one may fail.  Otherwise the exit code is 1.  Results are kept in build/mutation/ under a hash of reference and
tests: an interrupted run continues, and after a change each mutant first meets the test that failed it before.
"""

import argparse
import hashlib
import json
import os
import sys
import time
from collections import Counter

from rich.console import Console
from rich.progress import Progress
from rich.table import Table

from tests.mutation import trials
from tests.mutation.mutants import MODULES, REFERENCE, ROOT, equivalents, mutants_of

BUILD = ROOT / "build" / "mutation"
TIME_OUT = "ran out of time or memory"
A_TEST = 0.003      # seconds that pytest itself takes


class Results:
    """mutant.id -> the test that fails, or None: one JSON line each, in the file of this state of the tree."""

    def __init__(self, state, folder=BUILD):
        self.path = folder / f"{state}.jsonl"
        self.known = dict(self._read(self.path))
        older = sorted(folder.glob("*.jsonl"), key=lambda path: path.stat().st_mtime)
        self.hints = {name: killer for path in older for name, killer in self._read(path) if killer}

    @staticmethod
    def _read(path):
        lines = path.read_text().splitlines() if path.exists() else []
        return [(tuple(name), killer) for name, killer in map(json.loads, lines)]

    def add(self, mutant, killer):
        self.known[mutant.id] = killer
        with self.path.open("a") as file:
            file.write(json.dumps([mutant.id, killer]) + "\n")


def state_of_the_tree():
    files = [*sorted(REFERENCE.glob("*.py")), *sorted(ROOT.glob(trials.TESTS)), ROOT / "tests/course/oracles.py"]
    return hashlib.sha256(b"\0".join(path.read_bytes() for path in files)).hexdigest()[:12]


def load_baseline(state):
    path = BUILD / f"{state}.baseline.json"
    if not path.exists():
        log = BUILD / "baseline.log"
        tests = trials.baseline(log)
        if tests is None:
            sys.exit(f"A test fails on the reference itself: see {log.relative_to(ROOT)}")
        path.write_text(json.dumps(tests))
    return json.loads(path.read_text())


def try_all(mutants, tests, results, jobs, start=trials.start, console=None):
    """At most `jobs` forks at a time.  The progress bar has no thread of its own: forks and threads do not mix.

    A mutant first meets the test that killed it before, then those that killed most of its function for the time they take.
    """
    waiting = [mutant for mutant in reversed(mutants) if mutant.id not in results.known]
    running, kills = {}, Counter((name[0], killer) for name, killer in results.known.items())
    with Progress(auto_refresh=False, console=console) as progress:
        task = progress.add_task("mutants", total=len(mutants), completed=len(mutants) - len(waiting))
        while waiting or running:
            while waiting and len(running) < jobs:
                mutant = waiting.pop()
                nodeids = trials.chosen_tests(mutant, tests)
                seconds = 20 + 3 * sum(tests[nodeid]["seconds"] for nodeid in nodeids)
                nodeids.sort(key=lambda nodeid: -kills[mutant.where, nodeid] / (tests[nodeid]["seconds"] + A_TEST))
                nodeids.sort(key=lambda nodeid: nodeid != results.hints.get(mutant.id))
                pid, file = start(mutant, nodeids, seconds)
                running[pid] = mutant, file
            pid, status = os.wait()
            mutant, file = running.pop(pid)
            with file:
                killer = TIME_OUT if os.WIFSIGNALED(status) else json.loads(file.read())
            results.add(mutant, killer)
            kills[mutant.where, killer] += 1
            progress.update(task, advance=1, refresh=True)


def report(console, mutants, known, listed):
    """The table, then every mutant that is wrongly listed or wrongly not; True if there is none."""
    counts = {module: Counter() for module in dict.fromkeys(mutant.module for mutant in mutants)}
    wrong = []
    for mutant in mutants:
        survived, is_listed = known[mutant.id] is None, mutant.id in listed
        outcome = ("equivalent" if is_listed else "survived") if survived else "killed"
        counts[mutant.module].update([outcome, "all"])
        if survived and not is_listed:
            wrong.append(f"survived: {mutant}")
        if is_listed and not survived:
            wrong.append(f"listed as equivalent, but killed by {known[mutant.id]}: {mutant}")
    gone = [name for name in listed if name not in known and any(name[0] == module or name[0].startswith(f"{module}.") for module in counts)]
    wrong += [f"listed as equivalent, but there is no such mutant: {' | '.join(name)}" for name in gone]

    table = Table("module", "mutants", "killed", "equivalent", "survived")
    for module, count in {**counts, "all": sum(counts.values(), Counter())}.items():
        table.add_row(module, *(str(count[key]) for key in ("all", "killed", "equivalent", "survived")))
    console.print(table)
    for line in wrong:
        console.print(line, markup=False, highlight=False, soft_wrap=True)
    return not wrong


def main():
    if sys.argv[1:2] == ["checks"]:
        from tests.mutation import of_checks
        of_checks.main(sys.argv[2:])
    if sys.argv[1:2] == ["grading"]:
        from tests.mutation import of_grading       # alone: it must come before anything of grading
        of_grading.main(sys.argv[2:])
    parser = argparse.ArgumentParser(prog="python -m tests.mutation", description=__doc__.partition("\n")[0])
    parser.add_argument("modules", nargs="*", metavar="module", help=f"any of {', '.join(MODULES)}; default: all")
    parser.add_argument("--jobs", type=int, default=os.cpu_count())
    arguments = parser.parse_args()
    if unknown := set(arguments.modules) - set(MODULES):
        parser.error(f"no such module: {', '.join(sorted(unknown))}")

    start = time.monotonic()
    console = Console()
    os.chdir(ROOT)
    BUILD.mkdir(parents=True, exist_ok=True)
    trials.preload()
    state = state_of_the_tree()
    mutants = [mutant for module in arguments.modules or MODULES for mutant in mutants_of(module)]
    tests = load_baseline(state)
    results = Results(state)
    try_all(mutants, tests, results, arguments.jobs)
    if state_of_the_tree() != state:
        results.path.rename(BUILD / f"{state}.mixed.jsonl")
        sys.exit("The reference or its tests changed during the run: run it again")
    fine = report(console, mutants, results.known, equivalents())
    console.print(f"{time.monotonic() - start:.0f} s")
    sys.exit(0 if fine else 1)


if __name__ == "__main__":
    main()
