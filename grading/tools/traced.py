"""Sent into a submission's kernel as the text of a cell by `course followup`: does one call and notes what every line does.

What it prints is the kernel's word: `asking.py` reads it as that. Nothing in here is a secret.
"""

import json
import sys
from collections.abc import Callable, Iterable, Mapping
from types import FrameType
from typing import Any

import numpy as np

MOST_NUMBERS, MOST_EVENTS = 12, 3000


class TooLong(Exception):
    """The call runs through more lines than anybody would follow."""


def described(value: Any) -> dict[str, Any]:
    """A value as plain data: its kind, and shape and numbers where it has some."""
    if isinstance(value, (bool, np.bool_)):
        return {"kind": "bool", "shape": [], "numbers": [bool(value)]}
    if isinstance(value, (int, float, np.integer, np.floating)):
        return {"kind": "number", "shape": [], "numbers": [float(value)]}
    if isinstance(value, np.ndarray) and value.dtype.kind in "fiub":
        few = value.size <= MOST_NUMBERS
        return {"kind": "array", "shape": list(value.shape), "numbers": [float(one) for one in value.ravel()] if few else None}
    if isinstance(value, str):
        return {"kind": "text", "text": value[:60]}
    if isinstance(value, (list, tuple)) and len(value) <= 4:
        return {"kind": type(value).__name__, "parts": [described(one) for one in value]}
    return {"kind": "other"}


def seen_in(frame: FrameType, expressions: Iterable[str]) -> dict[str, Any]:
    found = {}
    for text in expressions:
        try:
            found[text] = described(eval(text, frame.f_globals, frame.f_locals))
        except Exception:
            continue
    return found


def trace(function: Callable[..., Any], arguments: Iterable[Any], before: Mapping[int, Iterable[str]], after: Mapping[int, Iterable[str]]) -> dict[str, Any]:
    """Call `function`; {"lines": those that ran, "seen": [[line, when, {expression: value}]], "value" or "error"}.

    Lines count from the function's first. `before` and `after`: {line: expressions to look at then}; of each line the first time counts.
    """
    code = function.__code__
    lines: list[int] = []
    seen: dict[tuple[int, str], dict[str, Any]] = {}
    open_frames: list[FrameType] = []

    def note(frame: FrameType, line: int, when: str, wanted: Mapping[int, Iterable[str]]) -> None:
        if line in wanted and (line, when) not in seen:
            seen[line, when] = seen_in(frame, wanted[line])

    def on_line(frame: FrameType, event: str, _: Any) -> Any:
        if event in ("line", "return") and lines:
            note(frame, lines[-1], "after", after)
        if event == "line":
            lines.append(frame.f_lineno - code.co_firstlineno + 1)
            if len(lines) > MOST_EVENTS:
                raise TooLong
            note(frame, lines[-1], "before", before)
        return on_line

    def on_call(frame: FrameType, event: str, _: Any) -> Any:
        if frame.f_code is code and not open_frames:
            open_frames.append(frame)
            return on_line
        return None

    report: dict[str, Any] = {}
    old = sys.gettrace()
    sys.settrace(on_call)
    try:
        with np.errstate(all="ignore"):
            report["value"] = described(function(*arguments))
    except Exception as error:
        report["error"] = type(error).__name__
    finally:
        sys.settrace(old)
    return {**report, "lines": lines, "seen": [[line, when, values] for (line, when), values in seen.items()],
            "first": code.co_firstlineno, "names": sorted(code.co_names)}


def answer(namespace: dict[str, Any], name: str, arguments: Iterable[Any], before: Mapping[int, Iterable[str]], after: Mapping[int, Iterable[str]], changed: str | None = None) -> None:
    """Print the trace of a call of `name` in the notebook's namespace, or of the function that the text `changed` defines there."""
    try:
        if changed is not None:
            namespace = dict(namespace)
            exec(changed, namespace)
        report = trace(namespace[name], arguments, before, after)
    except Exception as error:
        report = {"untraced": type(error).__name__}
    print(json.dumps(report))
