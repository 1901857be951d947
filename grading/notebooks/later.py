"""What cells further down may have done to a function above: read off their text, nothing is run.

A function depends on the global names that function bodies above it load, its helpers' among them. A later cell matters
where it binds, deletes or writes into one of these, or does what its text does not tell (a magic, `import *`, `exec`).
Who hides a change better than that changes only an answer of their own.
"""

import ast
import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

DYNAMIC = {"exec", "eval", "globals", "setattr", "delattr", "vars", "__import__", "get_ipython", "reload"}
STATE = {"seterr", "seterrcall", "setbufsize", "setrecursionlimit"}     # of NumPy and Python, for all that follows
DEFINITION = re.compile(r"^[ \t]*def (\w{1,80})\(", re.MULTILINE)     # in what is no Python
FUNCTIONS = (ast.FunctionDef, ast.AsyncFunctionDef, ast.Lambda)


@dataclass(frozen=True)
class Change:
    """A later cell, by its number in the notebook, and the name it changed; "" for a change that bears no name."""

    cell: int
    name: str


def changes(sources: list[tuple[int, str]], place: int, exercise: str) -> list[Change]:
    """What the cells after number `place` may have done to `exercise`; `sources` are (number, source) in their order."""
    used, modules = {exercise}, set()
    for number, source in sources:
        tree = parse(source)
        modules |= imported(tree)
        if number <= place:
            used |= names_in_functions(tree)
    found = []
    for number, source in sources:
        if number > place:
            found += [Change(number, name) for name in sorted(touched(source, used, modules))]
    return found


def parse(source: str) -> ast.Module | None:
    try:
        return ast.parse(source)
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return None


def names_in_functions(tree: ast.AST | None, own: frozenset = frozenset()) -> set[str]:
    """The global names that function bodies load; `own` are the local ones of the functions around."""
    found = set()
    for node in [] if tree is None else within(tree):
        if isinstance(node, FUNCTIONS):
            local = own | local_names(node) | comprehension_names(node)
            found |= {inner.id for inner in within(node) if isinstance(inner, ast.Name)} - local
            found |= names_in_functions(node, local)
    return found


def comprehension_names(scope: ast.AST) -> set[str]:
    return {inner.id for node in within(scope) if isinstance(node, ast.comprehension)
            for inner in ast.walk(node.target) if isinstance(inner, ast.Name)}


def touched(source: str, used: set[str], modules: set[str]) -> set[str]:
    """The names of `used` that a cell changes; "" stands for what its text does not tell."""
    tree = parse(source)
    if tree is None:        # a magic or a shell command is no Python; what else is none does not run
        lines = [line.strip() for line in source.splitlines()]
        return {""} if any(line.startswith(("%", "!")) and not line.startswith("%matplotlib") for line in lines) else set()
    found = set()
    for node in ast.walk(tree):
        match node:
            case ast.Call(func=ast.Name(id=name)) if name in DYNAMIC:
                found.add("")
            case ast.Call(func=ast.Attribute(attr=name)) if name in STATE | {"reload"}:
                found.add("")
            case ast.ImportFrom(names=[ast.alias(name="*")]):
                found.add("")
            case ast.Global(names=names):
                found |= used & set(names)
    return found | used & (bound_at_top(tree.body) | written_into(tree, modules))


def bound_at_top(body: list[ast.stmt]) -> set[str]:
    """The names that statements outside of functions and classes bind or delete."""
    found, pending = set(), list(body)
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


def written_into(tree: ast.Module, modules: set[str]) -> set[str]:
    """The names whose object is written into, as in `np.exp = ...`, `table["a"] = ...` or `values.append(1)`; of
    functions, those that are not the function's own. Calling a function of a module is no writing."""
    found = set()
    for scope in [tree, *(node for node in ast.walk(tree) if isinstance(node, FUNCTIONS))]:
        own = set() if scope is tree else local_names(scope)
        for node in within(scope):
            match node:
                case ast.Attribute(ctx=ast.Store() | ast.Del()) | ast.Subscript(ctx=ast.Store() | ast.Del()):
                    found |= root_of(node) - own
                case ast.Expr(value=ast.Call(func=ast.Attribute() as method)):      # a call for its effect alone
                    found |= root_of(method) - own - modules
    return found


def imported(tree: ast.Module | None) -> set[str]:
    """The names that stand for modules."""
    return {(alias.asname or alias.name).split(".")[0] for node in ([] if tree is None else ast.walk(tree))
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
