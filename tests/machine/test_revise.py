"""`course revise`: a source that was changed after hand-ins is taken over, and nothing that a person gave is lost."""

import csv
import io
import json
import shutil

import nbformat
import pytest
import termclass
from nbgrader.api import Gradebook
from rich.console import Console
from termclass import ASSIGNMENT, NAME, QUESTION

from grading.notebooks.record import Record, VerdictRecord
from grading.plugins.save_cells import SaveCells
from grading.root import CourseError
from grading.run.batch import Graded
from grading.run.course import Course
from grading.run.execute import CELLS, OWN, cells_digest, course_files, own_digest
from grading.run.human import in_words, standing
from grading.run.older import Today
from grading.run.results import results_of
from grading.tools import revise
from grading.tools.feedback import make_feedback
from grading.tools.give_back import Outcome, needs
from grading.tools.regrade import people_decided
from tests.conftest import run_together

STUDENTS = "student-01", "student-02"


@pytest.fixture
def course(generated_toys, tmp_path):
    """A toy course in which two have handed in and a person has graded: an essay, an override, extra credit, a comment."""
    root = shutil.copytree(generated_toys, tmp_path / "course")
    released = (root / "release" / ASSIGNMENT / NAME).read_text()
    with Course(root).writer(ASSIGNMENT) as writer:
        for student in STUDENTS:
            writer.store(Graded(student, None, {"toy": released}, (), {("toy", f"test_{name}"): 4.0 for name in termclass.EXERCISES}))
    with termclass.book(root) as gradebook:
        for student, score in zip(STUDENTS, (3.0, 1.0)):
            grade = gradebook.find_grade(QUESTION, "toy", ASSIGNMENT, student)
            grade.manual_score, grade.needs_manual_grade = score, False
        half = gradebook.find_grade("test_half", "toy", ASSIGNMENT, "student-01")
        half.manual_score, half.extra_credit = 2.0, 0.5
        gradebook.find_comment("half", "toy", ASSIGNMENT, "student-01").manual_comment = "=Why?"
        gradebook.db.commit()
    return root


def change(root, *, points=(), gone=(), new=()):
    """Change the source as an author does."""
    path, points = root / "source" / ASSIGNMENT / NAME, dict(points)
    nb = nbformat.read(path, as_version=4)
    nb.cells = [cell for cell in nb.cells if not any(name in cell.metadata.get("nbgrader", {}).get("grade_id", "") for name in gone)]
    for cell in nb.cells:
        mark = cell.metadata.get("nbgrader", {})
        mark |= {"points": points[mark["grade_id"]]} if mark.get("grade_id") in points else {}
    for name in new:
        nb.cells[2:2] = [termclass.cell(name, f"def {name}(z):\n    ### BEGIN SOLUTION\n    return z\n    ### END SOLUTION", solution=True),
                         termclass.cell(f"test_{name}", f"{name}(1.0)", grade=True, locked=True, points=5)]
    nbformat.write(nb, path)


def run(root, **options):
    said = io.StringIO()
    revise.revise(Console(file=said, width=300), root, ASSIGNMENT, **options)
    return said.getvalue()


def rows(root, student="student-01"):
    """{graded cell: (checks, person, extra credit, waits)} and what counts at most."""
    with termclass.book(root) as gradebook:
        submission = gradebook.find_submission(ASSIGNMENT, student)
        return {grade.name: (grade.auto_score, grade.manual_score, grade.extra_credit, bool(grade.needs_manual_grade))
                for grade in submission.notebooks[0].grades}, submission.max_score


def test_nothing_changed_is_said_and_an_assignment_that_was_never_generated_is_named(course):
    assert "has the cells and points of source/ already" in run(course, yes=True)
    with pytest.raises(CourseError, match="There is no assignment"):
        revise.revise(Console(file=io.StringIO()), course, "hw 2")


def test_without_yes_it_says_what_would_change_and_writes_nothing(course):
    change(course, points={QUESTION: 2, "test_double": 6}, gone=("half",), new=("square",))
    before = (course / "gradebook.db").read_bytes()
    said = run(course)
    assert "new: test_square, 5 points." in said and "gone: test_half, 4 points, with 2 scores, 1 of them given by people" in said
    assert f"points: {QUESTION}, 3 -> 2. 1 scores that people gave are more than that" in said and "(--scale scales all 2): student-01" in said
    assert "points: test_double, 4 -> 6." in said and "--yes" in said
    assert (course / "gradebook.db").read_bytes() == before and not (course / "build").exists()


def test_exercises_come_and_go_and_all_that_people_gave_is_kept(course):
    change(course, gone=("half",), new=("square",))
    about = {"notebook": "toy", "assignment": ASSIGNMENT, "db_url": f"sqlite:///{course}/gradebook.db"}
    with pytest.raises(RuntimeError, match=f"Cannot add or remove cells .* course revise '{ASSIGNMENT}'"):      # nbgrader itself cannot
        SaveCells()(nbformat.read(course / "source" / ASSIGNMENT / NAME, as_version=4), {"nbgrader": about})
    said = run(course, yes=True)
    found, most = rows(course)
    assert most == 4 + 4 + 5 + 3 and "test_half" not in found and found["test_square"] == (None, None, None, True)
    assert found[QUESTION] == (None, 3.0, None, False) and found["test_double"][0] == 4.0
    table, = (course / "build").glob("revised-*.csv")
    with open(table, newline="") as file:
        gone = list(csv.DictReader(file))
    assert {(row["student"], row["cell"], row["person"], row["extra credit"], row["comment"]) for row in gone} == {
        ("student-01", "test_half", "2.0", "0.5", ""), ("student-02", "test_half", "", "", ""), ("student-01", "half", "", "", "'=Why?")}
    copy, = course.glob("gradebook.db.before-*")
    with Gradebook(f"sqlite:///{copy}") as gradebook:
        assert gradebook.find_grade("test_half", "toy", ASSIGNMENT, "student-01").manual_score == 2.0
    assert str(table) in said and str(copy) in said
    done, = run_together([(["generate_assignment", ASSIGNMENT, "--force"], course)])
    assert done.returncode == 0, done.stdout
    assert rows(course) == (found, most) and "def square" in (course / "release" / ASSIGNMENT / NAME).read_text()
    with Course(course).writer(ASSIGNMENT) as writer:
        order = [name for name in writer.wanted["toy"] if name != "setup"]
    assert order == ["square", "test_square", "double", "test_double", "negative", "test_negative", QUESTION]


def test_points_that_are_lowered_let_no_score_stand_above_them_unseen(course):
    change(course, points={QUESTION: 2})
    run(course, yes=True)
    assert rows(course)[0][QUESTION] == (None, 3.0, None, True) and rows(course, "student-02")[0][QUESTION] == (None, 1.0, None, False)


def test_a_score_above_the_points_waits_until_a_person_has_looked_whatever_is_graded_meanwhile(course):
    change(course, points={QUESTION: 2, "test_half": 1})
    run(course, yes=True)
    assert people_decided(Course(course), ASSIGNMENT, ["student-01", "student-02"]) == {"student-01": {}, "student-02": {QUESTION: 1.0}}
    grade_again(course)
    found, _ = rows(course)
    assert found[QUESTION] == (None, 3.0, None, True) and found["test_half"] == (4.0, 2.0, 0.5, True)
    with termclass.book(course) as gradebook:
        gradebook.find_grade(QUESTION, "toy", ASSIGNMENT, "student-01").needs_manual_grade = False      # Enter confirms a score
        gradebook.db.commit()
    grade_again(course)
    assert rows(course)[0][QUESTION] == (None, 3.0, None, False) and rows(course, "student-02")[0][QUESTION] == (None, 1.0, None, False)


def grade_again(root):
    """Store the same hand-ins once more, as a regrade does."""
    released = (root / "release" / ASSIGNMENT / NAME).read_text()
    with Course(root).writer(ASSIGNMENT) as writer:
        for student in STUDENTS:
            writer.store(Graded(student, None, {"toy": released}, (), {("toy", f"test_{name}"): 4.0 for name in termclass.EXERCISES}))


def test_points_that_only_move_between_exercises_are_other_points(course):
    judge = Course(course)
    with termclass.book(course) as gradebook:
        row = gradebook.find_assignment(ASSIGNMENT)
        verdicts = {name: VerdictRecord(4, 4, ()) for name in termclass.EXERCISES}
        records = {"toy": Record(graded_by={OWN: own_digest(course_files(judge.execute.course_root), "toy")}, verdicts=verdicts)}
        result = next(results_of(gradebook, ASSIGNMENT, ["student-01"]))
        assert Today(judge, row).differs(result, records) is None
        change(course, points={"test_double": 5, "test_half": 3})
        run(course, yes=True)
        gradebook.db.expire_all()
        assert Today(judge, row).differs(result, records) == "other points"


def test_scores_can_be_scaled_with_the_points(course):
    change(course, points={QUESTION: 2, "test_half": 8})
    assert "2 scores that people gave are scaled" in run(course, scale=True)
    run(course, yes=True, scale=True)
    assert [rows(course, student)[0][QUESTION][1:] for student in STUDENTS] == [(2.0, None, False), (0.67, None, False)]
    assert rows(course)[0]["test_half"] == (4.0, 4.0, 0.5, False)


def test_a_whole_notebook_is_neither_added_nor_removed(course):
    (course / "source" / ASSIGNMENT / "other.ipynb").write_text(json.dumps(nbformat.v4.new_notebook()))
    with pytest.raises(CourseError, match="other: a whole notebook is neither added nor removed"):
        run(course, yes=True)


def test_a_row_that_was_stored_before_an_exercise_was_added_gets_a_grade_when_it_is_graded_again(course):
    change(course, new=("square",))
    run(course, yes=True)
    with Course(course).writer(ASSIGNMENT) as writer:
        writer.store(Graded("student-01", None, {"toy": (course / "release" / ASSIGNMENT / NAME).read_text()}, (), {("toy", "test_square"): 5.0}))
    assert rows(course)[0]["test_square"] == (5.0, None, None, False) and rows(course)[0][QUESTION][1] == 3.0


def test_before_the_regrade_pages_say_that_it_is_the_next_step(course):
    change(course, gone=("half",))
    run(course, yes=True)
    said = io.StringIO()
    assert make_feedback(Console(file=said, width=400), course, ASSIGNMENT, [], 1, False) == 3
    assert said.getvalue().count("changed after it was graded: course regrade 'hw 1' --because") == 2 and "--force" not in said.getvalue()


@pytest.mark.parametrize("what", [{"gone": (QUESTION,)}, {"new": ("square",)}])
def test_a_question_or_an_exercise_that_comes_or_goes_asks_for_a_regrade(course, what):
    judge = Course(course)
    with termclass.book(course) as gradebook:
        row = gradebook.find_assignment(ASSIGNMENT)
        records = {"toy": Record(graded_by={OWN: own_digest(course_files(judge.execute.course_root), "toy"), CELLS: cells_digest(
            [*(f"test_{name}" for name in termclass.EXERCISES), QUESTION])})}
        result = next(results_of(gradebook, ASSIGNMENT, ["student-01"]))
        assert Today(judge, row).differs(result, records) is None
    change(course, **what)
    run(course, yes=True)
    with termclass.book(course) as gradebook:
        today = Today(judge, gradebook.find_assignment(ASSIGNMENT))
        assert today.differs(result, records) == "other exercises or questions"
        before = {"toy": Record(graded_by={OWN: own_digest(course_files(judge.execute.course_root), "toy")})}
        assert today.differs(result, before) == "other exercises or questions", "also of gradings from before cells were kept"


def test_why_a_score_above_the_points_waits_is_said(course):
    change(course, points={QUESTION: 2})
    run(course, yes=True)
    line = f"{QUESTION} was given 3 points by a person and is worth 2 by now"
    assert in_words(standing(Course(course).dir, ASSIGNMENT, STUDENTS)) == [f"{line}: confirm or change it in formgrader: 'student-01'"]
    with termclass.book(course) as gradebook:
        results = {result.student_id: result for result in results_of(gradebook, ASSIGNMENT)}
    assert needs("student-01", results, Outcome())[0] == line and not needs("student-02", results, Outcome())
