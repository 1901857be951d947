"""Which mutants there are: every change of one token that cosmic-ray's operators make to a module of reference_impl.

A mutant is known by its function, its line and what the line becomes, so that a list of mutants outlives
the line numbers.
"""

import ast
import contextlib
import tomllib
import warnings
from copy import deepcopy
from dataclasses import dataclass
from pathlib import Path

from cosmic_ray.ast import get_ast
from cosmic_ray.plugins import get_operator, operator_names

FOLDER = Path(__file__).parent
ROOT = FOLDER.parents[1]
REFERENCE = ROOT / "reference_impl"
MODULES = tuple(sorted(path.stem for path in REFERENCE.glob("[!_]*.py")))


@dataclass(frozen=True)
class Mutant:
    """module: "activations".  where: "activations.sigmoid", or "activations" outside of functions."""

    module: str
    where: str
    line: str
    becomes: str
    source: str

    @property
    def id(self):
        return self.where, self.line, self.becomes

    def __str__(self):
        return f"{self.where}\n    - {self.line}\n    + {self.becomes}"


def mutants_of(module):
    """All mutants of reference_impl/<module>.py that are valid Python and differ in more than annotations, each once, in the module's order."""
    return mutants_in(REFERENCE / f"{module}.py", module)


def mutants_in(path, module):
    """The same of the file at `path`, which is called `module`."""
    source = path.read_text()
    texts = {text: _first_difference(source, text) for text in _mutated_texts(source)}
    tree = ast.parse(source)
    return [_mutant(module, tree, source, text, row) for text, row in sorted(texts.items(), key=lambda item: item[1])]


def _mutated_texts(source):
    """One statement at the top after the other, which is quicker than the whole module each time."""
    statements = [statement.get_code() for statement in get_ast(source).children]
    for place, statement in enumerate(statements):
        before, after = "".join(statements[:place]), "".join(statements[place + 1:])
        yield from (before + text + after for text in _mutated(statement) if _compiles(text))


def _mutated(source):
    """Each change is made to a copy of one node in its place: to parse anew and to count through for each takes a hundred times as long."""
    tree = get_ast(source)
    operators = [get_operator(name)() for name in operator_names() if not get_operator(name).arguments()]   # the others need a name
    for siblings, place in list(_places(tree)):
        before, node = siblings[:], siblings[place]
        for operator in operators:
            for occurrence, _ in enumerate(list(operator.mutation_positions(node))):
                siblings[place] = copy = deepcopy(node, {id(node.parent): node.parent})
                with contextlib.suppress(AttributeError):       # of cosmic-ray, at `except (module.Error, ...)`
                    changed = operator.mutate(copy, occurrence)
                    siblings[place:place + 1] = [changed] if changed else []
                    yield tree.get_code()
                siblings[:] = before


def _places(node):
    """(children, number of one) of all that stands below the node and in no annotation: a change of these computes the same, if anything."""
    children = getattr(node, "children", [])
    for place, child in enumerate(children):
        noted = children[place - 1] == ":" and node.type in ("tfpdef", "annassign") or children[place - 1] == "->"
        if not (place and noted):
            yield children, place
            yield from _places(child)


def _compiles(text):
    with warnings.catch_warnings(action="ignore", category=SyntaxWarning):
        try:
            compile(text, "mutant", "exec")
        except SyntaxError:
            return False
    return True


def _first_difference(source, text):
    rows = zip(source.splitlines(), text.splitlines(), strict=True)
    return next(row for row, (before, after) in enumerate(rows) if before != after)


def _mutant(module, tree, source, text, row):
    names = list(_around(tree, row + 1))
    line, becomes = (" ".join(lines.splitlines()[row].split()) for lines in (source, text))
    return Mutant(module, ".".join([module, *names]), line, becomes, text)


def _around(tree, row):
    """The function at the top that the row belongs to, or the class if the row lies in a method of one."""
    for node in tree.body:
        inner = [node] if isinstance(node, ast.FunctionDef) else node.body if isinstance(node, ast.ClassDef) else []
        for function in inner:
            if isinstance(function, ast.FunctionDef) and function.lineno <= row <= function.end_lineno:
                yield node.name


def equivalents(file=FOLDER / "equivalent.toml"):
    """id -> reason, of a list of mutants."""
    entries = tomllib.loads(file.read_text())["equivalent"]
    return {
        (entry["in"], entry["line"], becomes): entry["reason"] for entry in entries for becomes in entry["becomes"]
    }
