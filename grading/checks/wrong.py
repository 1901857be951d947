"""A digest of what a wrong answer gave on the hidden inputs, by which equal mistakes find each other, whatever their code.

It is made where the hidden inputs are, on the grader's side, and nothing of them can be read out of it. Two spellings of
one mistake differ in their last digits, so values are rounded to steps of `STEP` first. A value that lies on the edge of a
step would fall to either side: each answer has a digest on each of two grids whose edges lie apart, and two answers are
alike if they have the same one on either.
"""

import hashlib
import re
from collections.abc import Iterable
from typing import Any

import numpy as np

from ..border.subject import Reply
from ..border.wire import Unsupported
from .compare import SMALLEST, as_numbers

Array = np.ndarray[Any, Any]
STEP = 1e-6             # of a value, as large as what `compare.alike` allows
GRIDS = (0.37, 0.87)    # no power of two, and no other number that people write, lies on an edge
MOST_NUMBERS = 100_000  # of one check that are looked at
LENGTH = 12             # of one digest, in hexadecimal digits
QUOTED = re.compile(r"'[^']*'|\"[^\"]*\"")


class Room:
    """How many numbers of a check may still be looked at."""

    left = MOST_NUMBERS


def digests(replies: Iterable[Reply], manner: str | None) -> str:
    """The digests of a failed check on both grids, as one word; "" for what cannot be looked at. `manner` is the sort of
    failure where no value tells, see `recognition.kind`: names that a student chose do not count in it."""
    replies = list(replies)
    try:
        return "-".join(_digest(replies, manner, grid) for grid in GRIDS)
    except (MemoryError, RecursionError):
        return ""


def _digest(replies: list[Reply], manner: str | None, grid: float) -> str:
    found, room = hashlib.sha256(QUOTED.sub("''", manner or "").encode("utf-8", "replace")), Room()
    for reply in replies:
        found.update(b"|")
        if reply.error:
            found.update(reply.error.type.encode("utf-8", "replace"))
        else:
            _add(found, reply.value, grid, room)
        for argument in reply.after:        # asked for where the call may have changed it
            _add(found, argument, grid, room)
    return found.hexdigest()[:LENGTH]


def _add(found: Any, value: Any, grid: float, room: Room) -> None:
    """Add one value; lists and tuples of numbers count as the array that they make."""
    array, _ = as_numbers(value)
    if array is not None:
        found.update(repr(array.shape).encode() + steps(array.ravel()[:room.left].astype(float), grid).tobytes())
        room.left = max(0, room.left - array.size)
    elif isinstance(value, (list, tuple)):
        found.update(f"[{len(value)}".encode())
        for item in value[:MOST_NUMBERS]:
            _add(found, item, grid, room)
    else:
        found.update((value.kind if isinstance(value, Unsupported) else repr(value)[:1000]).encode("utf-8", "replace"))


def steps(array: Array, grid: float) -> Array:
    """The number of the step that each value lies on: steps of a fixed size in the logarithm, signs and zeros apart."""
    with np.errstate(all="ignore"):
        size = np.abs(array)
        exponent = np.floor(np.log2(np.where(np.isfinite(size) & (size > SMALLEST), size, 1.0)) / np.log2(1 + STEP) + grid)
    code = np.sign(np.nan_to_num(array)) * (exponent + 2.0**40)       # every exponent is far smaller
    code[size <= SMALLEST] = 0
    code[np.isinf(size)] = np.sign(array[np.isinf(size)]) * 2.0**50
    code[np.isnan(array)] = 2.0**51
    steps_of: Array = code.astype(np.int64)
    return steps_of
