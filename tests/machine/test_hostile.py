"""Attacks on verdicts and on the sandbox through the real `nbgrader autograde`, with honest submissions in between."""

import inspect
import shutil
import subprocess
import sys
from functools import partial
from pathlib import Path

import nbformat
import pytest
from nbgrader.api import Gradebook
from reference_impl import activations

from grading.notebooks.submissions import fill, hand_in
from tests.conftest import due_to, points_in

pytestmark = pytest.mark.sandbox
ROOT = Path(__file__).parents[2]
HOSTILE = ROOT / "tests" / "submissions" / "hostile"
CASES = sorted(path.parent for part in ("verdicts", "sandbox") for path in (HOSTILE / part).glob("*/due.json"))
# Attacks that only a clock ends are many: short limits, and memory that is soon used up.
LIMITS = ["--Execute.limits", "cell_seconds=3", "--Execute.limits", "call_seconds=1.5",
          "--Execute.limits", f"memory_bytes={2**30}"]
HONEST = [f"honest{number}" for number in range(0, len(CASES), 10)]


def hand_in_honest(release, folder):
    """A submission of ps1 with every answer right."""
    shutil.copytree(release, folder)
    answers = "".join(f"# %% {name}\n{inspect.getsource(getattr(activations, name))}" for name in points_in())
    path = folder / "activations.ipynb"
    notebook = fill(nbformat.read(path, as_version=4), answers)
    path.unlink()
    nbformat.write(notebook, path)


class Class:
    """A course folder of its own, in which some of the cases are graded beside the other classes."""

    def __init__(self, root):
        self.root, self.students, self.said = root, {}, ""
        shutil.copytree(ROOT / "source" / "ps1", root / "source" / "ps1")
        self.nbgrader("generate_assignment").wait()

    def nbgrader(self, command, *options):
        with open(self.root / "log", "w") as log:
            return subprocess.Popen([sys.executable, "-m", "nbgrader", command, "ps1", *options,
                                     f"--CourseDirectory.root={self.root}"], cwd=ROOT, stdout=log, stderr=log)

    def enrol(self, name, hand_in):
        """Hand in for a new student; nbgrader takes students in the order of their names."""
        self.students[name] = f"{len(self.students):03}-{name}"
        hand_in(self.root / "release" / "ps1", self.root / "submitted" / self.students[name] / "ps1")

    def points(self, name):
        with Gradebook(f"sqlite:///{self.root}/gradebook.db") as gradebook:
            notebook = gradebook.find_submission_notebook("activations", "ps1", self.students[name])
            return {grade.name.removeprefix("test_"): grade.auto_score for grade in notebook.grades
                    if grade.name.startswith("test_")}

    def shown(self, name):
        """All that the graded notebook shows, as one text."""
        path = self.root / "autograded" / self.students[name] / "ps1" / "activations.ipynb"
        return "\n".join(str(output) for cell in nbformat.read(path, as_version=4).cells
                         for output in cell.get("outputs", ()))


@pytest.fixture(scope="module")
def graded(tmp_path_factory):
    """{name: the class in which it was graded}: two runs side by side, an honest submission before every tenth case."""
    classes, found = [Class(tmp_path_factory.mktemp("hostile")) for _ in range(2)], {}
    for number, case in enumerate(CASES):
        room = classes[number // 10 % 2]
        if number % 10 == 0:
            room.enrol(f"honest{number}", hand_in_honest)
            found[f"honest{number}"] = room
        room.enrol(case.name, partial(hand_in, case))
        found[case.name] = room
    runs = [room.nbgrader("autograde", *LIMITS) for room in classes]
    for room, run in zip(classes, runs):
        room.status = run.wait()
        room.said = (room.root / "log").read_text()
    return found


@pytest.mark.parametrize("case", CASES, ids=lambda case: f"{case.parent.name}/{case.name}")
def test_an_attack_earns_what_its_values_are_worth(case, graded):
    room = graded[case.name]
    assert room.points(case.name) == due_to(case, "ps1").points
    for text in due_to(case, "ps1").absent:
        assert f"{text} " not in room.shown(case.name)


@pytest.mark.parametrize("name", HONEST)
def test_an_honest_submission_in_between_keeps_every_point(name, graded):
    assert sum(graded[name].points(name).values()) == sum(points_in().values())


def test_the_run_reaches_its_end_and_leaves_no_submission_out(graded):
    for room in set(graded.values()):
        assert room.status == 0, room.said[-3000:]
        with Gradebook(f"sqlite:///{room.root}/gradebook.db") as gradebook:
            assert len(gradebook.assignment_submissions("ps1")) == len(room.students)
