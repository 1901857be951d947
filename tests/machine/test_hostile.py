"""Attacks on verdicts and on the sandbox through the real `nbgrader autograde`, with honest submissions in between."""

import inspect
import shutil
import subprocess
import sys
from pathlib import Path

import nbformat
import pytest
from nbgrader.api import Gradebook
from reference_impl import activations

from grading.submissions import due, fill, hand_in

pytestmark = pytest.mark.sandbox
ROOT = Path(__file__).parents[2]
HOSTILE = ROOT / "tests" / "submissions" / "hostile"
CASES = sorted(path.parent for part in ("verdicts", "sandbox") for path in (HOSTILE / part).glob("*/due.json"))
# Attacks that only a clock ends are many: short limits, and memory that is soon used up.
LIMITS = ["--Execute.limits", "cell_seconds=4", "--Execute.limits", "call_seconds=2",
          "--Execute.limits", f"memory_bytes={2**30}"]
EXERCISES = ("sigmoid", "sigmoid_derivative", "tanh_derivative", "relu", "relu_derivative", "leaky_relu_derivative",
             "saturated_fraction")
HONEST = [f"honest{number}" for number in range(0, len(CASES), 10)]


def hand_in_honest(release, folder):
    """A submission of ps1 with every answer right."""
    shutil.copytree(release, folder)
    answers = "".join(f"# %% {name}\n{inspect.getsource(getattr(activations, name))}" for name in EXERCISES)
    path = folder / "activations.ipynb"
    notebook = fill(nbformat.read(path, as_version=4), answers)
    path.unlink()
    nbformat.write(notebook, path)


def nbgrader(root, *arguments):
    return subprocess.run([sys.executable, "-m", "nbgrader", *arguments, f"--CourseDirectory.root={root}"], cwd=ROOT,
                          text=True, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, timeout=900)


@pytest.fixture(scope="module")
def graded(tmp_path_factory):
    """(course folder, gradebook, finished process) after one run over all cases, an honest one before every tenth."""
    root = tmp_path_factory.mktemp("hostile")
    shutil.copytree(ROOT / "source" / "ps1", root / "source" / "ps1")
    nbgrader(root, "generate_assignment", "ps1").check_returncode()
    for number, case in enumerate(CASES):
        if number % 10 == 0:        # nbgrader takes students in the order of their names
            hand_in_honest(root / "release" / "ps1", root / "submitted" / f"{number:03}-honest{number}" / "ps1")
        hand_in(case, root / "release" / "ps1", root / "submitted" / f"{number:03}-{case.name}" / "ps1")
    finished = nbgrader(root, "autograde", "ps1", *LIMITS)
    with Gradebook(f"sqlite:///{root}/gradebook.db") as gradebook:
        yield root, gradebook, finished


def student_of(root, name):
    return next(path.name for path in (root / "submitted").iterdir() if path.name[4:] == name)


def points(gradebook, student):
    notebook = gradebook.find_submission_notebook("activations", "ps1", student)
    return {grade.name.removeprefix("test_"): grade.auto_score for grade in notebook.grades
            if grade.name.startswith("test_")}


def shown(root, student):
    """All that the graded notebook shows, as one text."""
    notebook = nbformat.read(root / "autograded" / student / "ps1" / "activations.ipynb", as_version=4)
    return "\n".join(str(output) for cell in notebook.cells for output in cell.get("outputs", ()))


@pytest.mark.parametrize("case", CASES, ids=lambda case: f"{case.parent.name}/{case.name}")
def test_an_attack_earns_what_its_values_are_worth(case, graded):
    root, gradebook, finished = graded
    student = student_of(root, case.name)
    assert points(gradebook, student) == due(case)["points"], finished.stdout[-3000:]
    for text in due(case).get("absent", ()):
        assert f"{text} " not in shown(root, student)


@pytest.mark.parametrize("name", HONEST)
def test_an_honest_submission_in_between_keeps_every_point(name, graded):
    root, gradebook, _ = graded
    assert sum(points(gradebook, student_of(root, name)).values()) == 20


def test_the_run_reaches_its_end_and_leaves_no_submission_out(graded):
    root, gradebook, finished = graded
    assert finished.returncode == 0, finished.stdout[-3000:]
    assert len(gradebook.assignment_submissions("ps1")) == len(CASES) + len(HONEST)
