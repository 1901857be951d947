"""Which exercises are judged once more at their place, what is run for it, and what is said: with kernels that are made up."""

from dataclasses import dataclass
from types import SimpleNamespace

import pytest
from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook

from grading.border.subject import CellEnd
from grading.notebooks.later import Change
from grading.run import place
from grading.run.place import first_after, holds, in_words, judge_at_their_places

CELLS = ["def helper(z):\n    return z", "def relu(z):\n    return helper(z)", "assert relu(1)", "x = 1",
         "def gelu(z):\n    return z", "assert gelu(1)", "y = 1"]
RELU, GELU = 2, 5       # their tests cells


def notebook(*more):
    cells = [new_code_cell(source, execution_count=number) for number, source in enumerate([*CELLS, *more], 1)]
    return new_notebook(cells=cells)


class Kernel:
    """Runs nothing; the checks of the tests cell `number` fail from when the cell `breaks[number]` was run, and end as `status` says."""

    def __init__(self, nb, breaks=(), status=CellEnd.OK, done=()):
        self.ran = [(number, cell.source, 1.0 + number) for number, cell in enumerate(nb.cells)]
        self.breaks, self.status, self.done, self.asked, self.open = dict(breaks), status, list(done), [], True
        self.fresh = None

    def run_again(self, number, source, seconds):
        assert self.open
        self.done.append(number)
        self.asked.append((number, source, seconds))
        error = [{"output_type": "error"}] if self.breaks.get(number) in self.done else []
        return SimpleNamespace(status=self.status, outputs=["odd", {"output_type": "stream"}, {"output_type": "display_data"}, *error])

    def anew(self):
        assert not self.open, "a sandbox holds one kernel at a time"
        self.fresh = Kernel(new_notebook(), self.breaks)
        return self.fresh

    def close(self):
        self.open = False


@dataclass
class Told:
    """A verdict, as far as it matters here."""

    fraction: float
    definitions: int
    place: str = ""


class Suite:
    def __init__(self, **shares):
        self.shares, self.judged = shares, []

    def judge(self, kernel, names):
        self.judged.append((list(kernel.done), sorted(names)))
        return {name: Told(self.shares[name], 9) for name in names}


def judged(nb, before, suite, breaks=(), complained=(), definitions=1):
    """(what is better, the kernel, the suite)"""
    kernel = Kernel(nb, breaks, done=range(len(nb.cells)))
    verdicts = {name: Told(share, definitions) for name, share in before.items()}
    return judge_at_their_places(nb, {RELU: ["relu"], GELU: ["gelu"]}, verdicts, suite, kernel, complained), kernel, suite


def test_nothing_is_run_where_everything_is_earned_or_nothing_changed():
    for before, asked in (({"relu": 1, "gelu": 1}, []), ({"relu": 0.5, "gelu": 0.5}, [RELU, GELU])):
        found, kernel, suite = judged(notebook(), before, Suite())
        assert (found, kernel.fresh, suite.judged) == ({}, None, []) and kernel.open
        assert [number for number, _, _ in kernel.asked] == asked
        assert all(seconds == 5.0 and source == CELLS[number] for number, source, seconds in kernel.asked)


@pytest.mark.parametrize(("first", "told"), [(0, 1), (1, 1), (2, 2)])
def test_how_many_definitions_there_are_is_told_as_the_first_run_found_it(first, told):
    found, _, _ = judged(notebook("helper = None"), {"relu": 0, "gelu": 1}, Suite(relu=1), definitions=first)
    assert found["relu"].definitions == told, "a cell of the second run may know hidden inputs"


@pytest.mark.parametrize(("share", "said"), [(1, "Right at"), (0.75, "Better at"), (0.5, None), (0.25, None)])
def test_what_a_later_cell_changes_by_its_text_is_judged_before_it(share, said):
    found, kernel, suite = judged(notebook("helper = None"), {"relu": 0.5, "gelu": 1}, Suite(relu=share))
    assert suite.judged == [([0, 1, 2], ["relu"])] and not kernel.fresh.open, "the first cells alone are run, and the kernel is closed"
    assert [(number, seconds) for number, _, seconds in kernel.fresh.asked] == [(0, 1.0), (1, 2.0), (2, 3.0)]
    assert list(found) == (["relu"] if said else [])
    assert not said or found["relu"].place == (f"{said} its place in the notebook, and counted there; a later cell made a difference: "
                                               "In [8] changed helper.")


def test_what_no_text_tells_is_seen_where_checks_that_held_fail_and_its_cell_is_found():
    found, kernel, suite = judged(notebook(), {"relu": 0.5, "gelu": 1}, Suite(relu=1), {RELU: 3})
    assert found["relu"].place.endswith("a later cell made a difference: In [4].")
    assert suite.judged == [([0, 1, 2], ["relu"])] and kernel.fresh.done == [0, 1, 2, 3, RELU]
    found, _, _ = judged(notebook(), {"relu": 0.5, "gelu": 1}, Suite(relu=0.5), {RELU: 3})
    assert found == {}
    found, kernel, _ = judged(notebook(), {"relu": 0.5, "gelu": 1}, Suite(relu=1), {RELU: 3}, complained=[RELU])
    assert (found, kernel.fresh, kernel.asked) == ({}, None, []), "they had not held at their place either"


def test_of_several_exercises_each_is_judged_at_its_own_place_and_the_cell_is_told_of_the_last():
    found, kernel, suite = judged(notebook(), {"relu": 0.5, "gelu": 0.5}, Suite(relu=1, gelu=1), {RELU: 3, GELU: 6})
    assert suite.judged == [([0, 1, 2], ["relu"]), ([0, 1, 2, 3, 4, 5], ["gelu"])]
    assert found["gelu"].place.endswith(": In [7].") and found["relu"].place.endswith("after the last cell the visible checks hold no more.")
    found, _, suite = judged(notebook("helper = None"), {"relu": 0.5, "gelu": 0.5}, Suite(relu=1, gelu=1), {GELU: 6})
    assert {verdict.place.rpartition(": ")[2] for verdict in found.values()} == {"In [8] changed helper."}, "what the text tells comes first"


def test_no_third_kernel_looks_for_the_cell_where_the_last_exercise_is_no_better():
    found, kernel, _ = judged(notebook(), {"relu": 0.5, "gelu": 0.5}, Suite(relu=1, gelu=0.5), {RELU: 3, GELU: 6})
    assert list(found) == ["relu"] and kernel.fresh.done == [0, 1, 2, 3, 4, 5]


def test_a_kernel_is_closed_also_where_a_check_of_ours_is_broken():
    class Broken(Suite):
        def judge(self, kernel, names):
            raise ZeroDivisionError

    kernel = Kernel(notebook("helper = None"), done=range(8))
    with pytest.raises(ZeroDivisionError):
        judge_at_their_places(notebook("helper = None"), {RELU: ["relu"]}, {"relu": SimpleNamespace(fraction=0)}, Broken(), kernel, ())
    assert not kernel.fresh.open


@pytest.mark.parametrize(("status", "broken", "due"), [
    (CellEnd.OK, False, True), (CellEnd.OK, True, False), (CellEnd.NOT_RUN, False, True), (CellEnd.NOT_RUN, True, True),
    (CellEnd.TIMED_OUT, False, False), (CellEnd.DIED, False, False)])
def test_checks_hold_where_they_raise_nothing_and_where_they_cannot_be_asked(status, broken, due):
    nb = notebook()
    assert holds(Kernel(nb, {RELU: RELU} if broken else {}, status), nb, RELU) is due


def test_where_no_cell_makes_the_difference_none_is_named():
    nb = notebook()
    assert first_after(Kernel(nb), nb, RELU, [(3, "x = 1", 1.0), (4, "y = 1", 1.0)]) == []
    assert first_after(Kernel(nb, {RELU: 4}), nb, RELU, [(3, "x = 1", 1.0), (4, "y = 1", 1.0), (6, "z", 1.0)]) == [Change(4, "")]


@pytest.mark.parametrize(("count", "more"), [(1, ""), (3, ""), (4, " and 1 more"), (6, " and 3 more")])
def test_three_changes_are_told_and_the_others_counted(count, more):
    said = in_words(SimpleNamespace(fraction=1), [Change(number, "np") for number in range(count)], notebook())
    assert said.endswith(": " + ", ".join(f"In [{number}] changed np" for number in range(1, min(count, 3) + 1)) + more + ".")


def test_text_between_the_cells_is_no_code():
    nb = notebook("helper = None")
    nb.cells[3] = new_markdown_cell("helper = 7")
    verdicts = {"relu": SimpleNamespace(fraction=0)}
    assert place.open_exercises(nb, {RELU: ["relu"]}, verdicts, Kernel(nb), ()) == {RELU: {"relu": [Change(7, "helper")]}}


def test_60_characters_of_a_name_are_told_and_100_changes_looked_at():
    said = in_words(SimpleNamespace(fraction=0.5), [Change(0, "x" * 61)], notebook())
    assert said.startswith("Better at its place") and said.endswith(f"In [1] changed {'x' * 60}.")
    sources = [(0, "g = 1"), (1, "def f():\n    return g"), *((number, f"g = {number}") for number in range(2, 103))]
    assert len(place.read_off(sources, {1: ["f"]})[1]["f"]) == 100 == len(place.read_off(sources[:-1], {1: ["f"]})[1]["f"])
    assert len(place.read_off(sources[:-2], {1: ["f"]})[1]["f"]) == 99


def test_changes_are_read_off_for_five_seconds_and_only_where_something_is_to_be_won(monkeypatch):
    asked = []
    monkeypatch.setattr(place, "bounded_or", lambda otherwise, *more, seconds: asked.append(seconds) or otherwise)
    assert place.told_changes(notebook(), {RELU: [], GELU: []}) == {RELU: {}, GELU: {}} and asked == []
    assert place.told_changes(notebook(), {RELU: ["relu"], GELU: []}) == {RELU: {"relu": []}, GELU: {}} and asked == [5]
