"""A class of sixty comes out as it should: collected, graded, handed in again, graded again after a changed check."""

import csv
import os
import re
import shutil
import subprocess
import sys
import zipfile

import pytest
import termclass
from nbgrader.apps.api import NbGraderAPI
from termclass import ASSIGNMENT, KINDS, NAME, OPEN, QUESTION, Term, students
from toys import table_of

from grading.notebooks.names import csv_safe, shown
from grading.plugins import counting
from grading.plugins.exporters import CanvasExporter, MoodleExporter, TableExporter
from grading.run.course import Course
from grading.run.penalties import score_of
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
    term.read_the_essays()
    term.left["status"] = command(term.root, "status")
    term.left["feedback"] = command(term.root, "feedback", ASSIGNMENT, "--zip")
    term.left["report"] = command(term.root, "report", ASSIGNMENT, "--names")
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


# --- what comes out in the end ------------------------------------------------------------------------------------

def page_says(pages):
    """(what counts by the overview, by the notebook's own page, whether a person still reads) of a student's feedback."""
    overview, page = ((pages / name).read_text() for name in ("index.html", "toy.html"))
    points = [float(found) for found in re.findall(r"You have ([\d.]+) of|so ([\d.]+) count", overview) for found in found if found]
    shown = re.findall(r'<td class="number">(?:([\d.]+)|–) of', page)
    return points[-1], float(re.search(r"<p><b>([\d.]+) of 15 points</b>", page)[1]), "A person still reads" in overview, shown


def rows_of(term, plugin):
    """{student: the last cell of their row} of a grade file."""
    course = Course(term.root)
    with course.gradebook() as gradebook:
        exporter = plugin(to=str(term.root / "grades.csv"), parent=course.app)
        exporter.export(gradebook)
    with open(term.root / "grades.csv", newline="", encoding="utf-8") as file:
        rows = list(csv.DictReader(file))
    return {row.get("SIS Login ID") or row.get("Username") or row.get("student_id"): row.get(ASSIGNMENT, row.get("score")) for row in rows}


def test_formgrader_report_grade_files_and_feedback_agree_on_every_number_of_every_student(term):
    course = Course(term.root)
    counting.install()
    api = NbGraderAPI(coursedir=course.dir, parent=course.app)
    formgrader = {row["student"]: row for row in api.get_submissions(ASSIGNMENT)}
    totals = {row["id"]: row["score"] for row in api.get_students()}
    notebooks = {row["student"]: row["score"] for row in api.get_notebook_submissions(ASSIGNMENT, "toy")}
    files = [rows_of(term, plugin) for plugin in (CanvasExporter, MoodleExporter)]
    table = rows_of(term, TableExporter)
    with open(term.root / "build" / f"report-{ASSIGNMENT}.csv", newline="", encoding="utf-8") as file:
        report = {row["submission"]: row for row in csv.DictReader(file)}
    with course.gradebook() as gradebook:
        cells = {student: [1.0 * score_of(gradebook.find_grade(name, "toy", ASSIGNMENT, student)) if student != OPEN or name != QUESTION else None
                           for name in (*(f"test_{name}" for name in termclass.EXERCISES), QUESTION)] for student in students()}
    mean = sum(map(termclass.counts, students())) / len(students())
    averages = [row["average_score"] for row in (api.get_assignment(ASSIGNMENT), *api.get_assignments(), *api.get_notebooks(ASSIGNMENT))]
    assert averages == [pytest.approx(mean)] * 3
    for student in students():
        due, is_open = termclass.counts(student), student == OPEN
        overview, page, reads, shown = page_says(term.root / "feedback" / student / ASSIGNMENT)
        assert (formgrader[student]["score"], totals[student], notebooks[student], overview, page, float(table[csv_safe(student)])) == (due,) * 6, student
        assert (formgrader[student]["needs_manual_grade"], reads) == (is_open, is_open), student
        counted = [file[csv_safe(student)] for file in files] + [report[csv_safe(student)]["counts"]]
        assert [None if one == "" else float(one) for one in counted] == [None if is_open else due] * 3, student
        assert [float(one) if one else None for one in shown] == cells[student], student
        told = [report[csv_safe(student)][name] for name in (*termclass.EXERCISES, QUESTION)]
        assert [None if one == "" else float(one) for one in told] == cells[student], student


def test_status_report_and_the_zip_know_who_is_done(term):
    said = term.left["status"][1]
    assert f"a person has to grade or look: {OPEN}\n" in said and f"{ASSIGNMENT}: next: course lab" in said
    with zipfile.ZipFile(term.root / "build" / f"feedback-{ASSIGNMENT}.zip") as archive:
        assert {name.partition("/")[0] for name in archive.namelist()} == set(students())


def test_a_new_term_takes_the_class_into_the_archive_once_the_last_essay_is_read(term, tmp_path):
    root = tmp_path / "course"
    shutil.copytree(term.root, root, symlinks=True)
    config = root / "nbgrader_config.py"
    config.write_text(config.read_text().replace(str(term.root), str(root)))
    status, said = command(root, "new-term", "2026-winter", "--yes")
    assert status == 1 and "The term is not over" in said
    status, said = command(root, "new-term", "2026-winter", "--yes", "--anyway")
    place = root / "archive" / "2026-winter"
    assert status == 0 and (place / "gradebook.db").exists() and not (root / "gradebook.db").exists(), said
    for name in ("submitted", "autograded", "feedback"):
        assert {path.name for path in (place / name).iterdir() if not path.name.startswith(".")} == set(students()), name
    assert (place / "reports" / f"feedback-{ASSIGNMENT}.zip").exists() and not list((root / "exchange" / "gradients").iterdir())
    assert (root / "source" / ASSIGNMENT / NAME).exists()


# --- lists --------------------------------------------------------------------------------------------------------

def test_late_is_said_with_its_price(term):
    line, = [line for line in term.left["first"][1].splitlines() if line.startswith("late: ")]
    assert all(f"'{student}' by 1 h 0 min, 1.2 points off" in line for student, kind in students().items() if kind.day == "late")


def test_questions_without_a_score_are_counted(term):
    assert f"{QUESTION} has no score yet: {len(students())} submissions" in term.left["first"][1]


def test_accents_make_no_second_student(term):
    assert {path.name for path in (term.root / "autograded").iterdir() if path.is_dir()} == set(students())
    assert termclass.FULL == term.left["first"][2]["zoë-1"]
