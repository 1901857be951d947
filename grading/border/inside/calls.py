"""Call one function and report what happened as plain data: value, floating-point warnings, error, arguments after."""

import warnings
from collections.abc import Callable, Iterable, Sequence
from typing import Any

import numpy as np
import wire

TOO_DEEP = "maximum recursion depth exceeded"
FAULTS = ("overflow", "invalid", "divide")      # underflow is never a fault
SILENT = ("ignore", "print", "log")     # what `np.seterr` may be told to do about a fault that then gives no warning


def call(function: Callable[..., Any], args: Sequence[Any], blobs: bytearray, after: bool,
         locate: Callable[[BaseException], Any] = lambda error: None) -> dict[str, Any]:
    """Return {"value" or "error", "warnings", "after"} for `function(*args)`, ready to be sent with the bytes `blobs`.

    Where the notebook has told NumPy to raise for overflow and its like, it does, as in a cell; where to be silent, it warns.
    `after` asks for the arguments as they were afterwards. `locate` maps an exception to [cell number, line number], or None.
    """
    report: dict[str, Any] = {}
    heard: Any = {kind: "warn" for kind, how in np.geterr().items() if how in SILENT and kind != "under"}
    with warnings.catch_warnings(record=True) as caught, np.errstate(**heard):
        warnings.simplefilter("always")
        try:
            value = function(*args)
            report["value"] = wire.encode(value, blobs)
        except Exception as error:
            report["error"] = describe(error, locate)
    report["warnings"] = floating_point_warnings(caught)
    report["after"] = [wire.encode(arg, blobs) for arg in args] if after else []
    return report


def settle(error: BaseException) -> bool:
    """Let a recursion that was too deep say the same each time: where exactly it hits the limit is a matter of chance."""
    words = error.args[0] if type(error) is RecursionError and error.args else None
    if type(words) is str and words.startswith(TOO_DEEP):
        error.args = (TOO_DEEP,)
        return True
    return False


def describe(error: BaseException, locate: Callable[[BaseException], Any]) -> dict[str, Any]:
    settle(error)
    try:
        message = str(error)[:300]
    except Exception:
        message = ""
    kinds = [kind.__name__[:60] for kind in type(error).__mro__[:20]]
    return {"type": kinds[0], "kinds": kinds, "message": message, "at": locate(error)}


def floating_point_warnings(caught: Iterable[warnings.WarningMessage]) -> list[str]:
    said = [str(w.message)[:100] for w in caught if issubclass(w.category, RuntimeWarning)]
    return sorted({fault for fault in FAULTS for text in said if fault in text})
