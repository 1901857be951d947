"""Where a package gives up a name that the course relies on, grading refuses; nothing is switched off in silence."""

import ast
import importlib
import inspect
import json
import pkgutil
import subprocess
import sys
from types import SimpleNamespace

import pytest
from traitlets.config import Configurable

import grading
from grading.plugins import upstream
from grading.plugins.upstream import INSIDE, POINTS, UpstreamChanged, verify
from tests.conftest import ROOT

NAMES = [(point, name) for point in POINTS for name in point.names]
PACKAGES = {"nbgrader", "nbconvert", "nbformat", "pytest", "_pytest", "IPython", "matplotlib"}
BORDER = ROOT / "grading" / "border"
MODULES = sorted(path for path in (ROOT / "grading").rglob("*.py"))
METACLASS = set(vars(Configurable))     # what each class with traits has


def take_away(monkeypatch, point, name):
    module = place = importlib.import_module(point.module)
    if point.owner:
        place = getattr(place, point.owner)
        if point.kind == "column":      # SQLAlchemy lets nobody take one from a class
            others = [one.key for one in place.__mapper__.attrs if one.key != name]
            monkeypatch.setattr(module, point.owner, SimpleNamespace(__mapper__=SimpleNamespace(attrs=others)))
            return
        if point.kind == "option":
            kept = place.class_trait_names.__func__
            monkeypatch.setattr(place, "class_trait_names", classmethod(
                lambda cls, **more: [one for one in kept(cls, **more) if one != name]))
            return
    monkeypatch.delattr(place, name)


def test_everything_is_there_today():
    verify()


@pytest.mark.parametrize(("point", "name"), NAMES, ids=lambda one: one if isinstance(one, str) else one.place)
def test_a_name_that_upstream_gives_up_is_refused_and_named(point, name, monkeypatch):
    take_away(monkeypatch, point, name)
    with pytest.raises(UpstreamChanged, match=name):
        verify()


def test_a_module_that_upstream_gives_up_is_refused(monkeypatch):
    monkeypatch.setitem(sys.modules, "nbgrader.exchange.default", None)
    with pytest.raises(UpstreamChanged, match="nbgrader.exchange.default.ExchangeCollect"):
        verify()


# --- the table is complete ------------------------------------------------------------------------------------------

def overrides(classes):
    """{(class of a package, method)} of those methods of `classes` that stand in the place of one of a package's."""
    found = {(next((base for base in ours.__mro__[1:] if name in vars(base)), ours), name) for ours in classes for name, what in vars(ours).items()
             if callable(what) and not name.startswith("__") and name not in METACLASS}
    return {(owner, name) for owner, name in found if owner.__module__.split(".")[0] in PACKAGES}


def in_table():
    """{(class, method)} of the table."""
    return {(getattr(importlib.import_module(point.module), point.owner), name) for point in POINTS if point.owner for name in point.names}


def test_every_method_that_stands_in_the_place_of_an_upstream_one_is_in_the_table():
    modules = [importlib.import_module(one.name) for one in pkgutil.walk_packages(grading.__path__, "grading.")
               if "inside" not in one.name and not one.name.endswith("__main__")]
    classes = {one for module in modules for one in vars(module).values() if inspect.isclass(one) and one.__module__ == module.__name__}
    found = overrides(classes)
    assert len(found) > 25 and {(owner.__name__, name) for owner, name in found - in_table()} == set()


def assigned(text):
    """The dotted names of packages' modules and classes of which a text sets an attribute: "nbgrader.apps.api.Autograde"."""
    tree = ast.parse(text)
    known = {alias.asname or alias.name.split(".")[0]: alias.name if alias.asname else alias.name.split(".")[0]
             for node in ast.walk(tree) if isinstance(node, ast.Import) for alias in node.names}
    known |= {alias.asname or alias.name: f"{node.module}.{alias.name}" for node in ast.walk(tree)
              if isinstance(node, ast.ImportFrom) and not node.level for alias in node.names}
    for node in ast.walk(tree):
        for target in ast.walk(node) if isinstance(node, (ast.Assign, ast.AugAssign)) else ():
            first, *rest = ast.unparse(target).split(".") if isinstance(target, ast.Attribute) and isinstance(target.ctx, ast.Store) else [""]
            if known.get(first, "").split(".")[0] in PACKAGES:
                yield ".".join([known[first], *rest])


def test_everything_that_is_put_in_the_place_of_an_upstream_name_is_in_the_table():
    listed = {f"{point.place}.{name}" for point in (*POINTS, *INSIDE) for name in point.names} | {
        f"{point.place}.{name}.render" for point in POINTS for name in point.names if not point.owner}
    found = {name for path in MODULES for name in assigned(path.read_text(encoding="utf-8"))}
    assert len(found) >= 6 and found - listed == set()


def test_what_is_put_in_an_upstream_place_is_found():
    text = ("import matplotlib.text\nimport numpy as np\nfrom nbgrader import apps\nfrom ..run import grade\n"
            "apps.api.X, y = 1, 2\nmatplotlib.text.Text = None\nnp.a = 1\ngrade.b = 2\napps.api.X.y()")
    assert set(assigned(text)) == {"nbgrader.apps.api.X", "matplotlib.text.Text"}


def test_nbgrader_itself_does_not_go_on(tmp_path):
    code = ("import sys; sys.argv = ['nbgrader', 'autograde', 'ps1']\n"
            "from nbgrader.apps.nbgraderapp import main\nimport nbgrader.exchange.default as exchange\n"
            "del exchange.ExchangeCollect.copy_files\nmain()")
    done = subprocess.run([sys.executable, "-W", "ignore", "-c", code], cwd=ROOT, capture_output=True, text=True)
    assert done.returncode != 0 and "ExchangeCollect.copy_files is not there any more" in done.stderr


def test_the_design_page_has_the_table():
    assert upstream.as_markdown() in (ROOT / "docs" / "design.md").read_text()


KERNEL = """
import importlib, json, sys
sys.path[:0] = [sys.argv[1], sys.argv[2]]
import kernel
overridden = {f"{ours.__bases__[0].__module__}.{ours.__bases__[0].__name__}": sorted(
    name for name in vars(ours) if name in vars(ours.__bases__[0]) and callable(vars(ours)[name]) and not name.startswith("__"))
    for ours in (kernel.Publisher, kernel.Hook, kernel.ZMQInteractiveShell)}
refused = []
for module, owner, name in json.loads(sys.argv[3]):
    place = importlib.import_module(module)
    place = getattr(place, owner) if owner else place
    kept = vars(place)[name]
    delattr(place, name)
    try:
        kernel.refuse_changed_upstream()
        kernel.let_go_of_fonts()
    except RuntimeError as error:
        refused += [name] if name in str(error) else []
    setattr(place, name, kept)
kernel.refuse_changed_upstream()
kernel.let_go_of_fonts()
print(json.dumps([overridden, refused]))
"""


def test_a_kernel_refuses_what_was_taken_from_ipython_and_matplotlib_and_the_table_has_all_that_it_overrides():
    asked = [(point.module, point.owner, name) for point in INSIDE if point.kind != "replaced" for name in point.names]
    done = subprocess.run([sys.executable, "-c", KERNEL, str(BORDER / "inside"), str(BORDER), json.dumps(asked)], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    overridden, refused = json.loads(done.stdout)
    assert overridden == {point.place: sorted(point.names) for point in INSIDE if point.kind == "overridden"}
    assert refused == [name for *_, name in asked]


def test_the_kernel_asks_before_it_serves_anybody():
    tree = ast.parse((BORDER / "inside" / "kernel.py").read_text(encoding="utf-8"))
    kernel = next(node for node in tree.body if isinstance(node, ast.ClassDef) and node.name == "Kernel")
    for method, asked in (("__init__", "refuse_changed_upstream"), ("warm_up", "let_go_of_fonts")):
        body = next(node for node in kernel.body if isinstance(node, ast.FunctionDef) and node.name == method)
        assert asked in {ast.unparse(node.func) for node in ast.walk(body) if isinstance(node, ast.Call)}
