"""Formgrader's tables tell what counts, and what is graded, as every other table of the course does."""

from collections import Counter
from contextlib import nullcontext
from itertools import product
from pathlib import Path
from types import SimpleNamespace

import nbformat
import pytest
from nbgrader.api import Gradebook
from nbgrader.apps.api import NbGraderAPI

from grading.notebooks.again import MARK, digest, mark_of
from grading.plugins import counting
from grading.run.batch import Graded
from grading.run.course import Course

NAME = "activations"


@pytest.fixture
def course(course_folder):
    """student-01 is graded and late, student-02 only has an extension, student-03 handed in and is not graded."""
    root = course_folder("ps1")
    released = nbformat.writes(nbformat.read(root / "release" / "ps1" / f"{NAME}.ipynb", as_version=4))
    for student in ("student-01", "student-03"):
        folder = root / "submitted" / student / "ps1"
        folder.mkdir(parents=True)
        (folder / f"{NAME}.ipynb").write_text(released)
    with Course(root).writer("ps1") as writer:
        mark = mark_of(digest(root / "submitted" / "student-01" / "ps1"), False)
        writer.store(Graded("student-01", "2026-03-01 10:00:00 UTC", {NAME: released}, ((MARK, mark),), {(NAME, "test_relu"): 1.0}))
    with Gradebook(f"sqlite:///{root}/gradebook.db") as gradebook:
        gradebook.update_or_create_student("student-02")
        gradebook.update_or_create_submission("ps1", "student-02")
        row = gradebook.find_submission_notebook(NAME, "ps1", "student-01")
        row.late_submission_penalty = 0.25
        for grade in row.grades:
            grade.needs_manual_grade = grade.name.startswith("explain")
        gradebook.find_grade("test_tanh_derivative", NAME, "ps1", "student-01").manual_score = 2.0
        gradebook.find_grade("explain_activations", NAME, "ps1", "student-01").manual_score = 4.0      # changed since
        gradebook.db.commit()
    return root


@pytest.fixture
def api(course):
    counting.install()
    here = Course(course)
    return NbGraderAPI(coursedir=here.dir, parent=here.app)


def test_penalties_are_off_and_what_waits_counts_for_nothing_in_every_table(api):
    due = 1.0 + 2.0 - 0.25
    assert {row["student"]: row["score"] for row in api.get_submissions("ps1")}["student-01"] == due
    assert [row["score"] for row in api.get_notebook_submissions("ps1", NAME)] == [due]
    assert [row["score"] for row in api.get_student_notebook_submissions("student-01", "ps1")] == [due]
    assert {row["id"]: row["score"] for row in api.get_students()} == {"student-01": due, "student-02": 0.0, "student-03": 0.0}
    assert api.get_student("student-01")["score"] == due == api.get_student_submissions("student-01")[0]["score"]


def test_averages_are_those_of_what_counts_and_of_who_is_graded(api):
    """nbgrader adds up what it stores, and divides by everybody who has a row: who only has more time as well."""
    shown, = [row for row in api.get_submissions("ps1") if row["autograded"]]
    one, notebook = api.get_assignment("ps1"), api.get_notebooks("ps1")[0]
    averages = [f"average_{name}" for name in ("score", "code_score", "written_score", "task_score")]
    assert [one[name] for name in averages] == [notebook[name] for name in averages] == [2.75, 3.0, 0.0, 0.0]
    assert [shown[name] for name in ("score", "code_score", "written_score", "task_score")] == [2.75, 3.0, 0.0, 0.0]
    assert notebook["num_submissions"] == 1 and one["max_score"] == notebook["max_score"] == shown["max_score"]
    assert api.get_assignments()[0]["average_score"] == 2.75


def test_an_assignment_that_nobody_handed_in_has_averages_of_nothing(api, course):
    with Gradebook(f"sqlite:///{course}/gradebook.db") as gradebook:
        gradebook.remove_submission("ps1", "student-01")
    assert api.get_assignment("ps1")["average_score"] == api.get_notebooks("ps1")[0]["average_score"] == 0.0
    assert api.get_assignment("no-such") is None


def test_what_is_taken_off_one_submission_is_asked_of_that_one_alone(api, course):
    with Gradebook(f"sqlite:///{course}/gradebook.db") as gradebook:
        one = {("student-01", "ps1", NAME): Counter(score=0.25 + 4.0, task_score=4.0)}
        assert counting.taken_off(gradebook) == {**one, ("student-02", "ps1", NAME): Counter()}
        assert counting.taken_off(gradebook, "student-01", "ps1") == one
        assert counting.taken_off(gradebook, "student-03") == counting.taken_off(gradebook, assignment="ps2") == {}


def test_who_only_has_an_extension_handed_in_nothing_and_what_is_not_graded_says_so(api):
    assert {row["student"]: row["autograded"] for row in api.get_submissions("ps1")} == {"student-01": True, "student-03": False}
    assert api.get_submission("ps1", "student-02")["submitted"] is False


def test_a_file_without_time_stamp_is_graded_once_it_is_and_not_before(api, course):
    """The gradebook keeps the time stamp of the exchange, to which such a file never comes up."""
    assert api.get_autograded_students("ps1") == {"student-01"}
    folder = course / "submitted" / "student-01" / "ps1"
    (folder / f"{NAME}.ipynb").write_text("{}")
    assert api.get_autograded_students("ps1") == set()
    (course / "autograded" / "student-01" / "ps1" / MARK).chmod(0o644)
    (course / "autograded" / "student-01" / "ps1" / MARK).write_bytes(mark_of(digest(folder), True))
    assert api.get_autograded_students("ps1") == {"student-01"}, "what was refused is graded, and waits"


# --- a small gradebook of several of everything ---------------------------------------------------------------------

CELLS = {"test_x": "code", "text": "markdown", "task": None}


FILES = "x/b/n", "x/b/m", "y/b/m", "z/b/n", "x/a/n", "z/a/m", "y/c/n", "z/c/m"


@pytest.fixture
def shelf(tmp_path):
    """Three students, assignments of two notebooks each, a point more in each cell than in the one before: (api, gradebook)."""
    with Gradebook("sqlite://") as gradebook:
        for assignment in "abc":
            gradebook.add_assignment(assignment)
            for notebook in "nm":
                gradebook.add_notebook(notebook, assignment)
                for name, kind in CELLS.items():
                    if kind:
                        gradebook.add_grade_cell(name, notebook, assignment, max_score=99, cell_type=kind)
                    else:
                        gradebook.add_task_cell(name, notebook, assignment, max_score=99, cell_type="markdown")
        value = 0.0
        for student in "xyz":
            gradebook.add_student(student)
            for assignment in "abc" if student != "z" else "ac":
                for notebook in gradebook.add_submission(assignment, student).notebooks:
                    notebook.late_submission_penalty = {("x", "b", "n"): 0.5, ("x", "b", "m"): 0.0, ("y", "a", "n"): 0.25}.get((student, assignment, notebook.name))
                    for grade in notebook.grades:
                        value += 1.0
                        grade.auto_score, grade.needs_manual_grade = value, False
        waiting = gradebook.find_grade("text", "m", "b", "y")
        waiting.manual_score, waiting.needs_manual_grade = waiting.auto_score + 40.0, True
        gradebook.find_grade("task", "m", "b", "y").auto_score = None
        gradebook.db.commit()
        for place in FILES:
            (tmp_path / place).parent.mkdir(parents=True, exist_ok=True)
            (tmp_path / f"{place}.ipynb").touch()
        course = SimpleNamespace(format_path=lambda step, student, assignment: str(tmp_path / step / student / assignment), autograded_directory=".", submitted_directory="in")
        yield SimpleNamespace(coursedir=course, gradebook=gradebook), gradebook


def scores_of(gradebook, student, assignment, notebook):
    """{kind: points} by the names of nbgrader's sums, as they stand in the rows."""
    found = {name: gradebook.find_grade(name, notebook, assignment, student).score or 0.0 for name in CELLS}
    return {"score": sum(found.values()), "code_score": found["test_x"], "written_score": found["text"], "task_score": found["task"]}


def test_what_counts_is_told_for_each_notebook_that_is_graded_and_no_other(shelf):
    api, gradebook = shelf
    due = {key: Counter(scores_of(gradebook, *key)) for key in (tuple(place.split("/")) for place in FILES) if key != ("z", "b", "n")}
    assert due["y", "b", "m"]["task_score"] == 0.0
    due["x", "b", "n"]["score"] -= 0.5
    for kind in ("score", "written_score"):
        due["y", "b", "m"][kind] -= 40.0
    for assignment in "abc":        # their numbers are random: one has others below it, and one above
        assert counting.points_of(api, gradebook, assignment) == {key: points for key, points in due.items() if key[1] == assignment}
    due = {key: points for key, points in due.items() if key[1] == "b"}
    found = counting.averages(due, (True, False, False))[()]
    everybody = [{kind: sum(counts[kind] for (who, *_), counts in due.items() if who == student) for kind in counting.AVERAGES} for student in "xy"]
    assert found == {f"average_{kind}": (everybody[0][kind] + everybody[1][kind]) / 2 for kind in counting.AVERAGES}


def test_what_is_taken_off_is_told_for_each_notebook_that_loses_something(shelf):
    _, gradebook = shelf
    late, waits = {("x", "b", "n"): Counter(score=0.5), ("y", "a", "n"): Counter(score=0.25)}, {("y", "b", "m"): Counter(score=40.0, written_score=40.0)}
    assert counting.taken_off(gradebook) == late | waits
    assert counting.taken_off(gradebook, "y") == {("y", "a", "n"): late["y", "a", "n"], **waits}
    for assignment in "abc":
        assert counting.taken_off(gradebook, assignment=assignment) == {key: less for key, less in (late | waits).items() if key[1] == assignment}
    assert counting.taken_off(gradebook, "x", "a") == {}


def test_who_is_graded_is_asked_of_this_assignment_alone(shelf, monkeypatch):
    api, _ = shelf
    monkeypatch.setattr(counting, "Kept", SimpleNamespace(of=lambda course, assignment: SimpleNamespace(why_grade=lambda *about: None)))
    assert counting.autograded_students(api, "b") == {"x", "y"}, "z has a folder and no row"


def test_a_notebook_is_looked_for_once_and_not_for_each_kind_of_cell(shelf, monkeypatch):
    api, gradebook = shelf
    asked = []
    monkeypatch.setattr(counting.os.path, "exists", lambda path: asked.append(path))
    assert counting.points_of(api, gradebook, "b") == {} and len(asked) == len(set(asked)) == 4


class Tables:
    """Formgrader's tables of two students, assignments and notebooks each, in which every row has a thousand points."""
    gradebook = nullcontext()

    def get_student(self, student_id):
        return {"id": student_id, "score": 1000.0}

    def get_students(self):
        return [self.get_student(student) for student in "xy"]

    def get_submission(self, assignment_id, student_id, ungraded=None):
        return {"student": student_id, "score": 1000.0}

    def get_submissions(self, assignment_id):
        return [self.get_submission(assignment_id, student) for student in "xy"]

    def get_notebook_submissions(self, assignment_id, notebook_id):
        return [{"student": student, "name": notebook_id, "score": 1000.0} for student in "xy"]

    def get_student_notebook_submissions(self, student_id, assignment_id):
        return [{"student": student_id, "name": notebook, "score": 1000.0} for notebook in "nm"]


# {method: (what it is asked, what its rows are about: student, assignment, notebook)}
ROWS = {"get_student": ("x", ["x"]), "get_students": ((), ["x", "y"]), "get_submission": ("ax", ["xa"]), "get_submissions": ("a", ["xa", "ya"]),
        "get_notebook_submissions": ("an", ["xan", "yan"]), "get_student_notebook_submissions": ("xa", ["xan", "xam"])}


@pytest.mark.parametrize("name", ROWS)
def test_each_row_of_a_table_loses_what_it_is_about(name, monkeypatch):
    less = {key: Counter(score=2.0 ** number) for number, key in enumerate(product("xy", "ab", "nm"))}
    monkeypatch.setattr(counting, "taken_off", lambda gradebook, student, assignment: {
        key: points for key, points in less.items() if student in (None, key[0]) and assignment in (None, key[1])})
    monkeypatch.setattr(counting, "folders", lambda api, student, assignment: [Path("/")])
    asked, rows = ROWS[name]
    found = counting.counted(getattr(Tables, name), counting.METHODS[name])(Tables(), *asked)
    due = [1000.0 - sum(points["score"] for key, points in less.items() if set(row) <= set(key)) for row in rows]
    assert [row["score"] for row in (found if isinstance(found, list) else [found])] == due
