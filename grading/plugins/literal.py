"""Folders whose names look like patterns: `[WS26]`, `a*b`. nbgrader looks for files by patterns that begin with the course's
own path, and with brackets in it finds nothing. Here what is there by its letters is taken by its letters.
"""

import glob
import os
from importlib import import_module
from typing import Any

MODULES = ("nbgrader.converters.base", "nbgrader.apps.api", "nbgrader.exchange.default.exchange",
           "nbgrader.exchange.default.collect", "nbgrader.exchange.default.release_feedback", "nbgrader.utils")


class Literal:
    """Stands for the module `glob`."""

    def __getattr__(self, name: str) -> Any:
        return getattr(glob, name)

    @staticmethod
    def glob(pattern: str, **options: Any) -> list[str]:
        """`glob.glob`, in which the folders and the file that a pattern begins with are no pattern if they are there."""
        letters, parts = "", pattern.split(os.sep)
        while parts and os.path.lexists(longer := f"{letters}{parts[0]}" or os.sep):
            letters, parts = longer if longer == os.sep else longer + os.sep, parts[1:]
        if not parts:
            return [pattern]
        return glob.glob(glob.escape(letters) + os.sep.join(parts), **options)


def install() -> None:
    """Have nbgrader look for files that way."""
    for module in MODULES:
        vars(import_module(module))["glob"] = Literal()
