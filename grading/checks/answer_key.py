"""The course's side of a check: what the reference and the known mistakes answer to the hidden inputs."""

import importlib
import sys
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np

from ..border import wire
from ..border.subject import LocalSubject
from . import bank, compare
from .bank import Misconception
from .recognition import kind
from .student import Student
from .verdict import Failed

Cases = Sequence[tuple[Any, ...]]
Part = Callable[[Any], Any]


class AnswerKey:
    """Reference and misconceptions of one notebook, with what they answer to the (always equal) hidden inputs."""

    def __init__(self, root: str | Path, notebook: str) -> None:
        self.root, self.notebook = Path(root), notebook
        with importing_from(root):
            self.reference = importlib.import_module(f"reference_impl.{notebook}")
            self.bank: list[Misconception] = bank.misconceptions_of(self.root, notebook)
        self.known: dict[tuple[str, str, bytes], list[Any]] = {}
        self.failures: dict[tuple[str, str, str], str | bool | None] = {}

    def mistakes(self, exercise: str) -> list[Misconception]:
        """The known mistakes of one exercise."""
        return [entry for entry in self.bank if entry.exercise == exercise]

    def right_answers(self, exercise: str, cases: Cases, inputs: bytes) -> list[Any]:
        return self.remember(exercise, cases, inputs, "reference", getattr(self.reference, exercise))

    def recognise(self, exercise: str, cases: Cases, inputs: bytes, answers: list[Any], right: Sequence[Any],
                  part: Part = lambda value: value) -> list[Misconception]:
        """The misconceptions that answer like this, in `part` of each answer. `inputs` is the fingerprint of `cases`."""
        found = []
        got, due = [compare.as_one(part(value)) for value in answers], [part(value) for value in right]
        for entry in self.mistakes(exercise):
            try:
                mistaken = [part(value) for value in self.remember(exercise, cases, inputs, entry.name, as_sent(entry.function))]
            except Exception:       # a mistake may well raise on some input; then it is not this one
                continue
            # asked first: most answers are not this mistake's, and mostly their first value tells
            if not all_alike(got, mistaken, 1e-6, entry.noise):
                continue
            # an answer that is wrong in its last digits only must have the mistake's own last digits
            if differ(mistaken, due, 1e-6) or differ(mistaken, due, 1e-9) and all_alike(got, mistaken, 1e-13, entry.noise):
                found.append(entry)
        return found

    def probed(self, exercise: str, ask: Callable[[tuple[Any, ...]], Any]) -> Misconception | None:
        """The known mistake that answers a probe as the student does, None without: `ask(arguments)` is the student's answer.

        Of a tuple the first entry is compared: the rest may be spelled in many ways.
        """
        asked: dict[Callable[..., Any], tuple[Any, Any, Any]] = {}
        reference = getattr(self.reference, exercise)
        for entry in self.mistakes(exercise):
            if entry.probe is None:
                continue
            if entry.probe not in asked:
                arguments = entry.probe(np.random.default_rng(0))
                asked[entry.probe] = arguments, ask(copy_of(arguments)), reference(*copy_of(arguments))
            arguments, answer, right = asked[entry.probe]
            mistaken = as_sent(entry.function)(*copy_of(arguments))
            if isinstance(right, tuple):
                answer, mistaken, right = (value[0] if isinstance(value, (tuple, list)) and len(value) == len(right) else None
                                           for value in (answer, mistaken, right))
            if compare.alike(answer, mistaken) and compare.difference(answer, right, 1e-6):
                return entry
        return None

    def failure_of(self, entry: Misconception, check: Callable[[Student], None]) -> str | bool | None:
        """False if the misconception passes the check, a function of a student, else the kind of its failure."""
        place = entry.exercise, entry.name, check.__name__
        if place not in self.failures:
            student = Student(LocalSubject({entry.exercise: entry.function}), Nameless(self), entry.exercise, -1, check.__name__)
            try:
                check(student)
                self.failures[place] = False
            except Failed as failed:
                self.failures[place] = kind(failed.said, failed.error)
            except Exception:       # of the check itself, for what the mistake hands back
                self.failures[place] = None
        return self.failures[place]

    def remember(self, exercise: str, cases: Cases, inputs: bytes, name: str, function: Callable[..., Any]) -> list[Any]:
        key = (exercise, name, inputs)
        if key not in self.known:
            with np.errstate(all="ignore"):
                self.known[key] = [function(*copy_of(case)) for case in cases]
        return self.known[key]


def all_alike(got: Iterable[Any], mistaken: Iterable[Any], rtol: float, noise: float) -> bool:
    return all(compare.alike(*pair, rtol, noise) for pair in zip(got, mistaken))


def differ(mistaken: Iterable[Any], due: Iterable[Any], rtol: float) -> bool:
    return any(compare.difference(*pair, rtol) for pair in zip(mistaken, due))


class Nameless:
    """An answer key that recognises nothing, to see what a mistake loses."""

    def __init__(self, key: AnswerKey) -> None:
        self.key = key

    def right_answers(self, exercise: str, cases: Cases, inputs: bytes) -> list[Any]:
        return self.key.right_answers(exercise, cases, inputs)

    def recognise(self, *about: Any, **part: Any) -> list[Misconception]:
        return []


def as_sent(function: Callable[..., Any]) -> Callable[..., Any]:
    """`function`, its answers turned into what the wire would make of them."""
    def call(*arguments: Any) -> Any:
        blobs = bytearray()
        return wire.decode(wire.encode(function(*arguments), blobs), bytes(blobs))
    return call


@contextmanager
def importing_from(root: str | Path) -> Iterator[None]:
    """Import `reference_impl` out of `root`, as it is on disk now; the process's own modules stay as they were."""
    def loaded() -> dict[str, Any]:
        return {name: module for name, module in sys.modules.items() if name.split(".")[0] == "reference_impl"}

    own = loaded()
    for name in own:
        del sys.modules[name]
    sys.path.insert(0, str(root))
    importlib.invalidate_caches()
    try:
        yield
    finally:
        sys.path.remove(str(root))
        for name in loaded():
            del sys.modules[name]
        sys.modules.update(own)


def copy_of(value: Any) -> Any:
    if isinstance(value, (list, tuple)):
        return type(value)(copy_of(item) for item in value)
    return value.copy() if isinstance(value, np.ndarray) else value
