"""The overview of an assignment beside nbgrader's feedback pages: right, complete without network, readable for all."""

import re
import shutil

import pytest
from nbgrader.api import Gradebook

from grading.notebooks.record import CheckRecord, Outcome, VerdictRecord
from grading.plugins.overview import Row, first_step, overview
from tests.conftest import SUBMISSIONS, due_to, points_due, points_in

pytestmark = pytest.mark.sandbox
OUTSIDE = re.compile(r"https?://|<script|@import|url\(")


@pytest.fixture(scope="module")
def course(golden_class, tmp_path_factory):
    return shutil.copytree(golden_class["ps1"][0], tmp_path_factory.mktemp("overview") / "course", symlinks=True)


def page_of(course, student, change=lambda submission: None):
    with Gradebook(f"sqlite:///{course}/gradebook.db") as gradebook:
        submission = gradebook.find_submission("ps1", student)
        change(submission)
        return overview(submission, course / "autograded" / student / "ps1")


def test_points_and_checks_of_every_exercise_stand_in_a_table(course):
    text = page_of(course, "half-finished")
    earned, most = due_to(SUBMISSIONS / "ps1" / "half-finished").points, points_in()
    assert re.search(rf"You have {sum(earned.values()):g} of (\d+) points\.", text)
    assert "A person still reads “Question: is a&#x27; always between 0 and 1?”. Points" in text
    row = '<th scope="row">Exercise 1: sigmoid</th><td class="number">5</td><td class="number">5</td>'
    assert re.search(rf'{row}<td>(\d+) of \1 passed', text)
    whole = [earned[name] == most[name] for name in most]
    first = whole.index(False)
    assert f"{sum(whole)} of {len(most)} exercises are complete. A good place to go on is “Exercise {first + 1}: {list(most)[first]}”" in text
    assert re.search(r'<th scope="row">Exercise 3: tanh_derivative</th>.*<td>not handed in</td>', text)
    assert '<a href="activations.html">' in text


def test_an_override_reads_as_a_persons_decision_and_0_points_get_no_praise(course):
    def override(submission):
        for notebook in submission.notebooks:
            for grade in notebook.grades:
                grade.manual_score = 0
    text = page_of(course, "perfect-vectorised", override)
    assert "a person decided (the checks alone gave 5: 8 of 8 passed)" in text and "Well done" not in text


def verdict(points, most, failed, passed):
    outcomes = [Outcome.FAILED] * failed + [Outcome.PASSED] * passed
    return VerdictRecord(points, most, tuple(CheckRecord(f"check_{n}", "holds", 1, False, one) for n, one in enumerate(outcomes)))


def test_the_place_to_go_on_is_where_a_check_costs_most_points():
    verdicts = {"nearly": verdict(4.5, 5, 1, 9), "core": verdict(0, 3, 1, 5), "nothing": verdict(0, 5, 5, 0), "done": verdict(2, 2, 0, 3)}
    rows = [Row(name, one.points, one.most, "", one) for name, one in verdicts.items()]
    assert "1 of 4 exercises are complete. A good place to go on is “core”:" in first_step(rows)


def test_praise_only_where_every_check_passed():
    rows = [Row(name, one.points, one.most, "", one) for name, one in {"one": verdict(2, 2, 0, 3), "other": verdict(1, 1, 0, 2)}.items()]
    assert "Every exercise has all of its points. Well done!" in first_step(rows)
    assert "Well done" not in first_step([*rows, Row("last", 0.5, 1, "", verdict(0.5, 1, 1, 1))])


def test_a_late_penalty_is_told_with_what_counts(course):
    def late(submission):
        submission.notebooks[0].late_submission_penalty = 1.5
    earned = points_due(SUBMISSIONS / "ps1" / "half-finished")
    assert f"1.5 points are taken off, so {earned - 1.5:g} count" in page_of(course, "half-finished", late)


def test_nbgraders_own_command_writes_it_and_it_needs_no_network(course, nbgrader):
    done = nbgrader("generate_feedback", "ps1", "--student=half-finished", cwd=course)
    assert done.returncode == 0, done.stdout
    folder = course / "feedback" / "half-finished" / "ps1"
    text = (folder / "index.html").read_text()
    assert text == page_of(course, "half-finished") and not OUTSIDE.search(text)
    links = re.findall(r'href="([^"]+)"', text)
    assert links and all((folder / link).exists() for link in links)
    assert (folder / "index.html").stat().st_mode & 0o777 == 0o644


def test_headings_headers_and_language_are_in_place(course):
    text = page_of(course, "blank")
    assert '<html lang="en">' in text and text.count("<h1>") == 1 and "<main>" in text
    assert 'scope="col"' in text and 'scope="row"' in text and "<caption>" in text
