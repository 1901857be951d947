"""Take mistakes out of the bank and look whether a class that makes them has each of them as a cluster of its own.

`python tests/course/found_again.py` does so with the whole bank, ten by ten, and prints purity and recall. Each mistake that
was taken out is made by four: as the bank has it, with other names and orders of factors, with reciprocals for quotients,
and with other last digits. Beside them stand the authors of all other mistakes of these exercises.
"""

import ast
import inspect
import random
import shutil
import sys
import tempfile
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

ROOT = Path(__file__).parents[2]
sys.path.insert(0, str(ROOT))

from grading.checks import bank
from grading.checks.answer_key import importing_from
from grading.checks.suite import SUITES, judge_functions
from grading.tools.class_answers import Answer, clusters, confirmed

NOTEBOOKS = sorted(path.stem for path in (ROOT / "tests" / "misconceptions").glob("*.py"))


# --- other spellings ----------------------------------------------------------------------------------------------

class Reordered(ast.NodeTransformer):
    """a * b * c as a * (b * c), and local variables under other names."""

    def __init__(self, names):
        self.names = names

    def visit_Name(self, node):
        node.id = self.names.get(node.id, node.id)
        return node

    def visit_BinOp(self, node):
        self.generic_visit(node)
        if isinstance(node.op, ast.Mult) and isinstance(node.left, ast.BinOp) and isinstance(node.left.op, ast.Mult):
            return ast.BinOp(node.left.left, ast.Mult(), ast.BinOp(node.left.right, ast.Mult(), node.right))
        return node


class Reciprocal(ast.NodeTransformer):
    """a / b as a * (1 / b)."""

    def visit_BinOp(self, node):
        self.generic_visit(node)
        if isinstance(node.op, ast.Div) and not isinstance(node.right, ast.Constant):
            return ast.BinOp(node.left, ast.Mult(), ast.BinOp(ast.Constant(1.0), ast.Div(), node.right))
        return node


def respelled(function, make):
    """`function` with its code changed by the transformer that `make(its local names)` gives."""
    node = ast.parse(inspect.getsource(function)).body[0]
    node.decorator_list = []
    stored = {inner.id for inner in ast.walk(node) if isinstance(inner, ast.Name) and isinstance(inner.ctx, ast.Store)}
    arguments = {inner.arg for inner in ast.walk(node) if isinstance(inner, ast.arg)}
    inner = {one.name for one in ast.walk(node) if isinstance(one, ast.FunctionDef)}
    tree = make({name: f"{name}_too" for name in stored - arguments - inner}).visit(ast.Module([node], []))
    namespace = dict(function.__globals__)
    exec(compile(ast.fix_missing_locations(tree), function.__name__, "exec"), namespace)
    return namespace[function.__name__]


def with_other_last_digits(function):
    def shaken(value):
        if isinstance(value, (list, tuple)):
            return type(value)(map(shaken, value))
        return value * (1 + 2.0**-52) if isinstance(value, (float, np.ndarray)) and np.asarray(value).dtype.kind == "f" else value
    return lambda *arguments, **named: shaken(function(*arguments, **named))


def spellings(function):
    return [function, respelled(function, Reordered), respelled(function, lambda _: Reciprocal()), with_other_last_digits(function)]


# --- a bank without them ------------------------------------------------------------------------------------------

def course_without(root, entries):
    """A course in `root` whose bank lacks `entries`, (notebook, entry): checks, reference and the rest are as they are."""
    for room in ("reference_impl", "tests/hidden", "tests/misconceptions"):
        shutil.copytree(ROOT / room, root / room, ignore=shutil.ignore_patterns("__pycache__"))
    shutil.copy(ROOT / "nbgrader_config.py", root)
    for notebook in {notebook for notebook, _ in entries}:
        path = root / "tests" / "misconceptions" / f"{notebook}.py"
        gone, text = {entry.function.__name__ for of, entry in entries if of == notebook}, path.read_text()
        lines = text.splitlines(keepends=True)
        for node in reversed(ast.parse(text).body):
            if isinstance(node, ast.FunctionDef) and node.name in gone and node.decorator_list:
                lines[node.decorator_list[0].lineno - 1:node.end_lineno] = []
        path.write_text("".join(lines))
    return root


@dataclass
class Found:
    """What became of mistakes that were taken out: `apart` are those that have a cluster of their own."""

    taken: int = 0
    apart: int = 0
    answers: int = 0        # by authors of a mistake that was taken out
    together: int = 0       # of these in the largest cluster of their mistake
    clustered: int = 0      # answers in clusters of two or more
    pure: int = 0           # of these with the mistake that most of their cluster have
    lost: list = field(default_factory=list)

    def add(self, other):
        for name in ("taken", "apart", "answers", "together", "clustered", "pure", "lost"):
            setattr(self, name, getattr(self, name) + getattr(other, name))


def entries_of(notebooks=NOTEBOOKS):
    with importing_from(ROOT):
        return [(notebook, entry) for notebook in notebooks for entry in bank.load(ROOT / "tests" / "misconceptions" / f"{notebook}.py")]


def look(taken, everything):
    """Judge the class with a bank that lacks `taken` and put its unknown answers together: a `Found`."""
    exercises = {(notebook, entry.exercise) for notebook, entry in taken}
    gone = {(entry.exercise, entry.name) for _, entry in taken}
    authors = [(notebook, entry, function) for notebook, entry in everything if (notebook, entry.exercise) in exercises
               for function in (spellings(entry.function) if (entry.exercise, entry.name) in gone else [entry.function])]
    with tempfile.TemporaryDirectory() as folder:
        root, answers, made = course_without(Path(folder), taken), [], {}
        for number, (notebook, entry, function) in enumerate(authors):
            record = judge_functions(notebook, {entry.exercise: function}, root)[entry.exercise].record(1.0)
            answers.append(Answer(f"student-{number}", f"submission {number}", notebook, entry.exercise, record))
            made[f"student-{number}"] = (entry.exercise, entry.name)
        answers = confirmed(answers, root)
        for place in [place for place in SUITES if place[0] == root]:
            SUITES.pop(place)[1].close()
    return count(answers, made, gone)


def count(answers, made, gone):
    groups = clusters([answer for answer in answers if not answer.known and not answer.verdict.passed])
    of_groups = [Counter(made[answer.student] for answer in group.answers) for group in groups]
    found = Found(len(gone), answers=sum(mistake in gone for mistake in made.values()))
    for counted in of_groups:
        if counted.total() > 1:
            found.clustered += counted.total()
            found.pure += max(counted.values())
    for mistake in sorted(gone):
        mine = max((counted for counted in of_groups if mistake in counted), key=lambda counted: counted[mistake], default=Counter())
        found.together += mine[mistake]
        if set(mine) == {mistake} and mine[mistake] > 1:
            found.apart += 1
        else:
            found.lost.append((*mistake, dict(mine)))
    return found


def main():
    everything = entries_of()
    random.Random(0).shuffle(everything)
    found = Found()
    for first in range(0, len(everything), 10):
        found.add(look(everything[first:first + 10], everything))
        print(f"{found.taken}: {found.apart} found again; purity {found.pure / max(1, found.clustered):.4f}, "
              f"recall {found.together / found.answers:.4f}", flush=True)
    for lost in found.lost:
        print(*lost)


if __name__ == "__main__":
    main()
