"""What nbgrader's converters leave alone unless they are forced, made anew for one submission."""

from collections.abc import Iterator
from contextlib import contextmanager

from nbgrader.converters.base import BaseConverter


@contextmanager
def forced(converter: BaseConverter) -> Iterator[None]:
    """Let `converter` replace what it has made before."""
    force, converter.force = converter.force, True
    try:
        yield
    finally:
        converter.force = force
