"""What staff print and read: a follow-up sheet is one page of paper, and the figures of the report are there for every reader."""

import io
import random
import re
import shutil

import numpy as np
import pytest
from rich.console import Console

from grading.run import audit
from grading.run.execute import JUDGES
from grading.tools import acts, followup, report
from grading.tools.analysis import ClassResult, Item, Work
from grading.tools.feedback import make_feedback
from tests.browser.conftest import findings
from tests.conftest import ASSIGNMENTS, points_in
from tests.machine.test_followup import fitted, in_this_process, notebooks_of, right_answers
from tests.machine.test_psychometrics import simulated

pytestmark = pytest.mark.browser


@pytest.fixture(scope="module")
def sheets(tmp_path_factory):
    """A folder with sheets and answers on right answers of every notebook."""
    folder = tmp_path_factory.mktemp("sheets")
    for assignment in ASSIGNMENTS:
        for path in notebooks_of(assignment):
            nb = fitted(list(right_answers(path.stem))[1], path)
            found = [(exercise, asked) for exercise, asked, _ in in_this_process(nb, path.stem, assignment)]
            exercises, questions = followup.fitting(found, random.Random(1))
            sheet = followup.Sheet("student-01", assignment, tuple(exercises), tuple(questions), by_lot=True)
            (folder / f"{assignment}.html").write_text(followup.as_sheet(sheet), encoding="utf-8")
            (folder / f"{assignment}-answers.html").write_text(followup.as_answers(sheet), encoding="utf-8")
    return folder


def test_a_sheet_is_one_page_of_paper_and_so_are_its_answers(sheets, new_page):
    page = new_page()
    long = {}
    for path in sorted(sheets.iterdir()):
        page.goto(f"file://{path}")
        pages = len(re.findall(rb"/Type\s*/Page[^s]", page.pdf(prefer_css_page_size=True)))
        if pages != 1:
            long[path.name] = pages
    assert long == {}


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_a_sheet_can_be_read_by_everybody(sheets, new_page, shot, scheme):
    page = new_page(color_scheme=scheme, viewport={"width": 760, "height": 1240})
    for name in ("ps2.html", "ps2-answers.html"):
        page.goto(f"file://{sheets / name}")
        assert findings(page) == [] and page.refused == []
        assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")
        if scheme == "light":
            shot(page, "followup-sheet" if name == "ps2.html" else "followup-answers")


def test_the_figures_of_a_report_can_be_read_by_everybody(new_page, shot, tmp_path):
    exercises = list(points_in())[:6]
    points = np.clip(np.round(simulated(120, 7)[0]), 0, 10).tolist()
    works = [Work(f"student-{n:03}", f"submission {n:03}", dict(zip(exercises, mine)), {}, [], 5.0, 0.0, sum(mine)) for n, mine in enumerate(points)]
    result = ClassResult("ps1", [Item(name, 10, False) for name in exercises], works, [])
    (tmp_path / "report.html").write_text(report.as_page(result), encoding="utf-8")
    page = new_page(viewport={"width": 760, "height": 900})
    page.goto(f"file://{tmp_path / 'report.html'}")
    assert findings(page) == [] and page.refused == []
    page.get_by_role("heading", name="How far the scores can be trusted").scroll_into_view_if_needed()
    page.evaluate("[...document.querySelectorAll('h2')].find(one => one.textContent.startsWith('How far')).scrollIntoView()")
    shot(page, "report-figures")


@pytest.fixture(scope="module")
def graded(golden_class, tmp_path_factory):
    """The demonstration class."""
    return shutil.copytree(golden_class["ps1"][0], tmp_path_factory.mktemp("acts") / "course", symlinks=True)


@pytest.mark.sandbox
@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_the_mistakes_of_a_class_can_be_read_by_everybody(graded, new_page, shot, scheme):
    place = graded / "mistakes.html"
    acts.run(Console(file=io.StringIO()), graded, "ps1", acts.Wanted(output=place))
    page = new_page(color_scheme=scheme, viewport={"width": 760, "height": 900})
    page.goto(f"file://{place}")
    assert findings(page) == [] and page.refused == []
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")
    if scheme == "light":
        shot(page, "mistakes-table")
        page.evaluate("[...document.querySelectorAll('h2')].find(one => one.textContent.includes('(unknown')).scrollIntoView()")
        shot(page, "mistakes-cluster")


@pytest.mark.sandbox
def test_a_page_says_that_it_was_regraded_and_why(graded, new_page, shot):
    old = {"points": 12.0, "penalty": 0.0, "counts": 12.0, "exercises": {"test_relu": 3.0}}
    audit.append(graded, audit.Entry("20260301-120000-000000", "ps1", "derivative-at-y", "2026-03-01T12:00:00+00:00", "a check of relu was too strict",
                                     old, {**old, "points": 13.0, "counts": 13.0}, [["relu", 2.0, 3.0, "relu_large_ones"]],
                                     {"new": dict.fromkeys(JUDGES, "0")}))
    make_feedback(Console(quiet=True), graded, "ps1", ["derivative-at-y"], 1, False)
    page = new_page(viewport={"width": 760, "height": 620})
    page.goto(f"file://{graded}/feedback/derivative-at-y/ps1/activations.html")
    assert page.get_by_text("Regraded on Sun 1 Mar 2026").is_visible() and "because a check of relu was too strict: 12 points" in page.inner_text("main")
    assert findings(page) == []
    shot(page, "feedback-regraded")
