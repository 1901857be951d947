"""What cells further down may have done to a function above: read off their text, nothing is run.

A function depends on the global names that function bodies above it load, its helpers' among them. A later cell matters
where it binds, deletes or writes into one of these, under another name too, calls a function that does, or does what its
text does not tell (a magic, `import *`, `exec`, a module of the student's own). A change too many costs a second run of a
notebook that lost points; who hides one better than that changes only an answer of their own.
"""

from collections.abc import Iterable
from dataclasses import dataclass

from .effects import Facts, Function, facts


@dataclass(frozen=True)
class Change:
    """A later cell, by its number in the notebook, and the name it changed; "" for a change that bears no name."""

    cell: int
    name: str


class Notebook:
    """The code cells of a notebook, by what their text tells; `sources` are (number, source) in their order."""

    def __init__(self, sources: Iterable[tuple[int, str]]) -> None:
        self.cells = [(number, facts(source)) for number, source in sources]
        told = [cell for _, cell in self.cells]
        self.modules = frozenset().union(*(cell.modules for cell in told))
        self.strange = frozenset().union(*(cell.strange for cell in told))
        self.functions = dict[str, Function]()
        for name, function in (pair for cell in told for pair in cell.functions):
            self.functions[name] = self.functions.get(name, Function()).and_also(function)
        self.same = {name: function.loads for name, function in self.functions.items()}
        for name, others in (pair for cell in told for pair in cell.same):
            self.same[name] = self.same.get(name, frozenset()) | others

    def changes(self, place: int, exercise: str) -> list[Change]:
        """What the cells after number `place` may have done to `exercise`."""
        used = {exercise}.union(*(cell.used for number, cell in self.cells if number <= place))
        return [Change(number, name) for number, cell in self.cells if number > place for name in sorted(self.changed_by(cell, used))]

    def behind(self, names: Iterable[str]) -> set[str]:
        """These names, and those whose object may stand behind one of them."""
        found, pending = set[str](), list(names)
        while pending:
            name = pending.pop()
            if name not in found and name not in self.modules:
                found.add(name)
                pending += self.same.get(name, ())
        return found

    def changed_by(self, cell: Facts, used: set[str]) -> set[str]:
        """Those of the `used` names that a cell may change; "" for what bears no name."""
        written, objects = set(cell.bound | cell.written), set(cell.written | cell.called | cell.lent - self.functions.keys())
        for call in cell.calls:
            for function in (self.functions[name] for name in self.behind(call.callees) & self.functions.keys()):
                written |= function.writes
                objects |= function.objects
                if function.into_arguments:
                    written |= call.given & self.modules
                    objects |= call.arguments - self.functions.keys()
        strange = cell.strange or any(call.callees & self.strange for call in cell.calls)
        nameless = cell.unknown or strange or (cell.attributes & self.modules) - used
        mine = cell.written & self.behind(used)         # an attribute of the class that a used object is of
        return used & (written | self.behind(objects) - self.functions.keys()) | mine | ({""} if nameless else set())
