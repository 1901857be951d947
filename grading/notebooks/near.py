"""Names that are nearly the one somebody typed."""

import difflib
import unicodedata
from collections.abc import Iterable


def near(name: str, known: Iterable[str], most: int = 3) -> list[str]:
    """Those of `known` that may have been meant by `name`, the nearest first."""
    plain: dict[str, str] = {}
    for one in known:
        plain.setdefault(folded(one), one)
    return [plain[one] for one in difflib.get_close_matches(folded(name), list(plain), most, 0.7)]


def folded(name: str) -> str:
    """Without case, accents and separators, in which people go wrong first."""
    letters = unicodedata.normalize("NFKD", str(name).casefold())
    return "".join(letter for letter in letters if letter.isalnum())


def did_you_mean(name: str, known: Iterable[str]) -> str:
    """A sentence with the near names, or ""."""
    found = near(name, known)
    return f" Did you mean {' or '.join(found)}?" if found else ""
