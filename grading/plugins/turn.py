"""What nbgrader's own commands do beside a grading run of ours: they wait a little for it, and then refuse with nothing changed."""

import logging
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager

from nbgrader.coursedir import CourseDirectory

from ..run.only_one import Busy, in_turn

PATIENCE = 10.0     # seconds; formgrader's server waits with it


@contextmanager
def turn(coursedir: CourseDirectory, log: logging.Logger, nothing: str, refusal: type[Exception]) -> Iterator[None]:
    """Its turn in the course. Where none came in time, `log` says `nothing` was done and `refusal` is raised."""
    with ExitStack() as held:
        try:
            held.enter_context(in_turn(coursedir, PATIENCE, log.warning))
        except Busy as error:
            log.error("%s %s: start this again afterwards.", error, nothing)
            raise refusal("another grading run is at work") from None
        yield
