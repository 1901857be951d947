"""Which scores were sent to a learning platform: `.lti/sent.json`.

    {line item: {user: {"score": 23.5, "maximum": 25.0, "state": "FullyGraded", "at": "2026-11-26T05:00:00.000Z"}}}

A score over there that is another than the one sent was changed there. `at` keeps time stamps increasing (AGS 2.0, 3.4.9).
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from time import monotonic

from ..root import CourseError
from .private import FOLDER, read_private, write_private

FILE = "sent.json"


@dataclass(frozen=True)
class Sent:
    """The last score that was sent for a user; `score` is None where none was."""

    score: float | None
    maximum: float
    state: str
    at: str


class SentScores:
    """Those of one line item. `add` writes at most once a second, and who adds calls `write` at the end, whatever ended it: a push that is
    killed forgets the last second, and scores that agree over there count as sent again."""

    def __init__(self, root: str | Path, line_item: str) -> None:
        self.path, self.line_item = Path(root, FOLDER, FILE), line_item
        self.written, self.unwritten = 0.0, False       # when it was, and whether something was added since
        try:
            self.all = json.loads(read_private(self.path))
            self.here = {user: Sent(**values) for user, values in self.all.setdefault(line_item, {}).items()}
        except FileNotFoundError:
            self.all, self.here = {}, {}
        except (ValueError, TypeError, AttributeError, RecursionError):
            raise CourseError(f"{self.path} is damaged. Move it away: scores that differ over there then count as changed there, "
                              "and stay until somebody clears them") from None

    def of(self, user: str) -> Sent | None:
        return self.here.get(user)

    def add(self, user: str, sent: Sent) -> None:
        self.here[user], self.unwritten = sent, True
        if monotonic() - self.written >= 1.0:
            self.write()

    def note(self, sent: Mapping[str, Sent]) -> None:
        if any(self.here.get(user) != one for user, one in sent.items()):
            self.here |= sent
            self.unwritten = True
            self.write()

    def write(self) -> None:
        """Write what was added since."""
        if self.unwritten:
            self.all[self.line_item] = {user: vars(one) for user, one in self.here.items()}
            write_private(self.path, json.dumps(self.all, sort_keys=True).encode() + b"\n")
            self.written, self.unwritten = monotonic(), False


def stamp(last: str | None, now: datetime | None = None) -> str:
    """The time stamp of a score: ISO 8601 to the millisecond with its zone, always later than the `last` one (AGS 2.0, 3.4.9)."""
    moment = now or datetime.now(UTC)
    if last:
        moment = max(moment, datetime.fromisoformat(last) + timedelta(milliseconds=1))
    return moment.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
