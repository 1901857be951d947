"""Late penalties: the policy's numbers, and that an extension counts from the next grading on, in both graders."""

import io
from pathlib import Path

import pytest
from nbgrader.api import Gradebook
from rich.console import Console

from grading.run.course import CourseError
from grading.run import audit
from grading.tools.deadlines import extend
from grading.tools.grade import grade_class
from grading.plugins.late import LatePolicy
from grading.tools.status import states
from grading.notebooks.submissions import hand_in
from tests.conftest import points_due

CASE = Path(__file__).parents[1] / "submissions" / "ps1" / "perfect-vectorised"
HOUR = 3600
FULL = points_due(CASE)


@pytest.mark.parametrize(("hours", "points"), [
    (0.1, None), (0.25, None), (0.3, 1.0), (24, 1.0), (24.1, 2.0), (7 * 24, 5.0), (1e6, 5.0)])
def test_each_begun_day_costs_its_share_after_the_grace_up_to_the_most(hours, points):
    policy = LatePolicy(percent_per_day=10.0, grace_minutes=15.0, most_percent=50.0)
    assert policy.late_submission_penalty("student-01", 10.0, hours * HOUR) == points


def test_without_a_percentage_nothing_is_taken_off():
    assert LatePolicy().late_submission_penalty("student-01", 10.0, 100 * HOUR) is None


def test_a_score_of_zero_stays_zero():
    assert LatePolicy(percent_per_day=10.0).late_submission_penalty("student-01", 0.0, 100 * HOUR) == 0


@pytest.fixture
def course(course_folder):
    """A course with a policy and a deadline, and the same right submission a day and a half late for both graders."""
    root = course_folder("ps1")
    with open(root / "nbgrader_config.py", "a") as file:
        file.write("\nc.LatePolicy.percent_per_day = 10.0\nc.Course.timezone = 'UTC'\n")
    with Gradebook(f"sqlite:///{root}/gradebook.db") as gradebook:
        gradebook.update_or_create_assignment("ps1", duedate="2026-03-01 12:00:00 UTC")
    for student in ("stock", "ours"):
        hand_in(CASE, root / "release" / "ps1", root / "submitted" / student / "ps1")
        (root / "submitted" / student / "ps1" / "timestamp.txt").write_text("2026-03-03 00:00:00 UTC\n")
    return root


def penalties(root):
    with Gradebook(f"sqlite:///{root}/gradebook.db") as gradebook:
        return {student: gradebook.find_submission("ps1", student).late_submission_penalty for student in ("stock", "ours")}


@pytest.mark.sandbox
def test_an_extension_counts_after_a_regrade_in_both_graders(course, nbgrader, monkeypatch):
    monkeypatch.chdir(course)       # for its nbgrader_config.py

    def grade():
        done = nbgrader("autograde", "ps1", "--student=stock", "--force", cwd=course)
        assert done.returncode == 0, done.stdout
        assert grade_class(Console(file=io.StringIO()), course, "ps1", ["ours"], 1, None, True, False) == 0

    grade()
    assert penalties(course) == {"stock": 0.2 * FULL, "ours": 0.2 * FULL}, "two begun days cost 20 %"
    extend_both(course, days=1)
    with Gradebook(f"sqlite:///{course}/gradebook.db") as gradebook:
        for student in ("stock", "ours"):
            gradebook.find_grade("test_relu", "activations", "ps1", student).auto_score = 0.5
        gradebook.db.commit()
    grade()
    assert penalties(course) == {"stock": 0.1 * FULL, "ours": 0.1 * FULL}, "one day less"
    lines = {student: [(entry.how, entry.old["points"], entry.new["points"], entry.new["penalty"]) for entry in audit.entries(course, "ps1")
                       if entry.student == student] for student in ("stock", "ours")}
    assert lines["stock"] == lines["ours"] == [("other terms", FULL, FULL, 0.1 * FULL), ("graded again", FULL - 0.5, FULL, 0.1 * FULL)]


def extend_both(root, days):
    for student in ("stock", "ours"):
        extend(Console(file=io.StringIO()), root, "ps1", student, days, 0)


def test_an_extension_before_anything_is_handed_in_is_kept_and_does_not_look_like_a_failure(course):
    screen = io.StringIO()
    extend(Console(file=screen, width=200), course, "ps1", "ours", 1, 6)
    assert "ours may hand in ps1 until Mon 2 Mar 2026, 18:00 UTC." in screen.getvalue()
    (found,) = states(course, "ps1")
    assert found.failed == [] and found.ungraded == ["ours", "stock"]


def test_without_a_deadline_there_is_nothing_to_extend(course_folder):
    with pytest.raises(CourseError, match="no deadline to extend. Set one: course due ps1"):
        extend(Console(), course_folder("ps1"), "ps1", "ours", 1, 0)
