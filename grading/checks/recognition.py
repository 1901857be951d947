"""Which known mistake is behind an answer, judged by all checks of its exercise together.

That one wrong result equals what a mistake gives proves little: many mistakes give the same there. So a name is shown
only if the mistake loses no check that this answer passes, and earns nothing where this answer earns nothing.
"""

import re
from collections.abc import Callable, Sequence

from ..border.subject import StudentError
from .bank import Misconception
from .verdict import FAILED, PASSED, CheckResult, Verdict

# how failures without a wrong value are worded
MANNERS = ("NumPy warned of", "an argument was changed", "no floating-point warning", "came back where a ValueError")
# how NumPy words that two arrays cannot be multiplied: np.dot, and the operator @
MISFITS = re.compile(r"\b(\d{1,9}) \(dim \d{1,2}\) != (\d{1,9}) \(dim \d{1,2}\)|\bsize (\d{1,9}) is different from (\d{1,9})")


def kind(said: str, error: StudentError | None) -> str | None:
    """What sort of failure it was, if no value tells: the error in its own words, or the rule that was broken; else None."""
    if error and (misfit := MISFITS.search(error.message)):
        return f"{error.type}: sizes {' and '.join(sorted(filter(None, misfit.groups())))} do not fit"
    if error:
        return f"{error.type}: {error.message}"
    return said if any(words in said for words in MANNERS) else None


def name_mistakes(verdict: Verdict, entries: Sequence[Misconception],
                  failure_of: Callable[[Misconception, str], str | bool | None]) -> None:
    """Set `misconception` of the failed checks of `verdict`.

    `failure_of(entry, check name)` is False if the mistake passes that check, else the kind of its failure.
    """
    passed, failed = [check.name for check in verdict.those(PASSED)], verdict.those(FAILED)
    manners = {check.name: kind(check.said, check.error) for check in failed}
    explained: dict[int, list[str]] = {}        # an entry's place in the bank -> the names of the failed checks that it explains
    for place, entry in enumerate(entries):
        if verdict.fraction == 0 < entry.at_most:
            continue
        alike = [check.name for check in failed if entry in check.candidates]
        if not alike and not all(manners.values()):
            continue
        names = alike + [name for name, manner in manners.items() if manner and manner == failure_of(entry, name)]
        if not alike and len(names) < len(failed) or any(check.core and check.name not in names for check in failed):
            continue
        if all(failure_of(entry, name) is False for name in passed):
            explained[place] = names
    for check in failed:
        places = [place for place, names in explained.items() if check.name in names]
        places = [place for place in places if all(len(explained[place]) >= len(explained[other]) for other in places)]
        # two mistakes that break the same rule and give no wrong value cannot be told apart
        if places and (entries[places[0]] in all_candidates(failed) or not places[1:]):
            check.misconception = entries[places[0]]


def all_candidates(failed: Sequence[CheckResult]) -> list[Misconception]:
    return [entry for check in failed for entry in check.candidates]
