"""`kill -9` in the middle of `course grade`: nothing is lost, nothing stands twice, nothing is half, nothing runs on.

benchmarks/crash.py does the same with fifty kills over two hundred submissions.
"""

import random
import shutil

import pytest
from classes import SLEEPY, configure, course_grade, crash, differences, graded, rows, submit, submit_text

pytestmark = pytest.mark.sandbox


@pytest.fixture
def course(course_folder):
    root = configure(course_folder("ps1"))
    for number in range(6):
        submit_text(root, f"s{number}", SLEEPY.format(seconds=0.3))
    submit(root, "t0", "perfect-vectorised", "2026-03-01 12:00:00 UTC")
    submit(root, "t1", "kernel-killed", "2026-03-01 12:00:00 UTC")
    return root


def test_runs_that_are_killed_add_up_to_one_that_is_not(course):
    clean = shutil.copytree(course, course.with_name("clean"))
    dice = random.Random(20260301)
    counts = crash(course, moments=[(dice.randint(0, 3), dice.uniform(0, 0.4)) for _ in range(2)])
    assert counts == sorted(counts) and counts[-1] > 0, "what was graded stays graded"
    assert course_grade(course)[0] == course_grade(clean)[0] == 0
    assert len(graded(course)) == 8
    assert rows(course) == rows(clean)
    assert differences(course, clean) == [], "and nothing else lies there"


@pytest.mark.whole      # test_journal.py kills one before each of its steps
def test_a_regrade_that_is_killed_leaves_no_folder_with_rows_of_another_run(course):
    """Rows and folder change together, or the folder is gone and the next run grades it again."""
    course_grade(course)
    for student in ("t0", "t1"):
        submit(course, student, "half-finished", "2026-03-02 12:00:00 UTC")
    crash(course, moments=[(1, 0.0), (0, 0.1)])
    assert course_grade(course)[0] == 0
    assert {row[3].day for row in rows(course) if row[0] == "submission" and row[3]} == {2}
    assert len(graded(course)) == 8
