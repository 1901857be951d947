"""The overview of an assignment beside nbgrader's feedback pages: right, complete without network, readable for all."""

import re
import shutil

import pytest
from nbgrader.api import Gradebook

from grading.plugins.overview import overview

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
    assert "You have 7 of 25 points." in text and "A person still reads: explain_activations." in text
    assert re.search(r'<th scope="row">sigmoid</th><td class="number">3</td><td class="number">3</td><td>8 of 8 passed', text)
    assert "3 of 7 exercises are complete. A good place to go on is sigmoid_derivative" in text
    assert '<a href="activations.html">' in text


def test_praise_only_where_every_check_passed(course):
    assert "Every check of every exercise passed. Well done!" in page_of(course, "perfect-vectorised")
    assert "Well done" not in page_of(course, "half-finished")


def test_a_late_penalty_is_told_with_what_counts(course):
    def late(submission):
        submission.notebooks[0].late_submission_penalty = 1.5
    assert "1.5 points are taken off, so 5.5 count" in page_of(course, "half-finished", late)


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
