"""What stands beside a graded notebook is a student's own file: formgrader shows it, and it can do nothing there.

A page of HTML among them would else run its scripts with the rights of the grader who opens it.
"""

import sys
from typing import Any

from .collect_button import HANDLERS

POLICY = "default-src 'none'; img-src 'self' data:; style-src 'unsafe-inline'; sandbox"


def install() -> None:
    """Have formgrader say so; of no use, and not done, where no formgrader is loaded."""
    if handlers := sys.modules.get(HANDLERS):
        handlers.SubmissionFilesHandler.set_extra_headers = set_extra_headers


def set_extra_headers(handler: Any, path: str) -> None:
    """What tornado's handler of files asks for, each time before it sends one."""
    handler.set_header("Content-Security-Policy", POLICY)
    handler.set_header("X-Content-Type-Options", "nosniff")
