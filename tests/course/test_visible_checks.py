"""The visible checks see what costs everything, refuse no right answer, and say what is wrong first and in a few lines."""

import linecache
import sys
from pathlib import Path

import nbformat
import numpy as np
import pytest
from common_mistakes import MISTAKES
from test_kill_matrix import EXERCISES, of

from grading.checks.suite import judge_functions
from grading.tools import visible
from reference_impl import activations

SOURCE = Path(__file__).parents[2] / "source"
sys.path.insert(0, str(SOURCE / "ps1"))
from visible_checks import checking



def source_of(notebook):
    (path,) = SOURCE.glob(f"*/{notebook}.ipynb")
    return path


def cells(notebook):
    """{cell id: what the student sees of it} of the code cells of a source notebook."""
    return {name: source for name, source, _ in visible.code_cells(source_of(notebook))}


def prepared(notebook):
    return visible.prepared(source_of(notebook))


def complaint(notebook, exercise, function):
    return visible.complaint(source_of(notebook), exercise, function)


NOTEBOOKS = sorted({notebook for notebook, _ in EXERCISES})
MUST_SEE = 0.4      # a mistake that may earn no more than this share of the points has to fail a visible check

# Notebooks whose checks speak through visible_checks.py.
SPEAKING = [notebook for notebook in NOTEBOOKS if "visible_checks" in cells(notebook)["setup"]]

for_each_exercise = pytest.mark.parametrize(("notebook", "exercise"), EXERCISES)


# --- what they see ------------------------------------------------------------------------------------------------

@for_each_exercise
def test_a_mistake_that_costs_most_of_the_points_fails_a_visible_check(notebook, exercise):
    costly = [entry for entry in of(exercise, "misconceptions", notebook) if entry.at_most <= MUST_SEE and not entry.unseen]
    assert [entry.name for entry in costly if complaint(notebook, exercise, entry.function) is None] == []


@for_each_exercise
def test_a_mistake_that_may_not_be_seen_is_not_seen(notebook, exercise):
    """Or else the reason in the bank is out of date."""
    excused = [entry for entry in of(exercise, "misconceptions", notebook) if entry.unseen]
    assert [entry.name for entry in excused if complaint(notebook, exercise, entry.function) is not None] == []


@for_each_exercise
def test_a_right_answer_in_any_style_passes(notebook, exercise):
    said = {entry.style: complaint(notebook, exercise, entry.function)
            for entry in of(exercise, "right_answers", notebook)}
    assert {style: str(error) for style, error in said.items() if error} == {}


@pytest.mark.parametrize("notebook", NOTEBOOKS)
def test_a_common_mistake_that_earns_little_fails_a_visible_check(notebook):
    unseen = [(exercise, what, function) for exercise, what, function in MISTAKES.get(notebook, [])
              if complaint(notebook, exercise, function) is None]
    earned = [(exercise, what, judge_functions(notebook, {exercise: function})[exercise].fraction)
              for exercise, what, function in unseen]
    assert [mistake for mistake in earned if mistake[2] <= MUST_SEE] == []


# --- what they say ------------------------------------------------------------------------------------------------

def lines(notebook, exercise, function):
    """The lines that a notebook shows under the tests cell."""
    return complaint(notebook, exercise, function)._render_traceback_()


def off_by_one(z):
    return np.asarray(z, dtype=float) + 1.0


def complains(z):
    return -z.missing


def in_place(z):
    np.maximum(z, 0, out=z)
    return z


def lost(z):
    return 0.25 * (np.abs(z) < 30) * 4 * activations.sigmoid_derivative(z)


def to_number(text):
    return float(text)


def warns(z):
    np.exp(np.array([1e4]))
    return activations.relu(z)


def test_a_failed_check_says_what_should_hold_then_the_call_then_both_values():
    assert lines("activations", "relu", off_by_one) == [
        "AssertionError: relu should cut off what is negative, keep what is positive, and",
        "    keep the shape.",
        "  relu(array([[-2.0, 0.0, 3.0], [0.25, -0.5, 75.0]]))",
        "  expected: [[0.0, 0.0, 3.0], [0.25, 0.0, 75.0]]",
        "  got:      [[-1.0, 1.0, 4.0], [1.25, 0.5, 76.0]]"]


def test_an_error_of_the_students_own_shows_the_call_and_the_students_line():
    prepared("activations")     # the notebook's cells, so that this file stands for one of them
    said = "\n".join(lines("activations", "relu", complains))
    assert "relu(array([[-2.0" in said and "but it raised AttributeError: 'numpy.ndarray' object has no" in said


def test_the_line_shown_is_the_notebooks_own(monkeypatch):
    namespace = dict(prepared("activations"))
    source = "def relu(z):\n    return np.sqrt('words')\n"
    monkeypatch.setitem(linecache.cache, "<cell>", (len(source), None, source.splitlines(True), "<cell>"))
    exec(compile(source, "<cell>", "exec"), namespace)
    with pytest.raises(AssertionError) as caught:
        exec(cells("activations")["test_relu"], namespace)
    assert caught.value._render_traceback_()[-1] == "  in your line:  return np.sqrt('words')"


def test_a_change_in_place_is_told_where_it_happened():
    said = lines("activations", "relu", in_place)
    assert said[0] == "AssertionError: relu should leave its arguments as they were, but it changed z."
    assert said[-2].startswith("  before:   z = array([[-2.0,") and said[-1].startswith("  after:    z = array([[0.0,")


def test_a_lost_tail_is_told_as_one():
    assert lines("activations", "sigmoid_derivative", lost)[0] == "AssertionError: The left tail should keep its digits."


def test_a_floating_point_warning_is_told_with_the_call():
    said = lines("activations", "relu", warns)
    assert said[0] == "AssertionError: relu should cause no floating-point warning."
    assert "  NumPy said: overflow encountered in exp" in said


def test_nothing_returned_is_told_as_that():
    said = lines("backward_step", "weight_gradient", lambda *args: None)
    assert said[-2:] == ["  expected: 2 results: dW, db", "  got:      None. Does the function end with a return?"]


def test_a_call_that_has_to_raise_is_told_when_it_does_not():
    with checking("to_number") as check:
        check("words", gives=ValueError, says="What is no number should be refused.")
        with pytest.raises(AssertionError, match="refused.\\n.*\\n  expected: a ValueError is raised\\n  got:      7.0"):
            check("7", gives=ValueError, says="What is no number should be refused.")


def test_a_function_that_is_not_there_is_asked_for():
    namespace = dict(prepared("activations"))
    del namespace["relu"]
    with pytest.raises(NameError, match="relu is not defined yet. Run the cell above"):
        exec(cells("activations")["test_relu"], namespace)


@pytest.mark.parametrize(("notebook", "exercise"), [case for case in EXERCISES if case[0] in SPEAKING])
def test_what_is_shown_fits_into_validate(notebook, exercise):
    """nbgrader's Validate cuts lines off; long ones are lists of numbers without a blank."""
    for entry in of(exercise, "misconceptions", notebook):
        if complaint(notebook, exercise, entry.function) is not None:
            said = lines(notebook, exercise, entry.function)
            assert max(map(len, said)) <= 86 and len(said) <= 24, said


@pytest.mark.parametrize("notebook", SPEAKING)
def test_run_all_goes_on_past_a_failed_check(notebook):
    tests = [cell for cell in nbformat.read(source_of(notebook), as_version=4).cells if cell.id.startswith("test_")]
    assert tests and all(cell.metadata.get("tags") == ["raises-exception"] for cell in tests)
