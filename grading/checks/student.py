"""What a check may ask of the student's function of one exercise."""

import hashlib
import json
import zlib
from collections.abc import Callable, Iterator, Sequence
from functools import cached_property
from typing import Any, Protocol

import numpy as np

from ..border.subject import Reply, Subject, pack
from . import compare
from .bank import Misconception
from .verdict import RAISED, Failed

Case = tuple[Any, ...]


class Key(Protocol):
    """What is right, and what known mistakes answer: see `answer_key.AnswerKey`."""

    def right_answers(self, exercise: str, cases: Sequence[Case], inputs: bytes) -> list[Any]: ...

    def recognise(self, exercise: str, cases: Sequence[Case], inputs: bytes, answers: list[Any], right: Sequence[Any],
                  part: Callable[[Any], Any]) -> list[Misconception]: ...


class Student:
    """The student's function of one exercise, as a check sees it."""

    def __init__(self, subject: Subject, key: Key, exercise: str, definition: int, name: str) -> None:
        self.subject, self.key, self.exercise, self.definition = subject, key, exercise, definition
        self.name = name
        self.warnings: set[str] = set()
        self.replies: list[Reply] = []      # all that came back, see `wrong.py`

    @cached_property
    def rng(self) -> np.random.Generator:
        """Random numbers that are the same for every student."""
        return np.random.default_rng(zlib.crc32(self.name.encode()))

    def agrees(self, *cases: Case, rtol: float, atol: float = 0.0, wanted: Callable[..., Any] | None = None,
               first: int | None = None, logarithms: bool = False) -> None:
        """Every result equals `wanted(*case)` (by default the reference's) within `rtol` and `atol`.

        With `first`, only so many entries of the returned tuple are compared: a slip in a later one costs that one only.
        """
        for said, known in self._differences(cases, rtol, atol, wanted, first, silent=False, logarithms=logarithms):
            raise Failed(said, known)

    def _differences(self, cases: tuple[Case, ...], rtol: float, atol: float, wanted: Callable[..., Any] | None,
                     first: int | None, silent: bool, logarithms: bool) -> Iterator[tuple[str, list[Misconception]]]:
        """(what is wrong, the known mistake behind it) for each case whose result is; the reference has its say first."""
        packed = pack(cases)
        inputs = fingerprint(*packed)
        right = [wanted(*case) for case in cases] if wanted else self.key.right_answers(self.exercise, cases, inputs)
        replies = self._replies(packed, after=False)
        for reply in replies if silent else []:
            if reply.warnings:
                yield "NumPy warned of: " + ", ".join(reply.warnings), []
        for reply, due in zip(replies, right):
            def part(value: Any, count: int | None = len(due) if first else None) -> Any:
                return list(value[:first]) if isinstance(value, (tuple, list)) and len(value) == count else value

            said = compare.difference(part(reply.value), part(due), rtol, atol, logarithms)
            if first and part(reply.value) is reply.value:
                said = f"the function returns {len(due)} things, as one tuple"
            if said:
                yield said, self.key.recognise(self.exercise, cases, inputs, [r.value for r in replies], right, part)

    def results(self, *cases: Case) -> list[Any]:
        """The result of each case as plain data."""
        return [reply.value for reply in self._replies(pack(cases), after=False)]

    def expect(self, condition: object, words: str) -> None:
        """Fail the check, in these words, unless `condition` holds."""
        if not condition:
            raise Failed(words)

    def leaves_arguments_alone(self, *cases: Case) -> None:
        """The arguments are after the call what they were before it."""
        for reply, case in zip(self._replies(pack(cases), after=True), cases):
            if len(reply.after) != len(case) or any(changed(*pair) for pair in zip(reply.after, case)):
                raise Failed("an argument was changed by the call")

    def refuses(self, *cases: Case) -> None:
        """Every call raises a ValueError."""
        replies = self.subject.call(self.exercise, self.definition, *pack(cases))
        self.replies += replies
        for reply in replies:
            if reply.error is None:
                raise Failed(f"{'nothing' if reply.value is None else 'a value'} came back where a ValueError is due")
            if not reply.error.value_error:
                raise Failed("an error of another kind was raised where a ValueError is due", error=reply.error)

    def is_silent(self, *cases: Case, rtol: float = 1e-9, atol: float = 0.0, first: int | None = None,
                  logarithms: bool = False) -> None:
        """No overflow, invalid or divide warning, and the right values: any constant is silent."""
        for said, known in self._differences(cases, rtol, atol, None, first, silent=True, logarithms=logarithms):
            raise Failed(said, known)

    def _replies(self, packed: tuple[Any, bytes], after: bool) -> list[Reply]:
        replies = self.subject.call(self.exercise, self.definition, *packed, after=after)
        self.replies += replies
        for reply in replies:
            self.warnings.update(reply.warnings)
        for reply in replies:
            if reply.error:
                raise Failed(RAISED, error=reply.error)
        return replies


def fingerprint(tree: Any, block: bytes) -> bytes:
    return hashlib.blake2b(json.dumps(tree).encode() + block).digest()


def changed(after: Any, before: Any) -> bool:
    return compare.difference(after, before, 0.0) is not None
