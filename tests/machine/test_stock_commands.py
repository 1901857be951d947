"""nbgrader's own commands, typed in the course root without a flag, as an instructor types them."""

import csv
import re
import shutil
from pathlib import Path

import nbformat
import pytest

from grading.notebooks.submissions import hand_in
from grading.notebooks.record import written
from tests.conftest import due_to, points_due, points_in

ROOT = Path(__file__).parents[2]
CASES = ROOT / "tests" / "submissions" / "ps1"
STUDENTS = {"blank": "blank", "tails": "loses-right-tail", "faker": "fakes-the-report"}
EXERCISES = tuple(points_in())


@pytest.fixture(scope="module")
def course(generated, nbgrader, nbgrader_together, tmp_path_factory):
    """(course root, {command: finished process}): a class of three graded, with feedback, export and validation."""
    root = tmp_path_factory.mktemp("course")
    shutil.copytree(generated["ps1"], root, dirs_exist_ok=True)
    for student, case in STUDENTS.items():
        hand_in(CASES / case, root / "release" / "ps1", root / "submitted" / student / "ps1")
    hand_in(CASES / "perfect-vectorised", root / "release" / "ps1", root / "work")
    done = {"autograde": nbgrader("autograde", "ps1", cwd=root)}
    together = {"generate_feedback": (["generate_feedback", "ps1"], root), "export": (["export"], root),
                "validate blank": (["validate", "release/ps1/activations.ipynb"], root),
                "validate perfect": (["validate", "activations.ipynb"], root / "work")}
    done.update(zip(together, nbgrader_together(list(together.values()))))
    return root, done


def feedback(root, student):
    return (root / "feedback" / student / "ps1" / "activations.html").read_text(encoding="utf-8")


def release_of(root):
    return nbformat.read(root / "release" / "ps1" / "activations.ipynb", as_version=4)


@pytest.mark.sandbox
@pytest.mark.parametrize("command", ["autograde", "generate_feedback", "export"])
def test_the_command_succeeds_without_any_flag(command, course):
    _, done = course
    assert done[command].returncode == 0, done[command].stdout[-3000:]


@pytest.mark.sandbox
def test_export_writes_the_scores_of_the_whole_class(course):
    root, _ = course
    with open(root / "grades.csv", newline="", encoding="utf-8") as file:
        scores = {row["student_id"]: float(row["score"]) for row in csv.DictReader(file)}
    assert scores == {student: points_due(CASES / case) for student, case in STUDENTS.items()}


@pytest.mark.sandbox
def test_a_blank_release_scores_nothing_in_every_exercise(course):
    root, _ = course
    page = nbformat.read(root / "autograded" / "blank" / "ps1" / "activations.ipynb", as_version=4)
    tables = [output.data["text/plain"] for cell in page.cells for output in cell.get("outputs", ())
              if output.output_type == "display_data" and "points" in output.data["text/plain"]]
    assert [re.match(r"(\w+): 0 of \d points", table)[1] for table in tables] == list(EXERCISES)


@pytest.mark.sandbox
def test_feedback_shows_the_table_of_each_exercise_with_hints(course):
    root, _ = course
    page = feedback(root, "tails")
    earned = due_to(CASES / STUDENTS["tails"]).points
    for part in (*(f"{name}: {written(earned[name])} of {written(most)} points" for name, most in points_in().items()), "keeps its relative accuracy in the right tail", "This looks like a known mistake"):
        assert part in page, part


@pytest.mark.sandbox
@pytest.mark.parametrize("student", STUDENTS)
def test_feedback_shows_no_hidden_line_no_rubric_and_no_path(student, course):
    root, _ = course
    page = feedback(root, student)
    for word in ("run_hidden_checks", "BEGIN HIDDEN", "END HIDDEN", "MARK SCHEME", "Mark scheme", "reference_impl",
                 str(root), str(ROOT), "site-packages"):
        assert word not in page, word


@pytest.mark.sandbox
def test_feedback_holds_nothing_of_what_a_student_tried_to_put_there(course):
    root, _ = course
    page = feedback(root, "faker")
    sent = {"alert(2)", "alert(4)", 'document.title = "4 of 4"'}
    scripts = "".join(re.findall(r"<script.*?</script>", page, re.DOTALL))
    assert not [text for text in sent if text in scripts]
    assert not re.search(r"<img[^>]*(onerror|example\.org)", page)
    assert f"tanh_derivative: 0 of {written(points_in()['tanh_derivative'])} points" in page


# --- what a student can run -------------------------------------------------------------------------------------

def test_the_release_holds_nothing_of_ours(generated):
    text = "\n".join(cell.source for cell in release_of(generated["ps1"]).cells)
    for word in ("run_hidden_checks", "HIDDEN", "SOLUTION", "MARK SCHEME"):
        assert word not in text


@pytest.mark.sandbox
def test_validating_a_blank_release_fails_in_words_that_help(course):
    _, done = course
    said = done["validate blank"].stdout
    assert f"VALIDATION FAILED ON {len(EXERCISES)} CELL(S)!" in said
    for name in EXERCISES:
        assert f"NotImplementedError: {name} is not written yet." in said
    assert "run_hidden_checks" not in said and "NameError" not in said


@pytest.mark.sandbox
def test_validating_a_right_notebook_succeeds(course):
    _, done = course
    assert "Success! Your notebook passes all the tests." in done["validate perfect"].stdout
