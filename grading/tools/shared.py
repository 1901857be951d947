"""What all commands of `course` have in common: the course they are about, what they print, how they end."""

import errno
import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Annotated, Any, NoReturn

import typer

from ..border.errors import SandboxUnavailable
from ..root import AUDIT, OPEN, CourseError, find_root, say_foreign_code
from .terminal import complain, tell, terminal

console = terminal()
HOST = {errno.EACCES, errno.EPERM, errno.EROFS, errno.ENOSPC, errno.EDQUOT, errno.EIO, errno.ENOTDIR, errno.EISDIR,
        errno.EEXIST, errno.ENAMETOOLONG, errno.ELOOP}      # no bug of ours


def course_folder(given: Path | None) -> Path:
    """The course that a command is about, before anything else is done; said if another checkout's code works on it."""
    try:
        root = find_root(given)
    except CourseError as error:
        fail(error)
    say_foreign_code(root)
    if os.path.isdir(root / AUDIT / OPEN):      # False too for who may not look into the audit
        from sqlalchemy.exc import DBAPIError

        from ..run.course import settle
        with suppress(CourseError, DBAPIError, OSError):     # the command itself says it, if it needs what is amiss
            for line in settle(root):
                tell(terminal(stderr=True), line)
    return root


Assignment = Annotated[str, typer.Argument(help="The assignment's name, for example ps1.")]
HERE: Any = None        # the default of --course, whose callback looks for the folder
Root = Annotated[Path, typer.Option("--course", callback=course_folder, show_default=False, metavar="FOLDER",
                                           help="The course's folder, if it is neither this one nor above it.")]


@contextmanager
def ending_well() -> Iterator[None]:
    """Turn the errors that say what to do into a line on standard error; anything else is a bug and may show itself."""
    try:
        yield
    except (CourseError, SandboxUnavailable) as error:
        fail(error)
    except OSError as error:
        if error.errno not in HOST:
            raise
        fail(f"{error.filename or 'A file'}: {error.strerror}. Mend that (what is there, whose it is, room on the disk), and run the "
             "same command again.")
    except Exception as error:
        if "sqlalchemy" not in sys.modules:     # it takes its time to load, and then it was not the gradebook
            raise
        from sqlalchemy.exc import DBAPIError
        if not isinstance(error, DBAPIError):
            raise
        from ..run.health import in_a_sentence
        fail(in_a_sentence(error))


def fail(message: object, code: int = 1) -> NoReturn:
    """Say why on standard error and end with `code`."""
    complain(message)
    raise typer.Exit(code)
