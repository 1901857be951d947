"""Outcomes: passed, failed, not run, or our error; and what goes wrong in one exercise stays there."""

import shutil
from pathlib import Path

import pytest
import toys
from nbgrader.api import Gradebook
from toys import CHECKS, cell_of_tests, grade, notebook, table_of

from grading.run import execute
from grading.run.held import HELD
from grading.checks.suite import Suite, SuiteError
from grading.checks.verdict import FAILED, NOT_RUN, PASSED
from grading.border.sandbox import Limits
from grading.border.subject import MAX_RESTARTS, LocalSubject
from grading.notebooks.submissions import hand_in
from tests.conftest import SHORT

ROOT = Path(__file__).parents[2]
FULL = {"double": (1.0, [PASSED] * 3), "half": (1.0, [PASSED] * 2), "negative": (1.0, [PASSED])}
in_sandbox = pytest.mark.sandbox

DEATHS = {
    "ends the process": "import os\n    os._exit(3)",
    "is killed": "import os\n    os.kill(os.getpid(), 9)",
    "crashes in compiled code": "import ctypes\n    ctypes.string_at(0)",
    "leaves Python": "raise SystemExit('bye')",
    "is interrupted": "raise KeyboardInterrupt",
}


@pytest.fixture
def course(tmp_path):
    """The toy course; its checks are let go of afterwards."""
    yield toys.make_course(tmp_path)
    HELD.forget(str(tmp_path))


# --- passed, failed, not run ------------------------------------------------------------------------------------

@in_sandbox
def test_right_answers_pass_every_check(course, sandbox):
    nb = notebook()
    assert grade(nb, course, sandbox) == FULL
    assert nb.cells[2].outputs[-1].data["text/plain"] == "4"


@in_sandbox
def test_a_wrong_answer_fails_its_check_and_no_other(course, sandbox):
    got = grade(notebook(double="def double(z):\n    return 2 * min(z, 10)"), course, sandbox)
    assert got == {**FULL, "double": (0.5, [PASSED, FAILED, PASSED])}


@in_sandbox
def test_an_answer_that_raises_fails_each_check_and_the_line_is_shown(course, sandbox):
    nb = notebook(half="def half(z):\n    return z / nothing")
    assert grade(nb, course, sandbox) == {**FULL, "half": (0.0, [FAILED, FAILED])}
    assert "NameError: name 'nothing' is not defined (line 2 of cell half: return z / nothing)" in table_of(nb, "half")


@in_sandbox
def test_a_function_that_is_not_there_is_named(course, sandbox):
    nb = notebook(half="def halve(z):\n    return z / 2")
    assert grade(nb, course, sandbox)["half"] == (0.0, [FAILED, FAILED])
    assert "The notebook defines no function called half." in table_of(nb, "half")


@in_sandbox
def test_a_known_mistake_is_recognised(course, sandbox):
    nb = notebook(half="def half(z):\n    return z * 2")
    grade(nb, course, sandbox)
    assert "doubled instead: This doubles the number instead of halving it." in table_of(nb, "half")


@in_sandbox
def test_a_warning_is_evidence_and_costs_the_one_check_that_asks_for_none(course, sandbox):
    nb = notebook(half="import numpy as np\n\ndef half(z):\n    np.exp(1e4)\n    return z / 2")
    assert grade(nb, course, sandbox)["half"] == (0.5, [PASSED, FAILED])
    assert "Floating-point warnings during the calls: overflow." in table_of(nb, "half")


@in_sandbox
def test_the_best_of_several_definitions_counts(course, sandbox):
    nb = notebook(last="def double(z):\n    return 0   # trying something")
    assert grade(nb, course, sandbox) == FULL
    assert "defines double 2 times; the best definition counts" in table_of(nb, "double")


# --- time -------------------------------------------------------------------------------------------------------

@in_sandbox
def test_a_call_without_end_stops_its_own_exercise_and_no_other(course, sandbox):
    nb = notebook(double="def double(z):\n    while z > 100:\n        pass\n    return 2 * z")
    assert grade(nb, course, sandbox) == {**FULL, "double": (0.25, [PASSED, FAILED, NOT_RUN])}
    assert f"ran longer than {SHORT.call_seconds:g} seconds" in table_of(nb, "double")


@in_sandbox
def test_a_cell_without_end_is_stopped_and_the_cells_below_it_run(course, sandbox):
    nb = notebook(last="while True:\n    pass")
    assert grade(nb, course, sandbox) == FULL
    assert nb.cells[3].outputs[-1].evalue == "The cell ran too long and was stopped."


@in_sandbox
def test_a_recursion_without_end_is_an_error_like_any_other(course, sandbox):
    nb = notebook(double="def double(z):\n    return double(z)")
    assert grade(nb, course, sandbox) == {**FULL, "double": (0.0, [FAILED] * 3)}
    assert [output.output_type for output in nb.cells[2].outputs[:1]] == ["stream"]
    assert "RecursionError" in nb.cells[2].outputs[0].text


# --- death ------------------------------------------------------------------------------------------------------

@in_sandbox
@pytest.mark.parametrize("way", DEATHS)
def test_a_call_that_ends_the_kernel_costs_its_own_exercise(way, course, sandbox):
    nb = notebook(double=f"def double(z):\n    if z < 100:\n        return 2 * z\n    {DEATHS[way]}")
    assert grade(nb, course, sandbox) == {**FULL, "double": (0.25, [PASSED, FAILED, NOT_RUN])}
    assert "the kernel died during the call" in table_of(nb, "double")


@in_sandbox
@pytest.mark.parametrize("way", ["ends the process", "crashes in compiled code"])
def test_a_cell_that_ends_the_kernel_costs_nothing_and_the_cells_below_run_in_a_new_one(way, course, sandbox):
    nb = notebook(first="before = 7", last=f"if True:\n    {DEATHS[way]}", half="def half(z):\n    return before * z / 14")
    assert grade(nb, course, sandbox) == FULL
    assert nb.cells[3].outputs[-1].evalue.startswith("The kernel died or stopped answering in this cell")


@in_sandbox
def test_a_notebook_that_kills_every_kernel_is_graded_all_the_same(course, sandbox):
    nb = notebook()
    for _ in range(MAX_RESTARTS + 2):
        nb.cells.insert(0, toys.nbformat.v4.new_code_cell("import os\nos._exit(1)"))
    got = grade(nb, course, sandbox)
    assert {name: share for name, (share, _) in got.items()} == {"double": 0, "half": 0, "negative": 0}
    assert nb.cells[-1].outputs[0].text.startswith("CellNotFinished: The cell was not run")


# --- our error --------------------------------------------------------------------------------------------------

NOT_COLLECTED = {
    "does not parse": ("def test_double_zero(student):", "def test_double_zero(student:", "could not be collected"),
    "imports what is not there": ("from grading.checks import check", "from grading.checks import check, chek",
                                  "could not be collected"),
    "forgets its mark": ('@check("negative", "turns the sign", weight=1, core=True, hint="Subtract.")', "",
                         "test_negative_values is no check"),
    "lets an exercise out": ('"negative"', '"negativ"', "toy asks for checks of negative"),
}
RAISES = {"raises": ("raise ZeroDivisionError('ours')", "test_double_small: ZeroDivisionError"),
          "asks wrongly": ("student.agrees((1.5,))", "test_double_small: TypeError"),
          "asserts by itself": ("assert False", "test_double_small: AssertionError")}


class NoSandbox:
    """For what is found out before any code of a student's runs."""

    mode, limits = "none", Limits()

    def open(self):
        raise AssertionError("a kernel was started")

    def end(self):
        pass


def judge(course, functions):
    return HELD.suite(str(course), "toy", execute.digests(execute.course_files(course))).judge(LocalSubject(functions))


def good():
    namespace = {}
    exec("\n".join(toys.ANSWERS.values()), namespace)
    return {name: namespace[name] for name in toys.EXERCISES}


@pytest.mark.parametrize("way", NOT_COLLECTED)
def test_checks_that_cannot_be_collected_are_our_error_before_any_cell_runs(way, course):
    old, new, said = NOT_COLLECTED[way]
    toys.make_course(course, CHECKS.replace(old, new))
    nb = notebook()
    with pytest.raises(SuiteError, match=said):
        grade(nb, course, NoSandbox())
    assert not any(cell.outputs for cell in nb.cells)


@pytest.mark.parametrize("way", RAISES)
def test_a_check_that_fails_by_itself_is_our_error_by_name(way, course):
    line, said = RAISES[way]
    toys.make_course(course, CHECKS.replace("student.agrees((1.5,), (-3,), rtol=1e-9)", line))
    with pytest.raises(SuiteError, match=said):
        judge(course, good())


@in_sandbox
def test_our_error_writes_no_points(course, sandbox):
    toys.make_course(course, CHECKS.replace("student.agrees((1000.0,), rtol=1e-9)", "undefined"))
    nb = notebook()
    with pytest.raises(SuiteError, match="test_double_large: NameError"):
        grade(nb, course, sandbox)
    assert not [output for cell in nb.cells for output in cell.outputs if output.output_type == "execute_result"]


@pytest.mark.parametrize("hidden", ["", "# nothing", "run_hidden_checks(double)", '  run_hidden_checks("double")  # later',
                                    'print("run_hidden_checks")'])
def test_a_tests_cell_that_names_no_checks_is_our_error_and_not_full_points(hidden, course):
    nb = notebook()
    nb.cells[2] = cell_of_tests("double", hidden)
    with pytest.raises(SuiteError, match="Cell test_double of toy names no hidden checks"):
        grade(nb, course, NoSandbox())


def test_a_missing_file_of_checks_is_our_error(course):
    (course / "tests" / "hidden" / "test_toy.py").unlink()
    with pytest.raises(SuiteError, match="There are no checks for notebook toy"):
        grade(notebook(), course, NoSandbox())


def test_a_reference_that_fails_is_our_error_although_the_answer_raises_as_well(course):
    (course / "reference_impl" / "toy.py").write_text("def double(z):\n    raise ValueError('ours')\n")
    with pytest.raises(SuiteError, match="test_double_small and 2 more: ValueError: ours"):
        judge(course, {"double": lambda z: 1 / 0})


def test_a_mistake_of_the_bank_that_fails_is_nobodys_error(course):
    path = course / "tests" / "misconceptions" / "toy.py"
    path.write_text(path.read_text().replace("return 2 * z", "raise ValueError"))
    assert judge(course, {"half": lambda z: 0.0})["half"].fraction == 0


# --- what is on disk now ----------------------------------------------------------------------------------------

def test_checks_and_reference_changed_on_disk_count_from_the_next_submission_on(course):
    assert judge(course, good())["double"].fraction == 1
    path = course / "reference_impl" / "toy.py"
    path.write_text(path.read_text().replace("2 * z", "2 * z + 1"))
    assert judge(course, good())["double"].fraction == 0
    toys.make_course(course, CHECKS.replace("student.agrees((1000.0,), rtol=1e-9)", "student.expect(False, 'words')"))
    assert judge(course, good())["double"].fraction == 0.5


def test_two_courses_in_one_process_keep_apart(course, tmp_path):
    other = toys.make_course(tmp_path / "other")
    (other / "reference_impl" / "toy.py").write_text(toys.REFERENCE.replace("2 * z", "3 * z"))
    assert judge(course, good())["double"].fraction == 1
    assert judge(other, good())["double"].fraction == 0
    assert judge(course, good())["double"].fraction == 1
    HELD.forget(str(other))


# --- through nbgrader -------------------------------------------------------------------------------------------

@in_sandbox
def test_a_broken_check_leaves_the_submission_ungraded_by_name_and_the_command_fails(course_folder, nbgrader, tmp_path):
    broken, root = tmp_path / "broken", course_folder("ps1")
    for name in ("tests/hidden", "tests/misconceptions", "reference_impl"):
        shutil.copytree(ROOT / name, broken / name)
    path = broken / "tests" / "hidden" / "test_activations.py"
    text = path.read_text(encoding="utf-8")
    path.write_text(text.replace("def test_relu_scales(student):\n", "def test_relu_scales(student):\n    undefined\n"), encoding="utf-8")
    hand_in(ROOT / "tests" / "submissions" / "ps1" / "perfect-vectorised", root / "release" / "ps1", root / "submitted" / "student-01" / "ps1")
    done = nbgrader("autograde", "ps1", f"--CourseDirectory.root={root}", f"--Execute.course_root={broken}")
    assert done.returncode != 0
    assert "test_relu_scales: NameError" in done.stdout and "student-01: not graded" in done.stdout.replace("'", "")
    assert not (root / "autograded" / "student-01" / "ps1").exists()
    with Gradebook(f"sqlite:///{root}/gradebook.db") as gradebook:
        found = gradebook.find_assignment("ps1").submissions
        assert not [grade for one in found for nb in one.notebooks for grade in nb.grades if grade.auto_score is not None]


# --- what judging costs -------------------------------------------------------------------------------------------

class Dear(LocalSubject):
    """A subject whose answers cost more than there is, while they are judged."""

    def call(self, *_, **__):
        raise self.functions["raised"]


@pytest.fixture
def judged(tmp_path):
    """Judge a subject by the checks of a toy course of this text: {exercise: outcomes}."""
    def by(subject, checks=CHECKS):
        suite = Suite(toys.make_course(tmp_path, checks), "toy")
        try:
            return {name: [check.outcome for check in verdict.checks] for name, verdict in suite.judge(subject).items()}
        finally:
            suite.close()
    return by


@pytest.mark.parametrize("raised", [MemoryError(), RecursionError("too deep")], ids=repr)
def test_an_answer_that_costs_too_much_to_judge_fails_as_the_students_own(judged, raised):
    subject = Dear({"raised": raised, **dict.fromkeys(toys.EXERCISES, abs)})
    assert judged(subject) == {"double": [FAILED] * 3, "half": [FAILED] * 2, "negative": [FAILED]}


def test_a_check_that_costs_too_much_with_the_reference_as_well_is_broken(judged):
    checks = CHECKS.replace("student.agrees((0.0,), rtol=1e-9)", "raise MemoryError")
    with pytest.raises(SuiteError, match="test_double_zero: MemoryError"):
        judged(LocalSubject({"double": lambda z: 2 * z, "half": lambda z: z / 2, "negative": lambda z: -z}), checks)
