"""Late penalties: the policy's numbers, and that an extension counts from the next grading on, in both graders."""

import io
from datetime import datetime, timedelta
from pathlib import Path
from types import SimpleNamespace

import pytest
from nbgrader.api import Gradebook
from rich.console import Console

from grading.run.course import CourseError
from grading.run import audit, human
from grading.run import penalties as penalties_of
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


# --- what counts ----------------------------------------------------------------------------------------------------

def cell(auto=None, manual=None, again=False, extra=None):
    return SimpleNamespace(auto_score=auto, manual_score=manual, needs_manual_grade=again, extra_credit=extra)


@pytest.mark.parametrize(("graded", "score", "judged"), [
    (cell(), 0.0, False), (cell(auto=2.0), 2.0, True), (cell(auto=2.0, manual=3.0), 3.0, True), (cell(auto=2.0, manual=0.0), 0.0, True),
    (cell(manual=3.0, extra=0.5), 3.5, True), (cell(auto=2.0, extra=0.5), 2.5, True), (cell(extra=0.5), 0.0, False),
    (cell(auto=2.0, manual=3.0, again=True, extra=0.5), 2.0, True), (cell(manual=3.0, again=True), 0.0, False), (cell(again=True), 0.0, False),
    (cell(auto=0.0), 0.0, True)])
def test_what_a_person_gave_counts_unless_somebody_has_to_look_again(graded, score, judged):
    assert (penalties_of.score_of(graded), penalties_of.is_judged(graded)) == (score, judged)


def test_nothing_counts_less_than_nothing_and_points_are_cents():
    assert [penalties_of.net_of(*pair) for pair in ((3.0, 1.0), (1.0, 1.0), (1.0, 3.0), (1.0, 0.333), (2.0, 0.0))] == [2.0, 0.0, 0.0, 0.67, 2.0]


DUE = datetime(2026, 3, 1, 12)


def handed_in(late=timedelta(), due=DUE, extension=None, notebooks=()):
    return SimpleNamespace(assignment=SimpleNamespace(duedate=due), timestamp=None if late is None else DUE + late, extension=extension,
                           student_id="student-01", notebooks=list(notebooks))


@pytest.mark.parametrize(("submission", "seconds"), [
    (handed_in(timedelta(hours=1)), 3600), (handed_in(), 0), (handed_in(timedelta(hours=-1)), 0), (handed_in(None), 0),
    (handed_in(timedelta(hours=1), due=None), 0), (handed_in(timedelta(hours=25), extension=timedelta(days=1)), 3600),
    (handed_in(timedelta(hours=25), extension=timedelta(days=2)), 0)])
def test_late_is_what_came_after_the_deadline_and_its_extension(submission, seconds):
    assert penalties_of.seconds_late(submission) == seconds


def notebook(name, score, penalty=None):
    return SimpleNamespace(id=name, grades=[cell(auto=score - 1), cell(auto=1.0)], late_submission_penalty=penalty)


class Policy:
    def __init__(self, penalty):
        self.penalty, self.asked = penalty, []

    def late_submission_penalty(self, *asked):
        self.asked.append(asked)
        return self.penalty


@pytest.mark.parametrize(("penalty", "due"), [(1.5, 1.5), (-2.0, 0.0), (0.0, 0.0), (9.0, 4.0), (None, None)])
def test_a_penalty_lies_between_nothing_and_the_score_whatever_the_policy_says(penalty, due):
    policy = Policy(penalty)
    assert penalties_of.owed(handed_in(timedelta(seconds=1), notebooks=[notebook("a", 4.0)]), policy) == {"a": due}
    assert policy.asked == [("student-01", 4.0, 1.0)]


def test_in_time_or_without_a_policy_nothing_is_asked_and_nothing_owed():
    policy = Policy(1.0)
    assert penalties_of.owed(handed_in(notebooks=[notebook("a", 4.0)]), policy) == {"a": None} and policy.asked == []
    assert penalties_of.owed(handed_in(timedelta(seconds=1), notebooks=[notebook("a", 4.0)]), None) == {"a": None}


@pytest.mark.parametrize(("before", "penalty", "ids", "after", "sums"), [
    ([None, 0.5], 1.0, None, [1.0, 1.0], (0.5, 2.0)), ([None, 0.5], None, None, [None, None], (0.5, 0.0)),
    ([None, 0.5], 0.0, None, [None, 0.0], (0.5, 0.0)), ([2.0, 0.5], 1.0, {"b"}, [None, 1.0], (2.5, 1.0)),
    ([None, None], 1.0, {"a", "b"}, [1.0, 1.0], (0.0, 2.0)), ([None, None], 1.0, set(), [None, None], (0.0, 0.0))])
def test_penalties_are_worked_out_anew_for_what_was_handed_in(before, penalty, ids, after, sums):
    late = handed_in(timedelta(1), notebooks=[notebook(name, 4.0, old) for name, old in zip("ab", before)])
    assert penalties_of.renew(late, Policy(penalty), ids) == sums
    assert [one.late_submission_penalty for one in late.notebooks] == after


# --- in a course ----------------------------------------------------------------------------------------------------

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


@pytest.mark.parametrize(("seconds", "words"), [
    (1, "1 min"), (89, "1 min"), (91, "2 min"), (3569, "59 min"), (3600, "1 h 0 min"), (3 * 3600 + 61, "3 h 1 min"), (86_399, "1 d"),
    (86_400 + 3600, "1 d 1 h"), (2 * 86_400 + 3599, "2 d 1 h"), (23 * 3600 + 59 * 60, "23 h 59 min")])
def test_how_late_is_told_in_days_hours_and_minutes(seconds, words):
    assert human.how_late(seconds, 0.0) == words and human.how_late(seconds, 0.5) == f"{words}, 0.5 points off"


def test_of_who_waits_eight_are_named_and_of_who_is_late_24():
    students = [f"s{number:02}" for number in range(25)]
    for count, more in ((8, ""), (9, " and 1 more")):
        standing = human.Standing({"essay": students[:count]}, {}, [])
        assert human.in_words(standing) == [f"essay has no score yet: {count} submissions, " + ", ".join(f"'{one}'" for one in students[:8]) + more]
        assert standing.waiting == set(students[:count])
    for count, more in ((24, ""), (25, " and 1 more")):
        late = [(student, "1 d") for student in students[:count]]
        assert human.in_words(human.Standing({}, {}, late)) == ["late: " + ", ".join(f"'{one}' by 1 d" for one in students[:24]) + more]
