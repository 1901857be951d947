"""Spoiled submission folders through the real `nbgrader autograde`, with honest submissions in between."""

import importlib.util
import inspect
import json
import shutil
import sys
from pathlib import Path

import pytest
from nbgrader.api import Gradebook, MissingEntry
from reference_impl import activations

from grading.notebooks.names import shown

pytestmark = pytest.mark.sandbox
ROOT = Path(__file__).parents[2]


def load_cases():
    spec = importlib.util.spec_from_file_location("hostile_files", ROOT / "tests/submissions/hostile/files/make.py")
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module
    spec.loader.exec_module(module)
    return module


cases = load_cases()


def make_honest(release, folder):
    """A submission of ps1 with every answer right."""
    shutil.copytree(release, folder)
    path = folder / cases.NOTEBOOK
    notebook = json.loads(path.read_text())
    for cell in notebook["cells"]:
        if cases.name_of(cell) in cases.ANSWERS:
            cell["source"] = inspect.getsource(getattr(activations, cases.name_of(cell)))
    path.unlink()
    path.write_text(json.dumps(notebook))


@pytest.fixture(scope="module")
def graded(generated, nbgrader, tmp_path_factory):
    """(course folder, finished process) after one run over all cases, with an honest one before every tenth."""
    root = tmp_path_factory.mktemp("files") / "course"
    shutil.copytree(generated["ps1"], root)
    make_honest(root / "release" / "ps1", root / "honest")
    for number, name in enumerate(cases.CASES):
        cases.build(name, root / "honest", root / "submitted", root)
        if number % 10 == 0:
            shutil.copytree(root / "honest", root / "submitted" / f"honest{number // 10}" / "ps1")
    return root, nbgrader("autograde", "ps1", f"--CourseDirectory.root={root}")


def points(root, student):
    """The points in the gradebook, or None if it holds nothing of the student."""
    with Gradebook(f"sqlite:///{root}/gradebook.db") as gradebook:
        try:
            grades = gradebook.find_submission_notebook("activations", "ps1", student).grades
        except MissingEntry:
            return None
        return sum(grade.auto_score or 0 for grade in grades)


def summary(process):
    """The lines at the end of the log that name submissions which need a human."""
    _, found, rest = process.stdout.partition("need a human:\n")
    assert found, process.stdout[-3000:]
    return rest


@pytest.mark.parametrize("name", cases.CASES)
def test_case_gets_what_is_due(graded, name):
    root, process = graded
    case = cases.CASES[name]
    assert points(root, case.student) == case.points
    lines = [line for line in summary(process).splitlines() if f" {shown(case.student)}: " in line]
    assert any("not graded" in line for line in lines) == case.fails
    assert case.told in "\n".join(lines) if case.told else not lines


def test_honest_submissions_keep_their_points(graded):
    root, _ = graded
    students = [path.name for path in (root / "submitted").glob("honest*")]
    assert len(students) >= 6
    assert {points(root, student) for student in students} == {cases.FULL}


def test_exit_status_tells_that_something_was_not_graded(graded):
    assert graded[1].returncode == 1


def test_nothing_but_regular_files_reaches_autograded(graded):
    root, _ = graded
    found = list((root / "autograded").rglob("*"))
    assert found
    assert all(path.is_file() or path.is_dir() for path in found)
    assert not any(path.is_symlink() for path in found)


def test_no_secret_reaches_autograded(graded):
    root, _ = graded
    for path in (root / "autograded").rglob("*"):
        if path.is_file():
            content = path.read_bytes()
            assert b"SQLite format" not in content and b"root:x:0:0" not in content, path


def test_points_of_the_exercises_are_the_instructors(graded):
    root, _ = graded
    with Gradebook(f"sqlite:///{root}/gradebook.db") as gradebook:
        submission = gradebook.find_submission("ps1", "more_points_claimed")
        assert submission.max_score == gradebook.find_assignment("ps1").max_score


def test_an_unreadable_notebook_waits_for_a_human_in_formgrader(graded):
    root, _ = graded
    with Gradebook(f"sqlite:///{root}/gradebook.db") as gradebook:
        grades = gradebook.find_submission_notebook("activations", "ps1", "empty_file").grades
        assert all(grade.needs_manual_grade for grade in grades)
    page = (root / "autograded" / "empty_file" / "ps1" / "activations.ipynb").read_text()
    assert "The file is empty." in page


def test_a_time_stamp_that_the_exchange_did_not_write_is_not_recorded(graded):
    root, _ = graded
    with Gradebook(f"sqlite:///{root}/gradebook.db") as gradebook:
        for name in cases.CASES:
            if name.startswith("time_stamp"):
                assert gradebook.find_submission("ps1", name).timestamp is None


@pytest.mark.parametrize("name", ["renamed_notebook", "notebook_of_another_ending", "doubled_cells"])
def test_the_question_waits_for_a_person_however_the_file_is_called(graded, name):
    root, _ = graded
    with Gradebook(f"sqlite:///{root}/gradebook.db") as gradebook:
        grade = gradebook.find_grade("explain_activations", "activations", "ps1", name)
        assert grade.auto_score is None and grade.needs_manual_grade
