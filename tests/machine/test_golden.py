"""Golden submissions through the real `nbgrader autograde`: each score in the gradebook is the one that is due."""

from pathlib import Path

import nbformat
import pytest
from nbgrader.api import Gradebook

from grading.submissions import describe, due, hand_in

pytestmark = pytest.mark.sandbox
SUBMISSIONS = Path(__file__).parents[1] / "submissions"
CASES = sorted(path.parent for path in SUBMISSIONS.glob("ps*/*/due.json"))
LIMITS = ["--Execute.limits", "cell_seconds=3", "--Execute.limits", "call_seconds=2"]     # endless loops end soon

every_case = pytest.mark.parametrize("case", CASES, ids=lambda case: f"{case.parent.name}/{case.name}")


@pytest.fixture(scope="session")
def graded(generated, nbgrader_together, tmp_path_factory):
    """{assignment: (course folder, finished autograde)} after the whole class of each was graded in one run."""
    assignments = sorted({case.parent.name for case in CASES})
    roots = {name: tmp_path_factory.mktemp(f"class-{name}") for name in assignments}
    for name, root in roots.items():
        (root / "gradebook.db").write_bytes((generated[name] / "gradebook.db").read_bytes())
        (root / "source").symlink_to(generated[name] / "source")
    for case in CASES:
        name = case.parent.name
        hand_in(case, generated[name] / "release" / name, roots[name] / "submitted" / case.name / name)
    done = nbgrader_together([["autograde", name, f"--CourseDirectory.root={root}", *LIMITS]
                              for name, root in roots.items()])
    return {name: (roots[name], finished) for name, finished in zip(roots, done)}


@every_case
def test_every_exercise_of_a_golden_submission_earns_what_is_due(case, graded):
    root, finished = graded[case.parent.name]
    (text,) = case.glob("*.py")
    with Gradebook(f"sqlite:///{root}/gradebook.db") as gradebook:
        grades = gradebook.find_submission_notebook(text.stem, case.parent.name, case.name).grades
        scores = {grade.name.removeprefix("test_"): grade.auto_score for grade in grades if grade.auto_score is not None}
        waiting = {grade.name for grade in grades if grade.needs_manual_grade}
    assert scores == due(case)["points"], finished.stdout[-3000:]
    assert waiting == {f"explain_{text.stem}"}, "nothing but the question waits for a human"


@pytest.mark.parametrize("assignment", sorted({case.parent.name for case in CASES}))
def test_a_class_with_crashes_and_loops_ends_well(assignment, graded):
    _, finished = graded[assignment]
    assert finished.returncode == 0, finished.stdout[-3000:]


@every_case
def test_what_a_golden_submission_shows_is_clean(case, graded):
    """No script, no address, no execute_result but the grader's own, whatever the student's code displays."""
    root, _ = graded[case.parent.name]
    (path,) = (root / "autograded" / case.name / case.parent.name).glob("*.ipynb")
    for cell in nbformat.read(path, as_version=4).cells:
        outputs = cell.get("outputs", [])
        html = " ".join(output.data.get("text/html", "") for output in outputs if "data" in output)
        assert "<script" not in html and "<img" not in html
        if cell.metadata.get("nbgrader", {}).get("grade"):
            assert [output.output_type for output in outputs].count("execute_result") == 1
            assert outputs[-1].output_type == "execute_result"


@every_case
def test_a_golden_submission_says_what_it_is_and_what_happens_to_it(case):
    (text,) = case.glob("*.py")
    assert describe(text.read_text(encoding="utf-8")).endswith(".")
    assert due(case)["happened"]
