"""A class of sixty comes out as it should: collected, graded, handed in again, graded again after a changed check."""

import os
import re
import subprocess
import sys

import pytest
import termclass
from termclass import ASSIGNMENT, KINDS, QUESTION, Term, students
from toys import table_of

from grading.notebooks.names import shown
from grading.run.course import Course
from tests.conftest import REAPER, run_together

pytestmark = pytest.mark.sandbox


def command(root, *arguments):
    """(exit status, what it said) of `course ...`."""
    done = subprocess.run([sys.executable, REAPER, sys.executable, "-m", "grading", *arguments], cwd=root, text=True, stdout=subprocess.PIPE,
                          stderr=subprocess.STDOUT, env={**os.environ, "COLUMNS": "200"})
    return done.returncode, done.stdout


@pytest.fixture(scope="module")
def term(tmp_path_factory):
    """The term, lived once: what each step said and left, by its name."""
    term = Term.begin(tmp_path_factory.mktemp("term") / "course [WS26]")
    term.left = {}

    def collect():
        done, = run_together([(["collect", ASSIGNMENT, "--update"], term.root)])
        assert done.returncode == 0, done.stdout[-3000:]

    def grade(step, *options):
        term.left[step] = (*command(term.root, "grade", ASSIGNMENT, *options), term.points(),
                           {student: table_of(term.graded(student), "double") for student in students()})
    term.hand_in()
    term.waiting = [one.student for one in Course(term.root).in_exchange(ASSIGNMENT)]
    collect()
    grade("first")
    term.person()
    term.hand_in_again()
    term.waiting_again = [one.student for one in Course(term.root).in_exchange(ASSIGNMENT)]
    collect()
    grade("again")
    term.essays = {student: term.essay(student) for student in students()}
    term.change_a_check()
    grade("regraded", "--force")
    return term


def due(kind, step):
    points = kind.points
    if step != "first" and kind.points_again is not None:
        points = kind.points_again
    return kind.points_regraded if step == "regraded" and kind.points_regraded is not None else points


def lines_on(said, student):
    return [line for line in said.splitlines() if line.startswith(f"needs a human: {shown(student)}: ")]


def test_the_class_is_of_sixty_and_of_every_kind_there_are_two():
    assert len(students()) >= 60 and all(len(kind.names) >= 2 for kind in KINDS)


def test_all_that_lies_in_the_exchange_waits_until_it_is_collected(term):
    assert sorted(term.waiting) == sorted(students())
    assert sorted(term.waiting_again) == sorted(student for student, kind in students().items() if kind.later and kind.by == "exchange")


@pytest.mark.parametrize("step", ["first", "again", "regraded"])
def test_everybody_gets_the_points_that_are_due(term, step):
    assert term.left[step][2] == {student: due(kind, step) for student, kind in students().items()}


@pytest.mark.parametrize("kind", KINDS, ids=lambda kind: kind.name)
def test_staff_and_students_are_told_what_is_due(term, kind):
    _, said, _, tables = term.left["first"]
    for student in [student for student, other in students().items() if other is kind]:
        lines = lines_on(said, student)
        assert kind.staff in "\n".join(lines) if kind.staff else not lines
        assert kind.table in tables[student]


def test_the_exit_status_tells_whether_something_could_not_be_graded(term):
    assert [term.left[step][0] for step in ("first", "again", "regraded")] == [3, 0, 0], term.left["again"][1]


def test_only_what_was_handed_in_again_is_graded_again(term):
    count = sum(1 for kind in students().values() if kind.later)
    assert re.search(rf"{len(students())} submissions, {count} to grade", term.left["again"][1])


def test_an_essay_that_was_graded_and_changed_waits_with_its_old_score_and_no_other_does(term):
    for student, kind in students().items():
        assert term.essays[student] == (kind.essay_points is None or bool(kind.staff_again), kind.essay_points), student
        if kind.staff_again:
            assert kind.staff_again in "\n".join(lines_on(term.left["again"][1], student))
    said = term.left["again"][1]
    assert "-The old text." in said and "+The new text." in said


def test_late_is_said_with_its_price(term):
    line, = [line for line in term.left["first"][1].splitlines() if line.startswith("late: ")]
    assert all(f"'{student}' by 1 h 0 min, 1.2 points off" in line for student, kind in students().items() if kind.day == "late")


def test_questions_without_a_score_are_counted(term):
    assert f"{QUESTION} has no score yet: {len(students())} submissions" in term.left["first"][1]


def test_accents_make_no_second_student(term):
    assert {path.name for path in (term.root / "autograded").iterdir() if path.is_dir()} == set(students())
    assert termclass.FULL == term.left["first"][2]["zoë-1"]
