"""Kill `course grade` with signal 9 at random moments, run it again each time, and see that nothing is lost or doubled.

    python -m benchmarks.crash [--kills 50] [--submissions 200] [--seed 0]

The test `tests/machine/test_crash_safety.py` does the same with a handful. Ends with status 1 if anything is amiss.
"""

import argparse
import random
import sys
import time

from . import classes, systems

sys.path.insert(0, str(systems.ROOT / "tests" / "machine"))

import classes as shared


def main():
    parser = argparse.ArgumentParser()
    for name, default in (("--kills", 50), ("--submissions", 200), ("--seed", 0)):
        parser.add_argument(name, type=int, default=default)
    chosen = parser.parse_args()
    dice, started = random.Random(chosen.seed), time.monotonic()
    most = max(1, 2 * chosen.submissions // chosen.kills - 4)      # so that the last kill still finds work
    course = classes.make_course(systems.BENCH / "crash", chosen.submissions)
    undisturbed, _ = shared.course_grade(course)
    rows, files = shared.rows(course), shared.files(course)
    classes.reset(course)
    moments = [(dice.randint(0, most), dice.uniform(0, 0.3)) for _ in range(chosen.kills)]
    counts = shared.crash(course, moments=moments)
    print(f"{chosen.kills} kills; graded after each: {counts}")
    last, _ = shared.course_grade(course)
    faults = {
        "a kill found nothing left to do": counts.count(chosen.submissions) > 1,
        "a run ended badly": undisturbed or last, "graded work was lost": counts != sorted(counts),
        "a submission is missing": len(shared.graded(course)) != chosen.submissions,
        "a row is missing, doubled or different": shared.rows(course) != rows,
        "a file is missing, half or different": shared.files(course) != files}
    for fault in (name for name, found in faults.items() if found):
        print(f"FAULT: {fault}")
    print(f"{time.monotonic() - started:.0f} s, {sum(faults.values())} faults")
    return int(any(faults.values()))


if __name__ == "__main__":
    sys.exit(main())
