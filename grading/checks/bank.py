"""Marks for the bank of answers: known mistakes, each with a name and an explanation, and right answers in other styles."""

import importlib.util
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar


Answer = TypeVar("Answer", bound=Callable[..., Any])
ENTRY = "bank_entry"        # the attribute of a marked function
SYNTHETIC = "synthetic"     # a likely mistake for which no public thread was found


@dataclass(frozen=True)
class Misconception:
    """A wrong answer that students really give. `at_most` is the largest share of the points that it may earn.

    `source` is the public address where somebody gave it, or SYNTHETIC if none is known. `unseen` says why the visible
    checks may not see a mistake that costs most of the points; "" where they have to. `noise` is how far apart the answers
    of two spellings of the mistake may lie. `probe(rng)` gives the arguments of one more call, by which the mistake is
    recognised where hidden inputs only make it raise an error; no points hang on it.
    """

    exercise: str
    name: str
    says: str
    at_most: float
    function: Callable[..., Any]
    source: str = ""
    unseen: str = ""
    noise: float = 0.0
    probe: Callable[..., Any] | None = None


@dataclass(frozen=True)
class RightAnswer:
    """A right answer in a style of its own, which must earn everything."""

    exercise: str
    style: str
    function: Callable[..., Any]


def misconception(exercise: str, name: str, *, at_most: float, says: str, source: str = "", unseen: str = "",
                  noise: float = 0.0, probe: Callable[..., Any] | None = None) -> Callable[[Answer], Answer]:
    """Mark a function as the misconception `name` of `exercise`; the function stays as it is."""
    def mark(function: Answer) -> Answer:
        setattr(function, ENTRY, Misconception(exercise, name, says, at_most, function, source, unseen, noise, probe))
        return function
    return mark


def right_answer(exercise: str, style: str) -> Callable[[Answer], Answer]:
    """Mark a function as a right answer to `exercise`; the function stays as it is."""
    def mark(function: Answer) -> Answer:
        setattr(function, ENTRY, RightAnswer(exercise, style, function))
        return function
    return mark


def misconceptions_of(root: str | Path, notebook: str) -> list[Misconception]:
    """The known mistakes of a notebook of the course in `root`; none where it has no file of them."""
    return load(Path(root, "tests", "misconceptions", f"{notebook}.py"))


def load(path: Path) -> list[Any]:
    """The entries of the file at `path`, in their order there; none without the file."""
    if not path.exists():
        return []
    spec = importlib.util.spec_from_file_location(f"{path.parent.name}_{path.stem}", path)
    assert spec is not None and spec.loader is not None, "it ends with .py"
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return [getattr(value, ENTRY) for value in vars(module).values() if hasattr(value, ENTRY)]
