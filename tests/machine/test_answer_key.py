"""What the reference and the known mistakes answer: worked out once, never shared with who may change it, and told apart by their digits."""

import sys
from types import SimpleNamespace

import numpy as np
import pytest
import toys

from grading.checks import compare
from grading.checks.answer_key import AnswerKey, Nameless, as_sent, copy_of, importing_from
from grading.checks.bank import Misconception
from grading.checks.compare import Unsupported


def double(z):
    return 2.0 * z


def key_of(*bank, reference=double):
    key = AnswerKey.__new__(AnswerKey)
    key.reference, key.bank, key.known, key.failures = SimpleNamespace(double=reference), list(bank), {}, {}
    return key


def entry(function, name="mistake", exercise="double", **more):
    return Misconception(exercise, name, "It is wrong.", 0.0, function, **more)


def refuses(z):
    raise ValueError("no")


# --- answers to hidden inputs -----------------------------------------------------------------------------------------

CASES = [(1.0,), (3.0,)]
OTHERS = ("add", "half")        # exercises before and behind it in the alphabet


@pytest.mark.parametrize(("mistaken", "slip", "noise", "due"), [
    (1 + 1e-3, 0.0, 0.0, True), (1 + 1e-3, 0.9e-6, 0.0, True), (1 + 1e-3, 1.2e-6, 0.0, False), (1 + 1e-3, 1e-2, 0.1, True),
    (1 + 2e-6, 0.9e-6, 0.0, True), (1 + 0.9e-6, 0.0, 0.0, True), (1 + 0.9e-6, 1e-12, 0.0, False), (1 + 0.9e-6, 1e-14, 0.0, True),
    (1 + 2e-9, 0.0, 0.0, True), (1 + 2e-9, 1e-12, 0.0, False), (1 + 0.9e-9, 0.0, 0.0, False), (1.0, 0.0, 0.0, False)])
def test_a_mistake_is_recognised_by_as_many_digits_as_it_has_wrong_ones(mistaken, slip, noise, due):
    known = entry(lambda z: mistaken * 2.0 * z, noise=noise)
    answers = [mistaken * 2.0 * z * (1 + slip) for z, in CASES]
    assert key_of(known).recognise("double", CASES, b"", answers, [2.0, 6.0]) == ([known] if due else [])


def test_one_wrong_case_is_enough_for_a_mistake_and_every_case_has_to_be_alike():
    known = entry(lambda z: 2.0 if z == 1.0 else 7.0)
    assert key_of(known).recognise("double", CASES, b"", [2.0, 7.0], [2.0, 6.0]) == [known]
    assert key_of(known).recognise("double", CASES, b"", [2.5, 7.0], [2.0, 6.0]) == []
    assert key_of(known).recognise("double", CASES, b"", [2.0, 6.0], [2.0, 6.0]) == []


def test_mistakes_of_other_exercises_and_those_that_raise_are_passed_over():
    known = entry(lambda z: z)
    key = key_of(entry(refuses, "loud"), *(entry(lambda z: z, name, exercise=name) for name in OTHERS), known, entry(lambda z: -z, "turned"))
    assert key.recognise("".join(["dou", "ble"]), CASES, b"", [1.0, 3.0], [2.0, 6.0]) == [known]


def test_a_long_list_is_read_once_and_not_for_each_mistake(monkeypatch):
    """Two million numbers took a minute for an exercise: they were looked at one by one, for each mistake."""
    read, all_numeric = [], compare.all_numeric
    monkeypatch.setattr(compare, "all_numeric", lambda items: read.append(items) or all_numeric(items))
    bank = [entry(lambda z, by=by: np.full(3, by * z), f"by {by}") for by in range(3, 9)]
    assert key_of(*bank).recognise("double", [(1.0,)], b"", [[5, 5.0, True * 5]], [np.full(3, 2.0)]) == [bank[2]]
    assert read == [[5, 5.0, 5]]


@pytest.mark.parametrize(("items", "due"), [([], True), ([1, 2.0, True], True), ([np.float64(1), np.zeros(2)], True), ([1, None], False),
    ([1, "x"], False), ([[1, 2], (3.0,)], True), ([[1, [2, "x"]]], False), ([[], ()], True), ([Unsupported("x")], False), (["x", [1]], False)])
def test_a_list_is_of_numbers_if_all_of_it_is(items, due):
    assert compare.all_numeric(items) == due


def test_a_part_of_an_answer_is_compared_alone():
    known = entry(lambda z: (z, 0.0))
    answers, right = [(1.0, 5.0), (3.0, 5.0)], [(2.0, 5.0), (6.0, 5.0)]
    assert key_of(known).recognise("double", CASES, b"", answers, right) == []
    assert key_of(known).recognise("double", CASES, b"", answers, right, lambda value: value[0]) == [known]
    assert key_of(known).recognise("double", CASES, b"", answers, right, lambda value: value[1:]) == []


def test_the_reference_is_asked_once_for_the_same_inputs_and_changes_none_of_them():
    asked = []

    def reference(z):
        asked.append(z[0])
        z += 1.0
        return z

    key, case = key_of(reference=reference), np.zeros(1)
    assert key.right_answers("double", [(case,)], b"a")[0] is key.right_answers("double", [(case,)], b"a")[0]
    assert (len(asked), case[0]) == (1, 0.0)
    key.right_answers("double", [(case,)], b"b")
    assert len(asked) == 2


def test_numpy_says_nothing_while_the_course_answers():
    assert key_of(reference=lambda z: np.float64(z) / 0.0).right_answers("double", CASES, b"")[0] == np.inf


# --- probes -----------------------------------------------------------------------------------------------------------

def test_a_probe_names_the_mistake_that_answers_as_the_student_does():
    made, asked = [], []

    def probe(rng):
        made.append(rng.random())
        return (np.ones(2),)

    def ask(arguments):
        asked.append(arguments)
        arguments[0][:] = 9.0       # of the copy that the student is given
        return answer

    known = entry(lambda z: z, "identity", probe=probe)
    bank = [*(entry(lambda z: z, exercise=name, probe=probe) for name in OTHERS), entry(lambda z: z), entry(lambda z: 3.0 * z, probe=probe), known]
    for answer, due in ((np.ones(2), known), (np.full(2, 2.0), None), (np.full(2, 3.0), bank[3]), (np.full(2, 4.0), None), (None, None)):
        assert key_of(*bank).probed("".join(["dou", "ble"]), ask) is due
    assert made == [np.random.default_rng(0).random()] * 5 and len(asked) == 5, "one call, however many mistakes share it"
    answer = np.full(2, 2.0) * (1 + 5e-7)
    for slip in (0.0, 1e-7):
        assert key_of(entry(lambda z: 2.0 * z * (1 + slip), "no mistake", probe=probe)).probed("double", ask) is None


@pytest.mark.parametrize(("answer", "found"), [((1.0, 5.0), True), ([1.0, 8.0], True), ((2.0, 5.0), False), (1.0, False), ((1.0,), False), ((1.0, 5.0, 9.0), False)])
def test_of_a_tuple_the_first_entry_is_compared(answer, found):
    known = entry(lambda z: (z, 0.0), probe=lambda rng: (1.0,))
    assert (key_of(known, reference=lambda z: (2.0 * z, 5.0)).probed("double", lambda arguments: answer) is known) is found


# --- what a mistake loses ---------------------------------------------------------------------------------------------

def test_how_a_mistake_fails_a_check_is_asked_once():
    asked = []

    def agrees(student):
        asked.append((student.exercise, student.definition))
        student.agrees((1.0,), rtol=1e-9)

    def refuses_words(student):
        student.refuses((1.0,))

    def broken(student):
        raise KeyError("of the check")

    right, wrong, loud = entry(double, "right"), entry(lambda z: z, "wrong"), entry(refuses, "loud")
    key = key_of(right, wrong, loud)
    assert [key.failure_of(one, agrees) for one in (right, wrong, loud) * 2] == [False, None, "ValueError: no"] * 2
    assert asked == [("double", -1)] * 3, "the newest"
    assert [key.failure_of(one, refuses_words) for one in (right, loud)] == ["a value came back where a ValueError is due", False]
    assert key.failure_of(right, broken) is None
    assert Nameless(key).recognise("double", CASES, b"", [], []) == [] and Nameless(key).right_answers("double", CASES, b"") == [2.0, 6.0]


# --- where the reference comes from -----------------------------------------------------------------------------------

def test_the_reference_is_that_of_the_course_and_the_process_keeps_its_own(tmp_path):
    import reference_impl.activations as own
    root = toys.make_course(tmp_path)
    before = list(sys.path)
    key = AnswerKey(root, "toy")
    assert key.reference.double(1.5) == 3.0 and [one.exercise for one in key.bank] == ["half"]
    assert sys.modules["reference_impl.activations"] is own and "reference_impl.toy" not in sys.modules and sys.path == before
    with pytest.raises(ZeroDivisionError), importing_from(root):
        assert sys.path[0] == str(root) and "reference_impl" not in sys.modules and {"json", "typing"} <= sys.modules.keys()
        raise ZeroDivisionError
    assert sys.modules["reference_impl.activations"] is own and sys.path == before


def test_answers_of_mistakes_are_what_would_come_over_the_wire():
    assert as_sent(lambda z: (z, [1]))(2) == (2, [1])
    assert isinstance(as_sent(dict)(), Unsupported)
    array = np.zeros(2)
    copied = copy_of((array, [array], "a"))
    copied[0][:], copied[1][0][:] = 1.0, 2.0
    assert array.tolist() == [0.0, 0.0] and type(copied) is tuple and type(copied[1]) is list and copied[2] == "a"
