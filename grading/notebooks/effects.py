"""What a cell's text tells of what the cell does to names: nothing is run."""

import ast
import builtins
import re
import sys
from collections.abc import Callable, Iterator
from functools import lru_cache
from typing import Any, NamedTuple

DYNAMIC = {"exec", "eval", "globals", "locals", "setattr", "delattr", "vars", "__import__", "get_ipython", "reload", "open"}
STATE = {"seterr", "seterrcall", "setbufsize", "setrecursionlimit", "settrace", "setprofile",
         "reload", "chdir", "putenv", "unlink", "rename", "rmtree", "move", "write_bytes", "write_text"}      # of NumPy, Python and the system, for all that follows
TABLES = {"environ", "modules"}     # of os and sys
WRITERS = {"fill", "put", "resize", *(name for kind in (bytearray, dict, list, set) for name in dir(kind) if not name.startswith("_"))}
HARMLESS = {
    *(name for kind in (str, bytes, tuple, frozenset, int, float, complex) for name in dir(kind)),
    "items", "keys", "values", "copy", "get", "index", "count",
    *"all any argmax argmin argsort astype clip conj copy cumprod cumsum dot flatten item max mean min nonzero prod ravel repeat".split(),
    *"reshape round squeeze std sum swapaxes take tobytes tolist trace transpose var view".split()}    # methods that write into nothing
OTHERS = {*sys.stdlib_module_names - {"unittest"}, "IPython", "gradient_plots", "matplotlib", "mpl_toolkits", "numpy", "pandas", "scipy", "seaborn", "sklearn", "torch", "visible_checks"}
NOBODYS = frozenset(dir(builtins))
KEPT = 10_000       # characters: the facts of longer cells are read anew, for keeping them would keep much
DEFINITION = re.compile(r"^[ \t]*def (\w{1,80})\(", re.MULTILINE)     # in what is no Python
MAGIC = re.compile(r"(?:[\w, ]{1,200}= *)?[%!]")
FUNCTIONS = (ast.FunctionDef, ast.AsyncFunctionDef, ast.Lambda)


class Function(NamedTuple):
    """What a call does, as far as the function's text tells: the global names that it loads, those that it binds or writes
    into, those whose objects it may change by a method or under another name, and whether it may change what it is given."""

    loads: frozenset[str] = frozenset()
    writes: frozenset[str] = frozenset()
    objects: frozenset[str] = frozenset()
    into_arguments: bool = False

    def and_also(self, other: "Function") -> "Function":
        return Function(self.loads | other.loads, self.writes | other.writes, self.objects | other.objects, self.into_arguments or other.into_arguments)


class Call(NamedTuple):
    """A call: the names of which one is called, the names in what it is given, and those that are given themselves."""

    callees: frozenset[str]
    arguments: frozenset[str] = frozenset()
    given: frozenset[str] = frozenset()


class Facts(NamedTuple):
    """What a cell's text tells, whatever stands around it. `unknown`: it does what its text does not tell; `modules` are
    names that it gives to modules, `strange` those that come from modules of the student's own, `used` those that its
    function bodies load, `bound` those that it binds or deletes, `written` those whose object it writes into, `called` those whose method it calls,
    `attributes` those of which it sets or deletes one, `lent` those that it gives to a module's function for the effect alone.
    `same` tells of names which others' objects they may be."""

    unknown: bool
    modules: frozenset[str] = frozenset()
    strange: frozenset[str] = frozenset()
    used: frozenset[str] = frozenset()
    bound: frozenset[str] = frozenset()
    written: frozenset[str] = frozenset()
    called: frozenset[str] = frozenset()
    attributes: frozenset[str] = frozenset()
    lent: frozenset[str] = frozenset()
    same: tuple[tuple[str, frozenset[str]], ...] = ()
    calls: tuple[Call, ...] = ()
    functions: tuple[tuple[str, Function], ...] = ()


def facts(source: str) -> Facts:
    """The facts of a cell. Most cells of a class are the course's own: these are read once."""
    return (kept_facts if len(source) <= KEPT else read_facts)(source)


def read_facts(source: str) -> Facts:
    tree = parse(source)
    if tree is None:        # a magic or a shell command is no Python; what else is none does not run
        lines = [line.strip() for line in source.splitlines()]
        return Facts(any(MAGIC.match(line) and not line.startswith("%matplotlib") for line in lines))
    unknown, named, attributes = False, set[str](), set[str]()
    for node in ast.walk(tree):
        match node:
            case ast.Call(func=ast.Name(id=name)) if name in DYNAMIC:
                unknown = True
            case ast.Call(func=ast.Attribute(attr=name)) if name in STATE:
                unknown = True
            case ast.Call(func=ast.Attribute(value=ast.Attribute(attr=table), attr=name)) if table in TABLES and name not in HARMLESS:
                unknown = True
            case ast.Call(func=ast.Attribute(value=ast.Name(id="os"), attr="remove" | "replace")):
                unknown = True
            case ast.Subscript(value=ast.Attribute(attr=table), ctx=ast.Store() | ast.Del()) if table in TABLES:
                unknown = True
            case ast.ImportFrom(names=[ast.alias(name="*")]):
                unknown = True
            case ast.Global(names=names):
                named |= set(names)
            case ast.Attribute(ctx=ast.Store() | ast.Del()):        # numpy.exp = ... is np's as well
                attributes |= root_of(node)
    written, called = globally(tree)
    return Facts(unknown, frozenset(imported(tree)), frozenset(strange(tree)), frozenset(names_in_functions(tree)),
                 frozenset(named | bound_at_top(tree.body)), frozenset(written), frozenset(called), frozenset(attributes), frozenset(lent(tree)),
                 tuple(bindings(tree)), tuple(calls(tree)), tuple(functions(tree)))


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
            case ast.Lambda():
                continue
            case ast.ListComp() | ast.SetComp() | ast.DictComp() | ast.GeneratorExp():      # a scope of its own, but for :=
                found |= {inner.target.id for inner in ast.walk(node) if isinstance(inner, ast.NamedExpr)}
                continue
            case ast.Name(id=name, ctx=ast.Store() | ast.Del()):
                found.add(name)
            case ast.Import(names=names) | ast.ImportFrom(names=names):
                found |= {(alias.asname or alias.name).split(".")[0] for alias in names}
            case ast.ExceptHandler(name=str(name)) | ast.MatchAs(name=str(name)) | ast.MatchStar(name=str(name)) | ast.MatchMapping(rest=str(name)):
                found.add(name)
        pending += ast.iter_child_nodes(node)
    return found


def globally(tree: ast.Module) -> tuple[set[str], set[str]]:
    """What the nodes of a cell write into, and whose methods they call; of functions, what is not the function's own."""
    written, called = set[str](), set[str]()
    functions = [(node, local_names(node)) for node in ast.walk(tree) if isinstance(node, FUNCTIONS)]
    for scope, own in [(tree, set[str]()), *functions]:
        for node in within(scope):
            written |= stored(node) - own
            called |= acted_on(node) - own
    return written, called


def stored(node: ast.AST) -> set[str]:
    """The names into whose objects a node writes."""
    match node:
        case ast.Attribute(ctx=ast.Store() | ast.Del()) | ast.Subscript(ctx=ast.Store() | ast.Del()):
            return root_of(node)
        case ast.AugAssign(target=target):      # an array's += writes into it
            return root_of(target)
        case ast.keyword(arg="out", value=value):
            return names_in(value)
    return set()


def acted_on(node: ast.AST) -> set[str]:
    """The names whose method a node calls, or gives away to be called, be it that it may write into the object."""
    match node:
        case ast.Call(func=ast.Lambda(), args=given):
            return set().union(*map(names_in, given))
        case ast.Call(func=ast.Call() as made, args=given):
            return root_of(made).union(*map(names_in, given))
        case ast.Call(func=ast.Name(id="map" | "filter"), args=[ast.Attribute(attr=name), *_] as given) if name not in HARMLESS:
            return set().union(*map(names_in, given))
        case ast.Call(func=ast.Name(id="next"), args=[given, *_]):
            return root_of(given)
        case ast.Attribute(attr=name, ctx=ast.Load()) if name in WRITERS - HARMLESS:        # called, or given to what calls it
            return root_of(node)
        case ast.Call(func=ast.Attribute(attr=name) as method) if name not in HARMLESS:
            return root_of(method)
    return set()


def lent(tree: ast.Module) -> set[str]:
    """The names that are given to a method or a module's function for the effect alone, as in `np.fill_diagonal(table, 0)`."""
    return {name for node in within(tree) if isinstance(node, ast.Expr) and isinstance(node.value, ast.Call) and isinstance(node.value.func, ast.Attribute)
            for argument in node.value.args for name in names_in(argument)}


def bindings(scope: ast.AST) -> Iterator[tuple[str, frozenset[str]]]:
    """(name, names of which one may be the same object, or hold it) of each binding of a scope, a function's defaults among them."""
    if isinstance(scope, FUNCTIONS):
        named = [*scope.args.posonlyargs, *scope.args.args]
        named = [*named[len(named) - len(scope.args.defaults):], *scope.args.kwonlyargs]
        for argument, default in zip(named, [*scope.args.defaults, *scope.args.kw_defaults]):
            if default is not None:
                yield argument.arg, frozenset(names_in(default)) - NOBODYS
    for node in within(scope):
        match node:
            case ast.Assign(targets=targets, value=value):
                pairs = [(target, value) for target in targets]
            case ast.AnnAssign(target=target, value=ast.expr() as value) | ast.NamedExpr(target=target, value=value):
                pairs = [(target, value)]
            case ast.For(target=target, iter=value) | ast.AsyncFor(target=target, iter=value) | ast.comprehension(target=target, iter=value):
                pairs = [(target, value)]
            case ast.withitem(context_expr=value, optional_vars=ast.expr() as target):
                pairs = [(target, value)]
            case _:
                continue
        for target, value in pairs:
            others = frozenset(names_in(value)) - NOBODYS
            for name in names_in(target) if others else ():
                yield name, others


def calls(tree: ast.Module) -> Iterator[Call]:
    """The calls outside of functions. A tests cell names the functions that it calls in words."""
    for node in within(tree):
        match node:
            case ast.Call(func=ast.Name(id=name)):
                callees = {name}
            case ast.Call(func=ast.Attribute(attr=name) as method):
                callees = {name} | root_of(method)
            case ast.Constant(value=str(name)) if name.isidentifier():
                yield Call(frozenset({name}))
                continue
            case _:
                continue
        given = [*node.args, *(one.value for one in node.keywords)]
        yield Call(frozenset(callees), frozenset().union(*map(names_in, given)), frozenset(one.id for one in given if isinstance(one, ast.Name)))


def functions(tree: ast.Module) -> Iterator[tuple[str, Function]]:
    """(name, what a call does) of all functions; those of a class also by its name, and a lambda by the one that it is bound to."""
    for node in ast.walk(tree):
        match node:
            case ast.FunctionDef(name=name) | ast.AsyncFunctionDef(name=name):
                yield name, effects(node)
            case ast.ClassDef(name=name):
                yield from ((name, effects(method)) for method in node.body if isinstance(method, FUNCTIONS))
            case ast.Assign(targets=[ast.Name(id=name)], value=ast.Lambda() as function):
                yield name, effects(function)


def effects(function: Any) -> Function:
    own = local_names(function) | comprehension_names(function)
    shared = {name for node in ast.walk(function) if isinstance(node, ast.Global) for name in node.names}
    same = dict[str, set[str]]()
    for name, others in bindings(function):
        same.setdefault(name, set()).update(others)

    def reached(names_of: Callable[[ast.AST], set[str]]) -> set[str]:
        found, pending = set[str](), [name for node in ast.walk(function) for name in names_of(node)]
        while pending:
            if (name := pending.pop()) not in found:
                found.add(name)
                pending += same.get(name, ())
        return found

    objects, direct = reached(lambda node: {*stored(node), *acted_on(node)}), {name for node in ast.walk(function) for name in stored(node)}
    loads = {node.id for node in ast.walk(function) if isinstance(node, ast.Name)} - own - NOBODYS
    return Function(frozenset(loads), frozenset(direct - own | shared), frozenset(objects - own), bool(objects & own))


def names_in(node: ast.AST) -> set[str]:
    return {inner.id for inner in ast.walk(node) if isinstance(inner, ast.Name)}


def strange(tree: ast.AST) -> set[str]:
    """The names that stand for modules of the student's own, or come from one."""
    found = set[str]()
    for node in ast.walk(tree):
        match node:
            case ast.Import(names=names):
                found |= {alias.asname or alias.name.split(".")[0] for alias in names if alias.name.split(".")[0] not in OTHERS}
            case ast.ImportFrom(module=module, names=names) if node.level or str(module).split(".")[0] not in OTHERS:
                found |= {alias.asname or alias.name for alias in names}
    return found


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
    if tree is None:
        return set(DEFINITION.findall(source))
    return {node.name for node in ast.walk(tree) if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)}


def local_names(function: Any) -> set[str]:
    arguments = function.args
    named = [*arguments.posonlyargs, *arguments.args, *arguments.kwonlyargs, arguments.vararg, arguments.kwarg]
    shared = {name for node in within(function) if isinstance(node, ast.Global) for name in node.names}
    bound = bound_at_top(function.body if isinstance(function.body, list) else [])
    return {one.arg for one in named if one} | bound - shared


def root_of(node: ast.AST) -> set[str]:
    """The name that a chain of attributes, subscripts and calls begins with, if it does with one, and those that its calls are
    given: what a call gives back may be what it was given, or hold it."""
    given = set[str]()
    while isinstance(node, ast.Attribute | ast.Subscript | ast.Call):
        if isinstance(node, ast.Call):
            given = given.union(*map(names_in, node.args), *(names_in(one.value) for one in node.keywords))
        node = node.func if isinstance(node, ast.Call) else node.value
    return given | ({node.id} if isinstance(node, ast.Name) else set())
