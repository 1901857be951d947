"""Where a package gives up a name that the course relies on, grading refuses; nothing is switched off in silence."""

import importlib
import subprocess
import sys

import pytest

from grading.plugins import autograde, collect, exporters, feedback, generate_feedback, late, page, readable, release_feedback, upstream
from grading.plugins.upstream import POINTS, UpstreamChanged, verify
from tests.conftest import ROOT

NAMES = [(point, name) for point in POINTS for name in point.names]
OURS = (autograde.Autograde, generate_feedback.GenerateFeedback, page.PageExporter, feedback.GetGrades, late.LatePolicy, exporters.CanvasExporter.__mro__[1],
        collect.Collect, release_feedback.ReleaseFeedback, readable.WriteOutFormulas)


def take_away(monkeypatch, point, name):
    place = importlib.import_module(point.module)
    if point.owner:
        place = getattr(place, point.owner)
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


@pytest.mark.parametrize("ours", OURS, ids=lambda ours: ours.__name__)
def test_every_method_that_stands_in_the_place_of_an_upstream_one_is_in_the_table(ours):
    listed = {name for point in POINTS for name in point.names}
    bases = [base for base in ours.__mro__[1:] if base.__module__.split(".")[0] in ("nbgrader", "nbconvert")]
    overridden = {name for name in vars(ours) if not name.startswith("__") and any(name in vars(base) for base in bases)
                  and callable(getattr(ours, name))}
    assert overridden <= listed | {"late_submission_penalty"}


def test_nbgrader_itself_does_not_go_on(tmp_path):
    code = ("import sys; sys.argv = ['nbgrader', 'autograde', 'ps1']\n"
            "from nbgrader.apps.nbgraderapp import main\nimport nbgrader.exchange.default as exchange\n"
            "del exchange.ExchangeCollect.copy_files\nmain()")
    done = subprocess.run([sys.executable, "-W", "ignore", "-c", code], cwd=ROOT, capture_output=True, text=True)
    assert done.returncode != 0 and "ExchangeCollect.copy_files is not there any more" in done.stderr


def test_the_design_page_has_the_table():
    assert upstream.as_markdown() in (ROOT / "docs" / "design.md").read_text()


def test_a_kernel_refuses_an_ipython_that_calls_its_overrides_no_more():
    code = ("import sys; sys.path[:0] = [sys.argv[1], sys.argv[2]]\n"
            "from IPython.core.interactiveshell import InteractiveShell\n"
            "del InteractiveShell._showtraceback\nimport kernel\nkernel.Kernel()")
    border = ROOT / "grading" / "border"
    done = subprocess.run([sys.executable, "-c", code, str(border / "inside"), str(border)], capture_output=True, text=True)
    assert done.returncode != 0 and "_showtraceback" in done.stderr
