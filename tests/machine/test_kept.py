"""What was graded and is not in the gradebook, or with other points: an older copy was put back, a student or an assignment removed."""

import io
import os
import re
import shutil
from types import SimpleNamespace

import nbformat
import pytest
import termclass
from nbgrader.api import MissingEntry
from nbgrader.auth import Authenticator
from nbgrader.converters.base import NbGraderException
from nbgrader.exchange import ExchangeError
from nbgrader.utils import is_grade, is_task
from rich.console import Console
from termclass import ASSIGNMENT, NAME

from grading.notebooks.again import MARK, digest, mark_of
from grading.notebooks.record import Record, VerdictRecord
from grading.plugins import autograde, generate_feedback, turn
from grading.plugins.exporters import CanvasExporter
from grading.plugins.release_feedback import ReleaseFeedback
from grading.run.audit import BEHIND, act_of
from grading.run.batch import Graded
from grading.run.course import Course
from grading.run.execute import CELLS, OWN, cells_digest, course_files, own_digest
from grading.run import only_one
from grading.run.kept import LOST
from grading.run.older import Today
from grading.run.results import results_of
from grading.tools import history, regrade, status
from grading.tools.feedback import make_feedback
from grading.tools.grade import run_class
from tests.conftest import run_together

STUDENTS = "student-01", "student-02", "student-03"


@pytest.fixture
def course(generated_toys, tmp_path):
    """A toy course in which three have handed in and are graded; `gradebook.old` is a copy from before."""
    root = shutil.copytree(generated_toys, tmp_path / "course")
    shutil.copy(root / "gradebook.db", root / "gradebook.old")
    for student in STUDENTS:
        shutil.copytree(root / "release" / ASSIGNMENT, root / "submitted" / student / ASSIGNMENT)
    grade(root, dict.fromkeys(STUDENTS, 4.0))
    return root


def grade(root, points):
    """Store gradings with so many points for each exercise, as `course grade` does."""
    with Course(root).writer(ASSIGNMENT) as writer:
        for student, each in points.items():
            nb = nbformat.read(root / "release" / ASSIGNMENT / NAME, as_version=4)
            Record(graded_by={"x": "y"}, verdicts={name: VerdictRecord(each, 4, ()) for name in termclass.EXERCISES}).write(nb)
            mark = mark_of(digest(root / "submitted" / student / ASSIGNMENT), False)
            writer.store(Graded(student, None, {"toy": nbformat.writes(nb) + "\n"}, ((MARK, mark),),
                                {("toy", f"test_{name}"): each for name in termclass.EXERCISES}, read_at=2**62), act_of(None))


def whys(root):
    return {one.student: one.why for one in Course(root).submissions(ASSIGNMENT)}


def said_by(function, *arguments, **options):
    screen = io.StringIO()
    result = function(Console(file=screen, width=400), *arguments, **options)
    return screen.getvalue(), result


def remove_student(root):
    with termclass.book(root) as gradebook:
        gradebook.remove_student("student-02")


def older_copy(root):
    shutil.copy(root / "gradebook.old", root / "gradebook.db")


def assignment_removed(root):
    with termclass.book(root) as gradebook:
        gradebook.remove_assignment(ASSIGNMENT)


def no_gradebook(root):
    (root / "gradebook.db").unlink()


def only_an_extension(root):
    older_copy(root)
    with termclass.book(root) as gradebook:
        gradebook.add_student("student-02")
        gradebook.add_submission(ASSIGNMENT, "student-02")


@pytest.mark.parametrize(("what", "lost"), [(remove_student, {"student-02"}), (older_copy, {*STUDENTS}), (assignment_removed, {*STUDENTS}),
                                            (no_gradebook, {*STUDENTS}), (only_an_extension, {*STUDENTS})])
def test_what_was_graded_and_is_in_no_row_is_to_be_graded(course, what, lost):
    assert whys(course) == dict.fromkeys(STUDENTS)
    what(course)
    assert {student for student, why in whys(course).items() if why == LOST} == lost
    found, = status.states(course, ASSIGNMENT)
    assert set(found.lost) == set(found.ungraded) == lost and not found.done and not found.again
    assert not lost & {*found.feedback, *found.unreturned}, "it is graded first, and other pages are made"
    assert found.next == ("nbgrader generate_assignment 'hw 1' --force" if what in (no_gradebook, assignment_removed) else "course grade 'hw 1'")
    assert f"{LOST} (an older copy was put back" in said_by(status.show, [found])[0]
    assert (course / "gradebook.db").exists() is (what is not no_gradebook), "asking makes none"


def test_where_no_row_is_each_command_names_who_and_what_to_do(course, monkeypatch, tmp_path):
    remove_student(course)
    said, code = said_by(make_feedback, course, ASSIGNMENT, [], 1, False)
    command = "course grade 'hw 1' --student=student-02"
    assert code == 3 and f"no page: 'student-02': {LOST}. Put the newer gradebook back, or grade again: {command}" in said and "2 made" in said
    monkeypatch.setattr(Course, "grade", lambda *_: (one for one in ()))
    monkeypatch.setattr("grading.tools.grade.Sandbox", lambda *_: SimpleNamespace(probe=lambda: None))
    said, _ = said_by(run_class, Course(course), ASSIGNMENT, ["student-02"])
    assert "1 submissions, 1 to grade" in said and f"{LOST}: 'student-02'. Graded again now;" in said
    with termclass.book(course) as gradebook:
        gradebook.add_student("student-02", first_name="In the class", last_name="again")
        row = gradebook.find_assignment(ASSIGNMENT)
        row.duedate = None
        gradebook.db.commit()
        exporter = CanvasExporter(to=str(tmp_path / "canvas.csv"), unfinished="partial", parent=Course(course).app)
        exporter.export(gradebook)
        scores = {line.split(",")[-3]: line.rpartition(",")[2] for line in (tmp_path / "canvas.csv").read_text().splitlines()}
        assert scores["student-02"] == "" and scores["student-01"] != "", "no 0 for what was graded"
    assert f"hw 1: {LOST}. Put the newer gradebook back, or grade again: {command}" in said_by(history.history, course, "student-02")[0]
    left_out = regrade.left_out(ASSIGNMENT, regrade.choose(Course(course), ASSIGNMENT, False))
    assert left_out == ["The gradebook does not have them as they were graded, and they are left to course grade 'hw 1': student-02"]
    grade(course, {"student-02": 4.0})
    assert whys(course) == dict.fromkeys(STUDENTS), "graded again, it is as it was"


def test_nbgrader_agrees(course):
    remove_student(course)
    older = (course / "autograded" / "student-01" / ASSIGNMENT / NAME).stat().st_mtime_ns
    pages, = run_together([(["generate_feedback", ASSIGNMENT], course)])
    assert pages.returncode and f"no page: 'student-02': {LOST}" in pages.stdout and "Traceback" not in pages.stdout
    assert (course / "feedback" / "student-01" / ASSIGNMENT / "toy.html").exists() and not (course / "feedback" / "student-02").exists()
    done, = run_together([(["autograde", ASSIGNMENT], course)])
    assert f"'student-02': {LOST}. Graded again now" in done.stdout
    assert whys(course) == dict.fromkeys(STUDENTS)
    assert (course / "autograded" / "student-01" / ASSIGNMENT / NAME).stat().st_mtime_ns == older, "who is there stays as they are"


def test_a_copy_from_before_a_regrade_has_other_points_than_the_notebook(course, tmp_path):
    shutil.copy(course / "gradebook.db", tmp_path / "gradebook.old")
    grade(course, {"student-01": 3.0})
    shutil.copy(tmp_path / "gradebook.old", course / "gradebook.db")
    assert whys(course) == {"student-01": BEHIND, "student-02": None, "student-03": None}
    found, = status.states(course, ASSIGNMENT)
    assert (found.behind, found.lost, found.next) == (["student-01"], [], "course grade 'hw 1'")
    said, _ = said_by(make_feedback, course, ASSIGNMENT, [], 1, False)
    assert f"no page: 'student-01': {BEHIND}" in said
    with termclass.book(course) as gradebook:
        exporter = CanvasExporter(to=str(tmp_path / "canvas.csv"), unfinished="partial", parent=Course(course).app)
        exporter.export(gradebook)
    assert re.search(r",student-01,,$", (tmp_path / "canvas.csv").read_text(), re.MULTILINE)
    assert act_of(BEHIND).because == f"graded again, for {BEHIND}"
    grade(course, {"student-01": 3.0})
    assert whys(course) == dict.fromkeys(STUDENTS)


def test_points_of_people_and_exercises_that_are_worth_something_else_are_no_difference(course):
    with termclass.book(course) as gradebook:
        grade_of = gradebook.find_grade("test_half", "toy", ASSIGNMENT, "student-01")
        grade_of.manual_score, grade_of.extra_credit = 1.0, 2.0
        gradebook.find_graded_cell("test_double", "toy", ASSIGNMENT).max_score = 8
        gradebook.find_grade("test_double", "toy", ASSIGNMENT, "student-01").auto_score = 2.0
        gradebook.db.commit()
    assert whys(course) == dict.fromkeys(STUDENTS), "a regrade takes that in"


def test_what_lies_in_autograded_alone_waits_for_a_person(course):
    remove_student(course)
    shutil.rmtree(course / "submitted" / "student-02")
    found, = status.states(course, ASSIGNMENT)
    assert (found.alone, found.lost, found.done) == (["student-02"], [], False)
    said, _ = said_by(make_feedback, course, ASSIGNMENT, [], 1, False)
    assert "or what was handed in into submitted/, then: course grade 'hw 1' --student=student-02" in said
    with termclass.book(course) as gradebook:
        with pytest.raises(MissingEntry):
            gradebook.find_student("student-02")


# --- what could not be read -----------------------------------------------------------------------------------------

def test_what_was_refused_waits_for_a_person_and_then_for_nobody(course, monkeypatch):
    """`course grade` looks at it each time, so its folder is newer than its pages each time; it was not handed in again."""
    monkeypatch.setattr(Today, "differs", lambda *_: None)
    refused = mark_of(digest(course / "submitted" / "student-02" / ASSIGNMENT), True)
    course.joinpath("autograded", "student-02", ASSIGNMENT, MARK).write_bytes(refused)
    said_by(make_feedback, course, ASSIGNMENT, [], 1, False)
    path = course / "autograded" / "student-02" / ASSIGNMENT / NAME
    os.utime(path, (2**31, 2**31))
    assert "1 made" not in said_by(make_feedback, course, ASSIGNMENT, ["student-02"], 1, False)[0]
    with termclass.book(course) as gradebook:
        found, = status.states(course, ASSIGNMENT)
        assert (found.ungraded, found.again, found.refused) == ([], [], ["student-02"])
        assert found.next.endswith("Manual Grading > 'hw 1'") and "student-02" in found.human
        for row in gradebook.find_submission_notebook("toy", ASSIGNMENT, "student-02").grades:
            row.manual_score, row.needs_manual_grade = row.auto_score or 0.0, False
        gradebook.db.commit()
    said_by(make_feedback, course, ASSIGNMENT, [], 1, False)
    os.utime(path, (2**31 + 9, 2**31 + 9))
    said_by(make_feedback, course, ASSIGNMENT, [], 1, False)
    found, = status.states(course, ASSIGNMENT)
    assert (found.ungraded, found.again, found.refused, found.feedback) == ([], [], [], [])


def test_a_cell_for_an_answer_that_a_student_deleted_is_no_other_exercise(course):
    """Nobody puts it back, so a regrade would find the same again and again."""
    judge, nb = Course(course), nbformat.read(course / "release" / ASSIGNMENT / NAME, as_version=4)
    nb.cells = [cell for cell in nb.cells if cell.metadata.get("nbgrader", {}).get("grade_id") != "half"]
    names = [cell.metadata.nbgrader.grade_id for cell in nb.cells if is_grade(cell) or is_task(cell)]
    records = {"toy": Record(graded_by={OWN: own_digest(course_files(judge.execute.course_root), "toy"), CELLS: cells_digest(names)})}
    with termclass.book(course) as gradebook:
        today = Today(judge, gradebook.find_assignment(ASSIGNMENT))
        assert today.differs(next(results_of(gradebook, ASSIGNMENT, ["student-01"])), records) is None


# --- two at once --------------------------------------------------------------------------------------------------

def test_nbgrader_does_not_grade_while_another_run_is_at_work_and_waits_a_little_for_it(course, monkeypatch):
    remove_student(course)
    before = {path: path.stat().st_mtime_ns for path in (course / "autograded").rglob("*.ipynb")}
    where = Course(course)
    where.dir.assignment_id = ASSIGNMENT
    monkeypatch.setattr(turn, "PATIENCE", 0.3)
    said = []
    converter = autograde.Autograde(coursedir=where.dir, parent=where.app)
    monkeypatch.setattr(converter.log, "warning", lambda text, *more: said.append(text % more))
    monkeypatch.setattr(converter.log, "error", lambda text, *more: said.append(text % more))
    with where.locked(), pytest.raises(NbGraderException, match="another grading run"):
        converter.start()
    assert [line for line in said if "grading run is at work" in line] == [
        "Another grading run is at work in this course; waiting up to 0.3 s for it.",
        "Another grading run is at work in this course. Wait for it, or end it. Nothing was graded or changed: start this again afterwards."]
    assert before == {path: path.stat().st_mtime_ns for path in (course / "autograded").rglob("*.ipynb")} and whys(course)["student-02"] == LOST
    with only_one.in_turn(where.dir, 0, said.append), only_one.in_turn(where.dir, 0, said.append):
        with pytest.raises(only_one.Busy), where.locked():
            pass


def test_nbgrader_makes_and_releases_no_page_while_another_run_is_at_work(course, monkeypatch):
    where = Course(course, [f"--Exchange.root={course}/exchange"])
    where.dir.assignment_id = ASSIGNMENT
    monkeypatch.setattr(turn, "PATIENCE", 0.0)
    (course / "exchange" / where.dir.course_id).mkdir(parents=True)
    (course / "feedback" / "student-01" / ASSIGNMENT).mkdir(parents=True)
    pages = {"coursedir": where.dir, "parent": where.app}
    for command, refusal, nothing in ((generate_feedback.GenerateFeedback(**pages), NbGraderException, "No page was made or changed"),
                                      (ReleaseFeedback(authenticator=Authenticator(parent=where.app), **pages), ExchangeError, "Nothing was released")):
        said = []
        monkeypatch.setattr(command.log, "error", lambda text, *more, said=said: said.append(text % more))
        with where.locked(), pytest.raises(refusal, match="another grading run"):
            command.start()
        assert said == [f"Another grading run is at work in this course. Wait for it, or end it. {nothing}: start this again afterwards."]
    assert not any(course.glob("feedback/*/*/*"))
    generate_feedback.GenerateFeedback(**pages).start()
    assert sum(1 for _ in course.glob("feedback/*/*/index.html")) == 3
