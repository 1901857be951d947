"""`course mistakes ASSIGNMENT CLUSTER --name NAME`: a cluster of unknown answers becomes an entry of tests/misconceptions/.

The entry starts from the shortest example. What stands in the bank runs in the grader, without a sandbox, so a student's
code is taken over as code only if it does nothing but compute: a short list says what may stand in it. Anything else is
written as a comment, with the reason, for a person to read and to turn on.
"""

import ast
import math
import os
import re
import shlex
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from rich.console import Console

from ..border.bounded import Overrun, bounded
from ..checks import bank
from ..root import CourseError
from ..run.course import Course
from .class_answers import Answer, ClassAnswers, Group, given_by, is_called, keys
from .class_mistakes import to_send
from .terminal import tell

MOST_NAME, WIDTH = 80, 110
SECONDS = 10        # of CPU, for an entry on all hidden inputs; an honest one takes some milliseconds
LIBRARIES = {"np": "import numpy as np", "numpy": "import numpy", "math": "import math"}
# What computes and does nothing else: no files, no names made of text, no way to the interpreter.
BUILTINS = set("abs all any bool dict enumerate float int isinstance len list max min pow range reversed round set sorted sum tuple "
               "zip True False None ValueError TypeError NotImplementedError ZeroDivisionError str map filter complex".split())
ATTRIBUTES = set(
    "shape size ndim dtype T real imag copy sum mean prod min max argmin argmax any all ravel reshape flatten astype tolist item fill "
    "dot transpose squeeze clip round cumsum cumprod append extend insert pop reverse index count items keys values get std var trace "
    "array asarray asanyarray atleast_1d atleast_2d zeros ones empty full zeros_like ones_like empty_like full_like eye identity diag "
    "arange linspace logspace abs absolute fabs sign negative reciprocal exp exp2 expm1 log log2 log10 log1p logaddexp logaddexp2 sqrt "
    "cbrt square power float_power sin cos tan arcsin arccos arctan arctan2 sinh cosh tanh arcsinh arccosh arctanh maximum minimum fmax "
    "fmin where heaviside isfinite isinf isnan isclose allclose equal not_equal greater greater_equal less less_equal logical_and "
    "logical_or logical_not matmul einsum outer inner tensordot vdot kron concatenate stack vstack hstack column_stack expand_dims "
    "broadcast_to swapaxes moveaxis flip flipud fliplr roll tile repeat sort argsort unique nonzero count_nonzero add subtract multiply "
    "divide true_divide floor_divide mod remainder floor ceil trunc rint nan_to_num diff nansum nanmean nanmax nanmin median percentile "
    "quantile average ptp errstate linalg norm eigvals eigvalsh eig eigh svd det inv solve matrix_power cond pi e inf nan newaxis "
    "float64 float32 float16 int64 int32 bool_ double finfo eps tiny smallest_normal iinfo result_type promote_types can_cast issubdtype "
    "floating integer number vectorize shape erf erfc pow fsum hypot gamma lgamma factorial comb isqrt copysign ldexp frexp fmod".split())
NODES = (
    ast.Module, ast.FunctionDef, ast.arguments, ast.arg, ast.Return, ast.Assign, ast.AugAssign, ast.AnnAssign, ast.For,
    ast.If, ast.Raise, ast.Expr, ast.Pass, ast.Break, ast.Continue, ast.With, ast.withitem, ast.BoolOp, ast.BinOp, ast.UnaryOp,
    ast.Lambda, ast.IfExp, ast.Dict, ast.Set, ast.ListComp, ast.SetComp, ast.DictComp, ast.GeneratorExp, ast.comprehension, ast.Compare,
    ast.Call, ast.keyword, ast.Constant, ast.Attribute, ast.Subscript, ast.Starred, ast.Name, ast.List, ast.Tuple, ast.Slice, ast.Try,
    ast.ExceptHandler, ast.Assert, ast.JoinedStr, ast.FormattedValue, ast.expr_context, ast.boolop, ast.operator, ast.unaryop, ast.cmpop)

PLAIN = ast.Constant, ast.UnaryOp, ast.unaryop, ast.Name, ast.expr_context, ast.Tuple       # of the default of an argument


@dataclass(frozen=True)
class Skeleton:
    """An entry as text, and why its code is only a comment; "" where it is code."""

    text: str
    function: str
    why: str = ""


def trouble(code: str) -> str:
    """Why code may not be taken over as code, in words that complete a sentence; "" if it only computes."""
    try:
        nodes = list(ast.walk(ast.parse(code)))
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return "cannot be read as Python"
    own = BUILTINS | LIBRARIES.keys() | set().union(*map(bound, nodes))
    for node in nodes:
        if isinstance(node, ast.While):
            return "has a loop that may never end"
        if not isinstance(node, NODES) or getattr(node, "decorator_list", None):
            return f"has {'a decorator' if isinstance(node, ast.FunctionDef) else type(node).__name__} in it"
        if isinstance(node, ast.Attribute) and (node.attr not in ATTRIBUTES or not isinstance(node.ctx, ast.Load)):
            return f"{'uses' if isinstance(node.ctx, ast.Load) else 'changes'} .{node.attr}"
        if isinstance(node, ast.Name) and (node.id not in own or node.id.startswith("__")):
            return f"stands on {node.id}, which is not in it"
        if getattr(node, "returns", None) or getattr(node, "annotation", None) and isinstance(node, ast.arg):
            return "has annotations"
        if isinstance(node, ast.arguments) and any(not isinstance(inner, PLAIN) for default in [*node.defaults, *node.kw_defaults]
                                                   if default for inner in ast.walk(default)):
            return "computes the default of an argument"       # that would happen when the bank is loaded
    return ""


def bound(node: ast.AST) -> set[str]:
    """The names that a node binds."""
    if isinstance(node, ast.Name):
        return set() if isinstance(node.ctx, ast.Load) else {node.id}
    name = node.arg if isinstance(node, ast.arg) else node.name if isinstance(node, (ast.FunctionDef, ast.ExceptHandler)) else None
    return {name} if name else set()


def skeleton(group: Group, name: str, says: str, why: str = "") -> Skeleton:
    """The entry for a group, from its shortest example that only computes, else, or with a reason, from its shortest one as a comment."""
    function = f"{group.exercise}_{re.sub(r'[^a-z0-9]+', '_', name.lower()).strip('_')}"[:MOST_NAME].rstrip("_")
    examples = [code for answer in group.examples if (code := whole(answer, group.exercise, function))]
    if not examples:
        raise CourseError(f"No submission in {group.name} has a definition of {group.exercise} that can be read: write the entry by hand.")
    code = next((code for code in examples if not trouble(code)), examples[0])
    why, body = why or trouble(code), code.splitlines()
    if why:
        said = literal(f"read the code below, which {why}; then put it in the place of this line")
        body = [f"def {function}(*arguments):", f"    raise NotImplementedError({said})", *(f"    # {line}" for line in body)]
    text = "\n".join([f"@misconception(\n    {literal(group.exercise)}, {literal(name)}, at_most={at_most(group)},",
                      *wrapped_says(says), ")", *body])
    return Skeleton(text, function, why)


def at_most(group: Group) -> float:
    """The share that the mistake may earn: what it earns, rounded up, for points are rounded themselves."""
    most = group.answers[0].verdict.most
    return min(1.0, math.ceil(100 * max(group.points) / most + 0.5) / 100) if most and max(group.points) else 0.0


def literal(text: str) -> str:
    """A Python literal in double quotes, as the bank writes them."""
    return '"' + text.replace("\\", "\\\\").replace('"', '\\"') + '"'


def wrapped_says(says: str) -> list[str]:
    words, lines = " ".join(says.split()).split(" "), [""]
    for word in words:
        if len(lines[-1]) + len(word) > WIDTH - 12:
            lines.append("")
        lines[-1] += word + " "
    lines[-1] = lines[-1].rstrip()
    return [f"    {'says=' if number == 0 else ''}{literal(line)}{',' if number == len(lines) - 1 else ''}" for number, line in enumerate(lines)]


def whole(example: Answer, exercise: str, function: str) -> str:
    """The code of an example as one function of another name: what it stands on goes into it."""
    try:
        node, *_ = [*ast.parse(example.code).body, ast.Pass()]
        inside = [line for helper in example.helpers for line in ast.parse(helper).body]
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return ""
    if isinstance(node, ast.Assign) and isinstance(node.value, ast.Lambda):       # marks need a function
        value, node = node.value, ast.parse(f"def {function}(): pass").body[0]
        assert isinstance(node, ast.FunctionDef)
        node.args, node.body = value.args, [ast.Return(value.body)]
    if not isinstance(node, ast.FunctionDef):
        return ""
    node.name, node.body, node.returns = function, inside + node.body, None
    for inner in ast.walk(node):
        if isinstance(inner, ast.Name) and inner.id == exercise:        # it calls itself
            inner.id = function
        elif isinstance(inner, ast.arg):
            inner.annotation = None     # which would be computed when the bank is loaded
        elif isinstance(inner, ast.FunctionDef):
            inner.returns = None
    try:
        return ast.unparse(ast.fix_missing_locations(node))
    except (RecursionError, ValueError):
        return ""


# --- into the file ------------------------------------------------------------------------------------------------

def place_in(text: str, exercise: str, entry: str) -> str:
    """`text` of a file of the bank with `entry` behind the last one of its exercise, else at the end; imports as needed."""
    tree = ast.parse(text)
    imported = {alias.asname or alias.name for node in tree.body if isinstance(node, (ast.Import, ast.ImportFrom)) for alias in node.names}
    names = {node.id for node in ast.walk(ast.parse(entry)) if isinstance(node, ast.Name)}
    lines, ends = text.splitlines(), [node.end_lineno or 0 for node in tree.body if isinstance(node, ast.FunctionDef) and any(
        isinstance(mark, ast.Call) and mark.args and isinstance(mark.args[0], ast.Constant) and mark.args[0].value == exercise
        for mark in node.decorator_list)]
    end = max(ends, default=len(lines))
    lines[end:end] = ["", "", *entry.splitlines()]
    needed = [line for name, line in LIBRARIES.items() if name in names - imported] + (
        [] if "misconception" in imported else ["from grading.checks import misconception"])
    if needed:
        after = next((node.end_lineno or 0 for node in tree.body if isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant)), 0)
        lines[after:after] = ([""] if after else []) + needed
    return "\n".join(lines).rstrip("\n") + "\n"


def name_cluster(console: Console, course: Course, found: ClassAnswers, group: Group, name: str) -> None:
    """Write the entry, prove it, and say what comes next. Raises `CourseError`; then nothing is written."""
    name = " ".join(name.split())
    if group.known:
        raise CourseError(f"{group.name} is a known mistake already: its sentence stands in tests/misconceptions/{group.notebook}.py.")
    if not name or len(name) > MOST_NAME or not name.isprintable() or not re.search(r"[A-Za-z0-9]", name):
        raise CourseError(f"A name has letters or digits, and at most {MOST_NAME} characters.")
    path = Path(course.execute.course_root, "tests", "misconceptions", f"{group.notebook}.py")
    before = path.read_text(encoding="utf-8") if path.exists() else f'"""Wrong answers to {group.notebook} that students give."""\n'
    made, given = proved(course, group, name, to_send(course, group) or f"{name[:1].upper()}{name[1:]}.")
    if any((entry.exercise, entry.name) == (group.exercise, name) for entry in bank.load(path)):
        raise CourseError(f"{group.exercise} has a mistake called {name} already: take another name.")
    if re.search(rf"^def {re.escape(made.function)}\(", before, re.MULTILINE):
        raise CourseError(f"{path.name} has a function {made.function} already: take another name.")
    new = path.with_suffix(".new")
    new.write_text(place_in(before, group.exercise, made.text), encoding="utf-8")
    os.replace(new, path)
    tell(console, f"wrote {path}, line {before_line(path, made.function)}: {group.exercise}: {name}")
    if made.why:
        tell(console, f"The code stands there as a comment, for it {made.why}: what is in the bank runs without a sandbox. Read it, "
                      "then turn it on.")
    else:
        same = any(given & set(keys(answer.exercise, answer.verdict)) for answer in group.answers)
        tell(console, "It gives the same wrong values as the cluster." if same else
             "It does not give the same as the cluster: it stands on more than its own lines. Mend it before you regrade.")
    again = shlex.quote(f"{group.exercise}: {name}")
    tell(console, f"Next: read its sentence (says=), then  course grade {shlex.quote(found.assignment)} --mistake {again}")
    tell(console, "      and for the list of all mistakes:  course mistakes")


def proved(course: Course, group: Group, name: str, says: str) -> tuple[Skeleton, set[str]]:
    """The entry for a group, and what it gives on the hidden inputs, as `keys` has it. It is run in a process that may die: code that
    goes on and on there would do so in the grader."""
    made = skeleton(group, name, says)
    if made.why:
        return made, set()
    try:
        return made, set(bounded(keys_of_text, course.execute.course_root, group.notebook, group.exercise, made, seconds=SECONDS))
    except Overrun as error:
        return skeleton(group, name, says, f"{error} on the hidden inputs"), set()


def keys_of_text(root: str, notebook: str, exercise: str, made: Skeleton) -> list[str]:
    """What an entry gives that is in no file yet."""
    namespace: dict[str, Any] = {}
    exec("\n".join([*LIBRARIES.values(), "from grading.checks import misconception", made.text]), namespace)
    return keys(exercise, given_by(root, notebook, exercise, namespace[made.function]))


def before_line(path: Path, function: str) -> int:
    lines = path.read_text(encoding="utf-8").splitlines()
    return next((number for number, line in enumerate(lines, start=1) if line.startswith(f"def {function}(")), len(lines))


# --- who is affected ----------------------------------------------------------------------------------------------

def affected(course: Course, found: ClassAnswers, name: str) -> tuple[list[str], int]:
    """The students whose answers have a mistake, by its name or a cluster's id, and how many answers could not be looked at.

    A mistake that the bank knows and no grading has named yet has those whose answers gave what it gives. Raises `CourseError`.
    """
    students = {answer.student for answer in found.wrong if any(is_called(name, answer.exercise, one) for one in answer.named | answer.since)}
    in_bank = [entry.exercise for notebook in sorted({answer.notebook for answer in found.wrong})
               for entry in bank.misconceptions_of(course.execute.course_root, notebook) if is_called(name, entry.exercise, entry.name)]
    if not students and not in_bank:
        students = {answer.student for answer in found.find(name).answers}
    return sorted(students), sum(not in_bank or answer.exercise in in_bank for answer in found.not_comparable)
