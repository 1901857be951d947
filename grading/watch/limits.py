"""How often a student is answered: kindly at first, then with growing waits, and never more often than is good for learning.

What is handed in beyond that stands: it is graded with the others, and a page says when the next answer is due.
"""

from collections.abc import Sequence
from dataclasses import dataclass

HOUR = 3600.0


@dataclass(frozen=True)
class Policy:
    """`answers` in `hours` for one assignment; the first `free` of them come at once, the next after `waits` (seconds)."""

    answers: int = 10
    hours: float = 24.0
    free: int = 3
    waits: tuple[float, ...] = (60, 120, 300, 600, 1200, 1800, 3600)

    def due(self, answered: Sequence[float], now: float) -> float:
        """When the next answer is due, given the times of the earlier ones; not later than `now` means at once."""
        recent = sorted(self.counting(answered, now))
        if self.answers <= 0:
            return float("inf")
        if len(recent) >= self.answers:
            return recent[-self.answers] + self.hours * HOUR
        if len(recent) < self.free or not self.waits:
            return now
        return recent[-1] + self.waits[min(len(recent) - self.free, len(self.waits) - 1)]

    def left(self, answered: Sequence[float], now: float) -> int:
        """How many answers are left in the time that counts now."""
        return max(0, self.answers - len(self.counting(answered, now)))

    def counting(self, answered: Sequence[float], now: float) -> list[float]:
        """Those that count now. What lies ahead was given while the clock was wrong."""
        return [time for time in answered if now - self.hours * HOUR < time <= now]
