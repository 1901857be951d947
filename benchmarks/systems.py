"""The graders that are compared, each as a command that grades a whole class."""

import json
import shutil
import subprocess
import sys
from pathlib import Path

from . import classes
from .measure import measure

ROOT = Path(__file__).resolve().parents[1]
BENCH = ROOT / "build" / "bench"
OTTER = ROOT / "build" / "otter"
OTTER_SECONDS = 60      # `otter run` has no limit of its own; its containers are given one
OTTER_PACKAGES = ("otter-grader==7.0.0", "numpy", "matplotlib", "ipykernel")
OTTER_TEST = '''OK_FORMAT = False
name, points = {exercise!r}, 1
import sys
from otter.test_files import test_case
@test_case(points=1)
def test_{exercise}({exercise}):
    sys.path.insert(0, {place!r})
    from in_kernel import run_hidden_checks
    assert run_hidden_checks("activations", {exercise!r}, {{{exercise!r}: {exercise}}}) == 1
'''


def grade(name, command, folder, cwd=ROOT, **environment):
    """Measure `command` on the class in `folder`: what `measure` says, the number of submissions, the scores."""
    temporary = BENCH / "tmp"
    shutil.rmtree(temporary, ignore_errors=True)
    temporary.mkdir()
    found = measure(command, cwd, BENCH / f"{name}.json", BENCH / f"{name}.log", TMPDIR=str(temporary), **environment)
    found["submissions"] = len(list(folder.glob("submitted/*/*")))
    found["files_left"] = sorted(path.name for path in temporary.iterdir())
    return found


def ours(folder, jobs, more=(), assignment="ps1"):
    """`course grade` with local processes."""
    classes.reset(folder)
    command = [sys.executable, "-m", "grading", "grade", assignment, "--course", folder, "--jobs", jobs, *more]
    return grade(f"ours-{jobs}", command, folder)


def ours_with_dask(folder, workers):
    """`course grade` on a Dask cluster of its own on this machine; its start counts."""
    classes.reset(folder)
    return grade("ours-dask", [sys.executable, "-m", "benchmarks.on_dask", folder, workers], folder)


def stock(folder, assignment="ps1"):
    """Plain `nbgrader autograde`."""
    classes.reset(folder)
    return grade("stock", [sys.executable, "-m", "nbgrader", "autograde", assignment], folder, cwd=folder)


def floor(folder):
    return grade("floor", [sys.executable, ROOT / "benchmarks" / "floor.py", folder], folder)


# --- otter --------------------------------------------------------------------------------------------------------

def prepare_otter():
    """Otter in an environment of its own and its autograder.zip; the reason if it cannot be had, else None."""
    if not (OTTER / "ready").exists():
        try:
            subprocess.run([sys.executable, "-m", "venv", OTTER], check=True, capture_output=True)
            subprocess.run([OTTER / "bin" / "pip", "install", "--quiet", *OTTER_PACKAGES], check=True, capture_output=True)
        except (OSError, subprocess.CalledProcessError) as error:
            return f"otter-grader could not be installed ({error})"
        (OTTER / "ready").touch()
    place = BENCH / "otter"
    shutil.rmtree(place, ignore_errors=True)
    (place / "tests").mkdir(parents=True)
    notebook = json.loads((ROOT / "release" / "ps1" / "activations.ipynb").read_text())
    for cell in notebook["cells"]:
        mark = cell["metadata"].get("nbgrader", {})
        if mark.get("grade") and cell["cell_type"] == "code":
            exercise = mark["grade_id"].removeprefix("test_")
            text = OTTER_TEST.format(exercise=exercise, place=str(ROOT / "benchmarks"))
            (place / "tests" / f"{exercise}.py").write_text(text)
    helpers = sorted((ROOT / "source" / "ps1").glob("*.py"))
    for helper in helpers:
        shutil.copy(helper, place)
    done = subprocess.run([OTTER / "bin" / "otter", "generate", "-t", "tests", "--no-requirements", "--no-environment",
                           *(helper.name for helper in helpers)], cwd=place, capture_output=True, text=True)
    if not list(place.glob("*.zip")):
        return f"otter generate failed: {(done.stderr or done.stdout).strip()[-300:]}"
    next(place.glob("*.zip")).rename(place / "autograder.zip")
    return None


def otter(folder, most):
    """`otter run` on `most` submissions out of the whole class in `folder`, one command each, ended after OTTER_SECONDS."""
    notebooks = sorted(folder.glob("submitted/*/ps1/activations.ipynb"))
    notebooks = notebooks[::max(1, len(notebooks) // most)][:most]
    place = BENCH / "otter"
    (place / "list").write_text("".join(f"{path}\n" for path in notebooks))
    run = f"timeout {OTTER_SECONDS} {OTTER}/bin/otter run -a autograder.zip activations.ipynb < /dev/null"
    script = f"while read f; do cp $f activations.ipynb; {run}; done < list"
    found = grade("otter", ["sh", "-c", script], folder, cwd=place)
    found["submissions"] = len(notebooks)
    return found
