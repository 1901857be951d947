"""Compare an answer with the right one and say in words how far off it is, without showing either.

Made for numbers of all sizes: `atol` is 0 unless a check gives it, and errors are told in decades (powers of ten).
"""

import math
from collections.abc import Iterable, Sequence
from itertools import chain
from typing import Any

import numpy as np

from ..border.wire import Unsupported
from .gate import type_words

Array = np.ndarray[Any, Any]
MOST_DIMENSIONS, MOST_LEVELS = 4, 100       # more than `wire` lets through
NO_RETURN = "None (is a `return` missing?)"
SMALLEST = 1e-307       # below the smallest normal number an answer may have lost digits: underflow is never a fault


def difference(got: Any, wanted: Any, rtol: float, atol: float = 0.0, logarithms: bool = False) -> str | None:
    """None if `got` is right, else a sentence for the student. Structure follows `wanted`.

    A str must be equal. A list or tuple of arrays must come as a sequence of as many entries. Anything else is judged
    by its values and shape after `np.asarray`: |got - wanted| <= atol + rtol |wanted|, infinities in the same places.
    How far off `logarithms` to base 10 are is told by their difference.
    """
    if isinstance(wanted, str):
        return _word(got) if not isinstance(got, str) else None if got == wanted else "it gives another of the words"
    if isinstance(wanted, (list, tuple)):
        return _sequence(got, wanted, rtol, atol, logarithms)
    array, trouble = as_numbers(got)
    if array is None:
        return trouble
    wanted = np.asarray(wanted, dtype=float)
    if array.shape != wanted.shape:
        return f"the result has shape {shape_words(array.shape, wanted.shape)} where {wanted.shape} is due"
    return _numbers(array.astype(float), wanted, rtol, atol, logarithms)


def _word(got: object) -> str:
    return f"the result is {kind_of(got)} where a word (str) is due"


def kind_of(got: object) -> str:
    """What an answer is, in known words: its type, never its value."""
    if isinstance(got, Unsupported):
        return type_words(got.kind)
    if got is None:
        return NO_RETURN
    if isinstance(got, np.ndarray):
        return f"an array of shape {shape_words(got.shape)}"
    return {"bool": "a bool", "int": "a number", "float": "a number", "str": "a str", "list": "a list",
            "tuple": "a tuple"}.get(type(got).__name__, "something else")


def shape_words(shape: Sequence[int], due: Iterable[int] = ()) -> str:
    """A shape without numbers that could tell anything: shown are those that are due, those beside them, 0 and 1."""
    if len(shape) > MOST_DIMENSIONS:
        return "(…)"
    known = {0, 1, *(near for n in due for near in (n - 1, n, n + 1))}
    return "(" + ", ".join(str(n) if n in known else "…" for n in shape) + ("," if len(shape) == 1 else "") + ")"


def _sequence(got: Any, wanted: Sequence[Any], rtol: float, atol: float, logarithms: bool) -> str | None:
    rows = isinstance(got, np.ndarray) and got.ndim
    if not rows and not isinstance(got, (list, tuple)):
        return f"the result is {kind_of(got)} where {len(wanted)} entries are due"
    if len(got) != len(wanted):     # looked at first: a list of its rows can be a hundred times as large as an array
        near = abs(len(got) - len(wanted)) <= 2 or len(got) < 2
        return f"the result has {len(got)} entries where {len(wanted)} are due" if near else \
            f"the result has {'many more' if len(got) > len(wanted) else 'far fewer'} entries than the {len(wanted)} that are due"
    for place, (one, due) in enumerate(zip(got, wanted)):
        said = difference(one, due, rtol, atol, logarithms)
        if said:
            inner, _, rest = said.partition(", ")
            return f"{inner} of entry {place}, {rest}" if inner.startswith("in entry ") else f"in entry {place}, {said}"
    return None


def as_numbers(got: Any) -> tuple[Array | None, str | None]:
    """`got` as a real numeric array, else what is wrong with it."""
    if got is None or isinstance(got, (str, Unsupported)):
        return None, f"the result is {kind_of(got)} where numbers are due"
    if isinstance(got, (list, tuple)) and not all_numeric(got):     # an array of texts is as wide as its longest one
        return None, "the result is a list that holds something other than numbers"
    try:
        array = np.asarray(got)
    except Exception:       # NumPy has more than one way to refuse a list
        return None, "the result is a list whose rows have different lengths"
    if array.dtype.kind not in "biuf":
        return None, "the result holds values of a type that is no number"
    return array, None


def all_numeric(items: Sequence[object]) -> bool:
    numeric, deeper = (int, float, np.generic, np.ndarray), (list, tuple)
    for _ in range(MOST_LEVELS):        # level by level: a list may have millions of entries, and they have few types
        kinds = set(map(type, items))
        if not all(issubclass(kind, (*numeric, *deeper)) for kind in kinds):
            return False
        if not any(issubclass(kind, deeper) for kind in kinds):
            return True
        items = list(chain.from_iterable(item for item in items if isinstance(item, deeper)))
    raise RecursionError("a list is nested too deeply")


def as_one(got: Any) -> Any:
    """A list of numbers as the array that it makes, so that it is read once and not for each that it is compared with."""
    array = as_numbers(got)[0] if isinstance(got, (list, tuple)) else None
    return got if array is None else array


def _numbers(got: Array, wanted: Array, rtol: float, atol: float, logarithms: bool) -> str | None:
    with np.errstate(all="ignore"):
        error = np.abs(got - wanted)
        # rtol * inf would make every finite answer right where inf is due
        right = (got == wanted) | np.isfinite(wanted) & (error <= atol + rtol * np.abs(wanted) + SMALLEST)
        if right.all():
            return None
        if np.isnan(got[~right]).any():
            return "the result contains NaN (not a number)"
        got, wanted, error = got[~right], wanted[~right], error[~right]
        if np.isnan(wanted).any():      # a known mistake's answer, never the reference's
            return "the result is a number where NaN is compared with"
        if (np.isinf(got) & np.isfinite(wanted)).any():
            return "the result contains inf where the exact value is finite"
        if np.isinf(wanted).any():
            return "the contract asks for inf or -inf where the result has something else"
        share = f"{len(error)} of {right.size} values are off" if right.size > 1 else "the value is off"
        return f"{share}: {decades_apart(got, wanted) if logarithms else how_far(got, wanted, error)}"


def decades_apart(got: Array, wanted: Array) -> str:
    """How far logarithms to base 10 are off: a difference of 1 is a factor of 10 in what they measure."""
    worst = (got - wanted)[np.abs(got - wanted).argmax()]
    if abs(worst) >= 100:       # digit by digit it could say what the function was called with
        return f"by a hundred decades or more {large_or_small(worst)} at worst"
    if abs(worst) < 0.1:
        return "by less than a tenth of a decade, but by more than rounding"
    return f"by {abs(worst):.1f} {'decade' if abs(worst) < 1.05 else 'decades'} {large_or_small(worst)} at worst"


def large_or_small(decades: float) -> str:
    return "too large" if decades > 0 else "too small"


def how_far(got: Array, wanted: Array, error: Array) -> str:
    """The worst error in decades: by what power of ten, or how many leading digits are right."""
    if (got == 0).all():
        return "0 where the exact value is not zero"
    if (wanted == 0).all():
        return "not zero where zero is due"
    relative = error[wanted != 0] / np.abs(wanted[wanted != 0])
    signs = np.sign(got) * np.sign(wanted)      # 0 where one of both is
    same = signs > 0
    if not same.any():
        return "the sign is wrong"
    decades = np.log10(np.abs(got[same])) - np.log10(np.abs(wanted[same]))
    if np.abs(decades).max() >= 1:
        worst = decades[np.abs(decades).argmax()]
        unit = "decade" if abs(worst) < 1.5 else "decades"
        return f"by {abs(worst):.0f} {unit} {large_or_small(worst)} (a factor of 10^{worst:.0f})"
    if (signs < 0).any():
        return "some signs are wrong"
    worst = relative.max()
    if worst >= 0.1:
        return f"by {100 * worst:.0f} % at worst"
    return f"the relative error is about 10^{math.floor(math.log10(worst))} at worst"


def alike(got: Any, mistaken: Any, rtol: float = 1e-6, noise: float = 0.0) -> bool:
    """Whether an answer is what a known mistake gives: structure, kind and values, NaN and infinities in the same places.

    `noise` is how far apart two spellings of the mistake may lie.
    """
    if isinstance(mistaken, Unsupported):
        return isinstance(got, Unsupported) and got.kind == mistaken.kind
    if mistaken is None or isinstance(mistaken, str):
        return isinstance(got, type(mistaken)) and bool(got == mistaken)
    wrong = as_numbers(mistaken)[0]
    if wrong is None and isinstance(mistaken, (list, tuple)):
        return isinstance(got, (list, tuple)) and len(got) == len(mistaken) and all(
            alike(*pair, rtol, noise) for pair in zip(got, mistaken))
    array = as_numbers(got)[0]
    if array is None or wrong is None or array.shape != wrong.shape:
        return False
    with np.errstate(all="ignore"):
        return bool(np.isclose(array.astype(float), wrong.astype(float), rtol=rtol, atol=noise + SMALLEST, equal_nan=True).all())
