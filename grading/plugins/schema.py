"""The gradebook that nbgrader makes and writes: the number that a new one bears, which tells `nbgrader db upgrade` where to begin,
and whether the one that is there can be worked with, before a release is made of half of it.
"""

from collections.abc import Callable
from functools import wraps

import nbgrader.api
from nbgrader.converters import GenerateAssignment, NbGraderException
from nbgrader.dbutil import ALEMBIC_DIR

from ..run.health import look

Start = Callable[[GenerateAssignment], None]
INSTALLED = "of_the_course"     # the mark of what was replaced: a configuration may be read more than once


def newest() -> str:
    """The newest form that this nbgrader knows."""
    from alembic.script import ScriptDirectory      # only who makes a gradebook needs it
    return str(ScriptDirectory(ALEMBIC_DIR).get_current_head())


def looked_at_first(upstream: Start) -> Start:
    """nbgrader tells of any error of a database that its form is old, after a traceback, and takes away what was made."""
    @wraps(upstream)
    def start(self: GenerateAssignment) -> None:
        said, remedy = ("", "") if self.no_database else look(self.coursedir.db_url)
        if remedy:
            self.log.error("Nothing was generated. gradebook: %s. %s", said, remedy)
            raise NbGraderException(said)
        upstream(self)
    setattr(start, INSTALLED, True)
    return start


def install() -> None:
    """Have nbgrader read that number itself: it starts a program for it, ten times as long, and fails where that is not on PATH."""
    nbgrader.api.get_alembic_version = newest
    if not hasattr(GenerateAssignment.start, INSTALLED):
        GenerateAssignment.start = looked_at_first(GenerateAssignment.start)
