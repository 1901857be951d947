"""The door for authors of checks and answers; everything else is imported from the module that owns it."""

from .authors import check
from .bank import misconception, right_answer

__all__ = ["check", "misconception", "right_answer"]
