"""The one writer: rows and folder of a submission appear together, or neither does."""

import shutil
import sqlite3
import subprocess

import pytest
from classes import files, graded, rows
from nbgrader.api import Gradebook
from nbgrader.dbutil import _temp_alembic_ini

from grading.notebooks.again import MARK
from grading.run.batch import Graded
from grading.run.course import Course, CourseError, store_one
from grading.run.gradebook import exists
from tests.conftest import points_in

EXERCISES = tuple(points_in())


@pytest.fixture
def course(course_folder):
    return course_folder("ps1")


@pytest.fixture
def writer(course):
    with Course(course).writer("ps1") as writer:
        yield writer


def made_up(student="student-01", score=1.0, text="{}", **more):
    scores = {("activations", f"test_{name}"): score for name in EXERCISES}
    return Graded(student, notebooks={"activations": text}, scores={**scores, ("activations", "explain_activations"): None},
                  comments={("activations", "explain_activations"): "No response."}, **more)


def scores(course):
    return {row[4]: row[5] for row in rows(course) if row[0] == "grade"}


def test_a_submission_gets_every_row_once_however_often_it_is_stored(writer, course):
    writer.store(made_up(score=1.0))
    writer.store(made_up(score=0.5))
    assert len(rows(course)) == len({row[:5] for row in rows(course)})
    assert scores(course) == {**{f"test_{name}": 0.5 for name in EXERCISES}, "explain_activations": None}
    assert [row[5] for row in rows(course) if row[0] == "comment" and row[4] == "explain_activations"] == ["No response."]


def test_a_manual_score_stays_and_asks_for_another_look_after_a_regrade(writer, course):
    writer.store(made_up())
    with Gradebook(f"sqlite:///{course}/gradebook.db") as gradebook:
        grade = gradebook.find_grade("test_relu", "activations", "ps1", "student-01")
        grade.manual_score, grade.needs_manual_grade = 0.25, False
        gradebook.db.commit()
    writer.store(made_up(score=2.0))
    (row,) = [row for row in rows(course) if row[0] == "grade" and row[4] == "test_relu"]
    assert row[5:] == (2.0, 0.25, None, True) or row[5:] == (2.0, 0.25, 0.0, True)


def test_the_folder_holds_what_was_graded_read_only_and_nothing_of_before(writer, course):
    writer.store(made_up(files=(("old.txt", b"old"),)))
    writer.store(made_up(text="{ }", files=(("data/new.txt", b"new"),)))
    found = files(course)
    assert {name: content for name, (content, _) in found.items()} == {
        "student-01/ps1/activations.ipynb": b"{ }", "student-01/ps1/data/new.txt": b"new"}
    assert {mode & 0o777 for _, mode in found.values()} == {0o444}


def test_files_that_cannot_be_written_cost_their_own_submission_only(writer, course):
    broken = made_up("student-02", files=(("a", b""), ("a/b", b"")))
    store_one(writer, broken)
    assert "could not be written" in broken.error
    store_one(writer, made_up("student-03"))
    assert graded(course) == ["student-03"]
    assert {row[2] for row in rows(course) if row[0] == "submission"} == {"student-03"}
    assert not list(course.glob("autograded/*/.ps1*"))


def test_a_gradebook_that_cannot_be_written_leaves_the_older_folder_in_its_place(writer, course):
    writer.store(made_up(text="before"))
    other = sqlite3.connect(course / "gradebook.db")
    other.execute("BEGIN EXCLUSIVE")
    writer.db.connection().exec_driver_sql("PRAGMA busy_timeout = 100")
    with pytest.raises(CourseError, match="gradebook could not be written.*run the command again"):
        store_one(writer, made_up(score=2.0, text="after"))
    other.rollback()
    other.close()
    assert files(course)["student-01/ps1/activations.ipynb"][0] == b"before" and scores(course)["test_relu"] == 1.0
    store_one(writer, made_up(score=2.0, text="after"))
    assert files(course)["student-01/ps1/activations.ipynb"][0] == b"after" and scores(course)["test_relu"] == 2.0


def test_what_a_killed_run_left_half_way_is_removed(writer, course):
    writer.store(made_up())
    for name in (".ps1.partial", ".ps1.old"):
        shutil.copytree(course / "autograded/student-01/ps1", course / "autograded/student-01" / name)
    writer.tidy()
    assert [path.name for path in (course / "autograded/student-01").iterdir()] == ["ps1"]


def test_a_gradebook_is_there_where_its_file_is_or_a_server_is_asked(tmp_path):
    (tmp_path / "there.db").touch()
    for name in ("there.db", "not.db"):
        for place in (f"sqlite:///{tmp_path}/{name}", f"sqlite:///file:{tmp_path}/{name}"):
            assert exists(place) is (name == "there.db")
    assert exists("postgresql://somewhere/gradebook") and exists("sybase://somewhere/gradebook") and not exists("sqlite://")


def test_files_for_a_group_can_be_written_by_it_and_the_mark_has_the_time_of_reading(writer, course):
    writer.coursedir.groupshared = True
    writer.store(made_up(files=((MARK, b"digest"),), read_at=1_700_000_000_123_456_789))
    assert {mode & 0o777 for _, mode in files(course).values()} == {0o664}
    assert (course / "autograded/student-01/ps1" / MARK).stat().st_mtime_ns == 1_700_000_000_123_456_789


def test_what_was_not_handed_in_has_no_points_and_waits_for_nobody(writer, course):
    writer.store(Graded("student-01"))
    assert {(row[5], row[6], row[8]) for row in rows(course) if row[0] == "grade"} == {(0.0, None, False)}


def test_a_new_gradebook_bears_the_number_that_nbgrader_asks_a_program_for(tmp_path):
    with Gradebook(f"sqlite:///{tmp_path}/gradebook.db"):
        pass
    with sqlite3.connect(tmp_path / "gradebook.db") as ours:
        number, = ours.execute("select version_num from alembic_version").fetchone()
    with _temp_alembic_ini(f"sqlite:///{tmp_path}/gradebook.db") as ini:
        said = subprocess.run(["alembic", "-c", ini, "current"], capture_output=True, text=True, check=True)
    assert said.stdout.split() == [number, "(head)"]
