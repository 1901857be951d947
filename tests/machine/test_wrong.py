"""The digest of a wrong answer: the same for two spellings of a mistake, another for another mistake."""

import numpy as np
import pytest

from grading.border.subject import Reply, StudentError
from grading.checks.suite import judge_functions
from grading.checks.wrong import digests
from grading.notebooks.record import Outcome
from reference_impl.activations import sigmoid

VALUES = np.array([[0.5, -3.0], [1e-300, np.inf]])


def digest(*values, manner=None, **more):
    return digests([Reply(value, **more) for value in values], manner)


def alike(one, other):
    return bool(set(one.split("-")) & set(other.split("-")))


@pytest.mark.parametrize("other", [VALUES * (1 + 1e-12), VALUES.tolist(), tuple(VALUES)], ids=["last digits", "a list", "a tuple of rows"])
def test_the_same_values_give_the_same_digest_however_they_are_spelled(other):
    assert alike(digest(VALUES), digest(other))


@pytest.mark.parametrize("other", [VALUES * (1 + 1e-4), -VALUES, VALUES.T, VALUES.ravel(), np.where(np.isinf(VALUES), np.nan, VALUES),
                                   np.where(VALUES < 1e-9, 0.0, VALUES), None, "0.5", [], [VALUES, 1.0]], ids=repr)
def test_other_values_give_another_digest(other):
    assert not alike(digest(VALUES), digest(other))


def test_every_value_keeps_a_digest_when_its_last_digits_change():
    """Also one that lies on the edge of a step, on one of the two grids."""
    rng = np.random.default_rng(0)
    for value in [*rng.normal(size=500), *10.0 ** rng.uniform(-300, 300, 500), *2.0 ** np.arange(-60, 60), *np.arange(1, 100) / 8]:
        assert alike(digest(value), digest(value * (1 + 2e-16))) and alike(digest(value), digest(value * (1 - 4e-16)))


def test_errors_are_told_apart_by_kind_and_words_but_not_by_the_names_that_students_choose():
    def error(kind, message):
        return digests([Reply(error=StudentError(kind, message))], f"{kind}: {message}")

    assert alike(error("NameError", "name 'grad' is not defined"), error("NameError", "name 'g' is not defined"))
    assert not alike(error("NameError", "name 'grad' is not defined"), error("TypeError", "name 'grad' is not defined"))
    assert not alike(error("ValueError", "shapes (3,) (4,)"), error("ValueError", "shapes (3,) (3,)"))


def test_what_a_call_changed_counts():
    assert not alike(digest(1.0, after=[VALUES]), digest(1.0, after=[-VALUES]))


def test_nothing_that_comes_back_fails_or_takes_long():
    deep = []
    for _ in range(100_000):
        deep = [deep]
    assert digest(deep) == ""
    assert alike(digest(np.zeros(3_000_000)), digest(np.zeros(3_000_000))) and digest(10**400, [[1], [2, 3]], object())


@pytest.mark.parametrize(("sizes", "where", "seen"), [
    ((100_001,), (0, 99_999), True), ((100_001,), (0, 100_000), False), ((60_000, 60_000), (1, 39_999), True),
    ((60_000, 60_000), (1, 40_000), False), ((60_000, 60_000, 3), (2, 0), False), ((60_000, 60_000, 3, 3), (3, 2), False)])
def test_the_first_100000_numbers_of_a_check_are_looked_at(sizes, where, seen):
    ours, theirs = ([np.zeros(size) for size in sizes] for _ in range(2))
    theirs[where[0]][where[1]] = 1.0
    assert alike(digest(*ours), digest(*theirs)) is not seen


@pytest.mark.parametrize("parts", [1, 2])
@pytest.mark.parametrize(("where", "seen"), [(0, True), (1999, True), (2000, False)])
def test_the_first_2000_items_of_lists_that_are_no_array_are_looked_at(where, seen, parts):
    """A million of them took a minute for each check."""
    def told(changed):
        items = ["x"] * 4000
        items[where] = changed
        return digests([Reply(value=[*items[:1000], *items[1000:]]) if parts == 1 else Reply(value=part) for part in (items[:1000], items[1000:])][:parts], None)
    assert (told("y") != told("x")) == seen


def test_what_is_too_small_for_a_float_with_all_its_digits_is_zero():
    for small in (1e-310, -1e-310, 1e-307):
        assert alike(digest(0.0), digest(small)) and not alike(digest(0.0), digest(1.1e-307))


def test_of_what_is_no_number_1000_characters_count():
    for place, seen in ((998, True), (999, False)):       # the first one is a quotation mark
        ours, theirs = ("a" * place + letter + "a" * 50 for letter in "ab")
        assert alike(digest(ours), digest(theirs)) is not seen
    assert not alike(digest(["x", 1.0]), digest(["x", 2.0])) and not alike(digest(["x"]), digest(["x", "x"]))


def test_a_digest_that_was_stored_is_the_same_in_this_version():
    replies = [Reply(VALUES), Reply("word"), Reply([None, 1.0], after=[np.nan]), Reply([0.0, 1e-310, -1e-310, 1e-307])]
    assert digests(replies, "TypeError: no") == "f3915621427a-4ce50a9009d3"


def judged(function):
    return judge_functions("activations", {"sigmoid": function})["sigmoid"]


def test_a_check_has_a_digest_where_it_fails_and_nowhere_else():
    verdict = judged(lambda z: sigmoid(2 * np.asarray(z))).record(4.0)
    assert {bool(check.wrong) for check in verdict.checks if check.outcome == Outcome.FAILED} == {True}
    assert {bool(check.wrong) for check in verdict.checks if check.outcome == Outcome.PASSED} == {False}
