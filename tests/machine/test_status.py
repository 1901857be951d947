"""`course status`: where each assignment stands, and the next command."""

import io
import os
import shlex
import shutil
from pathlib import Path

import pytest
from nbgrader.api import Gradebook
from rich.console import Console

from grading.tools import status
from grading.tools.terminal import terminal
from grading.run.course import CourseError
from grading.run.gradebook import NotGenerated, find_generated
from grading.plugins.overview import overview


@pytest.fixture
def empty_course(tmp_path):
    """A course with an assignment of which nothing was made yet."""
    (tmp_path / "nbgrader_config.py").touch()
    (tmp_path / "source" / "ps1").mkdir(parents=True)
    return tmp_path


@pytest.fixture
def graded(golden_class, tmp_path):
    """A class that was graded and has no feedback yet."""
    shutil.copytree(golden_class["ps2"][0], tmp_path / "course", symlinks=True)
    return tmp_path / "course"


def state(root, assignment="ps2"):
    (found,) = status.states(root, assignment)
    return found


def test_a_course_that_was_never_generated_begins_with_that(empty_course):
    found = state(empty_course, "ps1")
    assert found.next == "nbgrader generate_assignment ps1"
    assert not (empty_course / "gradebook.db").exists(), "asking writes nothing"
    (empty_course / "release" / "ps1").mkdir(parents=True)
    assert state(empty_course, "ps1").next.endswith(" --force"), "nbgrader skips what lies in release/, as in a fresh clone"


def test_an_assignment_of_which_only_the_deadline_is_known_is_still_to_be_generated(empty_course):
    with Gradebook(f"sqlite:///{empty_course}/gradebook.db") as gradebook:
        gradebook.add_assignment("ps1", duedate="2026-03-01 12:00:00 UTC")
        with pytest.raises(NotGenerated, match="nbgrader generate_assignment ps1"):
            find_generated(gradebook, "ps1")
    assert state(empty_course, "ps1").next == "nbgrader generate_assignment ps1"


def test_an_assignment_that_does_not_exist_is_named_with_those_that_do(empty_course):
    with pytest.raises(CourseError, match="no assignment ps9 .* There are: ps1"):
        status.states(empty_course, "ps9")


def test_after_generating_the_next_step_is_to_hand_it_out(course_folder):
    root = course_folder("ps2")
    assert state(root).next == "course publish ps2", "there is no exchange here"
    (root / "build" / "publish").mkdir(parents=True)
    (root / "build" / "publish" / "ps2.zip").touch()
    assert state(root).next.startswith("wait for hand-ins, then: course collect FILE ps2")


@pytest.mark.sandbox
def test_a_graded_class_waits_for_the_person_who_reads_the_question(graded):
    found = state(graded)
    assert len(found.submitted) == len(found.human) == len(found.feedback) > 3
    assert not found.ungraded and not found.failed
    assert "Manual Grading" in found.next


@pytest.mark.sandbox
def test_each_step_leads_to_the_next_one(graded):
    with Gradebook(f"sqlite:///{graded}/gradebook.db") as gradebook:
        for submission in gradebook.assignment_submissions("ps2"):
            for grade in submission.notebooks[0].grades:
                grade.manual_score, grade.needs_manual_grade = grade.manual_score or grade.auto_score or 0.0, False
        gradebook.db.commit()
    assert state(graded).next == "course feedback ps2"
    write_pages(graded)
    assert state(graded).next == "course feedback ps2 --zip", "there is no exchange here"
    page = next((graded / "feedback").glob("*/ps2/*.html"))
    os.utime(page, (0, 0))
    assert state(graded).next == "course feedback ps2"


@pytest.mark.sandbox
def test_points_that_a_person_gave_since_make_the_feedback_outdated(graded):
    write_pages(graded)
    with Gradebook(f"sqlite:///{graded}/gradebook.db") as gradebook:
        submission = gradebook.find_submission("ps2", "perfect")
        folder = graded / "autograded" / "perfect" / "ps2"
        (graded / "feedback" / "perfect" / "ps2" / "index.html").write_text(overview(submission, folder))
        assert state(graded).feedback == []
        grade = next(grade for grade in submission.notebooks[0].grades if grade.name.startswith("explain_"))
        grade.manual_score, grade.needs_manual_grade = 4.0, False
        gradebook.db.commit()
    assert state(graded).feedback == ["perfect"] and state(graded).outdated


def write_pages(root):
    for path in list((root / "autograded").glob("*/ps2/*.ipynb")):
        page = root / "feedback" / path.parent.parent.name / "ps2" / f"{path.stem}.html"
        page.parent.mkdir(parents=True)
        page.write_text("page")


@pytest.mark.sandbox
def test_new_newer_failed_and_mended_submissions_are_told_apart(graded):
    names = sorted(path.name for path in (graded / "submitted").iterdir() if path.is_dir())
    shutil.copytree(graded / "submitted" / names[0], graded / "submitted" / "new")
    shutil.rmtree(graded / "autograded" / names[0])         # what nbgrader does where grading fails
    path = next((graded / "autograded" / names[1] / "ps2").glob("*.ipynb"))
    path.chmod(0o644)
    path.write_text(path.read_text().replace('"mended": {}', '"mended": {"test_x": "The cell was missing."}'))
    for folder, day in (("autograded", 1), ("submitted", 2)):
        stamp = graded / folder / names[2] / "ps2" / "timestamp.txt"
        stamp.write_text(f"2026-01-0{day} 10:00:00 UTC\n")
    found = state(graded)
    assert found.failed == [names[0]] and found.mended == [names[1]]
    assert found.ungraded == sorted([names[0], names[2], "new"])
    assert found.next == "course grade ps2"


@pytest.mark.sandbox
def test_the_table_names_students_only_where_somebody_has_to_act(graded):
    screen = io.StringIO()
    status.show(Console(file=screen, width=100), status.states(graded))
    said = screen.getvalue()
    assert "a person has to grade or look: " in said and "and 4 more" in said
    assert Path(said.strip().splitlines()[-1]).name.startswith("ps2: next: ")


@pytest.mark.parametrize("name", ["a;id;", "$(id)", "-x", "o'brien", "two words", "`id`", "a\nb", "\x1b[31m", "[red]"])
def test_a_command_to_copy_holds_a_name_as_one_word_and_nothing_colours_the_terminal(name):
    found = status.State("ps1", submitted=[name], failed=[name], ungraded=[name], mended=[name])
    screen = io.StringIO()
    status.show(Console(file=screen, width=200), [found])
    assert "\x1b" not in screen.getvalue() and screen.getvalue().count("\n") == 9
    command = found.next.partition(", and read")[0]
    if name.isprintable():
        assert shlex.split(command) == ["course", "grade", "ps1", f"--student={name}"]
        assert command in screen.getvalue()
    else:
        assert "rename the folder" in found.next


def test_a_log_of_course_watch_that_cannot_be_read_takes_nothing_else_from_the_table(course_folder, capsys):
    root = course_folder("ps1")
    (root / ".watch").mkdir()
    (root / ".watch" / "log.sqlite").write_bytes(b"no database" * 1000)
    status.show(terminal(), status.states(root))
    said = capsys.readouterr().out
    assert "ps1: next:" in said and said.count("move it away") == 1
