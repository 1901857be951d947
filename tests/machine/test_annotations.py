"""What goes into a function and what comes out stands in its first line; `make lint` holds these types against each other."""

import ast

import pytest

from tests.conftest import ROOT

MODULES = sorted((ROOT / "grading").rglob("*.py"))


def bare(tree):
    """What of the functions and classes in a module has no type: "name: what is missing"."""
    for node in ast.walk(tree):
        if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef)):
            given = node.args
            named = [*given.posonlyargs, *given.args, *given.kwonlyargs, *filter(None, (given.vararg, given.kwarg))]
            yield from (f"{node.name}: {one.arg}" for one in named if one.annotation is None and one.arg not in ("self", "cls"))
            yield from [f"{node.name}: what it returns"] if node.returns is None else []
        elif isinstance(node, ast.ClassDef) and any("dataclass" in ast.unparse(one) for one in node.decorator_list):
            yield from (f"{node.name}: {target.id}" for one in node.body if isinstance(one, ast.Assign)
                        for target in one.targets if isinstance(target, ast.Name))


@pytest.mark.parametrize("path", MODULES, ids=lambda path: str(path.relative_to(ROOT / "grading")))
def test_every_function_and_every_field_says_its_type(path):
    assert list(bare(ast.parse(path.read_text(encoding="utf-8")))) == []


@pytest.mark.parametrize(("text", "said"), [
    ("def f(one, two: int = 1) -> int: ...", ["f: one"]), ("def f(one: int): ...", ["f: what it returns"]),
    ("class A:\n    def f(self, *more, **other) -> None: ...", ["f: more", "f: other"]),
    ("def f() -> None:\n    async def g(x: int): ...", ["g: what it returns"]),
    ("@dataclass(frozen=True)\nclass A:\n    one: int\n    two = 2", ["A: two"]), ("class A:\n    two = 2", [])])
def test_what_has_no_type_is_found(text, said):
    assert list(bare(ast.parse(text))) == said


def test_mypy_is_asked_about_every_room():
    listed = (ROOT / "pyproject.toml").read_text(encoding="utf-8").split("[tool.mypy]")[1].split("]")[0]
    rooms = {path.name for path in (ROOT / "grading").iterdir() if path.is_dir() and path.name != "__pycache__"}
    assert {room for room in rooms if f'"grading/{room}"' not in listed and f'"grading/{room}/*.py"' not in listed} == set()
