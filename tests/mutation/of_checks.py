"""Mutation testing of the hidden checks: make mutation ARGS=checks, see docs/mutation.md."""

import sys
import time
from collections import Counter

from rich.console import Console
from rich.progress import track
from rich.table import Table

from tests.mutation import answers, judging, oracle
from tests.mutation.options import options

OUTCOMES = ("all", "caught", "right", "listed", "survived", "earns too much", "unfair")


def main(arguments):
    """Exit with 1 if a wrong mutant earns too much, or a right one too little, and is not listed."""
    chosen = options("checks", "notebook", oracle.NOTEBOOKS, __doc__, arguments)

    start, console, trials = time.monotonic(), Console(), []
    mutants = []
    for notebook in chosen.names:
        found = answers.mutants_of(notebook)
        mutants += found if chosen.sample is None else answers.sample(found, chosen.sample, chosen.seed)
    for trial in track(judging.try_all(mutants, chosen.jobs), "mutants", total=len(mutants), console=console, auto_refresh=False):
        trials.append(trial)
    counts, lines = judging.sort_out(trials)
    console.print(table(counts))
    for line in lines:
        console.print(line, markup=False, highlight=False, soft_wrap=True)
    console.print(f"{time.monotonic() - start:.0f} s")
    sys.exit(1 if lines else 0)


def table(counts):
    rows = Table("exercise", *OUTCOMES)
    for exercise, count in {**counts, "all": sum(counts.values(), Counter())}.items():
        rows.add_row(exercise, *(str(count[outcome]) for outcome in OUTCOMES))
    return rows
