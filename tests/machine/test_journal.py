"""Rows, folder and line of the audit change together: a regrade and its undo are killed before each of their steps in turn."""

import io
import json
import os
import pickle
import re
import shutil
import sqlite3
import sys
import warnings
from contextlib import closing
from pathlib import Path

import pytest
from classes import files, rows
from nbgrader.converters.base import NbGraderException
from nbgrader.coursedir import CourseDirectory
from rich.console import Console
from sqlalchemy.orm import Session
from traitlets.config import Config
from typer.testing import CliRunner

from grading.plugins.autograde import Autograde
from grading.root import CourseError
from grading.run import audit, journal
from grading.run.batch import Graded
from grading.run.course import Course, store_one
from grading.run.gradebook import all_rows, commit
from grading.run.only_one import at_work
from grading.tools import cli, history, regrade
from tests.conftest import points_in

EXERCISES = tuple(points_in())
STUDENTS = ("student-01",)        # one has all the steps
CHANGES = {"os.rename", "os.remove", "os.mkdir", "os.rmdir", "os.truncate", "os.link", "os.symlink"}
SAVED = "gradebook.db", "autograded", "audit"


def made_up(student, score):
    scores = {("activations", f"test_{name}"): score for name in EXERCISES}
    return Graded(student, notebooks={"activations": json.dumps({"score": score})}, scores={**scores, ("activations", "explain_activations"): None},
                  files=(("beside.txt", b"beside"),))


@pytest.fixture(scope="module")
def course(generated, tmp_path_factory):
    """A student has a point an exercise."""
    course = Course(shutil.copytree(generated["ps1"], tmp_path_factory.mktemp("journal") / "course"))
    with course.writer("ps1") as writer:
        for student in STUDENTS:
            writer.store(made_up(student, 1.0))
    save(course)
    return course


@pytest.fixture(autouse=True)
def as_it_was(course):
    restore(course)


def place(course):
    return Path(course.dir.root)


def save(course, name="saved"):
    for part in SAVED:
        source, target = place(course) / part, place(course) / name / part
        shutil.rmtree(target, ignore_errors=True)
        if source.is_dir():
            shutil.copytree(source, target)
        elif source.exists():
            target.parent.mkdir(exist_ok=True)
            shutil.copy2(source, target)


def restore(course, name="saved"):
    for part in SAVED:
        source, target = place(course) / name / part, place(course) / part
        shutil.rmtree(target, ignore_errors=True)
        if source.is_dir():
            shutil.copytree(source, target)
        elif source.exists():
            shutil.copy2(source, target)


# --- acts ---------------------------------------------------------------------------------------------------------

def store(course, score=0.5, because="a check was wrong", students=STUDENTS):
    """Regrade whoever does not have `score` yet."""
    plans = []
    for student in students:
        graded, folder = made_up(student, score), course.graded_folder("ps1", student)
        path = place(course) / f"{student}.pickle"
        path.write_bytes(pickle.dumps(graded))
        if (folder / "activations.ipynb").read_text() != graded.notebooks["activations"]:
            plans.append(regrade.Plan(student, [regrade.Change("relu", 1.0, score, "a check")], journal.state(folder), path))
    return regrade.store(course, "ps1", because, plans)


def undo(course, **options):
    console = Console(file=io.StringIO(), width=120)
    return regrade.undo(console, place(course), "ps1", **options), console.file.getvalue()


def told(course, student):
    console = Console(file=io.StringIO(), width=120)
    history.history(console, place(course), student, "ps1")
    return console.file.getvalue()


def killed_before(step, course, act):
    """Have a process do `act` that dies before the change of that number; False if it came to its end."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        pid = os.fork()
    if pid:
        status = os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])
        assert status in (0, 9), f"the act ended with {status}"
        return status == 9
    left = [step]

    def count():
        left[0] -= 1
        if left[0] < 0:
            os._exit(9)

    def watch(event, arguments):
        if event in CHANGES or event == "open" and (arguments[2] or 0) & (os.O_WRONLY | os.O_RDWR | os.O_CREAT):
            count()

    commit = Session.commit
    status = 1
    try:
        sys.addaudithook(watch)
        Session.commit = lambda self: (count(), commit(self))[1]
        act(course)
        status = 0
    finally:
        os._exit(status)


def take_two_points(course):
    """As `course due` does it."""
    with course.gradebook() as gradebook:
        row = gradebook.find_assignment("ps1")
        before = all_rows(row, row.submissions)
        row.submissions[0].notebooks[0].late_submission_penalty = 2.0
        commit(course.dir, gradebook, row, audit.Act("the deadline is another", audit.TERMS), before, row.submissions)


# --- what has to hold ---------------------------------------------------------------------------------------------

def scores(course):
    with closing(sqlite3.connect(place(course) / "gradebook.db")) as gradebook:       # nbgrader's own way takes ten times as long
        return dict(gradebook.execute(
            "select one.student_id, sum(auto_score) from grade join submitted_notebook part on grade.notebook_id = part.id "
            "join submitted_assignment one on part.assignment_id = one.id group by one.student_id"))


def agree(course, score_of_line):
    """Each student's points, folder and lines tell the same story, and nothing half-way lies about."""
    points, lines = scores(course), audit.entries(place(course), "ps1")
    for student in STUDENTS:
        told_by_folder = json.loads((course.graded_folder("ps1", student) / "activations.ipynb").read_text())["score"]
        mine = [entry for entry in lines if entry.student == student]
        assert points[student] == told_by_folder * len(EXERCISES) == score_of_line(mine), student
        assert len({entry.run for entry in mine}) == len(mine), "one line for each act"
    assert not journal.is_open(place(course))


def nothing_half_way(course):
    return {path.name for student in STUDENTS for path in course.graded_folder("ps1", student).parent.iterdir()} == {"ps1"}


def last_line(lines):
    return lines[-1].new["counts"] if lines else len(EXERCISES)


def each_step(course, act):
    """Kill `act` before each of its steps, each time from the same start; yields after each."""
    save(course, "start")
    for step in range(500):
        restore(course, "start")
        if not killed_before(step, course, act):
            assert step > 15, "there are steps"
            return
        yield step
    raise AssertionError("it never ended")


def test_a_regrade_that_is_killed_anywhere_is_finished_or_taken_back_and_can_be_done_again(course):
    seen, said = set(), set()
    for _ in each_step(course, store):
        said |= {line.rpartition("; ")[2] for line in course.settle("ps1")}
        agree(course, last_line)
        seen.add(tuple(scores(course).values()))
        assert len(list(place(course).glob("audit/before/*/*"))) == len(audit.entries(place(course), "ps1")), "what is kept is what was done"
        store(course)
        agree(course, last_line)
        assert set(scores(course).values()) == {len(EXERCISES) / 2} and nothing_half_way(course)
    assert len(seen) == 2 and said == {"it is done now.", "nothing of it is left."}


def test_an_undo_that_is_killed_anywhere_is_finished_or_taken_back_and_can_be_done_again(course):
    before, there = rows(place(course)), files(place(course))
    store(course)
    seen = set()
    for _ in each_step(course, lambda course: undo(course)):
        course.settle("ps1")
        agree(course, last_line)
        seen.add(tuple(scores(course).values()))
        if len(EXERCISES) not in scores(course).values():
            assert "a check was wrong" in undo(course)[1]
        agree(course, last_line)
        assert rows(place(course)) == before and files(place(course)) == there
    assert len(seen) == 2


# --- what else changes points -------------------------------------------------------------------------------------

def test_every_grading_that_changes_points_leaves_a_line_and_one_that_does_not_leaves_none(course):
    with course.writer("ps1") as writer:
        for score, why in ((1.0, "forced"), (0.5, "forced"), (0.25, "handed in again"), (0.25, "new")):
            store_one(writer, made_up("student-01", score), audit.act_of(why))
    lines = audit.entries(place(course), "ps1")
    assert [(line.how, line.old["counts"], line.new["counts"]) for line in lines] == [
        ("graded again", len(EXERCISES), len(EXERCISES) / 2), ("handed in again", len(EXERCISES) / 2, len(EXERCISES) / 4)]
    assert lines[0].graded["old"] != lines[0].graded["new"] == lines[1].graded["old"]
    assert [line.how for line in audit.in_force(lines)] == ["graded again"], "who hands in again knows why"
    assert re.search(rf"Graded again on .*: {len(EXERCISES)} points counted before, {len(EXERCISES) / 2:g} after", audit.in_words(lines[0], course.zone))
    said = told(course, "student-01")
    assert "Graded again:" in said and "Graded again, for it was handed in again:" in said and "relu: 1 -> 0.5" in said
    with pytest.raises(CourseError, match="No regrade of ps1"):
        undo(course)


def test_what_nbgrader_itself_was_doing_when_it_was_killed_gets_its_line(course):
    with course.writer("ps1") as writer:
        journal.intend(place(course), writer.about_to("student-01", audit.act_of("forced")))
        with sqlite3.connect(place(course) / "gradebook.db") as gradebook:
            gradebook.execute("update grade set auto_score = auto_score / 2")
    gradebook.close()
    assert len(course.settle()) == 1 and course.settle() == []
    line, = audit.entries(place(course), "ps1")
    assert (line.how, line.new["counts"]) == ("graded again", len(EXERCISES) / 2) and line.changed


def test_a_deadline_that_takes_points_off_leaves_a_line(course):
    take_two_points(course)
    line, = audit.entries(place(course), "ps1")
    assert (line.changes, line.new["counts"]) == ([["late penalty", 0.0, -2.0, "other terms"]], len(EXERCISES) - 2)
    assert f"The deadline is another: {len(EXERCISES)} -> {len(EXERCISES) - 2} points" in told(course, "student-01")


# --- what is torn, and what is asked for together -----------------------------------------------------------------

def test_what_was_written_by_halves_ends_no_command(course):
    store(course)
    root = place(course)
    with open(root / "audit/ps1.jsonl", "ab") as file:
        file.write('{"run": "x", "new": {}}\n{"because": "zoë'.encode()[:-1])
    (root / "audit/open").mkdir()
    for name in ("torn.json", ".torn.json.4711"):
        (root / "audit/open" / name).write_text('{"entry": {')
    assert "regraded because a check was wrong" in told(course, "student-01") and not journal.is_open(root)
    kept, = root.glob("audit/before/*/student-01")
    (kept / journal.ROWS).write_text("{")
    with pytest.raises(CourseError, match="No regrade of ps1 is there to be undone.*student-01"):
        undo(course)


def test_who_was_graded_again_since_keeps_nobody_from_an_earlier_regrade(course):
    both = "student-01", "student-02"
    with course.writer("ps1") as writer:
        writer.store(made_up("student-02", 1.0))
    store(course, 0.5, "the first", both)
    store(course, 0.25, "the second", both)
    with course.writer("ps1") as writer:
        writer.store(made_up("student-02", 0.75))
    for because in ("the second", "the first"):
        status, said = undo(course)
        assert status == 3 and f"“{because}” is undone for 1 of 2" in said and "left as it is: student-02" in said
    assert scores(course) == {"student-01": len(EXERCISES), "student-02": 0.75 * len(EXERCISES)}
    with pytest.raises(CourseError, match="Graded again since: student-02"):
        undo(course)


def test_a_look_at_an_undo_says_who_changes_and_writes_nothing(course):
    store(course)
    before = rows(place(course)), files(place(course)), (place(course) / "audit/ps1.jsonl").read_bytes()
    status, said = undo(course, dry_run=True)
    assert status == 0 and "Nothing was written." in said and "a check was wrong" in said
    assert re.search(r"student-01 .*relu .*0\.5 .*1 .*undone: a check", said)
    assert before == (rows(place(course)), files(place(course)), (place(course) / "audit/ps1.jsonl").read_bytes())


@pytest.mark.parametrize("options", [["--undo", "--all"], ["--undo", "--jobs", "2"], ["--undo", "--because", "x"], []])
def test_options_that_do_not_go_together_are_refused_in_one_sentence(course, options):
    before = rows(place(course))
    store(course)
    done = CliRunner().invoke(cli.app, ["regrade", "ps1", "--course", str(place(course)), *options])
    assert done.exit_code == 1 and done.stderr.count("course: ") == 1 and "--undo" in done.stderr
    assert rows(place(course)) != before


def test_any_later_command_settles_what_was_killed(course):
    step = next(step for step in range(40, 0, -1) if restore(course) or killed_before(step, course, store) and journal.is_open(place(course)))
    assert step
    CliRunner().invoke(cli.app, ["extend", "--course", str(place(course))])
    assert not journal.is_open(place(course))
    agree(course, last_line)


@pytest.mark.parametrize("hold", [lambda course: course.locked(), lambda course: at_work(course.dir)], ids=["our own", "nbgrader's"])
def test_while_a_run_is_at_work_nobody_settles_what_it_does(course, hold):
    with course.writer("ps1") as writer:
        journal.intend(place(course), writer.about_to("student-01", audit.act_of("forced")))
    with hold(course):
        assert Course(place(course)).settle() == [] and journal.is_open(place(course))
        with at_work(course.dir), pytest.raises(CourseError, match="Another grading run is at work"), course.locked():
            pass
    assert len(course.settle()) == 1


def test_a_command_on_deadlines_is_at_work_until_its_lines_are_there(course, monkeypatch):
    others, fulfilled = [], journal.fulfilled

    def fulfil(*arguments, **options):
        others.append((Course(place(course)).settle(), journal.is_open(place(course))))
        fulfilled(*arguments, **options)
    monkeypatch.setattr(journal, "fulfilled", fulfil)
    take_two_points(course)
    assert others == [([], True)] and len(audit.entries(place(course), "ps1")) == 1 and not journal.is_open(place(course))


class Failing(Autograde):
    """nbgrader's run, with one submission that fails in the middle, after its points were made `times` as many."""

    times: float
    others: list[object]

    def convert_single_notebook(self, notebook_filename):
        with closing(sqlite3.connect(Path(self.coursedir.root, "gradebook.db"))) as gradebook, gradebook:
            gradebook.execute("update grade set auto_score = auto_score * ?", [self.times])
        self.others = [Course(self.coursedir.root).settle(), journal.is_open(self.coursedir.root)]
        raise RuntimeError("it fails")


@pytest.mark.parametrize("times", [1.0, 0.5])
def test_a_submission_that_fails_in_nbgrader_is_done_with_at_the_end_of_its_run(course, times):
    root = place(course)
    shutil.copytree(root / "release/ps1", root / "submitted/student-01/ps1", dirs_exist_ok=True)
    config = Config(course.config)
    config.CourseDirectory.assignment_id = "ps1"
    run = Failing(config=config, coursedir=CourseDirectory(config=config), force=True)
    run.times = times
    with pytest.raises(NbGraderException):
        run.start()
    assert run.others == [[], True], "while it is at work nobody else settles anything"
    assert not journal.is_open(root) and course.settle() == []
    assert [line.new["counts"] for line in audit.entries(root, "ps1")] == [len(EXERCISES) / 2][times == 1.0:]


def test_who_may_not_look_into_the_audit_has_every_other_command(course, monkeypatch):
    with course.writer("ps1") as writer:
        journal.intend(place(course), writer.about_to("student-01", audit.act_of("forced")))
    really = os.stat

    def stat(path, **options):
        if os.path.join(course.dir.root, "audit", "") in str(path):
            raise PermissionError(13, "Permission denied", str(path))
        return really(path, **options)
    monkeypatch.setattr(os, "stat", stat)
    assert not journal.is_open(place(course))
    done = CliRunner().invoke(cli.app, ["extend", "--course", str(place(course))])
    assert (done.exit_code, done.exception) == (0, None)


def test_a_reason_may_hold_any_sign_at_which_a_text_could_be_cut(tmp_path):
    """`str.splitlines` cuts at some that JSON leaves as they are: the line was none, and nothing of it could be undone."""
    points = {"counts": 1, "exercises": {}}
    entry = audit.Entry("20260301-120000-000000", "ps1", "student-01", "2026-03-01T12:00:00+00:00", "copied\u2028from\x85a page", points, points)
    audit.append(tmp_path, entry)
    assert audit.entries(tmp_path, "ps1") == [entry]
