"""The kinds of questions of `course followup`: each with the rule that makes it applicable and the way to its answer.

A kind is a function of one exercise of one submission (`Exercise`): it gives questions, or none where its rule does not hold. Every
answer comes of running the student's own code in the sandbox, of its text, or of what its grading recorded; nothing is guessed, and nothing
needs the reference or a hidden check.
"""

import ast
import builtins
import math
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import Any

from ..border.bounded import bounded_or, timed
from ..notebooks.cells import code_lines
from ..notebooks.record import Outcome, VerdictRecord
from .asking import Call, Seen, Trace, Wanted, as_text, is_readable

FEW = 4                 # numbers that somebody can be asked for
MOST_LINES = 26         # of a function that fits on a sheet
SIMPLE = (ast.Name, ast.Attribute, ast.Subscript, ast.BinOp, ast.UnaryOp, ast.Constant, ast.Slice, ast.Tuple, ast.operator, ast.unaryop,
          ast.expr_context)


@dataclass(frozen=True)
class Question:
    """`about` is what the answer rests on, for whoever checks it: the call, the line, the expression, the value."""

    kind: str
    exercise: str
    asks: str
    answer: str
    about: dict[str, Any] = field(default_factory=dict, compare=False)


@dataclass
class Exercise:
    """One function of a submission: its text as in its cell, from line `first` of it; the public calls, smallest first, and how to ask for more.

    `ask(name, call, before, after, changed)` gives a `Trace` or None; where it is None itself, a call that nobody has made yet raises
    `Wish`. `says` is the sentence on each known mistake.
    """

    name: str
    text: str
    first: int
    calls: list[Call]
    ask: Callable[..., Trace | None] | None
    verdict: VerdictRecord | None = None
    says: dict[str, str] = field(default_factory=dict)
    traces: dict[tuple[str, str, str, str | None], Trace | None] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.lines = code_lines(self.text)
        self.readable = [call for call in self.calls if is_readable(call)]

    @cached_property
    def tree(self) -> ast.FunctionDef:
        tree = ast.parse(self.text).body[0]
        assert isinstance(tree, ast.FunctionDef)
        return tree

    def trace(self, call: Call, before: Wanted | None = None, after: Wanted | None = None, changed: str | None = None) -> Trace | None:
        """The trace of a call; None if it raised, ran on, did something else the second time, or ran another text than the one that the
        sheet shows."""
        key = as_text(tuple(call)), repr(before), repr(after), changed
        if key not in self.traces and self.ask is None:
            raise Wish(call, before, after, changed)
        if key not in self.traces:
            assert self.ask is not None
            found, again = (self.ask(self.name, call, before, after, changed) for _ in range(2))
            usable = found is not None and found.value is not None and repr(found) == repr(again) and (
                changed is not None or found.first == self.first)
            self.traces[key] = found if usable else None
        return self.traces[key]

    def called(self, call: Call) -> str:
        return f"{self.name}({', '.join(map(as_text, call))})"


class Wish(Exception):
    """A call that has to be made before more can be said: the arguments of `Exercise.trace`."""


# --- what a function's text says ----------------------------------------------------------------------------------

def own_nodes(tree: ast.AST) -> Iterator[ast.AST]:
    """The nodes of a function without those of functions and comprehensions inside of it: these have frames of their own."""
    for child in ast.iter_child_nodes(tree):
        if isinstance(child, (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef, ast.Lambda, ast.ListComp, ast.SetComp, ast.DictComp, ast.GeneratorExp)):
            continue
        yield child
        yield from own_nodes(child)


def statements(tree: ast.AST) -> list[ast.stmt]:
    """The statements that a line can be said to run for: no docstring, nothing that is only a word."""
    return [node for node in own_nodes(tree) if isinstance(node, ast.stmt) and not isinstance(node, (ast.Pass, ast.Global, ast.Nonlocal))
            and not (isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant))]


def head(node: ast.stmt) -> range:
    """The lines that belong to a statement itself: of a compound one without its body."""
    body = getattr(node, "body", None)
    last = (node.end_lineno or node.lineno) if not isinstance(body, list) or not body else max(node.lineno, body[0].lineno - 1)
    return range(node.lineno, last + 1)


def only_looks(node: ast.AST) -> bool:
    """Whether evaluating an expression once more changes nothing: names, attributes, places, sums and products of these."""
    return all(isinstance(one, SIMPLE) for one in ast.walk(node)) and any(isinstance(one, ast.Name) for one in ast.walk(node))


def code(text: object) -> str:
    return f"`{text}`"


def shown(seen: Seen | None) -> str | None:
    """A value in words; None where it is too much to be asked for."""
    if seen is None:
        return None
    if seen.kind in ("number", "bool") and seen.numbers:
        return code(digits(seen.numbers[0]) if seen.kind == "number" else bool(seen.numbers[0]))
    if seen.kind == "text":
        return code(repr(seen.text))
    if seen.kind in ("list", "tuple"):
        inside = bare(seen)
        return code(inside) if inside is not None and inside.count(",") < FEW else None
    if seen.kind == "array" and seen.numbers is not None and len(seen.numbers) <= FEW and 0 not in seen.shape:
        return f"{code('[' + ', '.join(map(digits, seen.numbers)) + ']')} in shape {seen.shape}" if len(seen.shape) > 1 else \
            code("[" + ", ".join(map(digits, seen.numbers)) + "]" if seen.shape else digits(seen.numbers[0]))
    return None


def bare(seen: Seen) -> str | None:
    """A list or tuple of numbers, nested or not, as Python writes it."""
    if seen.kind == "number" and seen.numbers:
        return digits(seen.numbers[0])
    inner = [bare(part) for part in seen.parts]
    if seen.kind not in ("list", "tuple") or None in inner or not inner:
        return None
    left, right = ("[", "]") if seen.kind == "list" else ("(", ",)" if len(inner) == 1 else ")")
    return f"{left}{', '.join(map(str, inner))}{right}"


def digits(value: float) -> str:
    """Four digits are enough to be right by."""
    return f"{value:.4g}"


def is_plain(seen: Seen | None) -> bool:
    """Whether a value can be said without a calculator: whole numbers, halves, zeros, infinities."""
    return seen is not None and seen.numbers is not None and all(not math.isfinite(n) or (abs(n) < 1000 and n * 8 == round(n * 8)) for n in seen.numbers)


# --- the kinds ----------------------------------------------------------------------------------------------------

def of_failed_check(exercise: Exercise) -> Iterator[Question]:
    """Rule: the exercise is not blank, a check of it passed and one did not."""
    verdict = exercise.verdict
    if verdict is None or verdict.blank:
        return
    passed = sorted((check for check in verdict.checks if check.outcome == Outcome.PASSED), key=lambda check: (not check.core, -check.weight))
    failed = sorted((check for check in verdict.checks if check.outcome == Outcome.FAILED), key=lambda check: (check.misconception is None, not check.core))
    if not passed or not failed:
        return
    known = failed[0].misconception
    lines = ", ".join(map(str, lines_of_value(exercise.tree)))
    says = f"The values are those of a known mistake: {exercise.says.get(known, known)}" if known else \
        "The values fit no known mistake: ask for an argument at which the result is not what the exercise asks for, and go from there."
    yield Question("failed check", exercise.name, f"Your {code(exercise.name)} passed “{passed[0].title}” and did not pass “{failed[0].title}”. "
                   "Which line would you change first, and why that one?",
                   f"{says} Lines that make what is returned: {lines}. An answer names one of these and says what is wrong with its value.",
                   {"passed": passed[0].name, "failed": failed[0].name, "misconception": known})


def lines_of_value(tree: ast.FunctionDef) -> list[int]:
    """The lines that what a function returns is made of: its returns, and, backwards, what sets the names in them."""
    names = {node.id for one in own_nodes(tree) if isinstance(one, ast.Return) and one.value for node in ast.walk(one.value) if isinstance(node, ast.Name)}
    found = {one.lineno for one in own_nodes(tree) if isinstance(one, ast.Return)}
    sets = [(node, {one.id for one in ast.walk(node) if isinstance(one, ast.Name) and isinstance(one.ctx, ast.Store)} | places_in(node))
            for node in own_nodes(tree) if isinstance(node, (ast.Assign, ast.AugAssign, ast.AnnAssign, ast.For, ast.Expr))]
    growing = True
    while growing:
        growing = False
        for node, targets in sets:
            if targets & names and node.lineno not in found:
                found.add(node.lineno)
                names |= {one.id for one in ast.walk(node.iter if isinstance(node, ast.For) else node) if isinstance(one, ast.Name)}
                growing = True
    return sorted(found)


def places_in(node: ast.AST) -> set[str]:
    """The names whose content a statement changes: `a[i] = ...`, `a.append(...)`."""
    targets = node.targets if isinstance(node, ast.Assign) else [node.target] if isinstance(node, (ast.AugAssign, ast.AnnAssign)) else []
    if isinstance(node, ast.Expr) and isinstance(node.value, ast.Call) and isinstance(node.value.func, ast.Attribute):
        targets = [node.value.func.value]
    return {one.id for target in targets for one in ast.walk(target) if isinstance(one, ast.Name)}


SIGNS = {ast.MatMult: "multiplies by @", ast.Mult: "multiplies", ast.Add: "adds", ast.Sub: "subtracts", ast.Div: "divides"}
PRODUCTS = ("dot", "matmul", "multiply", "outer")       # as methods of NumPy


def pairs_in(statement: ast.stmt) -> list[tuple[str, str, str]]:
    """(what is done, one side, the other) of what a statement of one line multiplies, adds, subtracts or divides; products first."""
    found = []
    for node in ast.walk(statement) if statement.lineno == statement.end_lineno else ():
        if isinstance(node, ast.BinOp) and type(node.op) in SIGNS:
            found.append((list(SIGNS).index(type(node.op)), SIGNS[type(node.op)], node.left, node.right))
        elif isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and node.func.attr in PRODUCTS and len(node.args) == 2 \
                and not node.keywords:
            left, right = node.args
            found.append((0, f"takes {node.func.attr} of", left, right))
    return [(said, ast.unparse(left), ast.unparse(right)) for _, said, left, right in sorted(found, key=lambda one: one[0])
            if only_looks(left) and only_looks(right)]


def of_shapes(exercise: Exercise) -> Iterator[Question]:
    """Rule: a line multiplies, adds, subtracts or divides two expressions of which each only looks at names, and one is an array of rows."""
    pairs = {statement.lineno: found for statement in statements(exercise.tree) if (found := pairs_in(statement))}
    wanted = {line: [side for _, *sides in found for side in sides] for line, found in pairs.items()}
    for call in exercise.calls[::-1][:6] if wanted else ():        # of large calls: sides of one row and one column tell nothing
        trace = exercise.trace(call, before=wanted)
        if trace is None:
            continue
        for line, found in pairs.items():
            for said, left, right in found:
                one, other = (trace.seen.get((line, "before", text)) for text in (left, right))
                if left == right or one is None or other is None:
                    continue
                if {one.kind, other.kind} <= {"array", "number"} and max(len(one.shape), len(other.shape)) > 1:
                    when = "there" if trace.lines.count(line) == 1 else "the first time that it runs"
                    yield Question("shapes", exercise.name, f"Line {line} of your {code(exercise.name)} {said} {code(left)} and {code(right)}. "
                                   f"{shown_call(exercise, call)} which shape has each of them {when}?",
                                   f"{code(left)}: {one.shape or 'a number'}; {code(right)}: {other.shape or 'a number'}.",
                                   {"call": call, "line": line, "expressions": {left: one.shape, right: other.shape}})
        return


def shown_call(exercise: Exercise, call: Call) -> str:
    """A call in words; of large arguments their shapes are enough."""
    if is_readable(call):
        return f"For {code(exercise.called(call))}:"
    names = [argument.arg for argument in exercise.tree.args.args]
    shapes = [f"{code(name)} of shape {value.shape}" if hasattr(value, "shape") else f"{code(name)} with {len(value)} entries" if isinstance(value, (list, tuple))
              else f"{code(name)} = {code(as_text(value))}" for name, value in zip(names, call)]
    return f"In a call with {', '.join(shapes)}:"


def of_value(exercise: Exercise) -> Iterator[Question]:
    """Rule: a public call with few numbers gives few numbers, best such as can be said without a calculator."""
    found = []
    sets = names_set(exercise)
    for call in exercise.readable[:8]:
        trace = exercise.trace(call, after={line: [name] for line, name in sets.items()})
        if trace and (words := shown(trace.value)):
            found.append((not is_plain(trace.value), trace, words))
    for _, trace, words in sorted(found, key=lambda one: one[0]):
        lines = ", ".join(map(str, dict.fromkeys(trace.lines)))
        way = "; ".join(f"after line {line} {code(name)} is {value}" for line, name in sets.items() if trace.lines.count(line) == 1
                        and (seen := trace.seen.get((line, "after", name))) and (value := shown(seen)))
        yield Question("value", exercise.name, f"What does your function return for {code(exercise.called(trace.call))}, and why?",
                       f"{words}. Lines that run: {lines}{'; ' + way if way else ''}.", {"call": trace.call, "value": trace.value})


def names_set(exercise: Exercise) -> dict[int, str]:
    """{line: the name that it sets}, for lines that do nothing else and set it to something: what `np.empty` gives is anything."""
    found = {}
    for node in own_nodes(exercise.tree):
        if isinstance(node, ast.Assign) and len(node.targets) == 1 and isinstance(node.targets[0], ast.Name) and node.lineno == node.end_lineno:
            asked = {getattr(one, "attr", getattr(one, "id", None)) for one in ast.walk(node.value)}
            if not asked & {"empty", "empty_like", "ndarray"}:
                found[node.lineno] = node.targets[0].id
    return found


def of_intermediate_value(exercise: Exercise) -> Iterator[Question]:
    """Rule: a line that runs once sets a name to few numbers that can be said without a calculator, or to an array."""
    sets = names_set(exercise)
    if not sets:
        return
    after = {line: [name] for line, name in sets.items()}
    for call in [*exercise.readable[:3], *exercise.calls[:-3:-1]]:
        trace = exercise.trace(call, after=after)
        if trace is None:
            continue
        ran = list(trace.lines)
        for line, name in sets.items():
            seen = trace.seen.get((line, "after", name))
            if seen is None or ran.count(line) != 1:
                continue
            words = shown(seen)
            if words and is_readable(call) and is_plain(seen):
                yield Question("value of a name", exercise.name, f"{shown_call(exercise, call)} what is {code(name)} after line {line}?", f"{words}.",
                               {"call": call, "line": line, "name": name, "value": seen})
            elif seen.kind == "array" and seen.shape and max(seen.shape) > 1:
                yield Question("shape of a name", exercise.name, f"{shown_call(exercise, call)} which shape has {code(name)} after line {line}?",
                               f"{seen.shape}.", {"call": call, "line": line, "name": name, "shape": seen.shape})


def of_branches(exercise: Exercise) -> Iterator[Question]:
    """Rule: the function has an `if`, no statement goes over several lines, and a call of few numbers leaves out some of its lines."""
    every = {node.lineno: node for node in statements(exercise.tree)}
    if not any(isinstance(node, ast.If) for node in every.values()) or len(every) > 14 or any(
            len(head(node)) > 1 or isinstance(node, (ast.Break, ast.Continue, ast.Try, ast.With, ast.Match)) for node in every.values()):
        return
    starts = {line: node.lineno for node in every.values() for line in head(node)}
    for call in exercise.readable[:6]:
        trace = exercise.trace(call)
        if trace is None:
            continue
        ran = {starts[line] for line in trace.lines if line in starts}
        left_out = sorted(set(every) - ran)
        if left_out and ran:
            def number(lines: Iterable[int]) -> str:
                return ", ".join(map(str, sorted(lines)))
            yield Question("lines that run", exercise.name, f"Which lines of your {code(exercise.name)} does "
                           f"{code(exercise.called(call))} not reach, and what decides that?", f"Not reached: {number(left_out)}. It runs {number(ran)}.",
                           {"call": call, "ran": sorted(ran), "left out": left_out})


def of_loops(exercise: Exercise) -> Iterator[Question]:
    """Rule: a loop that is in no other one runs its body two to fifty times, and the first line of the body is one line of its own."""
    nested = {id(inner) for node in own_nodes(exercise.tree) if isinstance(node, (ast.For, ast.While)) for inner in ast.walk(node) if inner is not node}
    loops = [node for node in own_nodes(exercise.tree) if isinstance(node, (ast.For, ast.While)) and id(node) not in nested
             and node.body[0].lineno > node.lineno and node.body[0].lineno == node.body[0].end_lineno
             and not isinstance(node.body[0], (ast.For, ast.While))]
    for call in exercise.calls[:6] if loops else ():
        trace = exercise.trace(call)
        if trace is None:
            continue
        for node in loops:
            times = trace.lines.count(node.body[0].lineno)
            if 2 <= times <= 50:
                yield Question("turns of a loop", exercise.name, f"{shown_call(exercise, call)} how many times does the loop in line "
                               f"{node.lineno} go round, and what decides that?", f"{times} times.",
                               {"call": call, "line": node.body[0].lineno, "times": times})


def of_other_constants(exercise: Exercise) -> Iterator[Question]:
    """Rule: a number in a sum, product or comparison, the only such one in its line, changes what a call returns when 1 is added to it."""
    there = [(node.lineno, node.value) for node in ast.walk(exercise.tree) if isinstance(node, ast.Constant)]
    for node in own_nodes(exercise.tree):
        parts = [node.left, node.right] if isinstance(node, ast.BinOp) else node.comparators if isinstance(node, ast.Compare) else []
        for part in parts:
            if not (isinstance(part, ast.Constant) and isinstance(part.value, (int, float)) and not isinstance(part.value, bool) and there.count((part.lineno, part.value)) == 1):
                continue        # of two equal numbers in a line nobody knows which is meant
            other = part.value + 1
            lines = list(exercise.lines)
            line = lines[part.lineno - 1].encode()
            lines[part.lineno - 1] = (line[:part.col_offset] + repr(other).encode() + line[part.end_col_offset:]).decode()
            old = line[part.col_offset:part.end_col_offset].decode()
            for call in exercise.readable[:4]:
                before, after = exercise.trace(call), exercise.trace(call, changed="\n".join(lines) + "\n")
                if before and after and before.value != after.value and (was := shown(before.value)) and (words := shown(after.value)) and was != words:
                    yield Question("another number", exercise.name, f"In line {part.lineno} of your {code(exercise.name)} stands {code(old)}. Now "
                                   f"{code(exercise.called(call))} returns {was}: what would it return with {code(repr(other))} there?", f"{words}.",
                                   {"call": call, "changed": "\n".join(lines) + "\n", "value": after.value})
                    break


def of_outer_names(exercise: Exercise) -> Iterator[Question]:
    """Rule: the function uses names that are neither its own nor Python's, and more than the usual modules."""
    arguments = exercise.tree.args
    own = {one.arg for one in (*arguments.posonlyargs, *arguments.args, *arguments.kwonlyargs, *filter(None, (arguments.vararg, arguments.kwarg)))}
    every = [node for statement in exercise.tree.body for node in ast.walk(statement) if isinstance(node, ast.Name)]
    inner = [node for node in ast.walk(exercise.tree) if isinstance(node, (ast.FunctionDef, ast.Lambda, ast.Import, ast.ImportFrom, ast.ExceptHandler))
             and node is not exercise.tree]
    if inner:
        return      # names of several worlds: an answer would have to say whose
    own |= {node.id for node in every if isinstance(node.ctx, ast.Store)}
    outer = sorted({node.id for node in every if isinstance(node.ctx, ast.Load)} - own - set(dir(builtins)))
    if set(outer) - {"np", "numpy", "math"}:
        yield Question("names from outside", exercise.name, f"Which names in the body of your {code(exercise.name)} come from outside of it (Python's own "
                       "left aside), and what does each stand for?", f"{', '.join(map(code, outer))}.", {"names": outer})


KINDS: dict[str, Callable[[Exercise], Iterator[Question]]] = {
    "failed check": of_failed_check,
    "shapes": of_shapes,
    "value": of_value,
    "lines that run": of_branches,
    "turns of a loop": of_loops,
    "another number": of_other_constants,
    "value of a name": of_intermediate_value,
    "names from outside": of_outer_names,
}
OF_LINES = (of_shapes, of_branches, of_loops, of_intermediate_value)     # of a function that calls itself a line runs in several worlds
EACH = 2        # questions of one kind on one exercise that are candidates


def candidates(exercise: Exercise) -> list[Question]:
    """Every question that the table gives for an exercise, a few of each kind."""
    if len(exercise.lines) > MOST_LINES:
        return []
    calls_itself = any(isinstance(node, ast.Name) and node.id == exercise.name for node in ast.walk(exercise.tree))
    return [question for kind in KINDS.values() if not calls_itself or kind not in OF_LINES for _, question in zip(range(EACH), kind(exercise))]


def candidates_or_wish(exercise: Exercise) -> list[Question] | Wish:
    """`candidates` of an exercise whose `ask` is None; or the call that is to be made first."""
    try:
        return candidates(exercise)
    except Wish as wish:
        return wish


def bounded_candidates(exercise: Exercise, seconds: float) -> list[Question] | None:
    """`candidates`, where nothing is read or computed of the student's text in this process, and all of it within `seconds` of CPU time.

    Calls are made here, for the kernel is. None where it takes too long, goes too deep or fails.
    """
    while seconds > 0:
        found, cost = bounded_or((None, seconds), timed, candidates_or_wish, replace(exercise, ask=None), seconds=seconds)
        if not isinstance(found, Wish):
            return found
        exercise.trace(*found.args)
        seconds -= cost
    return None
