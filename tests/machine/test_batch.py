"""`course grade`: the same as `nbgrader autograde` leaves, only what needs grading, and runs that end well."""

import fcntl
import os
import shutil
import signal

import classes
import nbformat
import pytest
from classes import SLEEPY, configure, course_grade, differences, files, graded, points, rows, started, submit, submit_text, workers_of
from nbgrader.api import Gradebook

from grading.run import batch
from grading.run.course import Course, CourseError
from grading.run.gradebook import NotGenerated
from grading.run.pool import Pool
from grading.border.sandbox import COLD, Isolation, KernelNotStarted, Sandbox, SandboxUnavailable, find_bwrap
from tests.conftest import ASSIGNMENTS, SUBMISSIONS, points_due

pytestmark = pytest.mark.sandbox
GOLDEN = sorted(name for name in ASSIGNMENTS if (SUBMISSIONS / name).is_dir())
FULL = points_due(SUBMISSIONS / "ps1" / "perfect-vectorised")


@pytest.fixture
def course(course_folder):
    """A course with ps1 generated and short limits."""
    return configure(course_folder("ps1"))


# --- the same as nbgrader -----------------------------------------------------------------------------------------

@pytest.mark.parametrize("assignment", GOLDEN[:1])      # each takes half a minute; the first holds every kind of end
def test_golden_submissions_leave_what_nbgrader_autograde_leaves(assignment, golden_class, course_folder):
    theirs, finished = golden_class[assignment]
    assert finished.returncode == 0, finished.stdout[-3000:]
    root = configure(course_folder(assignment))
    shutil.copytree(theirs / "submitted", root / "submitted", dirs_exist_ok=True)
    status, said = course_grade(root, assignment=assignment)
    assert status == 0, said
    assert rows(root) == rows(theirs)
    assert not (found := differences(root, theirs)), "\n".join(found)


def test_late_submissions_leave_what_nbgrader_autograde_leaves(course, nbgrader):
    """On time, late, late with an extension, without a time stamp, one file more; some graded by a person before."""
    configure(course, "c.AssignLatePenalties.plugin_class = 'nbgrader.plugins.LateSubmissionPlugin'",
              "c.LateSubmissionPlugin.penalty_method = 'zero'")
    with Gradebook(f"sqlite:///{course}/gradebook.db") as gradebook:
        gradebook.update_or_create_assignment("ps1", duedate="2026-03-01 12:00:00 UTC")
        for student in ("extended", "corrected"):
            gradebook.update_or_create_student(student)
            gradebook.update_or_create_submission("ps1", student)
        gradebook.grant_extension("ps1", "extended", days=3)
        grade = gradebook.find_grade("explain_activations", "activations", "ps1", "corrected")
        grade.manual_score, grade.extra_credit, grade.needs_manual_grade = 1.5, 0.5, False
        above = gradebook.find_grade("test_relu", "activations", "ps1", "corrected")
        above.manual_score, above.needs_manual_grade = 9.0, True       # given before the points were lowered: waits, whoever grades
        gradebook.find_comment("explain_activations", "activations", "ps1", "corrected").manual_comment = "Well put."
        gradebook.db.commit()
    for student in ("extended", "late"):
        submit(course, student, "perfect-vectorised", "2026-03-02 12:00:00 UTC")
    submit(course, "on-time", "half-finished", "2026-02-27 10:00:00 Europe/Berlin")
    submit(course, "corrected", "loses-right-tail", "2026-02-27 10:00:00 UTC")
    (submit(course, "stampless", "blank") / "notes.txt").write_text("see page 3")
    shutil.copytree(course, course.with_name("theirs"))
    theirs = nbgrader("autograde", "ps1", cwd=course.with_name("theirs"))
    assert theirs.returncode == 0, theirs.stdout[-3000:]
    assert course_grade(course)[0] == 0
    assert rows(course) == rows(course.with_name("theirs"))
    assert not (found := differences(course, course.with_name("theirs"))), "\n".join(found)
    assert points(course, "late") == points(course, "extended") == FULL
    penalties = {row[2]: row[5] for row in rows(course) if row[0] == "notebook"}
    assert penalties["late"] == FULL and penalties["extended"] is None
    with Gradebook(f"sqlite:///{course}/gradebook.db") as gradebook:
        assert gradebook.find_grade("test_relu", "activations", "ps1", "corrected").needs_manual_grade


def test_grading_is_a_pure_function(course):
    submit(course, "student-01", "half-finished")
    where = Course(course)
    (one,) = where.submissions("ps1")
    with where.writer("ps1") as writer:
        bundle = where.bundle("ps1", writer)
    submission = batch.read_submission(one.folder, "student-01", ["activations"])
    before = nbformat.writes(submission.notebooks["activations"])
    first, second = (vars(batch.grade(bundle, submission)) for _ in range(2))
    assert first.pop("seconds") > 0 and second.pop("seconds") > 0
    assert first == second and first["error"] is None
    assert nbformat.writes(submission.notebooks["activations"]) == before


# --- what needs grading -------------------------------------------------------------------------------------------

def test_new_newer_and_changed_submissions_are_graded_and_no_others(course):
    for student in ("student-01", "student-02"):
        submit(course, student, "blank", "2026-03-01 12:00:00 UTC")
    assert course_grade(course, jobs=1)[1].startswith("ps1: 2 submissions, 2 to grade.")
    assert course_grade(course, jobs=1) == (0, "ps1: 2 submissions, 0 to grade.\n")
    submit(course, "student-01", "perfect-vectorised", "2026-03-01 11:00:00 UTC")      # older than what was graded, and another one
    submit(course, "student-02", "perfect-vectorised", "2026-03-01 13:00:00 UTC")
    submit(course, "student-03", "half-finished")
    status, said = course_grade(course, jobs=1)
    assert status == 0 and said.startswith("ps1: 3 submissions, 3 to grade.")
    assert {name: points(course, name) for name in ("student-01", "student-02", "student-03")} == {
        "student-01": FULL, "student-02": FULL, "student-03": points_due(classes.CASES / "half-finished")}
    status, said = course_grade(course, "student-01", force=True)
    assert said.startswith("ps1: 1 submissions, 1 to grade.") and points(course, "student-01") == FULL


def test_a_regrade_keeps_what_a_person_wrote(course):
    submit(course, "student-01", "half-finished")
    course_grade(course)
    with Gradebook(f"sqlite:///{course}/gradebook.db") as gradebook:
        grade = gradebook.find_grade("explain_activations", "activations", "ps1", "student-01")
        grade.manual_score, grade.needs_manual_grade = 2.0, False
        gradebook.find_comment("explain_activations", "activations", "ps1", "student-01").manual_comment = "Good."
        gradebook.db.commit()
    course_grade(course, force=True)
    found = rows(course)
    assert [row[6] for row in found if row[0] == "grade" and row[4] == "explain_activations"] == [2.0]
    assert [row[6] for row in found if row[0] == "comment" and row[4] == "explain_activations"] == ["Good."]
    assert len(found) == len({row[:5] for row in found}), "nothing stands twice"


def test_a_dry_run_names_what_would_change_and_writes_nothing(course):
    submit(course, "student-01", "perfect-vectorised")
    submit(course, "student-02", "perfect-vectorised")
    course_grade(course)
    before = rows(course), files(course)
    submit(course, "student-02", "relu-one-at-zero")
    status, said = course_grade(course, dry_run=True)
    assert status == 0 and (rows(course), files(course)) == before
    assert "relu_derivative" in said and "zero" in said and "student-02" in said
    assert not [line for line in said.splitlines() if "│" in line and "student-01" in line], "student-01 would not change"


def test_a_notebook_that_nobody_can_read_needs_a_human_and_costs_nobody_else(course):
    submit(course, "student-01", "perfect-vectorised")
    (submit(course, "student-02", "blank") / "activations.ipynb").write_bytes(b"%PDF-1.7")
    status, said = course_grade(course)
    assert status == 3 and "student-02" in said and "PDF" in said
    assert points(course, "student-01") == FULL and graded(course) == ["student-01", "student-02"]
    assert all(row[8] for row in rows(course) if row[0] == "grade" and row[2] == "student-02"), "every cell waits for a person"


# --- refusals, each with its remedy -------------------------------------------------------------------------------

def test_an_assignment_that_was_not_generated_is_refused(course):
    submit(course, "student-01", "blank").rename(course / "submitted" / "student-01" / "ps9")
    with pytest.raises(NotGenerated, match="nbgrader generate_assignment ps9"):
        course_grade(course, assignment="ps9")


def test_a_name_that_no_assignment_has_is_refused_with_those_there_are(course):
    submit(course, "student-01", "blank")
    with pytest.raises(CourseError, match="no assignment ps9 .* There are: ps1"):
        course_grade(course, assignment="ps9")


def test_an_assignment_that_nobody_handed_in_is_graded_already(course):
    submit(course, "student-01", "blank")
    (course / "source" / "ps2").mkdir()
    assert course_grade(course, assignment="ps2") == (0, "ps2: 0 submissions, 0 to grade.\n")


def test_a_student_who_handed_in_nothing_is_named(course):
    submit(course, "student-01", "blank")
    with pytest.raises(CourseError, match="student-99"):
        course_grade(course, "student-01", "student-99")


def test_a_second_run_at_the_same_time_is_refused(course):
    submit(course, "student-01", "blank")
    (course / "autograded").mkdir()
    with open(course / "autograded" / ".grading.lock", "w") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        with pytest.raises(CourseError, match="Another grading run"):
            course_grade(course)
    assert course_grade(course)[0] == 0, "and goes ahead when the first is over"


def test_without_a_sandbox_grading_is_refused_with_the_remedy(course, tmp_path, monkeypatch):
    submit(course, "student-01", "blank")
    (tmp_path / "bwrap").write_text("#!/bin/sh\necho no namespaces here >&2\nexit 1\n")
    (tmp_path / "bwrap").chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path}:{os.environ['PATH']}")
    with pytest.raises(SandboxUnavailable, match=r"(?s)no namespaces here.*apt-get install bubblewrap"):
        course_grade(course)
    assert graded(course) == []


# --- processes that end -------------------------------------------------------------------------------------------

def test_a_grading_process_that_is_killed_costs_a_retry_only(course):
    for number in range(4):
        submit_text(course, f"s{number}", SLEEPY.format(seconds=1))
    with started(course) as (process, command):
        said = process.stdout.readline() + process.stdout.readline()
        os.kill(workers_of(command)[0], signal.SIGKILL)
        said += process.stdout.read()
        assert process.wait(60) == 0, said
    assert graded(course) == ["s0", "s1", "s2", "s3"]
    assert len([row for row in rows(course) if row[0] == "submission"]) == 4


def test_a_submission_that_kills_its_process_each_time_is_named_and_no_other(monkeypatch):
    """Its neighbours were in flight when the process died: they are graded alone before anyone is blamed."""
    monkeypatch.setattr(batch, "grade", classes.die_for_one)
    submissions = [batch.Submission(name, {}) for name in ("student-01", "student-02", "student-03", "student-04")]
    with Pool(2) as pool:
        done = {one.student: one.error for one in batch.grade_locally(batch.Bundle("ps1", {}, (), {}, ""), submissions, pool)}
    assert done == {"student-01": None, "student-02": "the grading process died each time", "student-03": None, "student-04": None}


def test_ctrl_c_keeps_what_was_graded_and_leaves_nothing_running(course):
    for student in ("a1", "a2"):
        submit(course, student, "perfect-vectorised")
    for student in ("b1", "b2", "b3", "b4"):
        submit_text(course, student, SLEEPY.format(seconds=2.5))
    with started(course, "--jobs", "1") as (process, command):
        while "a2" not in process.stdout.readline():
            assert process.poll() is None
        os.kill(command, signal.SIGINT)
        rest = process.stdout.read()
        assert process.wait(60) == 130
        assert "is kept; run the command again" in rest
        assert os.listdir(course / "tmp") == []
    done = graded(course)
    assert {"a1", "a2"} <= set(done) < {"a1", "a2", "b1", "b2", "b3", "b4"}
    assert sorted(row[2] for row in rows(course) if row[0] == "submission") == done
    status, _ = course_grade(course)
    assert status == 0 and len(graded(course)) == 6


@pytest.mark.skipif(os.getuid() == 0, reason="root's sandbox makes no user namespace that could be forbidden to nest")
def test_where_namespaces_do_not_nest_the_run_says_so_and_gives_the_same_points(course, tmp_path):
    """A real bubblewrap that forbids student code any more user namespaces."""
    submit(course, "student-01", "loses-right-tail")
    status, said = course_grade(course)
    assert (status, COLD in said) == (0, False), "the control"
    before = points(course, "student-01")
    bwrap = tmp_path / "bin" / "bwrap"
    bwrap.parent.mkdir()
    bwrap.write_text(f'#!/bin/sh\nexec {find_bwrap()} --disable-userns "$@"\n')
    bwrap.chmod(0o755)
    with started(course, "--force", PATH=f"{bwrap.parent}:{os.environ['PATH']}") as (process, _):
        said = process.stdout.read()
        assert process.wait(60) == 0, said
    assert COLD in said and points(course, "student-01") == before


def test_where_the_host_refuses_nested_namespaces_the_run_says_so_and_gives_the_same_points(course, monkeypatch):
    """The same for every user, root among them, where the server inside reports the refusal."""
    def refuse(self, isolation):
        if isolation is Isolation.WARM:
            error = KernelNotStarted("unshare: Operation not permitted")
            error.refused = True
            raise error
        return fork(self, isolation)

    fork = Sandbox.fork
    submit(course, "student-01", "loses-right-tail")
    status, said = course_grade(course, jobs=1)
    assert (status, COLD in said) == (0, False), "the control"
    before = points(course, "student-01")
    monkeypatch.setattr(Sandbox, "fork", refuse)
    status, said = course_grade(course, jobs=1, force=True)
    assert status == 0 and COLD in " ".join(said.split()) and points(course, "student-01") == before
