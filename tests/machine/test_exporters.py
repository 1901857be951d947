"""`nbgrader export` with the course's exporters: what Canvas and Moodle read, one row per student, no formula in it."""

import csv
import shutil
from datetime import UTC, datetime, timedelta

import pytest
from nbgrader.api import Gradebook
from nbgrader.plugins import CsvExportPlugin

from grading.plugins.exporters import CanvasExporter, MoodleExporter, TableExporter
from grading.run.course import Course
from tests.conftest import ROOT


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    """Three students; student-01 is graded, student-02's question waits for a person, =cmd|'x' handed in nothing.

    The assignment has 20 points for code and 5 for a question."""
    root = tmp_path_factory.mktemp("exporters") / "course"
    root.mkdir()
    shutil.copy(ROOT / "nbgrader_config.py", root)
    with Gradebook(f"sqlite:///{root}/gradebook.db") as book:
        book.add_assignment("ps1")
        book.add_notebook("toy", "ps1")
        book.add_grade_cell("test_double", "toy", "ps1", max_score=20, cell_type="code")
        book.add_task_cell("explain_toy", "toy", "ps1", max_score=5, cell_type="markdown")
        book.add_student("student-01", first_name="First", last_name="Lästname", email="student-01@example.org", lms_user_id="4711")
        book.add_student("student-02", first_name="-2+3", last_name="La\nst", email="@student-02")
        book.add_student("=cmd|'x'")
        for student in ("student-01", "student-02"):
            submission = book.add_submission("ps1", student)
            for grade in submission.notebooks[0].grades:
                grade.auto_score = None if grade.name.startswith("explain") else grade.max_score
                grade.manual_score = 3.5 if grade.auto_score is None and student == "student-01" else None
                grade.needs_manual_grade = grade.auto_score is None and student == "student-02"
        book.db.commit()
    return root


@pytest.fixture
def gradebook(made, tmp_path):
    shutil.copytree(made, tmp_path / "course")
    with Gradebook(f"sqlite:///{tmp_path}/course/gradebook.db") as book:
        yield book


def table(plugin, gradebook, tmp_path, **settings):
    exporter = plugin(to=str(tmp_path / "grades.csv"), **settings)
    exporter.export(gradebook)
    with open(tmp_path / "grades.csv", newline="", encoding="utf-8") as file:
        return list(csv.reader(file))


def test_canvas_finds_its_columns_and_the_points_possible(gradebook, tmp_path):
    head, possible, *students = table(CanvasExporter, gradebook, tmp_path)
    assert head == ["Student", "ID", "SIS User ID", "SIS Login ID", "Section", "ps1"]
    assert possible == ["    Points Possible", "", "", "", "", "25.0"]
    assert students[1] == ["Lästname, First", "4711", "", "student-01", "", "23.5"]
    assert len(students) == 3


def test_moodle_gets_every_key_that_it_can_map(gradebook, tmp_path):
    head, *students = table(MoodleExporter, gradebook, tmp_path)
    assert head == ["First name", "Last name", "Username", "ID number", "Email address", "ps1"]
    assert students[1] == ["First", "Lästname", "student-01", "4711", "student-01@example.org", "23.5"]


def test_what_a_person_has_not_finished_stays_as_it_is_over_there(gradebook, tmp_path):
    assert table(CanvasExporter, gradebook, tmp_path)[4][-1] == ""
    assert table(CanvasExporter, gradebook, tmp_path, unfinished="partial")[4][-1] == "20.0"


# --- blanks: what has not happened is no number -------------------------------------------------------------------

PLUGINS = CanvasExporter, MoodleExporter, TableExporter


def scores(plugin, gradebook, tmp_path, **settings):
    """{student: what stands in the column of ps1, or None where there is no such column}"""
    rows = table(plugin, gradebook, tmp_path, **settings)
    head = rows[0]
    column = head.index("ps1") if "ps1" in head else head.index("score") if "score" in head else None
    name = next(head.index(title) for title in ("SIS Login ID", "Username", "student_id") if title in head)
    return {row[name]: row[column] if column is not None else None for row in rows[1:] if row[name]}


@pytest.mark.parametrize("plugin", PLUGINS)
def test_what_is_not_due_is_in_no_table_and_blank_where_it_is_asked_for(plugin, gradebook, tmp_path):
    gradebook.update_or_create_assignment("ps1", duedate=datetime.now(UTC) + timedelta(hours=1))
    assert set(scores(plugin, gradebook, tmp_path).values()) <= {None}
    assert set(scores(plugin, gradebook, tmp_path, assignment=["ps1"]).values()) == {""}
    gradebook.update_or_create_assignment("ps1", duedate=datetime.now(UTC) - timedelta(hours=1))
    assert scores(plugin, gradebook, tmp_path)["student-01"] == "23.5"


@pytest.mark.parametrize("plugin", PLUGINS)
def test_who_still_has_time_is_blank_and_nobody_else(plugin, gradebook, tmp_path):
    gradebook.update_or_create_assignment("ps1", duedate=datetime.now(UTC) - timedelta(hours=1))
    gradebook.add_student("student-04")
    for student in ("student-01", "student-04"):
        gradebook.update_or_create_submission("ps1", student).extension = timedelta(days=1)
    gradebook.db.commit()
    found = scores(plugin, gradebook, tmp_path)
    assert (found["student-01"], found["student-04"], found["'=cmd|'x'"]) == ("", "", "0.0")


@pytest.mark.parametrize("plugin", PLUGINS)
def test_what_nobody_handed_in_or_was_never_generated_is_in_no_table(plugin, gradebook, tmp_path):
    gradebook.add_assignment("ps9", duedate="2026-03-01 12:00:00 UTC")
    for student in ("student-01", "student-02"):
        gradebook.remove_submission("ps1", student)
    assert set(scores(plugin, gradebook, tmp_path).values()) <= {None}
    assert not [cell for row in table(plugin, gradebook, tmp_path) for cell in row if cell == "ps9"]


@pytest.mark.parametrize("plugin", PLUGINS)
def test_what_lies_in_submitted_and_is_not_graded_is_no_0(plugin, gradebook, tmp_path):
    gradebook.add_student("student-05")
    (tmp_path / "course" / "submitted" / "student-05" / "ps1").mkdir(parents=True)
    found = scores(plugin, gradebook, tmp_path, parent=Course(tmp_path / "course").app)
    assert (found["student-05"], found["'=cmd|'x'"]) == ("", "0.0")


@pytest.mark.parametrize("plugin", [CanvasExporter, MoodleExporter])
def test_what_waits_for_a_person_is_blank_until_the_person_has_looked(plugin, gradebook, tmp_path):
    assert scores(plugin, gradebook, tmp_path)["student-02"] == ""
    for grade in gradebook.find_submission("ps1", "student-02").notebooks[0].grades:
        grade.manual_score, grade.needs_manual_grade = (2.0 if grade.auto_score is None else None), False
    gradebook.db.commit()
    assert scores(plugin, gradebook, tmp_path)["student-02"] == "22.0"
    for grade in gradebook.find_submission("ps1", "student-02").notebooks[0].grades:
        grade.needs_manual_grade = grade.manual_score is not None      # the answer was changed since
    gradebook.db.commit()
    assert scores(plugin, gradebook, tmp_path)["student-02"] == ""
    assert scores(plugin, gradebook, tmp_path, unfinished="partial")["student-02"] == "20.0", "the old score counts for nothing"


def test_who_handed_in_nothing_gets_0_as_in_nbgraders_own_table(gradebook, tmp_path):
    assert table(MoodleExporter, gradebook, tmp_path)[1][-1] == "0.0"


def test_a_late_penalty_is_taken_off(gradebook, tmp_path):
    gradebook.find_submission("ps1", "student-01").notebooks[0].late_submission_penalty = 2.25
    gradebook.db.commit()
    assert [row[-1] for row in table(CanvasExporter, gradebook, tmp_path) if row[3] == "student-01"] == ["21.25"]


@pytest.mark.parametrize("plugin", [CanvasExporter, MoodleExporter, TableExporter])
def test_no_cell_is_a_formula_to_a_spreadsheet(plugin, gradebook, tmp_path):
    cells = [cell for row in table(plugin, gradebook, tmp_path) for cell in row]
    assert not [cell for cell in cells if cell.startswith(("=", "+", "-", "@", "\t", "\r"))]
    assert "'=cmd|'x'" in cells and not [cell for cell in cells if "\n" in cell]


def test_the_default_is_nbgraders_table_in_which_an_id_cannot_make_up_its_points(gradebook, tmp_path):
    gradebook.add_student("student-03,,,,20.0,0.0,20.0,20.0")
    gradebook.db.commit()
    CsvExportPlugin(to=str(tmp_path / "theirs.csv")).export(gradebook)
    with open(tmp_path / "theirs.csv", newline="", encoding="utf-8") as file:
        theirs = list(csv.reader(file))
    ours = table(TableExporter, gradebook, tmp_path)
    assert {tuple(row) for row in ours if row[3] == "student-01"} == {tuple(row) for row in theirs if row[3] == "student-01"}
    assert ours[0] == theirs[0] and [row[9] for row in theirs if row[3] == "student-03"] == ["20.0"], "the control"
    assert [row[9] for row in ours if row[3].startswith("student-03")] == ["0.0"] and {len(row) for row in ours} == {11}


def test_students_assignments_and_titles_can_be_chosen(gradebook, tmp_path):
    rows = table(CanvasExporter, gradebook, tmp_path, student=["student-01"], assignment=["ps1"], columns={"ps1": "Problem set 1 (99)"})
    assert rows[0][-1] == "Problem set 1 (99)" and [row[3] for row in rows[2:]] == ["student-01"]
    assert len(table(CanvasExporter, gradebook, tmp_path, assignment=["ps2"])[0]) == 5


def test_nbgraders_own_command_takes_the_exporter(gradebook, tmp_path, nbgrader):
    root = tmp_path / "course"
    assert "c.ExportApp.plugin_class = \"grading.plugins.exporters.TableExporter\"" in (root / "nbgrader_config.py").read_text()
    done = nbgrader("export", "--exporter=grading.plugins.exporters.CanvasExporter", "--to", tmp_path / "c.csv", cwd=tmp_path / "course")
    assert done.returncode == 0, done.stdout
    assert (tmp_path / "c.csv").read_text().startswith("Student,ID,")
