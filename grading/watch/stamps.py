"""Whether files have changed, at a glance."""

import os
from collections.abc import Iterable
from pathlib import Path

LOOK_SECONDS = 5.0      # how often it is asked whether something changed
Stamps = tuple[tuple[str, int, int], ...]


def stamps(places: Iterable[str | Path]) -> Stamps:
    """Path, time of change and size of each of the files that are there: another value once one of them was written to,
    has come or has gone."""
    found = []
    for place in places:
        try:
            about = os.stat(place)
        except OSError:
            continue
        found.append((str(place), about.st_mtime_ns, about.st_size))
    return tuple(found)
