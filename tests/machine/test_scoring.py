"""Scoring: core checks gate, weights share, points are rounded to cents and written by the grader alone."""

from pathlib import Path

import nbformat.v4
import pytest
from hypothesis import given
from hypothesis import strategies as st
from nbgrader.utils import determine_grade

from grading.checks.gate import Gate
from grading.checks.verdict import FAILED, NOT_RUN, OUR_ERROR, PASSED, CheckResult, Verdict
from grading.run.execute import write_verdicts

OUTCOMES = (PASSED, FAILED, NOT_RUN)
CHECKS = st.lists(st.tuples(st.sampled_from(OUTCOMES), st.integers(1, 9), st.booleans()), min_size=1, max_size=8)


def verdict(*checks, exercise="relu"):
    """A verdict of checks given as (outcome, weight, core)."""
    return Verdict(exercise, [CheckResult(f"test_{i}", f"does thing {i}", "try", weight, core, outcome)
                              for i, (outcome, weight, core) in enumerate(checks)])


@pytest.mark.parametrize(("checks", "share"), [
    ([(PASSED, 2, True), (PASSED, 4, False)], 1),
    ([(PASSED, 2, True), (FAILED, 6, False)], 0.25),
    ([(PASSED, 2, True), (NOT_RUN, 6, False)], 0.25),
    ([(FAILED, 2, True), (PASSED, 6, False)], 0),
    ([(NOT_RUN, 2, True), (PASSED, 6, False)], 0),
    ([(PASSED, 2, True), (FAILED, 1, True), (PASSED, 9, False)], 0),
    ([(PASSED, 1, False), (FAILED, 3, False)], 0.25),
    ([], 0),
], ids=str)
def test_passed_weight_over_all_weight_counts_once_every_core_check_passed(checks, share):
    assert verdict(*checks).fraction == share


@given(CHECKS)
def test_a_share_lies_between_nothing_and_everything_and_everything_needs_every_check(checks):
    share = verdict(*checks).fraction
    assert 0 <= share <= 1
    assert (share == 1) == all(outcome == PASSED for outcome, _, _ in checks)


@given(CHECKS, st.data())
def test_one_more_passed_check_never_costs_points(checks, data):
    at = data.draw(st.integers(0, len(checks) - 1))
    better = [(PASSED, *one[1:]) if i == at else one for i, one in enumerate(checks)]
    assert verdict(*better).fraction >= verdict(*checks).fraction


@pytest.mark.parametrize(("outcomes", "share"), [((PASSED, PASSED), 1), ((FAILED, PASSED), 0.4), ((NOT_RUN, PASSED), 0.4),
                                                 ((FAILED, FAILED), 0.25)], ids=str)
def test_a_check_that_the_contract_insists_on_caps_what_the_others_earn(outcomes, share):
    capped = [CheckResult("test_a", "does a", "try", 1, False, outcomes[0], most=0.4)]
    others = [CheckResult("test_b", "does b", "try", 2, False, outcomes[1]), CheckResult("test_c", "is c", "try", 1, True, PASSED)]
    assert Verdict("relu", capped + others).fraction == share


def test_a_broken_check_of_ours_is_no_passed_core_check():
    assert verdict((OUR_ERROR, 1, True), (PASSED, 9, False)).fraction == 0


def test_no_exercise_scores_by_a_stub_that_passes_all_but_its_core():
    """`return np.zeros_like(z)` keeps the shape, warns of nothing and leaves its argument alone."""
    assert verdict((FAILED, 1, True), *[(PASSED, 5, False)] * 7).fraction == 0


# --- points in the notebook -------------------------------------------------------------------------------------

def graded(points, *verdicts):
    mark = {"schema_version": 3, "grade_id": "test_relu", "grade": True, "solution": False, "locked": True, "task": False,
            "points": points, "cell_type": "code"}
    cell = nbformat.v4.new_code_cell("", metadata={"nbgrader": mark})
    write_verdicts(cell, list(verdicts), Gate({}), {})
    return cell


@pytest.mark.parametrize(("points", "passed", "of", "due"), [
    (4, 16, 20, 3.2), (3, 15, 19, 2.37), (2, 16, 21, 1.52), (3, 1, 3, 1.0), (0.5, 1, 3, 0.17), (3, 0, 7, 0), (3, 7, 7, 3)])
def test_nbgrader_reads_points_rounded_to_cents(points, passed, of, due):
    checks = [(PASSED, 1, False)] * passed + [(FAILED, 1, False)] * (of - passed)
    assert determine_grade(graded(points, verdict(*checks))) == (due, points)


def test_two_exercises_in_one_cell_share_its_points():
    right, wrong = verdict((PASSED, 1, True)), verdict((FAILED, 1, True), exercise="sigmoid")
    assert determine_grade(graded(5, right, wrong)) == (2.5, 5)


def test_the_points_are_the_only_execute_result_and_the_table_stands_before_them():
    cell = graded(2, verdict((PASSED, 1, True)))
    assert [output.output_type for output in cell.outputs] == ["display_data", "execute_result"]
    assert "relu: 2 of 2 points" in cell.outputs[0].data["text/plain"]
    assert cell.outputs[1].data == {"text/plain": "2"}


def test_what_somebody_adds_to_their_own_pytest_does_not_reach_the_hidden_checks(monkeypatch):
    from grading.checks.suite import Suite
    monkeypatch.setenv("PYTEST_ADDOPTS", "-v --durations=5 --no-such-option")
    monkeypatch.setenv("PYTEST_PLUGINS", "no_such_plugin")
    suite = Suite(Path(__file__).parents[2], "activations")
    assert "relu" in suite.exercises
    suite.close()
