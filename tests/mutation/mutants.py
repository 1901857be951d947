"""Which mutants there are: every change of one token that cosmic-ray's operators make to a module of reference_impl.

A mutant is known by its function, its line and what the line becomes, so that a list of mutants outlives
the line numbers.
"""

import ast
import contextlib
import tomllib
import warnings
from dataclasses import dataclass
from pathlib import Path

from cosmic_ray.ast import ast_nodes, get_ast
from cosmic_ray.mutating import mutate_code
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
    return [_mutant(module, source, text, row) for text, row in sorted(texts.items(), key=lambda item: item[1])]


def _mutated_texts(source):
    """One statement at the top after the other: each change parses the statement anew, which takes long for a whole module."""
    statements = [statement.get_code() for statement in get_ast(source).children]
    for place, statement in enumerate(statements):
        before, after = "".join(statements[:place]), "".join(statements[place + 1:])
        plain = _plain(statement)
        yield from (before + text + after for text in _mutated(statement) if _compiles(text) and _plain(text) != plain)


def _plain(statement):
    """A statement without annotations: a mutant of these computes the same, if anything."""
    tree = ast.parse(statement)
    for node in ast.walk(tree):
        for name in {"annotation", "returns"} & set(node._fields):
            setattr(node, name, ast.Constant(None))
    return ast.dump(tree)


def _mutated(source):
    nodes = list(ast_nodes(get_ast(source)))
    for name in operator_names():
        if get_operator(name).arguments():
            continue        # works on a variable that has to be named
        operator = get_operator(name)()
        for occurrence in range(sum(len(list(operator.mutation_positions(node))) for node in nodes)):
            with contextlib.suppress(AttributeError):       # of cosmic-ray, at `except (module.Error, ...)`
                yield mutate_code(source, operator, occurrence)


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


def _mutant(module, source, text, row):
    names = list(_around(ast.parse(source), row + 1))
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
