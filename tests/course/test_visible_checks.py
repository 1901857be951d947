"""The visible checks see what costs everything, refuse no right answer, and say what is wrong first and in a few lines."""


import pytest
import visible
from test_kill_matrix import EXERCISES, of

NOTEBOOKS = sorted({notebook for notebook, _ in EXERCISES})
MUST_SEE = 0.4      # a mistake that may earn no more than this share of the points has to fail a visible check

for_each_exercise = pytest.mark.parametrize(("notebook", "exercise"), EXERCISES)


# --- what they see ------------------------------------------------------------------------------------------------

@for_each_exercise
def test_a_mistake_that_costs_most_of_the_points_fails_a_visible_check(notebook, exercise):
    costly = [entry for entry in of(exercise, "misconceptions", notebook) if entry.at_most <= MUST_SEE and not entry.unseen]
    assert [entry.name for entry in costly if visible.complaint(notebook, exercise, entry.function) is None] == []


@for_each_exercise
def test_a_mistake_that_may_not_be_seen_is_not_seen(notebook, exercise):
    """Or else the reason in the bank is out of date."""
    excused = [entry for entry in of(exercise, "misconceptions", notebook) if entry.unseen]
    assert [entry.name for entry in excused if visible.complaint(notebook, exercise, entry.function) is not None] == []


@for_each_exercise
def test_a_right_answer_in_any_style_passes(notebook, exercise):
    said = {entry.style: visible.complaint(notebook, exercise, entry.function)
            for entry in of(exercise, "right_answers", notebook)}
    assert {style: str(error) for style, error in said.items() if error} == {}
