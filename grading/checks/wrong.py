"""A digest of what a wrong answer gave on the hidden inputs, by which equal mistakes find each other, whatever their code.

It is made where the hidden inputs are, on the grader's side, and nothing of them can be read out of it. Two spellings of
one mistake differ in their last digits, so values are rounded to steps of `STEP` first. A value that lies on the edge of a
step would fall to either side: each answer has a digest on each of two grids whose edges lie apart, and two answers are
alike if they have the same one on either.
"""

import hashlib
import re
from collections.abc import Iterable, Iterator
from typing import Any

import numpy as np

from ..border.subject import Reply
from ..border.wire import Unsupported
from .compare import SMALLEST, as_numbers

Array = np.ndarray[Any, Any]
STEP = 1e-6             # of a value, as large as what `compare.alike` allows
GRIDS = (0.37, 0.87)    # no power of two, and no other number that people write, lies on an edge
MOST_NUMBERS = 100_000  # of one check that are looked at
MOST_ITEMS = 2000       # of lists that are no array, which are looked at one by one
LENGTH = 12             # of one digest, in hexadecimal digits
QUOTED = re.compile(r"'[^']*'|\"[^\"]*\"")


def digests(replies: Iterable[Reply], manner: str | None) -> str:
    """The digests of a failed check on both grids, as one word; "" for what cannot be looked at. `manner` is the sort of
    failure where no value tells, see `recognition.kind`: names that a student chose do not count in it."""
    taken = Taken(QUOTED.sub("''", manner or ""))
    try:
        for reply in replies:
            taken.text("|")
            if reply.error:
                taken.text(reply.error.type)
            else:
                taken.value(reply.value)
            for argument in reply.after:        # asked for where the call may have changed it
                taken.value(argument)
    except (MemoryError, RecursionError):
        return ""
    return "-".join(found.hexdigest()[:LENGTH] for found in taken.found)


class Taken:
    """What the digest on each grid has taken in so far."""

    def __init__(self, manner: str) -> None:
        self.found = [hashlib.sha256() for _ in GRIDS]
        self.room, self.items = MOST_NUMBERS, MOST_ITEMS        # how many numbers and items may still be looked at
        self.text(manner)

    def text(self, words: str) -> None:
        for found in self.found:
            found.update(words.encode("utf-8", "replace"))

    def value(self, value: Any) -> None:
        """Lists and tuples of numbers count as the array that they make."""
        array, _ = as_numbers(value)
        if array is not None:
            self.text(repr(array.shape))
            for found, code in zip(self.found, steps(array.ravel()[:self.room].astype(float))):
                found.update(code.tobytes())
            self.room = max(0, self.room - array.size)
        elif isinstance(value, (list, tuple)):
            self.text(f"[{len(value)}")
            for item in value:
                self.items -= 1
                if self.items < 0:
                    break
                self.value(item)
        else:
            self.text(value.kind if isinstance(value, Unsupported) else repr(value)[:1000])


def steps(array: Array) -> Iterator[Array]:
    """For each grid the number of the step that each value lies on: steps of a fixed size in the logarithm, signs and zeros apart."""
    with np.errstate(all="ignore"):
        size, sign = np.abs(array), np.sign(array)
        place = np.log2(size) / np.log2(1 + STEP)
        for grid in GRIDS:
            code = sign * (np.floor(place + grid) + 2.0**40)      # every exponent is far smaller
            code[size <= SMALLEST] = 0
            code[np.isinf(size)] = sign[np.isinf(size)] * 2.0**50
            code[np.isnan(size)] = 2.0**51
            yield code.astype(np.int64)
