"""Which known mistake is named behind an answer, judged by all checks of its exercise together."""

from dataclasses import FrozenInstanceError

import pytest

from grading.border.subject import StudentError
from grading.checks import bank
from grading.checks.bank import Misconception, RightAnswer
from grading.checks.recognition import kind, name_mistakes
from grading.checks.verdict import FAILED, NOT_RUN, PASSED, CheckResult, Verdict

CHANGED = "an argument was changed by the call"


def entry(name, at_most=0.0):
    return Misconception("relu", name, "It is wrong.", at_most, None)


ONE, OTHER, SOME = entry("one"), entry("other"), entry("earns some", at_most=0.5)


def failed(name, *candidates, core=False, said="", error=None):
    return CheckResult(name, "is", "try", 1, core, FAILED, said, None, error, candidates=candidates)


def right(name, core=False):
    return CheckResult(name, "is", "try", 1, core, PASSED)


def names(checks, entries, failures):
    """{check: the mistake that is named}; `failures` are {(mistake, check): how it fails}, and False for what it passes."""
    verdict = Verdict("relu", checks)
    name_mistakes(verdict, entries, lambda one, check: failures.get((one.name, check), False))
    return {check.name: check.misconception.name for check in checks if check.misconception}


@pytest.mark.parametrize(("checks", "failures", "due"), [
    ([right("a"), failed("b", ONE)], {}, {"b": "one"}),
    ([right("a"), failed("b", ONE)], {("one", "a"): None}, {}),
    ([right("a"), failed("b", ONE)], {("one", "a"): "TypeError: no"}, {}),
    ([right("a"), failed("b", ONE), failed("c", ONE)], {}, {"b": "one", "c": "one"}),
    ([right("a"), failed("b", ONE), failed("c")], {}, {"b": "one"}),
    ([right("a", core=True), failed("b", ONE), failed("c")], {}, {"b": "one"}),
    ([failed("a", core=True), failed("b", ONE)], {}, {}),
    ([failed("a", ONE, core=True), failed("b", ONE)], {}, {"a": "one", "b": "one"}),
    ([failed("a", ONE, core=True), right("b")], {}, {"a": "one"}),
    ([failed("a", ONE, core=True), failed("b", core=True)], {}, {}),
    # another failure of the same kind is explained as well, and one of another kind is not
    ([failed("a", ONE, core=True), failed("b", said=CHANGED)], {("one", "b"): CHANGED}, {"a": "one", "b": "one"}),
    ([failed("a", ONE, core=True), failed("b", said=CHANGED)], {("one", "b"): "TypeError: no"}, {"a": "one"}),
    ([failed("a", ONE), failed("b", core=True, said=CHANGED)], {("one", "b"): CHANGED}, {"a": "one", "b": "one"}),
    # without a wrong value every failure must be of the mistake's kind
    ([right("a"), failed("b", said=CHANGED)], {("one", "b"): CHANGED}, {"b": "one"}),
    ([right("a"), failed("b", said=CHANGED), failed("c", error=StudentError("E", "no"))],
     {("one", "b"): CHANGED, ("one", "c"): "E: no"}, {"b": "one", "c": "one"}),
    ([right("a"), failed("b", said=CHANGED), failed("c", error=StudentError("E", "no"))], {("one", "b"): CHANGED}, {}),
    ([right("a"), failed("b", said=CHANGED), failed("c", said="2 values are off")], {("one", "b"): CHANGED, ("one", "c"): None}, {}),
    ([right("a"), failed("b", said=CHANGED)], {("one", "b"): CHANGED, ("one", "a"): CHANGED}, {}),
    ([right("a"), failed("b", said=CHANGED)], {}, {}),
    ([CheckResult("a", "is", "try", 1, False, NOT_RUN), failed("b", ONE)], {("one", "a"): None}, {"b": "one"}),
])
def test_a_name_explains_what_failed_and_loses_nothing_that_passed(checks, failures, due):
    assert names(checks, [ONE], failures) == due


@pytest.mark.parametrize(("checks", "due"), [([failed("a", SOME, core=True), right("b")], {}), ([failed("a", SOME), right("b")], {"a": "earns some"})])
def test_a_mistake_that_earns_something_is_not_behind_an_answer_that_earns_nothing(checks, due):
    assert names(checks, [SOME], {}) == due


@pytest.mark.parametrize(("before", "checks", "due"), [
    (SOME, [failed("a", SOME, ONE, core=True)], {"a": "one"}), (OTHER, [failed("a", ONE), right("b")], {"a": "one"}),
    (OTHER, [failed("a", ONE, core=True), failed("b", OTHER, ONE)], {"a": "one", "b": "one"})])
def test_who_comes_after_one_that_is_passed_over_is_named(before, checks, due):
    assert names(checks, [before, ONE], {}) == due


@pytest.mark.parametrize("entries", [[ONE, OTHER], [OTHER, ONE]], ids=["first", "last"])
def test_of_two_the_one_that_explains_more_is_named(entries):
    assert names([failed("a", ONE, OTHER), failed("b", ONE), right("c")], entries, {}) == {"a": "one", "b": "one"}
    assert names([failed("a", ONE), failed("b", ONE, OTHER), right("c")], entries, {}) == {"a": "one", "b": "one"}


def test_of_two_that_explain_as_much_the_first_of_the_bank_is_named_if_a_value_tells_and_none_if_no_value_does():
    for entries in ([ONE, OTHER], [OTHER, ONE]):
        assert names([failed("a", ONE, OTHER), right("b")], entries, {}) == {"a": entries[0].name}
        same = {(one.name, "a"): CHANGED for one in entries}
        assert names([failed("a", said=CHANGED), right("b")], entries, same) == {}
    by_its_kind = {("other", "a"): CHANGED}
    assert names([failed("a", ONE, said=CHANGED), right("b")], [ONE, OTHER], by_its_kind) == {"a": "one"}
    assert names([failed("a", ONE, said=CHANGED), right("b")], [OTHER, ONE], by_its_kind) == {}
    assert names([failed("a", ONE), failed("b", OTHER), right("c")], [ONE, OTHER], {}) == {"a": "one", "b": "other"}


@pytest.mark.parametrize(("said", "error", "due"), [
    ("2 of 3 values are off", None, None), ("", None, None), (CHANGED, None, CHANGED), ("NumPy warned of: overflow", None, "NumPy warned of: overflow"),
    ("a value came back where a ValueError is due", None, "a value came back where a ValueError is due"),
    ("overflow: no floating-point warning is due", None, "overflow: no floating-point warning is due"),
    ("2 of 3 values are off", StudentError("TypeError", "no"), "TypeError: no"), (CHANGED, StudentError("TypeError", "no"), "TypeError: no"),
    ("", StudentError("ValueError", "shapes (3,4) and (5,) not aligned: 4 (dim 1) != 5 (dim 0)"), "ValueError: sizes 4 and 5 do not fit"),
    ("", StudentError("ValueError", "shapes (3,5) and (4,) not aligned: 5 (dim 1) != 4 (dim 0)"), "ValueError: sizes 4 and 5 do not fit"),
    ("", StudentError("ValueError", "matmul: ... (size 5 is different from 4)"), "ValueError: sizes 4 and 5 do not fit"),
])
def test_the_kind_of_a_failure_is_its_error_or_the_rule_that_was_broken(said, error, due):
    assert kind(said, error) == due


def test_a_mark_says_what_it_was_given_and_no_more():
    def relu(z):
        return z

    assert bank.misconception("relu", "one at zero", at_most=0.5, says="It is wrong.")(relu) is relu
    marked = relu.bank_entry
    assert marked == Misconception("relu", "one at zero", "It is wrong.", 0.5, relu) and marked.noise == marked.function.bank_entry.noise == 0
    assert Misconception("relu", "one at zero", "It is wrong.", 0.5, relu, noise=1e-9) != marked, "two spellings agree within no more than is said"
    with pytest.raises(TypeError):
        bank.misconception("relu", "one at zero", 0.5, "It is wrong.")
    assert bank.right_answer("relu", "as it is")(relu).bank_entry == RightAnswer("relu", "as it is", relu)
    for entry_of in (marked, relu.bank_entry):
        with pytest.raises(FrozenInstanceError):
            entry_of.exercise = "gelu"


def test_entries_are_those_of_a_file_in_their_order_and_none_without_it(tmp_path):
    assert bank.load(tmp_path / "none.py") == bank.misconceptions_of(tmp_path, "none") == []
    marks = "\n\n".join(f"@right_answer('relu', '{style}')\ndef {style}(z):\n    return z" for style in ("two", "one"))
    (tmp_path / "some.py").write_text(f"from grading.checks.bank import right_answer\n\n{marks}\n")
    assert [one.style for one in bank.load(tmp_path / "some.py")] == ["two", "one"]
    (tmp_path / "some.txt").write_text("")
    with pytest.raises(AssertionError, match="ends with .py"):
        bank.load(tmp_path / "some.txt")
