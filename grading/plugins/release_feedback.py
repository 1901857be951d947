"""`nbgrader release_feedback`, in which one submission costs no other.

nbgrader reads a time stamp and a secret that the exchange put beside each submission. A submission that was put there by
hand, or from which a student took them, has none: then nobody after it gets feedback. Here it is named at the end and
the others get theirs. Wired as `c.ExchangeFactory.release_feedback` in nbgrader_config.py.
"""

import glob
import os
from pathlib import Path

from nbgrader.exchange.default import ExchangeReleaseFeedback

from ..notebooks.folders import NotTaken, read_below
from ..notebooks.intake import STAMP
from ..notebooks.names import shown

SECRET = "submission_secret.txt"
MOST = 1000     # bytes of either


class ReleaseFeedback(ExchangeReleaseFeedback):
    """nbgrader's command, one student at a time."""

    def copy_files(self):
        """Release what can be released, then name who got nothing."""
        everybody, left = self.src_path, {}
        for folder in sorted({os.path.dirname(page) for page in glob.glob(os.path.join(everybody, "*.html"))}):
            trouble = lacks(folder)
            if trouble is None:
                self.src_path = glob.escape(folder)
                try:
                    super().copy_files()
                except Exception as error:
                    trouble = f"its pages could not be copied ({type(error).__name__}: {getattr(error, 'strerror', None) or '-'})"
            if trouble:
                left[Path(folder).parent.name] = trouble
        self.src_path = everybody
        if left:
            self.log.error("The feedback of %d submissions was not released:", len(left))
            for student, trouble in left.items():
                self.log.error("  %s: %s", shown(student), trouble)


def lacks(folder):
    """What the exchange would have put beside the pages of `folder`, and is not there; None if all is."""
    for name in (STAMP, SECRET):
        try:
            if read_below(folder, name, MOST).strip():
                continue
            return f"{name} is empty"
        except FileNotFoundError:
            return f"there is no {name}: it was not handed in through the exchange. Give the page of feedback/ by hand"
        except NotTaken as error:
            return f"{name} {error}"
    return None
