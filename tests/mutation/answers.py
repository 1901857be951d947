"""Which wrong answers there are close to a right one: every small change of every answer in tests/right_answers/.

Two kinds. A change of the source: an operator, a constant, a default, a dropped term, `abs`, `.T`, a slice. And a change of
what goes in or comes out: clipped, rounded, squeezed, in single precision, one part of a tuple only, one activation only.
"""

import ast
import copy
import random
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from grading.checks import bank

FOLDER = Path(__file__).parents[1] / "right_answers"


@dataclass(frozen=True)
class Mutant:
    """`make()` gives the function. `where` is the line before and after, or the name of what is done to the answer."""

    notebook: str
    exercise: str
    style: str
    where: str
    make: object = field(compare=False, repr=False)

    @property
    def id(self):
        return self.exercise, self.style, self.where


def mutants_of(notebook):
    """All mutants of all right answers of a notebook, in a fixed order, each change once."""
    path = FOLDER / f"{notebook}.py"
    source = path.read_text(encoding="utf-8")
    entries = bank.load(path)
    found = {}
    for mutant in [*source_mutants(notebook, source, entries), *value_mutants(notebook, entries)]:
        found.setdefault(mutant.id, mutant)
    return list(found.values())


def sample(mutants, count, seed):
    return random.Random(seed).sample(mutants, min(count, len(mutants)))


# --- changes of the source --------------------------------------------------------------------------------------

OPERATORS = {ast.Add: [ast.Sub], ast.Sub: [ast.Add], ast.Mult: [ast.Div, ast.Add], ast.Div: [ast.Mult], ast.MatMult: [ast.Mult],
             ast.Pow: [ast.Mult]}
COMPARISONS = {ast.Lt: [ast.LtE, ast.Gt], ast.LtE: [ast.Lt], ast.Gt: [ast.GtE, ast.Lt], ast.GtE: [ast.Gt, ast.Lt], ast.Eq: [ast.NotEq],
               ast.NotEq: [ast.Eq]}
# calls that may be left out: what remains is their first argument
WRAPPERS = {"abs", "array", "asarray", "list", "reversed", "sqrt", "log10", "float", "append", "diag", "maximum", "sign", "exp",
            "tolist", "ravel", "reshape", "copy", "square", "where", "errstate", "nan_to_num", "cumsum", "cumprod"}
OTHER_CALLS = {"log10": "log", "maximum": "minimum", "max": "min", "cumsum": "cumprod", "sum": "mean", "mean": "sum", "sqrt": "abs",
               "ones": "zeros", "zeros": "ones", "hypot": "sum", "array": "asarray", "count_nonzero": "size"}


def variants(node):
    """What may stand in the place of an expression or statement, one small change each."""
    match node:
        case ast.BinOp(left=left, op=op, right=right):
            yield left
            yield right
            for other in OPERATORS.get(type(op), []):
                yield ast.BinOp(left, other(), right)
            if isinstance(op, ast.MatMult):
                yield ast.BinOp(left, op, ast.Attribute(right, "T", ast.Load()))
                yield ast.BinOp(ast.Attribute(left, "T", ast.Load()), op, right)
            if isinstance(op, (ast.Sub, ast.Div)):
                yield ast.BinOp(right, op, left)
        case ast.UnaryOp(op=ast.USub(), operand=operand):
            yield operand
        case ast.Compare(left=left, ops=[op], comparators=comparators):
            for other in COMPARISONS.get(type(op), []):
                yield ast.Compare(left, [other()], comparators)
        case ast.Constant(value=bool()):
            yield ast.Constant(not node.value)
        case ast.Constant(value=int() | float() as value):
            for other in (value + 1, value - 1, -value, 2 * value, 1.001 * value if isinstance(value, float) else value):
                if other != value:
                    yield ast.parse(repr(other), mode="eval").body
        case ast.Attribute(attr="T", value=value):
            yield value
        case ast.Subscript(value=value, slice=ast.Slice()):
            yield value
        case ast.Call(func=ast.Attribute(attr=name) | ast.Name(id=name) as called, args=args):
            if name in WRAPPERS and args:
                yield args[0]
            if isinstance(called, ast.Attribute) and name in WRAPPERS and not args:
                yield called.value
            if name in OTHER_CALLS and isinstance(called, ast.Attribute):
                yield ast.Call(ast.Attribute(called.value, OTHER_CALLS[name], ast.Load()), args, node.keywords)
            for place in range(len(node.keywords)):
                yield ast.Call(called, args, node.keywords[:place] + node.keywords[place + 1:])
        case ast.IfExp(body=body, orelse=orelse):
            yield body
            yield orelse
        case ast.AugAssign() | ast.Expr() | ast.Break():
            yield ast.Pass()
        case ast.If(body=body, orelse=orelse):
            yield ast.If(ast.Constant(True), body, orelse)
            yield ast.If(ast.Constant(False), body, orelse)
        case ast.Return(value=ast.Tuple(elts=[first, second])):
            yield ast.Return(ast.Tuple([second, first], ast.Load()))


def places(tree):
    """(parent, field, index or None, node) of all expressions and statements below `tree`."""
    for parent in ast.walk(tree):
        for name, value in ast.iter_fields(parent):
            if isinstance(value, list):
                yield from ((parent, name, index, node) for index, node in enumerate(value) if isinstance(node, ast.AST))
            elif isinstance(value, ast.AST):
                yield parent, name, None, value


def source_mutants(notebook, source, entries):
    tree = ast.parse(source)
    functions = {node.name: node for node in tree.body if isinstance(node, ast.FunctionDef)}
    for entry in entries:
        for name in reached(entry.function.__name__, functions):
            for before, after, changed in changes(functions[name]):
                yield Mutant(notebook, entry.exercise, entry.style, f"{before}  ->  {after}",
                             made_of(source, entry.function.__name__, name, changed))


def reached(name, functions):
    """`name` and the functions of the module that it calls."""
    found, waiting = [], [name]
    while waiting:
        one = waiting.pop()
        if one not in found:
            found.append(one)
            waiting += [node.id for node in ast.walk(functions[one]) if isinstance(node, ast.Name) and node.id in functions]
    return found


def changes(function):
    """(line before, line after, source of the changed function) for every small change of it."""
    bare = copy.deepcopy(function)
    bare.decorator_list = []
    before = ast.unparse(bare).splitlines()
    for parent, name, index, node in list(places(bare)):
        for other in variants(node):
            put(parent, name, index, other)
            after = ast.unparse(ast.fix_missing_locations(bare)).splitlines()
            put(parent, name, index, node)
            differing = [pair for pair in zip(before, after) if pair[0] != pair[1]] or [("the last line", "(gone)")]
            if after != before:
                yield differing[0][0].strip(), differing[0][1].strip(), "\n".join(after)


def put(parent, name, index, node):
    if index is None:
        setattr(parent, name, node)
    else:
        getattr(parent, name)[index] = node


def made_of(source, entry_name, changed_name, changed):
    def make():
        space = {}
        exec(compile(source, "right answer", "exec"), space)
        exec(compile(changed, "mutant", "exec"), space)
        return space[entry_name]
    return make


# --- changes of what goes in and comes out ----------------------------------------------------------------------

def over(change):
    """`change` of every array in an answer, however it is nested."""
    def changed(value):
        if isinstance(value, str):
            return value
        if isinstance(value, (list, tuple)) and any(isinstance(item, (list, tuple, np.ndarray)) for item in value):
            return type(value)(changed(item) for item in value)
        return change(np.asarray(value, dtype=float))
    return changed


def single(array):
    return array.astype(np.float32).astype(float)


def rounded_where_positive(array):
    return np.where(array >= 0.5, np.round(array, 9), array)


ON_ARRAYS = {
    "abs": np.abs, "negated": np.negative, "clipped at 10": lambda a: np.clip(a, -10.0, 10.0), "rounded to 9 digits": lambda a: np.round(a, 9),
    "rounded to 9 digits from 0.5 on": rounded_where_positive, "single precision": single, "squeezed": np.squeeze,
    "transposed": np.transpose, "a floor of 1e-12": lambda a: np.where(np.abs(a) < 1e-12, 1e-12, a),
    "tiny is zero": lambda a: np.where(np.abs(a) < 1e-15, 0.0, a), "one axis more": lambda a: a[np.newaxis],
    "off by 0.1 %": lambda a: 1.001 * a, "off by 1e-6": lambda a: a * (1.0 + 1e-6), "turned round": lambda a: a[::-1] if a.ndim else a,
    "wrong from 1e6 on": lambda a: np.where(np.abs(a) > 1e6, 1.0, a), "infinite is large": lambda a: np.nan_to_num(a, nan=np.nan),
    "divided by the rows": lambda a: a / max(len(a), 1) if a.ndim else a,
}
ON_ARGUMENTS = {
    "single precision": single, "rounded to 6 digits": lambda a: np.round(a, 6), "clipped at 10": lambda a: np.clip(a, -10.0, 10.0),
    "clipped at 500": lambda a: np.clip(a, -500.0, 500.0), "abs": np.abs, "negated": np.negative,
    "nothing between -1e-3 and 1e-3": lambda a: np.where(np.abs(a) < 1e-3, 0.0, a), "shifted by 1e-12": lambda a: a + 1e-12,
}


def value_mutants(notebook, entries):
    seen = set()
    for entry in entries:
        if entry.exercise in seen:      # what comes out is the same for every style
            continue
        seen.add(entry.exercise)
        right = entry.function
        for where, make in [*after_the_call(right), *before_the_call(right), *sometimes(right), *named(right)]:
            yield Mutant(notebook, entry.exercise, entry.style, where, make)


def composed(function, change):
    return lambda: lambda *arguments: change(function(*arguments))


def on_part(part, change):
    def changed(value):
        return tuple(change(one) if place == part else one for place, one in enumerate(value))
    return changed


def after_the_call(right):
    names = right.__code__.co_varnames[:right.__code__.co_argcount]
    parts = {"layer_forward": 2, "weight_gradient": 2, "backpropagate": 3, "rnn_forward": 2, "recurrent_weight_gradients": 3,
             "clip_by_global_norm": 2, "layer_norm_backward": 3}
    count = next((n for name, n in parts.items() if right.__name__.startswith(name)), 0)
    for name, change in ON_ARRAYS.items():
        yield f"answer: {name}", composed(right, over(change))
        for part in range(count):
            yield f"answer, part {part}: {name}", composed(right, on_part(part, over(change)))
    if "loss_grads" in names or "weights" in names or "zs" in names:
        for name, change in {"turned round": lambda v: v[::-1], "without the first": lambda v: v[1:], "without the last": lambda v: v[:-1]}.items():
            if count:
                for part in range(count):
                    yield f"answer, part {part}: {name}", composed(right, on_part(part, lambda v, change=change: change(list(v))))
            else:
                yield f"answer: {name}", composed(right, lambda v, change=change: change(list(v)))


def before_the_call(right):
    names = right.__code__.co_varnames[:right.__code__.co_argcount]
    for place, name in enumerate(names):
        for said, change in ON_ARGUMENTS.items():
            yield f"{name}: {said}", with_argument(right, place, change)
        yield f"{name}: changed by the call", spoiling(right, place)
        if place >= len(names) - len(right.__defaults__ or ()):
            default = right.__defaults__[place - len(names)]
            for factor in (2.0, 1.01, 0.99, 0.5):
                yield f"{name}: {factor} times the default", with_default(right, place, factor * default)
            yield f"{name}: always the default", with_argument(right, place, lambda value, default=default: default)


def with_argument(function, place, change):
    def changed(value):
        if isinstance(value, str):
            return value
        if isinstance(value, list) and value and isinstance(value[0], (np.ndarray, str)):
            return [changed(item) for item in value]
        result = change(np.asarray(value, dtype=float))
        return result if isinstance(value, (np.ndarray, list)) else float(result)

    def make():
        return lambda *arguments: function(*[changed(a) if i == place else a for i, a in enumerate(arguments)])
    return make


def with_default(function, place, default):
    return lambda: lambda *arguments: function(*arguments, *[default] * (len(arguments) == place))


def spoiling(function, place):
    """Right, and afterwards the argument is another one."""
    def spoil(value):
        if isinstance(value, np.ndarray) and value.ndim:
            value += 1
        elif isinstance(value, list) and value and isinstance(value[0], np.ndarray):
            value[-1][...] = 0
        elif isinstance(value, list) and value:
            value.append(value[0])

    def call(*arguments):
        answer = copy.deepcopy(function(*arguments))
        if place < len(arguments):
            spoil(arguments[place])
        return answer
    return lambda: call


INTERVALS = [(-300.0, -100.0), (-100.0, -30.0), (-30.0, -6.0), (-6.0, -2.0), (-2.0, 0.0), (0.0, 2.0), (2.0, 6.0), (6.0, 30.0),
             (30.0, 100.0), (100.0, 300.0), (1e3, 1e290), (-1e290, -1e3)]


def sometimes(right):
    """Right but for arguments of one kind: numbers in an interval, one row, one unit, a square matrix, a single layer."""
    names = right.__code__.co_varnames[:right.__code__.co_argcount]
    array_like = len(names) - len(right.__defaults__ or ()) == 1 and names[0] in ("z", "a_prime")
    for low, high in INTERVALS if array_like else ():
        yield f"1 % off for {low:g} < {names[0]} < {high:g}", one_percent_off(right, low, high)
    kinds = KINDS_OF_ARRAYS if array_like else KINDS_OF_LAYERS
    if {"x", "zs", "forget_gates"} & set(names) and "weights" not in names:
        kinds = {**kinds, **KINDS_OF_SEQUENCES}
    for said, condition in kinds.items():
        yield f"1 % off for {said}", where_it_holds(right, condition)


def one_percent_off(function, low, high):
    def call(argument, *others):
        value = np.asarray(function(argument, *others), dtype=float)
        inside = (np.asarray(argument, dtype=float) > low) & (np.asarray(argument, dtype=float) < high)
        return np.where(inside, 1.01 * value, value) if value.shape == inside.shape else value * (1.01 if inside.any() else 1.0)
    return lambda: call


def matrices(arguments):
    nested = [item for a in arguments if isinstance(a, list) for item in a]
    return [a for a in [*arguments, *nested] if isinstance(a, np.ndarray) and a.ndim == 2]


def sequences(arguments):
    return [a for a in arguments if isinstance(a, np.ndarray) and a.ndim == 3]


def steps(arguments):
    return [len(a) for a in sequences(arguments)]


def lists(arguments):
    return [len(a) for a in arguments if isinstance(a, list)] or [len(a) for a in arguments if isinstance(a, np.ndarray) and a.ndim == 1]


KINDS_OF_LAYERS = {
    "one row": lambda arguments: any(len(a) == 1 for a in matrices(arguments)),
    "one column": lambda arguments: any(a.shape[1] == 1 for a in matrices(arguments)),
    "a single entry": lambda arguments: any(a.shape == (1, 1) for a in matrices(arguments)),
    "a square matrix": lambda arguments: any(a.shape[0] == a.shape[1] for a in matrices(arguments)),
    "no square matrix": lambda arguments: all(a.shape[0] != a.shape[1] for a in matrices(arguments)),
    "one layer": lambda arguments: 1 in lists(arguments), "two layers": lambda arguments: 2 in lists(arguments),
    "three layers": lambda arguments: 3 in lists(arguments), "more than ten layers": lambda arguments: max(lists(arguments), default=0) > 10,
    "a negative number somewhere": lambda arguments: any((a < 0).any() for a in arguments if isinstance(a, np.ndarray)),
    "small numbers": lambda arguments: any(0 < np.max(np.abs(a), initial=0.0) < 1e-2 for a in matrices(arguments)),
    "large numbers": lambda arguments: any(np.max(np.abs(a), initial=0.0) > 1e2 for a in matrices(arguments)),
}
KINDS_OF_SEQUENCES = {
    "no step": lambda arguments: 0 in steps(arguments), "one step": lambda arguments: 1 in steps(arguments),
    "more than fifty steps": lambda arguments: max(steps(arguments)) > 50, "fewer than four steps": lambda arguments: max(steps(arguments)) < 4,
    "a batch of one": lambda arguments: 1 in [a.shape[1] for a in sequences(arguments)],
    "one unit or input": lambda arguments: 1 in [a.shape[2] for a in sequences(arguments)],
    "small numbers in a sequence": lambda arguments: any(0 < np.max(np.abs(a), initial=0.0) < 1e-2 for a in sequences(arguments)),
    "large numbers in a sequence": lambda arguments: any(np.max(np.abs(a), initial=0.0) > 1e2 for a in sequences(arguments)),
    "a zero in a sequence": lambda arguments: any((a == 0).any() for a in sequences(arguments)),
}
KINDS_OF_ARRAYS = {
    "a number": lambda arguments: np.ndim(arguments[0]) == 0, "a list": lambda arguments: isinstance(arguments[0], list),
    "three axes": lambda arguments: np.ndim(arguments[0]) == 3, "two axes": lambda arguments: np.ndim(arguments[0]) == 2,
    "one row": lambda arguments: np.ndim(arguments[0]) == 2 and len(arguments[0]) == 1,
    "one column": lambda arguments: np.ndim(arguments[0]) == 2 and np.shape(arguments[0])[1] == 1,
    "an int": lambda arguments: isinstance(arguments[0], int),
    "integers": lambda arguments: isinstance(arguments[0], np.ndarray) and arguments[0].dtype.kind == "i",
    "a negative first entry": lambda arguments: np.ravel(arguments[0])[:1] < 0 if np.ndim(arguments[0]) else arguments[0] < 0,
    "a negative number somewhere": lambda arguments: (np.asarray(arguments[0]) < 0).any(),
}


def where_it_holds(function, condition):
    off = over(lambda a: 1.01 * a)

    def call(*arguments):
        try:
            holds = bool(np.all(condition(arguments)))
        except (TypeError, ValueError):
            holds = False
        answer = function(*arguments)
        return off(answer) if holds and not isinstance(answer, str) else answer
    return lambda: call


def naive_sigmoid_derivative(z):
    s = 1.0 / (1.0 + np.exp(-z))
    return s * (1.0 - s)


def overflowing_sigmoid_derivative(z):
    return np.exp(-z) / (1.0 + np.exp(-z)) ** 2


# (the given helper, the activation) -> what stands in its place
HELPERS = {
    ("activation_derivative", "sigmoid"): {"s(1 - s)": naive_sigmoid_derivative, "overflows": overflowing_sigmoid_derivative,
                                           "1e-9 off": lambda z: 1.0000001 * overflowing_sigmoid_derivative(np.abs(z))},
    ("activation_derivative", "tanh"): {"1 - tanh^2": lambda z: 1.0 - np.tanh(z) ** 2, "cosh overflows": lambda z: np.cosh(z) ** -2.0,
                                        "the sigmoid's": lambda z: overflowing_sigmoid_derivative(np.abs(z))},
    ("activation_derivative", "relu"): {"1 at zero": lambda z: (z >= 0).astype(float), "half at zero": lambda z: np.heaviside(z, 0.5),
                                        "always 1": lambda z: np.ones_like(z), "leaky": lambda z: np.where(z > 0, 1.0, 0.01)},
    ("activation_derivative", "identity"): {"z": lambda z: np.array(z), "always 0": lambda z: np.zeros_like(z), "z / z": lambda z: z / z},
    ("activate", "sigmoid"): {"overflows": lambda z: 1.0 / (1.0 + np.exp(-z)), "through tanh": lambda z: 0.5 + 0.5 * np.tanh(z / 2)},
    ("activate", "tanh"): {"e^z overflows": lambda z: (np.exp(z) - np.exp(-z)) / (np.exp(z) + np.exp(-z)), "2 s(2z) - 1": lambda z: 2.0 / (1.0 + np.exp(-2.0 * z)) - 1.0},
    ("activate", "relu"): {"leaky": lambda z: np.where(z > 0, z, 0.01 * z), "abs": np.abs, "capped at 6": lambda z: np.clip(z, 0.0, 6.0)},
    ("activate", "identity"): {"abs": np.abs, "1": lambda z: np.ones_like(z)},
}


def named(right):
    """One of the four activations is taken for another, or its given function is replaced by a home-made one."""
    space = right.__globals__
    names = right.__code__.co_varnames[:right.__code__.co_argcount]
    if not {"activation", "activations"} & set(names):
        return
    place = len(names) - 1 if names[-1].startswith("activation") else names.index("activation")
    for name in ("identity", "sigmoid", "tanh", "relu"):
        for other in ("identity", "sigmoid", "tanh", "relu"):
            if other != name:
                yield f"{name} is taken for {other}", renamed(right, place, name, other)
    for (helper, name), others in HELPERS.items():
        if helper in space:
            for said, function in others.items():
                yield f"{helper} of {name}: {said}", with_helper(right, helper, name, function)


def renamed(function, place, name, other):
    def call(*arguments):
        arguments = list(arguments)
        given = arguments[place]
        arguments[place] = [other if one == name else one for one in given] if isinstance(given, list) else other if given == name else given
        return function(*arguments)
    return lambda: call


def with_helper(function, helper, name, replacement):
    def call(*arguments):
        space = function.__globals__
        given = space[helper]
        space[helper] = lambda z, activation: replacement(np.asarray(z, dtype=float)) if activation == name else given(z, activation)
        try:
            return function(*arguments)
        finally:
            space[helper] = given
    return lambda: call


