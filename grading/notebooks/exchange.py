"""What students have put into the exchange: whose submission a folder is, which one of a student counts, what is still to be
collected."""

import datetime
import json
import os
import pwd
import re
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from nbgrader.utils import parse_utc

from .again import entries
from .intake import parse_stamp, read_stamp
from .names import one_name, trouble_with
from .writing import write_json


@dataclass(frozen=True)
class Arrival:
    """A folder of the exchange: `again` if something of this student was collected before."""

    student: str
    folder: str
    when: datetime.datetime     # UTC
    again: bool = False


def parse_name(name: str, assignment: str) -> tuple[str, str] | None:
    """(student, time stamp) of the name that nbgrader gives a submission; None if it is another assignment's, or none."""
    match = re.fullmatch(rf"(.+)\+{re.escape(assignment)}\+([^+]*)(\+[^+]*)?", name, re.DOTALL)
    return (one_name(match[1]), match[2]) if match else None


def owner_of(path: str) -> str | None:
    """The unix user whom a folder belongs to."""
    try:
        return pwd.getpwuid(os.lstat(path).st_uid).pw_name
    except (OSError, KeyError):
        return None


def is_borrowed(path: str, student: str) -> bool:
    """Whether a folder bears the name of a unix user and belongs to another; staff may put one there for a student."""
    try:
        return uid_of(path) not in (pwd.getpwnam(student).pw_uid, 0, os.geteuid())
    except (OSError, KeyError, ValueError):     # not there any more; no such user, or a name that none can have
        return False


def uid_of(path: str) -> int:
    return os.lstat(path).st_uid


def waiting(inbound: str | Path, assignment: str, submitted: Callable[[str], str], check_owner: bool = True) -> list[Arrival]:
    """What `nbgrader collect --update` would bring, in the order of the students; [] where there is no exchange.

    `submitted` gives the folder that a student's submission is collected into.
    """
    try:
        names = sorted(os.listdir(inbound))
    except OSError:
        return []
    newest: dict[str, tuple[bool, datetime.datetime, Arrival]] = {}
    for name in names:
        if (found := arrival(inbound, name, assignment)) and os.path.isdir(os.path.join(inbound, name)):
            own = not check_owner or owner_of(os.path.join(inbound, name)) == found.student
            newest[found.student] = max(newest.get(found.student, (False, found.when, found)), (own, found.when, found),
                                        key=lambda entry: entry[:2])
    later = []
    for _, (_, _, one) in sorted(newest.items()):
        folder = submitted(one.student)
        before = time_of(folder)
        if before is None or one.when > before:
            later.append(Arrival(one.student, one.folder, one.when, os.path.lexists(folder)))
    return later


def time_of(folder: str) -> datetime.datetime | None:
    """When what lies in a submitted folder was handed in (UTC), None if nothing does: the exchange's time stamp, or, for what
    came by mail or from an LMS, when the newest of it was put there. An older submission must not take its place."""
    if stamp := read_stamp(folder, []):
        return parse_utc(stamp)
    times = [os.lstat(path).st_ctime for _, path in entries(folder)]
    return datetime.datetime.fromtimestamp(max(times), datetime.UTC).replace(tzinfo=None) if times else None


def arrival(inbound: str | Path, name: str, assignment: str) -> Arrival | None:
    parts = parse_name(name, assignment)
    if not parts or name.startswith(".") or trouble_with(parts[0]):
        return None
    try:
        return Arrival(parts[0], name, parse_stamp(parts[1]))
    except Exception:       # dateutil has more than one way to refuse a time
        return None


# --- what could not be collected ----------------------------------------------------------------------------------

def place_of_left(submitted: str | Path, assignment: str) -> Path:
    return Path(submitted, ".exchange", f"{assignment}.json")


def note_left(submitted: str | Path, assignment: str, left: Mapping[str, str]) -> None:
    """Keep which folders of the exchange were not collected, and why: they wait for a person, and not for another collection."""
    place = place_of_left(submitted, assignment)
    with suppress(OSError):     # who may not write here may still look
        if left:
            write_json(place, dict(left))
        else:
            place.unlink(missing_ok=True)


def read_left(submitted: str | Path, assignment: str) -> dict[str, str]:
    """{folder of the exchange: why it was not collected} of the last collection."""
    try:
        found = json.loads(place_of_left(submitted, assignment).read_text(encoding="utf-8"))
        return {str(name): str(trouble) for name, trouble in found.items()}
    except (OSError, ValueError, AttributeError):
        return {}
