"""What the sandbox costs a submission: the same notebook graded side by side without it, warm and cold.

    python benchmarks/sandbox_cost.py [rounds]

The notebook is source/ps1 with its solutions: all cells, all checks. The three ways take turns, so that whatever else
the machine does falls on all of them alike. Printed is the median, with the smallest in brackets, in seconds.
"""

import statistics
import sys
import time
from pathlib import Path

import nbformat

ROOT = Path(__file__).parents[1]
sys.path.insert(0, str(ROOT))

from grading.run.execute import execute  # noqa: E402 - the course's root is put on the path first
from grading.border.sandbox import Limits, Sandbox  # noqa: E402

NOTEBOOK = "activations"
WAYS = {"none": ("none", True), "warm": ("bwrap", True), "cold": ("bwrap", False)}
FILES = [(path.name, path.read_bytes()) for path in sorted((ROOT / "source" / "ps1").glob("*.py"))]


def make_sandbox(way):
    mode, warm = WAYS[way]
    box = Sandbox(mode, Limits())
    box.warm = warm
    return box


def grade(box):
    """Seconds that grading the notebook took, all told."""
    notebook = nbformat.read(ROOT / "source" / "ps1" / f"{NOTEBOOK}.ipynb", as_version=4)
    started = time.perf_counter()
    execute(notebook, NOTEBOOK, str(ROOT), box, FILES)
    return time.perf_counter() - started


def open_and_end(box):
    """Seconds to have a kernel and to be rid of it again."""
    started = time.perf_counter()
    box.open()
    box.end()
    return time.perf_counter() - started


def main(rounds):
    boxes = {way: make_sandbox(way) for way in WAYS}
    for box in boxes.values():
        grade(box)          # loads the checks, draws the pictures, starts what stays warm
    taken, kernels = {way: [] for way in WAYS}, {way: [] for way in WAYS}
    for _ in range(rounds):
        for way, box in boxes.items():
            taken[way].append(grade(box))
            kernels[way].append(open_and_end(box))
    for box in boxes.values():
        box.close()
    print(f"{'sandbox':8} {'submission':>18} {'its kernel alone':>18}")
    for way in WAYS:
        print(f"{way:8}" + "".join(f"{statistics.median(seconds):10.2f} ({min(seconds):.2f})"
                                   for seconds in (taken[way], kernels[way])))


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 15)
