"""`course regrade`: who changes is said first, up and down, what persons decided stays, every change is in the audit, and it can be undone."""

import io
import re
import shutil
from unittest.mock import patch

import pytest
from nbgrader.api import Gradebook
from rich.console import Console

from grading.notebooks.record import written
from grading.root import CourseError
from grading.run import audit
from grading.run.course import Course, store_one
from grading.tools import history, regrade
from grading.tools.dry_run import changes_table
from grading.tools.feedback import make_feedback
from tests.conftest import points_in
from tests.machine.classes import configure, course_grade, rows, submit_text

CLIPPED = "# %% relu\ndef relu(z):\n    return np.clip(z, 0, {most})\n"
TEXTS = {"right": "# %% relu\ndef relu(z):\n    return np.maximum(z, 0)\n", "clips": CLIPPED.format(most=900),
         "judged": CLIPPED.format(most=900), "nothing": ""}
LARGE = '''

@check("relu", "keeps large entries", weight={weight}, hint="Nothing bounds it.")
def test_relu_large_ones(student):
    student.agrees((np.array([1000.0, -1.0]),), rtol=1e-9)
'''


@pytest.fixture(scope="module")
def graded(generated, tmp_path_factory):
    """A class that a check too lenient for `clips` has graded; a person gave `judged` half a point."""
    root = configure(shutil.copytree(generated["ps1"], tmp_path_factory.mktemp("regrade") / "course"), "c.Course.timezone = 'UTC'")
    for student, text in TEXTS.items():
        submit_text(root, student, text)
    assert course_grade(root)[0] == 0
    with Gradebook(f"sqlite:///{root}/gradebook.db") as gradebook:
        gradebook.find_grade("test_relu", "activations", "ps1", "judged").manual_score = 0.5
        gradebook.db.commit()
    return root


@pytest.fixture(scope="module")
def regraded(graded, tmp_path_factory):
    """The same class after a stricter check was added and `course regrade`: (root, what it said, rows before)."""
    root = shutil.copytree(graded, tmp_path_factory.mktemp("regraded") / "course")
    add_check(root, 7)
    before = rows(root)
    status, said = run(root, "a check was missing")
    assert status == 0
    return root, said, before


@pytest.fixture
def course(regraded, tmp_path):
    return shutil.copytree(regraded[0], tmp_path / "course")


def add_check(root, weight):
    path = root / "tests/hidden/test_activations.py"
    text = path.read_text().split("\n\n@check(\"relu\", \"keeps large entries\"")[0]
    path.write_text(text + LARGE.format(weight=weight))


def run(root, because="", **options):
    console = Console(file=io.StringIO(), width=120)
    with patch("grading.run.pool.alone", lambda: True):     # as in `classes.course_grade`
        status = regrade.regrade(console, root, "ps1", because, 1, **options)
    return status, console.file.getvalue()


def undo(root):
    console = Console(file=io.StringIO(), width=120)
    return regrade.undo(console, root, "ps1"), console.file.getvalue()


def told(root, student, assignment=None):
    console = Console(file=io.StringIO(), width=120)
    history.history(console, root, student, assignment)
    return console.file.getvalue()


def score(root, student):
    with Gradebook(f"sqlite:///{root}/gradebook.db") as gradebook:
        return gradebook.find_submission("ps1", student).score


def was(graded):
    """What counted for `clips` at first, as it is told."""
    return written(score(graded, "clips"))


def entries(root):
    return audit.entries(root, "ps1")


# --- first who would change, then it does -------------------------------------------------------------------------

@pytest.mark.sandbox
def test_it_says_first_who_changes_by_how_much_and_by_which_check(regraded, graded):
    root, said, _ = regraded
    table, _, summary = said.partition("ps1: 4 regraded")
    line = next(line for line in table.splitlines() if "clips" in line)
    assert "right" not in table and "nothing" not in table
    assert re.search(rf"clips .*relu .*{re.escape(was(graded))} .*\d\.?\d* .*relu_large_ones", line)
    assert "0 have more points, 1 fewer, 3 as many" in summary and "a person's points stay" in table
    assert score(root, "clips") < score(graded, "clips") and score(root, "right") == score(graded, "right")


@pytest.mark.sandbox
def test_what_a_person_decided_stays(regraded, graded):
    root = regraded[0]
    assert score(root, "judged") == score(graded, "judged") == 0.5
    assert not [row for row in rows(root) if row[0] == "grade" and row[2] == "judged" and row[4] == "test_relu" and row[-1]]


@pytest.mark.sandbox
def test_a_look_writes_nothing(graded, tmp_path):
    root = shutil.copytree(graded, tmp_path / "course")
    assert "nobody would be graded otherwise today" in run(root, "nothing changed")[1]
    add_check(root, 7)
    before = rows(root)
    status, said = run(root, "a look", dry_run=True)
    assert status == 0 and "Nothing was written." in said and "clips" in said
    assert rows(root) == before and not (root / "audit").exists()


@pytest.mark.sandbox
def test_points_go_up_as_well_and_undo_goes_one_regrade_back_at_a_time(course, regraded):
    strict = score(course, "clips")
    add_check(course, 1)
    assert "1 have more points, 0 fewer" in run(course, "it weighed too much")[1]
    assert score(course, "clips") > strict
    undo(course)
    assert score(course, "clips") == strict
    undo(course)
    assert rows(course) == regraded[2]
    with pytest.raises(CourseError, match="No regrade of ps1"):
        undo(course)


# --- the audit ----------------------------------------------------------------------------------------------------

@pytest.mark.sandbox
def test_the_audit_has_a_line_for_each_with_old_new_why_when_and_digests(regraded, graded):
    found = {entry.student: entry for entry in entries(regraded[0])}
    assert found.keys() == TEXTS.keys()
    entry = found["clips"]
    assert entry.because == "a check was missing" and entry.old["counts"] == score(graded, "clips") and entry.new["counts"] == score(regraded[0], "clips")
    assert entry.changes == [["relu", score(graded, "clips"), entry.new["exercises"]["test_relu"], "relu_large_ones"]]
    old, new = (entry.by[side]["activations"] for side in ("old", "new"))
    assert old.keys() == new.keys() and old["tests/hidden"] != new["tests/hidden"] and old["reference_impl"] == new["reference_impl"]
    assert (regraded[0] / "audit").stat().st_mode & 0o077 == 0


@pytest.mark.sandbox
def test_history_answers_why_points_were_lost_and_what_changed_them(regraded, graded):
    said, most = told(regraded[0], "clips"), points_in()["relu"]
    assert re.search(rf"relu: \d\.?\d* of {most:g}, \d\.?\d* lost\n", said) and "keeps large entries" in said and "Nothing bounds it." in said
    assert re.search(rf"checks of weight \d+ of \d+ passed: {most:g} x \d+/\d+ = \d\.?\d*", said)
    assert "tests/hidden " in said and "numpy " in said and "Today it would be graded the same." in said
    assert re.search(rf"\d{{4}}, \d\d:\d\d UTC: regraded because a check was missing: {re.escape(was(graded))} -> \d\.?\d* points", said)
    assert "relu_large_ones" in said and "a person decided, the checks alone gave" in told(regraded[0], "judged")
    with pytest.raises(CourseError, match="Did you mean clips"):
        told(regraded[0], "clip")


@pytest.mark.sandbox
def test_pages_say_that_and_why_it_was_regraded_until_it_is_undone(course, graded):
    def page(name="activations.html"):
        make_feedback(Console(quiet=True), course, "ps1", ["clips", "right"], 1, False)
        return (course / "feedback/clips/ps1" / name).read_text()

    note = (r"Regraded on \w+ \d+ \w+ \d+, \d\d:\d\d UTC because a check was missing: "
            rf"{re.escape(was(graded))} points counted before, \d\.?\d* after\.")
    assert re.search(note, page()) and re.search(note, page("index.html"))
    assert "Regraded" not in (course / "feedback/right/ps1/activations.html").read_text()
    undo(course)
    assert "Regraded" not in page() and "Regraded" not in page("index.html")


# --- undo ---------------------------------------------------------------------------------------------------------

@pytest.mark.sandbox
def test_undo_restores_scores_and_notebooks_is_in_the_audit_and_leaves_what_a_person_did_since(course, regraded, graded):
    with Gradebook(f"sqlite:///{course}/gradebook.db") as gradebook:
        gradebook.find_grade("test_relu", "activations", "ps1", "right").manual_score = 0.25
        gradebook.db.commit()
    status, said = undo(course)
    assert status == 0 and "undone for 4 of 4" in said
    was = {row for row in regraded[2] if row[2] != "right"}
    assert {row for row in rows(course) if row[2] != "right"} == was and score(course, "right") == 0.25
    place = "autograded/clips/ps1/activations.ipynb"
    assert (course / place).read_bytes() == (graded / place).read_bytes()
    last = entries(course)[-1]
    assert last.undoes == entries(course)[0].run and last.because == "undone: a check was missing"
    assert "Undone: a check was missing" in told(course, "clips") and "otherwise" in told(course, "clips")


@pytest.mark.sandbox
def test_who_was_graded_again_since_is_left_as_they_are(course):
    path = course / "autograded/clips/ps1/activations.ipynb"
    path.chmod(0o644)
    path.write_text(path.read_text() + "\n")
    status, said = undo(course)
    assert status == 3 and "graded again since, left as it is: clips" in said and "undone for 3 of 4" in said


@pytest.mark.sandbox
def test_a_run_that_was_ended_half_way_is_undone_for_those_it_had_reached(course, regraded):
    before = rows(course)
    add_check(course, 1)
    stored = []

    def two(writer, graded, *about):
        if len(stored) == 2:
            raise KeyboardInterrupt
        stored.append(graded.student)
        return store_one(writer, graded, *about)
    with patch("grading.tools.regrade.store_one", two), pytest.raises(KeyboardInterrupt):
        run(course, "it weighed too much")
    status, said = undo(course)
    assert status == 0 and "because “it weighed too much” is undone for 2 of 2" in said and rows(course) == before
    assert "because “a check was missing” is undone for 4 of 4" in undo(course)[1] and rows(course) == regraded[2]


# --- who is left out ----------------------------------------------------------------------------------------------

@pytest.mark.sandbox
def test_who_handed_in_again_or_is_gone_is_left_out_by_name(course):
    add_check(course, 2)
    shutil.rmtree(course / "submitted/right")
    shutil.rmtree(course / "submitted/clips")
    submit_text(course, "clips", TEXTS["right"])
    path = course / "autograded/nothing/ps1/activations.ipynb"
    path.chmod(0o644)
    path.write_text("{")
    chosen = regrade.choose(Course(course), "ps1", False)
    assert (chosen.students, chosen.newer, chosen.gone, chosen.damaged) == (["judged"], ["clips"], ["right"], ["nothing"])
    assert [line.split(":")[-1].strip() for line in regrade.left_out("ps1", chosen)] == ["clips", "nothing", "right"]


def test_no_name_is_cut_in_a_narrow_terminal():
    console = Console(file=io.StringIO(), width=40)
    name = "a-student-of-a-long-name@university.example"
    console.print(changes_table([regrade.Plan(name, [regrade.Change("sigmoid_derivative", 1.0, 0.5, "sigmoid_derivative_large_ones")], "")]))
    columns = zip(*(re.split("[│┃]", line)[1:-1] for line in console.file.getvalue().splitlines() if "│" in line))
    assert ["".join(map(str.strip, column)) for column in columns] == [name, "sigmoid_derivative", "1", "0.5", "sigmoid_derivative_large_ones"]


@pytest.mark.sandbox
@pytest.mark.parametrize("because", ["", "   ", "x" * 501, "a\x1b[31m"])
def test_a_reason_is_asked_for(graded, because):
    with pytest.raises(CourseError, match="--because needs a reason"):
        run(graded, because)
