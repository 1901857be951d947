"""What staff print and read: a follow-up sheet is one page of paper, and the figures of the report are there for every reader."""

import base64
import io
import json
import random
import re
import shutil

import matplotlib.pyplot as plt
import nbformat
import numpy as np
import pytest
from nbgrader.api import Gradebook
from nbgrader.coursedir import CourseDirectory
from rich.console import Console

from grading.notebooks.record import Record, Seen
from grading.notebooks.submissions import hand_in
from grading.notebooks.writing import notebook_text
from grading.plugins import written
from grading.run import audit
from grading.run.execute import JUDGES
from grading.tools import acts, followup, report
from grading.tools.analysis import ClassResult, Item, Work
from grading.tools.feedback import make_feedback
from tests.browser.conftest import findings
from tests.conftest import ASSIGNMENTS, SUBMISSIONS, points_in
from tests.machine.classes import course_grade
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
    """The demonstration class, three of which make a mistake that the bank does not know."""
    root = shutil.copytree(golden_class["ps1"][0], tmp_path_factory.mktemp("acts") / "course", symlinks=True)
    for case in sorted(SUBMISSIONS.glob("ps1/sigmoid-of-2z-*")):
        hand_in(case, root / "release" / "ps1", root / "submitted" / case.name / "ps1")
    assert course_grade(root)[0] == 0
    return root


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
    old = {"points": 9.5, "penalty": 0.0, "counts": 9.5, "exercises": {"test_relu": 0.5}}
    audit.append(graded, audit.Entry("20260301-120000-000000", "ps1", "derivative-at-y", "2026-03-01T12:00:00+00:00", "a check of relu was too strict",
                                     old, {**old, "points": 10.0, "counts": 10.0}, [["relu", 0.5, 1.0, "relu_large_ones"]],
                                     {"new": dict.fromkeys(JUDGES, "0")}))
    make_feedback(Console(quiet=True), graded, "ps1", ["derivative-at-y"], 1, False)
    page = new_page(viewport={"width": 760, "height": 620})
    page.goto(f"file://{graded}/feedback/derivative-at-y/ps1/activations.html")
    assert page.get_by_text("Regraded on Sun 1 Mar 2026").is_visible() and "because a check of relu was too strict: 9.5 points" in page.inner_text("main")
    assert findings(page) == []
    shot(page, "feedback-regraded")


# --- one written question of the class ----------------------------------------------------------------------------

QUESTION = "ps1", "activations", "explain_activations"
SITE = "http://127.0.0.1:1/"        # nobody listens there: the test answers in the server's place
ESSAYS = {"GELU": "GELU leaves $[0, 1]$: its derivative is negative left of $z \\approx -0.75$.\n\n"
                  "In 50 layers a factor of 1.1 grows to $1.1^{50} > 100$.\n\n![slope](data:image/png;base64,@picture@)",
          "ELU": "ELU with $\\alpha = 2$: left of 0 its derivative is $2 e^z$, which is above 1 for $z > -\\ln 2$.",
          "SELU": "SELU has a slope of 1.05 right of 0.", "tanh": f"tanh has a derivative in $(0, 1]$. ${'a + ' * 200}b$"}


def slope():
    """A small picture as a student pastes it."""
    z, content = np.linspace(-3, 3, 100), io.BytesIO()
    figure, axes = plt.subplots(figsize=(3, 1.4), layout="tight")
    axes.plot(z, np.gradient(z / (1 + np.exp(-1.702 * z)), z))
    figure.savefig(content, format="png")
    plt.close(figure)
    return base64.b64encode(content.getvalue()).decode()


@pytest.fixture
def answered(course_folder):
    """(coursedir, gradebook) of a class that answered; what one of them was given 2 points for was changed since."""
    root = course_folder("ps1")
    coursedir = CourseDirectory(root=str(root))
    with Gradebook(f"sqlite:///{root}/gradebook.db") as book:
        for number, (kind, essay) in enumerate(ESSAYS.items(), start=1):
            student = f"student-0{number}"
            book.add_student(student)
            for one in book.add_submission("ps1", student).notebooks[0].grades:
                one.auto_score, one.needs_manual_grade = (None, True) if one.name == QUESTION[2] else (1.0, False)
                one.manual_score = 2.0 if one.name == QUESTION[2] and kind == "SELU" else None
            nb = nbformat.read(root / "release" / "ps1" / "activations.ipynb", as_version=4)
            nb.cells[-1].source = essay.replace("@picture@", slope())
            if kind == "SELU":
                Record(changed={QUESTION[2]: Seen("", ("-SELU has a slope of 2.", f"+{essay}"))}).write(nb)
            place = root / "autograded" / student / "ps1"
            place.mkdir(parents=True)
            (place / "activations.ipynb").write_text(notebook_text(nb), encoding="utf-8")
        book.db.commit()
        yield coursedir, book


def serve_question(page, coursedir, book):
    """Answer what the page asks for as formgrader does."""
    def show(route):
        found = [{**one, "graders": {}} for one in written.cards(coursedir, book, *QUESTION)]
        source = book.find_source_cell(QUESTION[2], "activations", "ps1").source
        route.fulfill(content_type="text/html", headers={"Content-Security-Policy": written.policy("n")},
                      body=written.page("", QUESTION, source, found, 5.0, "n"))

    def save(route):
        status, there = written.save(coursedir, book, json.loads(route.request.post_data))
        route.fulfill(status=status, json=there)
    page.route(SITE + "written", show)
    page.route(SITE + "formgrader/api/written", save)
    page.goto(SITE + "written")


def test_a_question_of_a_class_is_graded_with_the_keyboard_alone(answered, new_page, shot):
    page = new_page(viewport={"width": 1300, "height": 850})
    serve_question(page, *answered)
    left = page.locator("#left")
    assert left.inner_text() == "4 left" and page.locator("article.waits").count() == 4 and findings(page) == []
    page.locator("#grader").fill("AB")
    selu, gelu = (page.locator("article", has_text=text) for text in ("SELU has", "GELU leaves"))
    assert "It was graded with 2, and changed since" in selu.inner_text() and "-SELU has a slope of 2." in selu.inner_text()
    page.locator("article .score").first.focus()
    for number in range(4):         # Enter saves and goes on to the next that waits, with its score chosen
        number = page.evaluate("document.activeElement.closest('article').id")
        card = page.locator(f"#{number}")
        if card.locator(".score").input_value() == "":
            page.keyboard.type("3")
        if card.inner_text().count("GELU leaves"):
            page.keyboard.press("Tab")
            page.keyboard.type("Good; say also what a negative factor does.")
            page.keyboard.press("Control+Enter")
        else:
            page.keyboard.press("Enter")
        card.locator(".news", has_text="saved").wait_for()
    left.filter(has_text="0 left").wait_for()
    assert page.locator("article.waits").count() == 0 and "given so far: AB: 2" in selu.inner_text()
    scores = {(one["score"], one["text"], one["waiting"]) for one in written.cards(*answered, *QUESTION)}
    assert scores == {(3.0, "Good; say also what a negative factor does.", False), (3.0, "", False), (2.0, "", False)}
    assert gelu.locator("img").evaluate("picture => picture.naturalWidth") > 0 and gelu.locator("math").count() == 3
    page.evaluate("scrollTo(0, 0)")
    shot(page, "formgrader-written")
    assert page.refused == []


def test_no_comment_of_a_grader_vanishes_and_the_advice_of_the_page_works(answered, new_page):
    page = new_page(viewport={"width": 390, "height": 800})
    serve_question(page, *answered)
    score, comment, news = (page.locator(f"#answer-1 .{name}") for name in ("score", "comment", "news"))

    def type_into(field, text, key):
        field.fill(text)
        field.press(key)

    def told(words):
        news.filter(has_text=words).wait_for()
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth"), "a long formula scrolls by itself"
    type_into(score, "1,5", "Tab")
    told("saved")
    assert score.input_value() == "1,5" and {one["score"] for one in written.cards(*answered, *QUESTION)} == {1.5, 2.0, None}
    type_into(score, "15", "Enter")
    told("no number from 0 to 5")
    score.fill("1.5")
    page.on("dialog", lambda dialog: dialog.accept())
    comment.fill("<b>good</b> & 😀")
    page.reload()
    assert comment.input_value() == "<b>good</b> & 😀" and "leave the field to save it" in news.inner_text()
    comment.focus()
    comment.press("Tab")        # nothing is typed
    told("saved")
    page.route(SITE + "formgrader/api/written", lambda route: route.abort(), times=1)
    type_into(comment, "better", "Tab")
    told("does not answer")
    comment.focus()
    comment.press("Tab")
    told("saved")
    with_it = next(one for one in written.cards(*answered, *QUESTION) if one["text"])
    assert with_it["text"] == "better"
    written.save(*answered, {**with_it, "score": 4, "text": "mine", "seen_score": 1.5, "seen_text": "better", "grader": "XY"})
    type_into(comment, "theirs is overlooked", "Tab")
    told("Somebody else saved in the meantime: score 4")
    comment.focus()
    comment.press("Tab")
    told("Somebody else saved")     # what another grader gave is replaced by nobody in passing
    type_into(score, "3", "Enter")
    told("saved")
    assert [(one["score"], one["text"]) for one in written.cards(*answered, *QUESTION) if one["text"]] == [(3, "theirs is overlooked")]
