"""What a check may ask of a function: values, silence, arguments that stay as they are, an error of the right kind."""

import zlib
from contextlib import nullcontext
from types import SimpleNamespace

import numpy as np
import pytest

from grading.border.subject import LocalSubject, Reply, pack
from grading.checks.student import Student, changed, fingerprint
from grading.checks.verdict import RAISED, Failed


class UnknownName(ValueError):
    """A right answer may make its own kind of ValueError."""


def student_of(function):
    return Student(LocalSubject({"named": function}), None, "named", 0, "a check")


def raising(error):
    def named(name):
        raise error
    return named


@pytest.mark.parametrize("error", [ValueError("no"), UnknownName("no"), UnicodeError("no")], ids=lambda error: type(error).__name__)
def test_a_value_error_of_any_make_is_a_refusal(error):
    student_of(raising(error)).refuses(("one",), ("two",))


@pytest.mark.parametrize("error", [KeyError("no"), TypeError("no"), Exception("ValueError")], ids=lambda error: type(error).__name__)
def test_another_error_is_none_and_is_shown(error):
    with pytest.raises(Failed, match="another kind") as failed:
        student_of(raising(error)).refuses(("one",))
    assert failed.value.error.type == type(error).__name__


def test_a_value_for_one_of_the_cases_is_no_refusal():
    def named(name):
        if name == "one":
            raise ValueError
        return 1.0

    with pytest.raises(Failed, match="a value came back"):
        student_of(named).refuses(("one",), ("two",))


# --- values ---------------------------------------------------------------------------------------------------------

class Key:
    """The reference doubles; whatever is wrong is a known mistake, and what was asked about it is kept."""

    def __init__(self, reference=lambda z: 2.0 * np.asarray(z)):
        self.reference, self.asked = reference, []

    def right_answers(self, exercise, cases, inputs):
        assert exercise == "named" and inputs == fingerprint(*pack(cases))
        return [self.reference(*case) for case in cases]

    def recognise(self, exercise, cases, inputs, answers, right, part):
        self.asked.append([part(answer) for answer in answers])
        return ["known"]


def judged(function, ask, key=None):
    """(what was said, the known mistakes, the student) after a check that asks this of a function."""
    student = Student(LocalSubject({"named": function}), key or Key(), "named", 0, "a check")
    try:
        ask(student)
    except Failed as failed:
        return failed.said, failed.candidates, student
    return None, [], student


def double(z):
    return 2.0 * np.asarray(z)


@pytest.mark.parametrize(("function", "more", "due"), [
    (double, {}, None), (lambda z: double(z) * (1 + 1e-3), {"rtol": 1e-2}, None), (lambda z: double(z) + 0.01, {"atol": 0.1}, None),
    (lambda z: double(z) + 0.01, {"rtol": 1e-4}, "the value is off: the relative error is about 10^-3 at worst"),
    (lambda z: double(z) + 5.0, {}, "the value is off: by 83 % at worst"), (lambda z: z, {"wanted": lambda z: z}, None),
    (double, {"wanted": lambda z: z}, "the value is off: by 100 % at worst"), (lambda z: "6", {}, "the result is a str where numbers are due"),
    (lambda z: double(z) + 0.25, {"logarithms": True}, "the value is off: by 0.2 decade too large at worst")])
def test_a_function_agrees_within_what_the_check_allows(function, more, due):
    key = Key()
    said, known, student = judged(function, lambda student: student.agrees((3.0,), (3,), **{"rtol": 1e-9, **more}), key)
    assert (said, known) == (due, ["known"] if due else [])
    assert [reply.after for reply in student.replies] == [[], []] and key.asked == ([[reply.value for reply in student.replies]] if due else [])


def test_the_first_wrong_case_is_said():
    said, _, _ = judged(lambda z: 0.0 if z == 2 else double(z), lambda student: student.agrees((1.0,), (2.0,), rtol=1e-9))
    assert said == "the value is off: 0 where the exact value is not zero"


def pair(z):
    return double(z), 7.0


@pytest.mark.parametrize(("function", "first", "due"), [
    (lambda z: (double(z), 0.0), 1, None), (lambda z: [double(z), None], 1, None), (lambda z: (double(z), 0.0), 2, "in entry 1, "),
    (lambda z: (0.0, 7.0), 1, "in entry 0, "), (lambda z: double(z), 1, "the function returns 2 things, as one tuple"),
    (lambda z: (double(z),), 1, "the function returns 2 things, as one tuple"), (lambda z: (double(z), 7.0, 1.0), 1, "the function returns 2 things"),
    (lambda z: None, 1, "the function returns 2 things"), (pair, None, None), (lambda z: [6.0, 7.0], 2, None), (lambda z: (double(z), 0.0), None, "in entry 1, ")])
def test_the_first_entries_of_a_tuple_are_compared_alone(function, first, due):
    for ask in (lambda student: student.agrees((3.0,), rtol=1e-9, first=first), lambda student: student.is_silent((3.0,), first=first)):
        key = Key(pair)
        said, _, _ = judged(function, ask, key)
        assert said is None if due is None else said.startswith(due)
        if due == "in entry 0, ":
            assert key.asked == [[[0.0]]], "and the known mistakes are asked about these alone"


def loud(z):
    np.float64(1e308) * 10
    np.float64(1.0) / np.float64(0.0)
    return double(z)


def test_silence_is_no_warning_and_the_right_values():
    def ask(student):
        student.is_silent((3.0,))
    said, known, student = judged(loud, ask)
    assert (said, known) == ("NumPy warned of: overflow, divide", []) and student.warnings == {"overflow", "divide"}
    assert judged(double, ask)[:2] == (None, [])
    assert judged(lambda z: 0.0, ask)[:2] == ("the value is off: 0 where the exact value is not zero", ["known"])
    assert judged(lambda z: double(z) * (1 + 2e-9), ask)[0] and not judged(lambda z: double(z) * (1 + 0.5e-9), ask)[0]
    assert not judged(lambda z: double(z) + 0.1, lambda student: student.is_silent((3.0,), atol=0.2))[0]
    assert "decade" in judged(lambda z: double(z) + 0.25, lambda student: student.is_silent((3.0,), logarithms=True))[0]
    said, _, student = judged(loud, lambda student: student.agrees((3.0,), rtol=1e-9))
    assert said is None and student.warnings == {"overflow", "divide"}, "a warning costs nothing where silence is not asked for"


def test_an_error_in_one_case_fails_the_check_and_warnings_of_the_others_are_kept():
    def function(z):
        if z == 2:
            raise TypeError("no")
        return loud(z)
    for ask in (lambda student: student.agrees((2.0,), (1.0,), rtol=1e-9), lambda student: student.results((2.0,), (1.0,)),
                lambda student: student.leaves_arguments_alone((2.0,), (1.0,))):
        student = Student(LocalSubject({"named": function}), Key(), "named", 0, "a check")
        with pytest.raises(Failed, match=RAISED) as failed:
            ask(student)
        assert failed.value.error.type == "TypeError" and student.warnings == {"overflow", "divide"} and len(student.replies) == 2


def test_results_are_plain_data_and_a_condition_is_put_in_words():
    student = Student(LocalSubject({"named": pair}), None, "named", 0, "a check")
    assert student.results((1.0,), (2.0,)) == [(2.0, 7.0), (4.0, 7.0)] and student.replies[0].after == []
    student.expect(1 == 1, "it is one")
    with pytest.raises(Failed, match="it is one"):
        student.expect(np.array(0), "it is one")


def writes(z):
    z[0] = 5.0
    return z


@pytest.mark.parametrize(("function", "case", "due"), [
    (double, (np.ones(2),), False), (writes, (np.ones(2),), True), (writes, ([np.ones(2), 1],), True), (lambda z: z.append(1), ([1, 2],), True),
    (lambda z: z.append(1), ([[1], "a"],), True), (lambda z: z, ([[1], "a"],), False)])
def test_an_argument_that_was_changed_is_seen(function, case, due):
    ask = [(np.zeros(2) if isinstance(case[0], np.ndarray) else case[0],), case] if not due else [case]
    said, _, _ = judged(function, lambda student: student.leaves_arguments_alone(*ask))
    assert said == ("an argument was changed by the call" if due else None)


@pytest.mark.parametrize(("after", "due"), [([1.0], False), ([], True), ([1.0, 1.0], True), ([2.0], True)])
def test_arguments_that_a_kernel_does_not_send_back_were_changed(after, due):
    subject = SimpleNamespace(call=lambda *_, after: [Reply(0.0, after=sent)])
    student, sent = Student(subject, None, "named", 0, "a check"), after
    with pytest.raises(Failed, match="changed by the call") if due else nullcontext():
        student.leaves_arguments_alone((1.0,))


@pytest.mark.parametrize(("after", "before", "due"), [
    ([1, "a"], [1, "a"], False), ((1, "a"), [1, "a"], False), ([1, "a"], [1], True), ([1], [1, "a"], True), ([1, "b"], [1, "a"], True),
    (["a", [2]], ["a", [1]], True), (1.0, 1, False), (1 + 1e-15, 1.0, True), (None, [1], True), ([1], "a", True), ([1], 1.0, True), (1.0, [1], True)], ids=str)
def test_what_changed_is_told_entry_by_entry(after, before, due):
    assert changed(after, before) is due


def test_random_numbers_are_those_of_the_check_for_everybody():
    def numbers(name):
        return Student(None, None, "named", 0, name).rng.random(3).tolist()
    assert numbers("a check") == np.random.default_rng(zlib.crc32(b"a check")).random(3).tolist() != numbers("another")


def test_other_inputs_have_another_fingerprint():
    found = [fingerprint(*pack(cases)) for cases in ([(1.0,)], [(2.0,)], [(np.ones(2),)], [(np.zeros(2),)], [(1.0,)])]
    assert len(set(found)) == 4 and found[0] == found[4]


def test_nothing_is_no_refusal_and_all_that_came_back_is_kept():
    student = student_of(lambda name: None)
    with pytest.raises(Failed, match="nothing came back"):
        student.refuses(("one",), ("two",))
    assert len(student.replies) == 2
