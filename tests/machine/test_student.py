"""What a check may ask for that is no value: an error of the right kind."""

import pytest

from grading.border.subject import LocalSubject
from grading.checks.student import Student
from grading.checks.verdict import Failed


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
