"""Which student of the class somebody is whom a platform calls by a name or a number of its own."""

import re
from dataclasses import dataclass

from ..notebooks.near import folded, near


@dataclass(frozen=True)
class Known:
    """A student as the class list has them; `there` are the ids in one system: {"id", "number", "login", "section"}."""

    id: str
    first: str
    last: str
    there: dict[str, str]


def with_group(one: Known) -> set[str]:
    """How Moodle writes a name where students are in groups: "Tutorial A-Jo Doe"."""
    groups = re.split("[,;]", one.there.get("section", ""))
    return {folded(f"{group}{name}") for group in groups if group.strip() for name in (one.first + one.last, one.last + one.first)}


def find(name: str, user: str, known: list[Known]) -> tuple[str | None, str]:
    """(the student's id, "") or (None, why it cannot be told, as a sentence's end)."""
    if user:
        numbered = [one.id for one in known if user in (one.there.get("id"), one.there.get("login"), one.there.get("number"))]
        if len(numbered) == 1:
            return numbered[0], ""
    if user and user in {one.id for one in known}:
        return user, ""
    wanted = folded(name)
    named = sorted({one.id for one in known if wanted and wanted in (folded(one.first + one.last), folded(one.last + one.first))}
                   or {one.id for one in known if folded(one.id) == wanted})
    named = named or sorted({one.id for one in known if wanted and wanted in with_group(one)})
    # a number that the list gives to somebody else tells two people of one name apart
    if user and len(named) > 1:
        named = [one.id for one in known if one.id in named and not one.there.get("id")] or named
    if len(named) == 1:
        return named[0], ""
    if named:
        return None, f"{len(named)} students have that name: {', '.join(named)}"
    names = {f"{one.first} {one.last}".strip(): one.id for one in known} | {one.id: one.id for one in known}
    nearest = list(dict.fromkeys(names[one] for one in near(name, names)))
    return None, "nobody on the class list has that name" + (f"; near it: {', '.join(nearest)}" if nearest else "")
