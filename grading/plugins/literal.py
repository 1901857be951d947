"""Folders whose names look like patterns: `[WS26]`, `a*b`. nbgrader looks for files by patterns that begin with the course's
own path and hold the assignment's name, and with brackets in them finds nothing. Here what is there by its letters is taken by
its letters.
"""

import glob
import os
from importlib import import_module
from typing import Any

MODULES = ("nbgrader.converters.base", "nbgrader.apps.api", "nbgrader.exchange.default.exchange",
           "nbgrader.exchange.default.collect", "nbgrader.exchange.default.fetch_feedback", "nbgrader.exchange.default.list",
           "nbgrader.exchange.default.release_feedback", "nbgrader.utils")


class Literal:
    """Stands for the module `glob`."""

    def __getattr__(self, name: str) -> Any:
        return getattr(glob, name)

    @staticmethod
    def glob(pattern: str, **options: Any) -> list[str]:
        """`glob.glob`, in which a part of the path that is there is no pattern, but for "*" and what begins with "*."."""
        found = [os.sep if pattern.startswith(os.sep) else ""]
        for part in filter(None, pattern.split(os.sep)):
            found = [place for base in found for place in below(base, part, options)]
        return found


def below(base: str, part: str, options: dict[str, Any]) -> list[str]:
    """What one part of a pattern stands for in the folder `base`."""
    place = os.path.join(base, part)
    if part != "*" and not part.startswith("*.") and os.path.lexists(place):
        return [place]
    return glob.glob(os.path.join(glob.escape(base), part), **options) if glob.has_magic(part) else []


def install() -> None:
    """Have nbgrader look for files that way."""
    for module in MODULES:
        vars(import_module(module))["glob"] = Literal()
