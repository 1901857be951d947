"""Golden submissions through the real `nbgrader autograde`: each score in the gradebook is the one that is due."""

from pathlib import Path

import nbformat
import pytest
from nbgrader.api import Gradebook

from grading.notebooks.submissions import describe
from tests.conftest import ASSIGNMENTS, due_to

pytestmark = pytest.mark.sandbox
SUBMISSIONS = Path(__file__).parents[1] / "submissions"
CASES = sorted(path.parent for name in ASSIGNMENTS for path in SUBMISSIONS.glob(f"{name}/*/due.json"))

every_case = pytest.mark.parametrize("case", CASES, ids=lambda case: f"{case.parent.name}/{case.name}")


@every_case
def test_every_exercise_of_a_golden_submission_earns_what_is_due(case, golden_class):
    root, finished = golden_class[case.parent.name]
    (text,) = case.glob("*.py")
    with Gradebook(f"sqlite:///{root}/gradebook.db") as gradebook:
        grades = gradebook.find_submission_notebook(text.stem, case.parent.name, case.name).grades
        scores = {grade.name.removeprefix("test_"): grade.auto_score for grade in grades if grade.auto_score is not None}
        waiting = {grade.name for grade in grades if grade.needs_manual_grade}
    assert scores == due_to(case).points, finished.stdout[-3000:]
    assert waiting == {f"explain_{text.stem}"}, "nothing but the question waits for a human"


@pytest.mark.parametrize("assignment", sorted({case.parent.name for case in CASES}))
def test_a_class_with_crashes_and_loops_ends_well(assignment, golden_class):
    _, finished = golden_class[assignment]
    assert finished.returncode == 0, finished.stdout[-3000:]


@every_case
def test_what_a_golden_submission_shows_is_clean(case, golden_class):
    """No script, no address, no execute_result but the grader's own, whatever the student's code displays."""
    root, _ = golden_class[case.parent.name]
    (path,) = (root / "autograded" / case.name / case.parent.name).glob("*.ipynb")
    for cell in nbformat.read(path, as_version=4).cells:
        outputs = cell.get("outputs", [])
        html = " ".join(output.data.get("text/html", "") for output in outputs if "data" in output)
        assert "<script" not in html and "<img" not in html
        if cell.metadata.get("nbgrader", {}).get("grade"):
            assert [output.output_type for output in outputs].count("execute_result") == 1
            assert outputs[-1].output_type == "execute_result"


@every_case
def test_a_golden_submission_says_what_it_is(case):
    (text,) = case.glob("*.py")
    assert describe(text.read_text(encoding="utf-8")).endswith(".")
