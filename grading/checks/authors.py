"""What an author of checks writes: a mark that makes a test function a check of an exercise."""

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pytest import MarkDecorator


def check(exercise: str, title: str, *, hint: str, weight: int = 1, core: bool = False, most: float = 1.0) -> "MarkDecorator":
    """Mark a test function as a check of `exercise`.

    `title` completes the sentence "<exercise> ..." and `hint` says what to try; students read both. `weight` is the
    check's share of the points. If a core check does not pass, the exercise earns nothing; while any other does not, it
    earns `most` of its points at best: below 1 for a case without which the answer is a wrong one.
    """
    import pytest       # which a bank of answers does without
    return pytest.mark.check(exercise=exercise, title=title, hint=hint, weight=weight, core=core, most=0.0 if core else most)
