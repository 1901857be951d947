"""Which student of the class somebody is whom a platform calls by a name or a number of its own."""

import re
from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass

from ..notebooks.near import folded, near

NEAR = 12       # people for whom near names are looked up: each costs a look at everybody


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


class People:
    """The class, to be asked who somebody is. Names are folded once: each hand-in of a platform's archive asks."""

    def __init__(self, known: Iterable[Known]) -> None:
        self.known = {one.id: one for one in known}
        self.numbered, self.named, self.called, self.grouped = (defaultdict[str, set[str]](set) for _ in range(4))
        self.unknown = 0
        for one in self.known.values():
            for where, keys in ((self.numbered, {one.there.get(kind, "") for kind in ("id", "login", "number")}),
                                (self.named, {folded(one.first + one.last), folded(one.last + one.first)}),
                                (self.called, {folded(one.id)}), (self.grouped, with_group(one))):
                for key in keys - {""}:
                    where[key].add(one.id)

    def find(self, name: str, user: str, logins: Iterable[str] = ()) -> tuple[str | None, str]:
        """(the student's id, "") or (None, why it cannot be told, as a sentence's end). Of several `logins` the first counts that is
        somebody's."""
        user = next((login for login in logins if login in self.known or login in self.numbered), user)
        if len(numbered := self.numbered.get(user, ())) == 1:
            return next(iter(numbered)), ""
        if user in self.known:
            return user, ""
        wanted = folded(name)
        found = sorted(next(filter(None, (where.get(wanted) for where in (self.named, self.called, self.grouped))), ()))
        # a number that the list gives to somebody else tells two people of one name apart
        if user and len(found) > 1:
            found = [one for one in found if not self.known[one].there.get("id")] or found
        if len(found) == 1:
            return found[0], ""
        if found:
            return None, f"{len(found)} students have that name: {', '.join(found)}"
        nearest = self.near(name)
        return None, "nobody on the class list has that name" + (f"; near it: {', '.join(nearest)}" if nearest else "")

    def near(self, name: str) -> list[str]:
        """Whom somebody may have meant; of a class that is another, the first few tell."""
        self.unknown += 1
        if self.unknown > NEAR:
            return []
        names = {f"{one.first} {one.last}".strip(): one.id for one in self.known.values()} | {one: one for one in self.known}
        return list(dict.fromkeys(names[one] for one in near(name, names)))
