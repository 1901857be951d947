"""What `course followup` asks a submission's kernel: one call of one function, with what its lines do, within limits.

The calls are public ones: those that the visible part of an exercise's tests cell makes.
"""

import copy
import json
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from ..border.subject import CellEnd, KernelSubject
from .traced import MOST_EVENTS

SECONDS = 5.0           # for one call
MOST_SHOWN = 12         # numbers in the arguments of a call that a sheet shows
SENT = Path(__file__).with_name("traced.py")
Call = tuple[Any, ...]                      # the arguments
Wanted = Mapping[int, Sequence[str]]        # {line of a function: expressions to look at there}


# --- public calls -------------------------------------------------------------------------------------------------

def public_calls(source: str, exercise: str) -> list[Call]:
    """The arguments of the calls that the visible part of a tests cell (the course's own, `source`) makes, as plain tuples.

    The cell is run with a function that notes its arguments in the place of the student's; what comes after that needs a result is not run.
    """
    found = []

    def note(*arguments: Any, **named: Any) -> None:
        if not named:
            found.append(copy.deepcopy(arguments))

    def noted(*arguments: Any, **_: Any) -> None:
        note(*arguments)

    @contextmanager
    def checking(*_: Any, **__: Any) -> Iterator[Any]:
        yield noted

    with suppress(Exception):       # the cell goes on with a result, and there is none
        exec(compile(source, "tests cell", "exec"), {"np": np, "checking": checking, exercise: note, "__name__": "tests"})
    return [call for call in found if size_of(call) is not None]


def size_of(value: Any) -> int | None:
    """How many numbers a value holds; None for what cannot be written down as an argument."""
    if isinstance(value, np.ndarray):
        return value.size if value.dtype.kind in "fiub" else None
    if isinstance(value, (list, tuple)):
        sizes = [size_of(one) for one in value]
        known = [size for size in sizes if size is not None]
        return sum(known) if len(known) == len(sizes) else None
    return 1 if isinstance(value, (bool, int, float, str, np.number)) else None


def as_text(value: Any) -> str:
    """A value as the Python that makes it."""
    if isinstance(value, np.ndarray):
        return f"np.array({as_text(value.tolist())})" if value.size else f"np.zeros({value.shape})"
    if isinstance(value, (list, tuple)):
        inner = ", ".join(map(as_text, value))
        return f"[{inner}]" if isinstance(value, list) else f"({inner}{',' if len(value) == 1 else ''})"
    if isinstance(value, (float, np.floating)):
        return repr(float(value)) if np.isfinite(value) else "np.nan" if np.isnan(value) else "np.inf" if value > 0 else "-np.inf"
    return repr(value.item() if isinstance(value, np.generic) else value)


def is_readable(call: Call) -> bool:
    """Whether a sheet can show the call: few numbers, none with a tail of digits."""
    return (size_of(call) or 99) <= MOST_SHOWN and len(as_text(call)) <= 150


# --- traces -------------------------------------------------------------------------------------------------------

@dataclass(frozen=True)
class Seen:
    """A value as the kernel describes it."""

    kind: str
    shape: tuple[int, ...] = ()
    numbers: tuple[float, ...] | None = None
    text: str = ""
    parts: tuple["Seen", ...] = ()


@dataclass(frozen=True)
class Trace:
    """One call: the lines that ran, in order, counted from the function's first; what expressions were, {(line, when, text): Seen}."""

    call: Call
    lines: tuple[int, ...]
    seen: dict[tuple[int, str, str], Seen] = field(default_factory=dict)
    value: Seen | None = None
    first: int = 0
    names: tuple[str, ...] = ()


def ask(subject: KernelSubject, cell: int, name: str, call: Call, before: Wanted | None = None, after: Wanted | None = None, changed: str | None = None) -> Trace | None:
    """Have the kernel do `name(*call)`; None where that gives no answer that can be used. `changed`: the text of another definition."""
    text = f"{SENT.read_text(encoding='utf-8')}\nARGUMENTS = {as_text(tuple(call))}\n"
    source = (f"(lambda ns: [exec({text!r}, ns), ns['answer'](get_ipython().user_ns, {name!r}, ns['ARGUMENTS'], {before or {}!r}, {after or {}!r}, "
              f"{changed!r})] and None)({{'__name__': 'traced'}})")     # nothing of it stays in the notebook's namespace
    if subject.out_of_time() or not subject.connect():
        return None
    subject.end_fork()
    run = subject.run_once(cell, source, SECONDS)
    if run.status is CellEnd.DIED:
        subject.close()
    if run.status is not CellEnd.OK:
        return None
    text = "".join(out.get("text", "") for out in run.outputs if isinstance(out, dict) and out.get("output_type") == "stream" and out.get("name") == "stdout")
    try:
        return read_trace(json.loads(text.strip().splitlines()[-1]), tuple(call))
    except Exception:
        return None         # not what was sent: student code may print and replace what it likes


def read_trace(report: dict[str, Any], call: Call) -> Trace:
    value = read_seen(report["value"]) if "value" in report else None
    lines = tuple(int(line) for line in report["lines"][:MOST_EVENTS + 1])
    seen = {(int(line), str(when), str(text)): read_seen(one) for line, when, values in report["seen"] for text, one in values.items()}
    return Trace(call, lines, seen, value, int(report["first"]), tuple(map(str, report["names"])))


def read_seen(one: dict[str, Any]) -> Seen:
    kind = one["kind"]
    if kind not in ("bool", "number", "array", "text", "list", "tuple", "other"):
        raise ValueError(kind)
    numbers = one.get("numbers")
    return Seen(kind, tuple(int(n) for n in one.get("shape", ())), None if numbers is None else tuple(float(n) for n in numbers),
                str(one.get("text", ""))[:60], tuple(read_seen(part) for part in one.get("parts", ())[:4]))
