"""The floor: the same cells and the same checks with plain `exec`, one forked process for each submission, nothing else.

    python benchmarks/floor.py COURSE [seconds for a cell]

No sandbox, no notebook outputs, no picture drawn, no gradebook, no score kept: less than this no grader can do that
gives every submission a process of its own.
"""

import json
import os
import re
import signal
import sys
from pathlib import Path

import matplotlib

matplotlib.use("agg")
import in_kernel
import matplotlib.pyplot

HIDDEN = re.compile(r"^[^\n]*BEGIN HIDDEN TESTS.*?END HIDDEN TESTS[^\n]*\n?", re.MULTILINE | re.DOTALL)


def run(cells, seconds):
    """Run the cells and the checks of one submission in this process; the points' shares."""
    namespace = {"__name__": "__main__"}
    signal.signal(signal.SIGALRM, signal.default_int_handler)
    for source in cells:
        attempt(lambda: exec(compile(source, "cell", "exec"), namespace), seconds)
    for exercise in in_kernel.load("activations")[1]:
        attempt(lambda: in_kernel.run_hidden_checks("activations", exercise, namespace), seconds)


def attempt(action, seconds):
    signal.alarm(seconds)
    try:
        action()
    except BaseException:       # a student's error of any kind, or the alarm
        pass
    finally:
        signal.alarm(0)


def main(course, seconds=15):
    os.environ["GRADER_DRAWS_PICTURES"] = "1"
    null = os.open(os.devnull, os.O_WRONLY)
    in_kernel.load("activations")
    for path in sorted(Path(course).glob("submitted/*/ps1/activations.ipynb")):
        cells = [HIDDEN.sub("", "".join(cell["source"])) for cell in json.loads(path.read_text())["cells"]
                 if cell["cell_type"] == "code"]
        child = os.fork()
        if child == 0:
            os.chdir(path.parent)
            sys.path.append(str(path.parent))
            os.dup2(null, 1)
            os.dup2(null, 2)
            run(cells, seconds)
            os._exit(0)
        os.waitpid(child, 0)


if __name__ == "__main__":
    main(sys.argv[1], *map(int, sys.argv[2:]))
