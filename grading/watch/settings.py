"""What an instructor sets, as `c.Watch...` in nbgrader_config.py."""

from dataclasses import fields, replace
from typing import Any

from traitlets import Bool, Dict, Enum, Float, Int, List, TraitError, validate
from traitlets.config import Configurable

from .limits import Policy


class Watch(Configurable):
    """How students are answered while `course watch` runs."""

    show = Enum(("off", "points", "titles", "full"), "titles", help="""
        What a preview shows: "points" alone; "titles": each check with its outcome, known mistakes and hints, the student's
        own error by type and line; "full": all that the final page shows. With "off" there is no page: only the log is kept.
        """).tag(config=True)
    answers = Int(10, min=0, help="Answers to one student on one assignment in `hours`.").tag(config=True)
    hours = Float(24.0, min=0.01, help="The time in which they are counted.").tag(config=True)
    free = Int(3, min=0, help="Of these, how many come without a wait.").tag(config=True)
    waits = List(Float(min=0), [60, 120, 300, 600, 1200, 1800, 3600],     # type: ignore[misc]    # traitlets' types know no list of numbers
                 help="Seconds after each answer until the next, once the free ones are used up.").tag(config=True)
    exceptions = Dict(help="""Other numbers for single students: {"student-01": {"answers": 20, "free": 20}}.""").tag(config=True)
    own = Bool(None, allow_none=True, help="""
        Whether a submission has to belong to the unix user that it names. By default it has to wherever there is a user of that name.
        """).tag(config=True)
    poll_seconds = Float(0.3, min=0.05, help="How often the exchange is looked at.").tag(config=True)
    quiet_seconds = Float(10.0, min=0, help="How long nothing must have changed in a folder that the exchange did not finish.").tag(config=True)

    @validate("exceptions")
    def _known_numbers(self, proposal: Any) -> dict[str, dict[str, Any]]:
        names = {field.name for field in fields(Policy)}
        for student, changes in proposal["value"].items():
            if not isinstance(changes, dict) or set(changes) - names:
                raise TraitError(f"c.Watch.exceptions[{student!r}] is {changes!r}. It takes some of {', '.join(sorted(names))}, "
                                 'for example {"answers": 20}')
            try:
                Watch(**changes)        # as for everybody
            except TraitError as error:
                raise TraitError(f"c.Watch.exceptions[{student!r}]: {error}") from None
        return proposal["value"]

    def policy(self, student: str) -> Policy:
        """The limits of one student."""
        standard = Policy(self.answers, self.hours, self.free, tuple(self.waits))
        return replace(standard, **self.exceptions.get(student, {}))
