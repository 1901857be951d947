"""What lies in the exchange: which folders are submissions, when one is complete, when it was last changed.

Students own their folders there and write what they like into them: names, times, links. Nothing of that is believed but
by `grading.notebooks.folders`, and what is refused is refused by name.
"""

import datetime
import os
import re
from collections.abc import Collection
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from ..notebooks.again import looked_at
from ..notebooks.exchange import is_borrowed, owner_of
from ..notebooks.folders import NotTaken, read_below
from ..notebooks.intake import SECRET, parse_stamp
from ..notebooks.names import one_name, trouble_with_student
from ..plugins.collect import trouble_with_place

NAME = re.compile(r"(?P<student>.+?)\+(?P<assignment>[^+]+)\+(?P<time>\d{4}-[^+]*)(\+[^+]*)?", re.DOTALL)    # of addresses of mail some hold a +
WELL_FORMED = re.compile(r"[0-9a-f]{128}")
LAST_ACT = 0o777        # the mode that the exchange gives a folder when everything is in it


class Refused(Exception):
    """Why a folder of the exchange is no submission to answer; the message completes the sentence that its name begins."""


@dataclass(frozen=True)
class HandIn:
    """One submission in the exchange, by what its name says; `claimed` is the time (of the epoch) that the student's side wrote."""

    name: str
    folder: str
    student: str
    assignment: str
    claimed: float


def read_entry(inbound: str | Path, name: str, assignments: Collection[str], own: bool | None = None) -> HandIn | None:
    """The submission that the folder `name` is; None if it is another assignment's. Raises `Refused`.

    With `own` it has to belong to the unix user that it names; where nothing is said, wherever there is such a user.
    """
    match = NAME.fullmatch(name)
    if match is None or not name.isprintable():     # line breaks, and bytes that are no text
        raise Refused("is not named like a submission")
    if match["assignment"] not in assignments:
        return None
    path = os.path.join(inbound, name)
    try:
        trouble = trouble_with_student(match["student"]) or trouble_with_place(path)
        claimed = parse_stamp(match["time"]).replace(tzinfo=datetime.UTC).timestamp()
    except FileNotFoundError:
        raise Refused("is not there any more") from None
    except Exception:       # dateutil has more than one way to refuse a time
        raise Refused("holds no time stamp") from None
    if trouble:
        raise Refused(trouble)
    if is_borrowed(path, match["student"]) if own is None else own and owner_of(path) != match["student"]:
        raise Refused("does not belong to the user whose name it bears; where students hand in under one account, set c.Watch.own = False")
    return HandIn(name, path, one_name(match["student"]), match["assignment"], claimed)


def secret_of(folder: str | Path) -> str:
    """The secret by which the student's side finds the page. Raises `Refused`."""
    try:
        secret = read_below(folder, SECRET, 200).decode("ascii")
    except FileNotFoundError:
        raise Refused(f"has no {SECRET}") from None
    except (NotTaken, OSError, UnicodeDecodeError):
        raise Refused(f"has a {SECRET} that cannot be read") from None
    if not WELL_FORMED.fullmatch(secret):
        raise Refused(f"has a {SECRET} that the exchange did not write")
    return secret


def is_complete(folder: str | Path, now: float, quiet: float) -> bool:
    """Whether everything is in it: the exchange's last act has been done, or nothing has changed for `quiet` seconds."""
    try:
        if os.lstat(folder).st_mode & 0o777 == LAST_ACT and secret_of(folder):
            return True
    except (Refused, OSError):
        pass
    return now - last_change(folder) >= quiet


def last_change(folder: str | Path) -> float:
    """When anything that is looked at in a folder, or in folders in it, was last changed: the kernel's word, which cannot be set back as
    the time of writing can.

    While a student's side copies into it, a folder may be for its owner alone: then it is the folder's own time.
    """
    times = [0.0]
    with suppress(OSError):
        times.append(os.lstat(folder).st_ctime)
        for _, entry, _ in looked_at(folder):
            times.append(entry.stat(follow_symlinks=False).st_ctime)
    return max(times)
