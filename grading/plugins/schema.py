"""What form of gradebook nbgrader makes: the number that a new one bears, which tells `nbgrader db upgrade` where to begin."""

import nbgrader.api
from nbgrader.dbutil import ALEMBIC_DIR


def newest() -> str:
    """The newest form that this nbgrader knows."""
    from alembic.script import ScriptDirectory      # only who makes a gradebook needs it
    return str(ScriptDirectory(ALEMBIC_DIR).get_current_head())


def install() -> None:
    """Have nbgrader read that number itself: it starts a program for it, ten times as long, and fails where that is not on PATH."""
    nbgrader.api.get_alembic_version = newest
