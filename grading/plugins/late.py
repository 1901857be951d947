"""The course's policy for late submissions, as a plug-in of nbgrader: its numbers stand in nbgrader_config.py.

nbgrader compares the exchange's time stamp with the deadline and the student's extension, if there is one, and asks
the plug-in for each notebook; `grading/run/penalties.py` asks again when points, deadline or extension change.
"""

import math

from nbgrader.plugins import BasePlugin
from traitlets import Float

DAY = 24 * 60 * 60


class LatePolicy(BasePlugin):
    """Take off a share of the score for each day that has begun after the deadline."""

    percent_per_day = Float(0.0, min=0, max=100, help="Percent of the score that each begun day costs.").tag(config=True)
    grace_minutes = Float(0.0, min=0, help="Minutes after the deadline that cost nothing.").tag(config=True)
    most_percent = Float(100.0, min=0, max=100, help="Percent of the score that it costs at most.").tag(config=True)

    def late_submission_penalty(self, student_id: str, score: float, total_seconds_late: float) -> float | None:
        """The points to take off a notebook's `score`, or None. Called by nbgrader when a submission is late."""
        if total_seconds_late <= 60 * self.grace_minutes or not self.percent_per_day:
            return None
        days = math.ceil(total_seconds_late / DAY)
        return round(score * min(days * self.percent_per_day, self.most_percent) / 100, 2)
