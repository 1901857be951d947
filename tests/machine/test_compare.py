"""Comparison: tiny and huge numbers alike, errors told in decades, and each way of being wrong in words of its own."""

import math
import random

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays

from grading.checks.compare import alike, as_numbers, as_one, difference, shape_words
from grading.border.wire import Unsupported

FLOATS = arrays.arrays(float, arrays.array_shapes(min_dims=0, max_dims=2, min_side=1, max_side=4),
                       elements=st.floats(allow_nan=False))
ANYTHING = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5) | FLOATS | st.just(Unsupported("dict")),
    lambda inner: st.lists(inner, max_size=4) | st.tuples(inner, inner), max_leaves=8)

fourteen_sigmoids = 0.2 ** 14 * np.ones(3)          # about 1.6e-10


# --- sizes ------------------------------------------------------------------------------------------------------

def test_zeros_pass_numpys_default_tolerance_and_do_not_pass_here():
    assert np.allclose(np.zeros(3), fourteen_sigmoids), "the control: this is what a default atol lets through"
    assert difference(np.zeros(3), fourteen_sigmoids, rtol=1e-5) == "3 of 3 values are off: 0 where the exact value is not zero"


@pytest.mark.parametrize("size", [1e-290, 1e-130, 1e-10, 1.0, 1e10, 1e300])
def test_the_relative_error_decides_at_every_size(size):
    wanted = size * np.array([1.0, -2.0, 3.0])
    assert difference(wanted * (1 + 0.9e-9), wanted, rtol=1e-9) is None
    assert difference(wanted * (1 + 1.1e-9), wanted, rtol=1e-9) is not None


@given(FLOATS)
def test_the_right_answer_is_right_whatever_it_is(wanted):
    assert difference(wanted, wanted, rtol=0.0) is None
    assert difference(wanted.tolist(), wanted, rtol=0.0) is None


@given(FLOATS, st.floats(1e-6, 0.5))
def test_a_relative_error_above_the_tolerance_is_never_right(wanted, error):
    wanted = np.where(np.abs(wanted) < 1e-290, 1.0, np.clip(wanted, -1e300, 1e300))
    assert difference(wanted * (1 + 2 * error), wanted, rtol=error) is not None


def test_digits_lost_to_underflow_are_no_fault():
    assert difference(0.0, 4e-320, rtol=1e-9) is None


@pytest.mark.parametrize(("got", "said"), [
    (1e-3, "by 3 decades too small (a factor of 10^-3)"),
    (1e5, "by 5 decades too large (a factor of 10^5)"),
    (10.0, "by 1 decade too large (a factor of 10^1)"),
    (1.5, "by 50 % at worst"),
    (1 + 3e-5, "the relative error is about 10^-5 at worst"),
    (-1.0, "the sign is wrong"),
    (0.0, "0 where the exact value is not zero"),
    (9.9, "by 890 % at worst"), (31.0, "by 1 decade too large (a factor of 10^1)"), (32.0, "by 2 decades too large (a factor of 10^2)"),
    (10 ** 1.5, "by 2 decades too large (a factor of 10^2)"),
    (1.125, "by 12 % at worst"), (1.099, "the relative error is about 10^-2 at worst"),
])
def test_how_far_off_is_told_in_decades(got, said):
    assert difference(got, 1.0, rtol=1e-9) == f"the value is off: {said}"


def test_only_the_worst_error_is_told_and_how_many_there_are():
    got, wanted = np.array([1.0, 2.0, 1e-80, 4.0]), np.array([1.0, 2.0, 1e-10, 5.0])
    assert difference(got, wanted, rtol=1e-9) == "2 of 4 values are off: by 70 decades too small (a factor of 10^-70)"


@pytest.mark.parametrize(("got", "wanted", "said"), [
    ([0.0, 2.0], [1.0, 2.2], "2 of 2 values are off: by 100 % at worst"), ([1.0, 2.0], [0.0, 2.5], "2 of 2 values are off: by 20 % at worst"),
    ([1.0, 0.0], [1.0, 2.0], "1 of 2 values are off: 0 where the exact value is not zero"), ([11.0], [10.0], "the value is off: by 10 % at worst"),
    ([-1.0, 20.0], [1.0, 1.0], "2 of 2 values are off: by 1 decade too large (a factor of 10^1)"),
    ([-1.0, 3.0, 0.0], [1.0, 2.0, 0.0], "2 of 3 values are off: some signs are wrong"),
    ([-100.0, 3.0], [0.001, 2.0], "2 of 2 values are off: some signs are wrong"), ([0.0, 2.0], [1.0, 0.0], "2 of 2 values are off: the sign is wrong"),
    ([-1.0, 3.0], [0.0, 2.0], "2 of 2 values are off: by 50 % at worst"), ([1.0, -3.0], [0.0, -2.0], "2 of 2 values are off: by 50 % at worst"), ([1.0], [math.nan], "the result is a number where NaN is compared with"),
    ([5.0, 1e-3], [50.0, 10.0], "2 of 2 values are off: by 4 decades too small (a factor of 10^-4)")])
def test_of_several_errors_the_worst_is_told(got, wanted, said):
    assert difference(got, np.array(wanted), rtol=1e-9) == said


@pytest.mark.parametrize(("got", "wanted", "said"), [
    (0.0999, 0.0, "by less than a tenth of a decade, but by more than rounding"), (0.1, 0.0, "by 0.1 decade too large at worst"),
    (-0.1, 0.0, "by 0.1 decade too small at worst"), (1.05, 0.0, "by 1.1 decades too large at worst"), (7.75, 8.0, "by 0.2 decade too small at worst"),
    (9.04, 8.0, "by 1.0 decade too large at worst"), (-6.0, -4.0, "by 2.0 decades too small at worst"),
    ([8.5, -6.0, 5.0], [8.0, -3.0, 4.0], "by 3.0 decades too small at worst"), ([2.0, 11.0], [1.0, 8.0], "by 3.0 decades too large at worst"),
    (0.9273645182736 * 1e12, 8.0, "by a hundred decades or more too large at worst"), (-100.0, 0.0, "by a hundred decades or more too small at worst"),
    (99.5, 0.0, "by 99.5 decades too large at worst")])
def test_how_far_logarithms_are_off_is_their_difference(got, wanted, said):
    assert difference(got, np.array(wanted), rtol=1e-9, logarithms=True).partition(": ")[2] == said
    assert difference([got], [np.array(wanted)], rtol=1e-9, logarithms=True).partition(": ")[2] == said


@pytest.mark.parametrize("logarithms", [True, False])
def test_no_distance_tells_more_than_the_threat_model_says(logarithms):
    """Of a secret that somebody returns times a power of ten, whatever power it is, with either sign."""
    secrets = [random.Random(number).random() for number in range(3000)]
    said = {difference(sign * secret * 10.0 ** power, 1.5, 1e-9, logarithms=logarithms)
            for number, secret in enumerate(secrets) for sign in (1, -1) for power in (number % 30, number % 600 - 300)}
    assert math.log2(len(said)) <= 11


def test_an_absolute_tolerance_is_met_by_an_error_as_large():
    assert difference(1.5, 1.0, rtol=0.0, atol=0.5) is None and difference([1.5], [1.0], rtol=0.0, atol=0.5) is None
    assert difference(1.75, 1.0, rtol=0.25, atol=0.5) is None
    assert difference(1.5001, 1.0, rtol=0.0, atol=0.5) and difference(1.7501, 1.0, rtol=0.25, atol=0.5)


# --- refusals ---------------------------------------------------------------------------------------------------

@pytest.mark.parametrize(("got", "wanted", "said"), [
    (None, 1.0, "the result is None (is a `return` missing?) where numbers are due"),
    ("0.5", 0.5, "the result is a str where numbers are due"),
    (Unsupported("function"), 0.5, "the result is an object of type function where numbers are due"),
    (np.zeros((3, 2)), np.zeros((2, 3)), "the result has shape (3, 2) where (2, 3) is due"),
    (np.zeros(1), 0.0, "the result has shape (1,) where () is due"),
    ([[1, 2], [3]], np.zeros((2, 2)), "the result is a list whose rows have different lengths"),
    ([1, "2"], np.zeros(2), "the result is a list that holds something other than numbers"),
    ([1, None], np.zeros(2), "the result is a list that holds something other than numbers"),
    ([[1, 2], [1, "2"]], np.zeros((2, 2)), "the result is a list that holds something other than numbers"),
    ([1.0, math.nan], np.ones(2), "the result contains NaN (not a number)"),
    ([1.0, math.inf], np.ones(2), "the result contains inf where the exact value is finite"),
    ([1.0, -1e300], np.array([1.0, -math.inf]), "the contract asks for inf or -inf where the result has something else"),
    (math.inf, -math.inf, "the contract asks for inf or -inf where the result has something else"),
    (1e-300, 0.0, "the value is off: not zero where zero is due"),
    ([-1.0, 2.0], np.array([1.0, 2.2]), "2 of 2 values are off: some signs are wrong"),
    (3, "stable", "the result is a number where a word (str) is due"),
    ("Stable", "stable", "it gives another of the words"),
    ("unstable", "stable", "it gives another of the words"),
    (None, [np.zeros(2)], "the result is None (is a `return` missing?) where 1 entries are due"),
    ([np.zeros(2)], [np.zeros(2), np.zeros(3)], "the result has 1 entries where 2 are due"),
    ([np.zeros(2), np.ones(3)], [np.zeros(2), np.zeros(3)],
     "in entry 1, 3 of 3 values are off: not zero where zero is due"),
    (([np.zeros(2), np.ones(3)], 1.0), ([np.zeros(2), np.zeros(3)], 1.0),
     "in entry 1 of entry 0, 3 of 3 values are off: not zero where zero is due"),
    (([], [], np.ones(1)), ([], [], []), "in entry 2, the result has 1 entries where 0 are due"),
], ids=lambda value: str(value)[:30])
def test_each_way_of_being_wrong_has_its_words(got, wanted, said):
    assert difference(got, wanted, rtol=1e-9) == said


@pytest.mark.parametrize(("have", "said"), [
    (1, "1 entries where 5"), (2, "far fewer entries than the 5"), (3, "3 entries where 5"), (4, "4 entries where 5"), (7, "7 entries where 5"),
    (8, "many more entries than the 5")])
def test_a_number_of_entries_is_told_where_it_is_near_or_no_choice(have, said):
    assert difference([1.0] * have, [np.zeros(())] * 5, rtol=1e-9).startswith(f"the result has {said}")
    assert difference([1.0] * 300, [1.0] * 300, rtol=1e-9) is None
    assert difference(np.array(1.0), [1.0] * 5, 1e-9) == "the result is an array of shape () where 5 entries are due"


@pytest.mark.parametrize(("got", "wanted"), [
    (2, 2.0), (True, 1.0), (np.float32(0.5), 0.5), ([True, False], np.array([1.0, 0.0])), ([[1, 2], [3, 4]], np.array([[1, 2], [3, 4]])),
    ([0.5, -math.inf], np.array([0.5, -math.inf])), ("".join(["sta", "ble"]), "stable"), ((np.zeros(2), [1, 2]), [np.zeros(2), np.array([1, 2])]),
    (np.zeros((2, 3)), [np.zeros(3), np.zeros(3)]), ([np.float64(1), 2], np.array([1, 2])), ([], []), (np.zeros((0, 2)), [])],
    ids=lambda value: str(value)[:30])
def test_other_forms_of_the_right_answer_are_right(got, wanted):
    assert difference(got, wanted, rtol=1e-9) is None


def test_lists_are_read_down_to_a_hundred_levels():
    """One that holds itself has no end."""
    def nested(levels):
        return [1] if levels == 1 else [nested(levels - 1)]
    assert as_numbers(nested(100))[1] == "the result is a list whose rows have different lengths", "NumPy takes 64"
    with pytest.raises(RecursionError, match="nested too deeply"):
        as_numbers(nested(101))


def test_a_list_of_numbers_is_read_once_for_all_that_it_is_compared_with():
    assert isinstance(as_one([1, 2]), np.ndarray) and as_one((3,)).tolist() == [3]
    for other in ([1, "2"], 1.0, "word", None):
        assert as_one(other) is other


@given(ANYTHING, FLOATS | st.lists(FLOATS, max_size=3) | st.just("stable"))
def test_no_answer_whatever_upsets_the_comparison(got, wanted):
    said = difference(got, wanted, rtol=1e-9)
    assert said is None or said and "inf %" not in said and "nan" not in said


@given(FLOATS, FLOATS)
def test_what_is_said_shows_neither_the_answer_nor_the_right_one(got, wanted):
    said = difference(got, wanted, rtol=1e-9) or ""
    for value in map(float, {*np.ravel(got), *np.ravel(wanted)}):
        if not value.is_integer() and len(repr(value)) > 7:      # short numbers are counts, shapes and powers of ten
            assert repr(value) not in said


@pytest.mark.parametrize("wanted", [0.1234567, np.array([1.2345678, -9.87654e-12]), [np.array([3.1415926])]], ids=str)
@pytest.mark.parametrize("got", [0.7654321, [1.1111111, 2.2222222], [[3.3333333]], -4.4444444e99], ids=str)
def test_no_digit_of_either_is_told(got, wanted):
    said = difference(got, wanted, rtol=1e-9)
    assert said and not any(digits in said for digits in ("234", "765", "876", "141", "111", "222", "333", "444"))


def test_rows_that_take_no_bytes_make_no_list():
    class Counted(np.ndarray):
        def __iter__(self):
            raise AssertionError("its rows were made into a list")
    rows = np.empty((2**26, 0)).view(Counted)
    assert difference(rows, [np.zeros(2), 1.0], 1e-9) == "the result has many more entries than the 2 that are due"


@pytest.mark.parametrize(("shape", "due", "words"), [
    ((3, 4), (4, 3), "(3, 4)"), ((37251, 4), (4, 3), "(…, 4)"), ((5,), (4, 3), "(5,)"), ((1, 0, 4), (4, 3), "(1, 0, 4)"),
    ((2,) * 9, (4, 3), "(…)"), ((), (4, 3), "()"), ((1, 0, 1, 0), (7,), "(1, 0, 1, 0)"), ((0,) * 5, (7,), "(…)"),
    ((5, 6, 7, 8), (7,), "(…, 6, 7, 8)"), ((6, 7, 8, 9), (8,), "(…, 7, 8, 9)"), ((9, 2), (7,), "(…, …)")])
def test_a_shape_is_told_by_numbers_that_are_due(shape, due, words):
    assert shape_words(shape, due) == words


# --- known mistakes -----------------------------------------------------------------------------------------------

NAN, INF = math.nan, math.inf


@pytest.mark.parametrize(("got", "mistaken", "due"), [
    (1 + 0.9e-6, 1.0, True), (1 + 1.1e-6, 1.0, False), (0.0, 1e-308, True), (0.0, 1e-300, False), ([NAN, INF, -INF], [NAN, INF, -INF], True),
    (NAN, 1.0, False), (INF, -INF, False), (np.zeros(2), np.zeros(3), False), (np.zeros((3, 2)), np.zeros(2), False), ([1, 2], np.array([1.0, 2.0]), True),
    (np.array([1.0, 2.0]), [1, 2], True), ("x", 1.0, False), (1.0, "x", False), (None, 0.0, False), (0.0, None, False), (None, None, True),
    ("xy", "".join(["x", "y"]), True), ("a", "b", False), ("b", "a", False), (Unsupported("fg"), Unsupported("".join(["f", "g"])), True),
    (Unsupported("f"), Unsupported("g"), False), (Unsupported("h"), Unsupported("g"), False), (1.0, Unsupported("f"), False),
    (("x", 1.0), ["x", 1.0], True), (["x", 2.0], ["x", 1.0], False), (["x"], ["x", 1.0], False), (["x", 1.0, 1.0], ["x", 1.0], False), (["x"] * 300, ["x"] * 300, True),
    ("x1", ["x", "1"], False), ([1, [2, 3]], [1, [2, 3]], True), (np.ones(2), [[1.0], [1.0, 1.0]], False)],
    ids=lambda value: str(value)[:30])
def test_an_answer_is_like_a_mistake_by_structure_kind_and_values(got, mistaken, due):
    assert alike(got, mistaken) is due


def test_how_far_two_spellings_of_a_mistake_may_lie_apart():
    assert alike(1.5, 1.0, rtol=0.5) and not alike(1.5, 1.0, rtol=0.25) and alike(1.5, 1.0, rtol=0.25, noise=0.25)
    assert alike(["x", 1.5], ["x", 1.0], rtol=0.25, noise=0.25) and not alike(["x", 1.5], ["x", 1.0], rtol=0.25)
