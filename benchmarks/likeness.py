"""Submissions for `course similar`: each exercise answered in one of the ways of `tests/right_answers`, with lines of one's own.

Copies of a graded class would all be alike, and `course similar` would rightly show each pair. Here one in a hundred has handed
in another's answers with its own names, and nobody else has copied.
"""

import ast
import json
import random

import nbformat

from . import systems

OWN = ("{a} = np.asarray({b}, dtype=float)", "{a} = np.zeros({n})", "{a} = [{b} * {n} for {b} in range({n})]", "{a} = np.exp(-{n}.0) + {n} ** 2",
       "assert {n} < 10, '{a}'", "{a}, {b} = {n}, {n} - 1", "{a} = max(range({n} + 1), key=lambda {b}: {b} % 3)", "{a} = np.linalg.norm(np.ones({n} + 1))",
       "print('{a}', {n})", "{a} = np.dot(np.ones(3), np.ones(3)) / {n}.5", "{a} = float('{n}') if {n} else None", "{a} = dict({b}={n})")


def rewrite(course, assignment="ps1", notebook="activations"):
    """Give each submission of `course` answers of its own; returns the number of planted copies."""
    release = nbformat.read(systems.ROOT / "release" / assignment / f"{notebook}.ipynb", as_version=4)
    ways = ways_of(notebook)
    for cell in release.cells:
        if (name := cell.metadata.get("nbgrader", {}).get("grade_id")) in ways:
            cell.source = f"@@{name}@@"
    text, chance, students = nbformat.writes(release), random.Random(0), sorted((course / "submitted").iterdir())
    copies = len(students) // 100
    written = [{name: answer(chance, sources) for name, sources in ways.items()} for _ in students[copies:]]
    written += [{name: renamed(source) for name, source in one.items()} for one in written[:copies]]
    for student, answers in zip(students, written):
        own = text
        for name, source in answers.items():
            own = own.replace(json.dumps(f"@@{name}@@")[1:-1], json.dumps(source)[1:-1])
        place = student / assignment / f"{notebook}.ipynb"
        place.unlink()      # it is a link to another's
        place.write_text(own)
    return copies


def ways_of(notebook):
    """{exercise: sources of right answers to it}"""
    text, found = (systems.ROOT / "tests" / "right_answers" / f"{notebook}.py").read_text(), {}
    for node in ast.parse(text).body:
        for mark in node.decorator_list if isinstance(node, ast.FunctionDef) else ():
            if isinstance(mark, ast.Call) and ast.unparse(mark.func) == "right_answer":
                exercise = mark.args[0].value
                lines = text.splitlines()[node.lineno - 1:node.end_lineno]
                found.setdefault(exercise, []).append("\n".join([lines[0].replace(f"def {node.name}(", f"def {exercise}(", 1), *lines[1:]]))
    return found


def answer(chance, sources):
    """One of the ways, with up to six lines of one's own."""
    first, *rest = chance.choice(sources).split("\n")
    own = [chance.choice(OWN).format(a=chance.choice("pqrstuv"), b=chance.choice("hijklm"), n=chance.randrange(1, 9)) for _ in range(chance.randrange(1, 7))]
    return "\n".join([first, *(f"    {line}" for line in own), *rest])


def renamed(source):
    tree = ast.parse(source)
    for node in ast.walk(tree):
        if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store):
            node.id += "_mine"
    return ast.unparse(tree)
