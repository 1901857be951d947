"""Imports of the plug-in run one way, and what is sent into the sandbox stands on its own."""

import ast
import sys
from graphlib import CycleError, TopologicalSorter
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
GRADING = ROOT / "grading"
OUTSIDE = {path.stem: path for path in GRADING.glob("*.py")}
INSIDE = {path.stem: path for path in (GRADING / "inside").glob("[a-z]*.py")}
WAY = ["cli", "batch", "execute", "checks", "student", "wire"]
# What the sandbox mounts for student code, and what limits that code there.
MOUNTED = {"numpy", "matplotlib", "IPython", "traitlets", "pyseccomp"}


def imports(path):
    """The dotted names that a file imports, anywhere in it; those of this package start with a dot."""
    found = set()
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            dots = "." * node.level
            found |= {dots + node.module} if node.module else {dots + alias.name for alias in node.names}
    return found


def graph(paths):
    """{module: the modules of `paths` that it imports}."""
    found = {}
    for name, path in paths.items():
        names = {one.removeprefix("grading.").lstrip(".").split(".")[0] for one in imports(path)
                 if one.startswith((".", "grading."))}
        found[name] = names & paths.keys()
    return found


def reachable(edges, start):
    seen, pending = set(), [start]
    while pending:
        for name in edges[pending.pop()] - seen:
            seen.add(name)
            pending.append(name)
    return seen


def test_modules_of_the_plug_in_import_each_other_without_a_cycle():
    TopologicalSorter(graph(OUTSIDE)).prepare()


def test_the_search_for_cycles_finds_one(tmp_path):
    for name, text in {"a": "from . import b", "b": "def f():\n    from .c import x", "c": "from grading.a import y"}.items():
        (tmp_path / f"{name}.py").write_text(text)
    with pytest.raises(CycleError):
        TopologicalSorter(graph({path.stem: path for path in tmp_path.glob("*.py")})).prepare()


@pytest.mark.parametrize(("above", "below"), list(zip(WAY, WAY[1:])))
def test_imports_run_from_the_command_line_down_to_the_wire(above, below):
    edges = graph(OUTSIDE)
    assert below in reachable(edges, above)
    assert above not in reachable(edges, below)


def test_execute_imports_the_sandbox_and_the_wire_imports_nothing_of_the_plug_in():
    edges = graph(OUTSIDE)
    assert "sandbox" in edges["execute"]
    assert edges["wire"] == set()


@pytest.mark.parametrize("path", [*OUTSIDE.values(), *INSIDE.values()], ids=lambda path: path.stem)
def test_the_plug_in_finds_tests_and_reference_by_path_and_never_by_import(path):
    assert not {name.split(".")[0] for name in imports(path)} & {"tests", "reference_impl", "conftest"}


@pytest.mark.parametrize("path", [GRADING / "wire.py", *INSIDE.values()], ids=lambda path: path.stem)
def test_what_runs_in_the_sandbox_imports_nothing_but_what_is_mounted_there(path):
    allowed = sys.stdlib_module_names | ({"numpy"} if path.stem == "wire" else MOUNTED | INSIDE.keys() | {"wire"})
    assert {name.split(".")[0] for name in imports(path)} - allowed == set()


def test_files_in_the_sandbox_import_each_other_one_way():
    edges = {name: {one for one in imports(path) if one in INSIDE} for name, path in INSIDE.items()}
    assert list(TopologicalSorter(edges).static_order()) == ["calls", "kernel", "server"]


def test_the_reference_needs_nothing_but_numpy():
    for path in (ROOT / "reference_impl").glob("*.py"):
        assert {name.split(".")[0] for name in imports(path)} - sys.stdlib_module_names <= {"numpy", "reference_impl"}, path
