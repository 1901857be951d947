"""Which scores were sent to a learning platform: `.lti/sent.json`.

    {line item: {user: {"score": 23.5, "maximum": 25.0, "state": "FullyGraded", "at": "2026-11-26T05:00:00.000Z"}}}

A score over there that is another than the one sent was changed there. `at` keeps time stamps increasing (AGS 2.0, 3.4.9).
"""

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

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
    """Those of one line item. `add` writes at once: what was sent is known even if the next score never is."""

    def __init__(self, root: str | Path, line_item: str) -> None:
        self.path, self.line_item = Path(root, FOLDER, FILE), line_item
        try:
            self.all = json.loads(read_private(self.path))
            self.here = {user: Sent(**values) for user, values in self.all.setdefault(line_item, {}).items()}
        except FileNotFoundError:
            self.all, self.here = {}, {}
        except (ValueError, TypeError, AttributeError):
            raise CourseError(f"{self.path} is damaged. Move it away: scores that differ over there then count as changed there, "
                              "and stay until somebody clears them") from None

    def of(self, user: str) -> Sent | None:
        return self.here.get(user)

    def add(self, user: str, sent: Sent) -> None:
        self.note({user: sent})

    def note(self, sent: Mapping[str, Sent]) -> None:
        if all(self.here.get(user) == one for user, one in sent.items()):
            return
        self.here |= sent
        self.all[self.line_item] = {user: asdict(one) for user, one in self.here.items()}
        write_private(self.path, json.dumps(self.all, indent=1, sort_keys=True).encode() + b"\n")


def stamp(last: str | None, now: datetime | None = None) -> str:
    """The time stamp of a score: ISO 8601 to the millisecond with its zone, always later than the `last` one (AGS 2.0, 3.4.9)."""
    moment = now or datetime.now(UTC)
    if last:
        moment = max(moment, datetime.fromisoformat(last) + timedelta(milliseconds=1))
    return moment.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
