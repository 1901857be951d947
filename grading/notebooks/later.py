"""What cells further down may have done to a function above: read off their text, nothing is run.

A function depends on the global names that function bodies above it load, its helpers' among them. A later cell matters
where it binds, deletes or writes into one of these, or does what its text does not tell (a magic, `import *`, `exec`).
Who hides a change better than that changes only an answer of their own.
"""

import ast
import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

DYNAMIC = {"exec", "eval", "globals", "setattr", "delattr", "vars", "__import__", "get_ipython", "reload"}
STATE = {"seterr", "seterrcall", "setbufsize", "setrecursionlimit"}     # of NumPy and Python, for all that follows
KEPT = 10_000       # characters: the facts of longer cells are read anew, for keeping them would keep much
DEFINITION = re.compile(r"^[ \t]*def (\w{1,80})\(", re.MULTILINE)     # in what is no Python
FUNCTIONS = (ast.FunctionDef, ast.AsyncFunctionDef, ast.Lambda)


@dataclass(frozen=True)
class Change:
    """A later cell, by its number in the notebook, and the name it changed; "" for a change that bears no name."""

    cell: int
    name: str


@dataclass(frozen=True)
class Facts:
    """What a cell's text tells, whatever stands around it. `unknown`: it does what its text does not tell; `modules` are
    names that it gives to modules, `used` those that its function bodies load, `bound` those that it binds, deletes or writes
    into, `called` those whose method it calls for the effect alone, `attributes` those of which it sets or deletes one."""

    unknown: bool = False
    modules: frozenset[str] = frozenset()
    used: frozenset[str] = frozenset()
    bound: frozenset[str] = frozenset()
    called: frozenset[str] = frozenset()
    attributes: frozenset[str] = frozenset()


def changes(sources: list[tuple[int, str]], place: int, exercise: str) -> list[Change]:
    """What the cells after number `place` may have done to `exercise`; `sources` are (number, source) in their order."""
    cells = [(number, facts(source)) for number, source in sources]
    modules = frozenset().union(*(cell.modules for _, cell in cells))
    used = {exercise}.union(*(cell.used for number, cell in cells if number <= place))
    return [Change(number, name) for number, cell in cells if number > place
            for name in sorted(({""} if cell.unknown or (cell.attributes & modules) - used else set()) | used & (cell.bound | cell.called - modules))]


def facts(source: str) -> Facts:
    """The facts of a cell. Most cells of a class are the course's own: these are read once."""
    return (kept_facts if len(source) <= KEPT else read_facts)(source)


def read_facts(source: str) -> Facts:
    tree = parse(source)
    if tree is None:        # a magic or a shell command is no Python; what else is none does not run
        lines = [line.strip() for line in source.splitlines()]
        return Facts(any(line.startswith(("%", "!")) and not line.startswith("%matplotlib") for line in lines))
    unknown, named, attributes = False, set[str](), set[str]()
    for node in ast.walk(tree):
        match node:
            case ast.Call(func=ast.Name(id=name)) if name in DYNAMIC:
                unknown = True
            case ast.Call(func=ast.Attribute(attr=name)) if name in STATE | {"reload"}:
                unknown = True
            case ast.ImportFrom(names=[ast.alias(name="*")]):
                unknown = True
            case ast.Global(names=names):
                named |= set(names)
            case ast.Attribute(ctx=ast.Store() | ast.Del()):        # numpy.exp = ... is np's as well
                attributes |= root_of(node)
    written, called = written_into(tree)
    return Facts(unknown, frozenset(imported(tree)), frozenset(names_in_functions(tree)),
                 frozenset(named | bound_at_top(tree.body) | written), frozenset(called), frozenset(attributes))


kept_facts = lru_cache(maxsize=512)(read_facts)


def parse(source: str) -> ast.Module | None:
    try:
        return ast.parse(source)
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return None


def names_in_functions(tree: ast.AST, own: frozenset[str] = frozenset()) -> set[str]:
    """The global names that function bodies load; `own` are the local ones of the functions around."""
    found = set[str]()
    for node in within(tree):
        if isinstance(node, FUNCTIONS):
            local = own | local_names(node) | comprehension_names(node)
            found |= {inner.id for inner in within(node) if isinstance(inner, ast.Name)} - local
            found |= names_in_functions(node, local)
    return found


def comprehension_names(scope: ast.AST) -> set[str]:
    return {inner.id for node in within(scope) if isinstance(node, ast.comprehension)
            for inner in ast.walk(node.target) if isinstance(inner, ast.Name)}


def bound_at_top(body: list[ast.stmt]) -> set[str]:
    """The names that statements outside of functions and classes bind or delete."""
    found, pending = set[str](), list[ast.AST](body)
    while pending:
        node = pending.pop()
        match node:
            case ast.FunctionDef(name=name) | ast.AsyncFunctionDef(name=name) | ast.ClassDef(name=name):
                found.add(name)
                continue
            case ast.Lambda() | ast.ListComp() | ast.SetComp() | ast.DictComp() | ast.GeneratorExp():
                continue        # scopes of their own
            case ast.Name(id=name, ctx=ast.Store() | ast.Del()):
                found.add(name)
            case ast.Import(names=names) | ast.ImportFrom(names=names):
                found |= {(alias.asname or alias.name).split(".")[0] for alias in names}
            case ast.ExceptHandler(name=str(name)):
                found.add(name)
        pending += ast.iter_child_nodes(node)
    return found


def written_into(tree: ast.Module) -> tuple[set[str], set[str]]:
    """The names whose object is written into, as in `np.exp = ...` or `table["a"] = ...`, and those whose method is called
    for its effect, as in `values.append(1)`; of functions, those that are not the function's own."""
    written, called = set[str](), set[str]()
    for scope in [tree, *(node for node in ast.walk(tree) if isinstance(node, FUNCTIONS))]:
        own = set[str]() if scope is tree else local_names(scope)
        for node in within(scope):
            match node:
                case ast.Attribute(ctx=ast.Store() | ast.Del()) | ast.Subscript(ctx=ast.Store() | ast.Del()):
                    written |= root_of(node) - own
                case ast.Expr(value=ast.Call(func=ast.Attribute() as method)):
                    called |= root_of(method) - own
    return written, called


def imported(tree: ast.Module) -> set[str]:
    """The names that stand for modules: calling one's function is no writing."""
    return {(alias.asname or alias.name).split(".")[0] for node in ast.walk(tree)
            if isinstance(node, ast.Import) for alias in node.names}


def within(scope: ast.AST) -> Iterator[ast.AST]:
    """The nodes of a scope, without those of the functions in it."""
    pending = list(ast.iter_child_nodes(scope))
    while pending:
        node = pending.pop()
        yield node
        if not isinstance(node, FUNCTIONS):
            pending += ast.iter_child_nodes(node)


def defined_functions(source: str) -> set[str]:
    """The functions that a cell defines, as far as it is Python."""
    tree = parse(source)
    found = {node.name for node in ast.walk(tree) if isinstance(node, FUNCTIONS[:2])} if tree else set()
    return found | (set() if tree else set(DEFINITION.findall(source)))


def local_names(function: Any) -> set[str]:
    arguments = function.args
    named = [*arguments.posonlyargs, *arguments.args, *arguments.kwonlyargs, arguments.vararg, arguments.kwarg]
    shared = {name for node in within(function) if isinstance(node, ast.Global) for name in node.names}
    bound = bound_at_top(function.body if isinstance(function.body, list) else [])
    return {one.arg for one in named if one} | bound - shared


def root_of(node: ast.AST) -> set[str]:
    """The name that a chain of attributes and subscripts begins with, in a set; an empty one if it begins otherwise."""
    while isinstance(node, ast.Attribute | ast.Subscript):
        node = node.value
    return {node.id} if isinstance(node, ast.Name) else set()
