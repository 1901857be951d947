"""The pages that students get: readable by everybody, on a phone, on paper, without network."""

import re
import shutil
from pathlib import Path

import pytest
from nbgrader.api import Gradebook

from grading.notebooks.submissions import hand_in
from tests.browser.conftest import findings

pytestmark = [pytest.mark.browser, pytest.mark.sandbox]
CASES = Path(__file__).parents[1] / "submissions" / "ps1"
PHONE = {"viewport": {"width": 360, "height": 740}, "device_scale_factor": 2, "is_mobile": True}
COMMENT = "Good. For **fifty** layers: $1.1^{50} \\approx 117$."
PAGES = ["perfect-loops/ps1/activations.html", "derivative-at-y/ps1/activations.html",
         "syntax-error/ps1/activations.html", "derivative-at-y/ps1/index.html"]
for_each_page = pytest.mark.parametrize("name", PAGES)


@pytest.fixture(scope="module")
def feedback(generated, nbgrader, tmp_path_factory):
    """The folder with the feedback of three students, the written question of one of them graded by a person."""
    root = tmp_path_factory.mktemp("feedback") / "course"
    shutil.copytree(generated["ps1"], root)
    for case in {name.split("/")[0] for name in PAGES}:
        hand_in(CASES / case, root / "release" / "ps1", root / "submitted" / case / "ps1")
    nbgrader("autograde", "ps1", f"--CourseDirectory.root={root}")
    with Gradebook(f"sqlite:///{root}/gradebook.db") as gradebook:
        place = ("explain_activations", "activations", "ps1", "derivative-at-y")
        grade, comment = gradebook.find_grade(*place), gradebook.find_comment(*place)
        grade.manual_score, grade.needs_manual_grade, comment.manual_comment = 4, False, COMMENT
        gradebook.db.commit()
    done = nbgrader("generate_feedback", "ps1", f"--CourseDirectory.root={root}")
    assert done.returncode == 0, done.stdout[-3000:]
    return root / "feedback"


@pytest.fixture
def visit(feedback, new_page):
    """Open a page of the feedback; it must ask for nothing outside of itself."""
    def go(name, **options):
        page = new_page(bypass_csp=True, **options)
        asked = []
        page.on("request", lambda request: asked.append(request.url))
        page.goto((feedback / name).as_uri())
        assert [url for url in asked if not url.startswith("data:")] == [(feedback / name).as_uri()]
        return page
    return go


def test_axe_finds_what_is_wrong_with_a_bad_page(new_page):
    page = new_page()
    page.set_content("<html><title>x</title><body><h1>x</h1><ul><li>a<li>b</ul><p style='color:#ccc'>pale</p>"
                     "<img src='data:,'>"
                     "<table><tr><th>a<th>b<tr><td>1<td>2</table><a href='#x'>x</a><button>b</button></body></html>")
    rules = {line.split(":")[0] for line in findings(page)}
    assert {"image-alt", "color-contrast", "html-has-lang"} <= rules


@pytest.mark.parametrize(("name", "scheme"), [(PAGES[1], "light"), (PAGES[1], "dark"), (PAGES[2], "dark"), (PAGES[3], "light")])
def test_axe_has_nothing_serious_to_say(visit, name, scheme):
    page = visit(name, color_scheme=scheme)
    page.evaluate("document.querySelectorAll('details').forEach(one => one.open = true)")
    assert findings(page) == []


@for_each_page
def test_the_page_follows_the_readers_dark_theme(visit, name):
    light, dark = (visit(name, color_scheme=scheme).evaluate("getComputedStyle(document.body).backgroundColor.match(/\\d+/g).map(Number)")
                   for scheme in ("light", "dark"))
    assert min(light) > 240 and max(dark) < 60


def test_what_lost_points_leads_and_the_rest_is_folded_but_on_paper(visit):
    page = visit(PAGES[1])
    heads = page.locator("h2:visible").all_inner_texts()
    assert heads[0] == "What lost points" and heads[-1] == "The notebook as it was graded" and "What is right" in heads
    lost = page.locator("section:visible h3").all_inner_texts()
    assert "Exercise 2: sigmoid_derivative" in lost and "Exercise 1: sigmoid" not in lost
    height = "document.documentElement.scrollHeight"
    folded = page.evaluate(height)
    page.emulate_media(media="print")
    assert page.evaluate(height) > 2 * folded


def test_a_link_opens_the_result_that_it_leads_to(visit):
    page = visit(PAGES[1])
    page.get_by_role("link", name="Exercise 1: sigmoid", exact=True).first.click()
    page.locator("#test_sigmoid table").wait_for(state="visible")


def test_one_number_for_each_exercise_and_no_comment_that_no_person_wrote(visit, feedback):
    page = visit(PAGES[1])
    page.evaluate("document.querySelectorAll('details').forEach(one => one.open = true)")
    assert [text for text in page.locator(".output pre").all_inner_texts() if re.fullmatch(r"\s*[\d.]+\s*", text)] == []
    assert all("No response." not in (feedback / name).read_text() for name in PAGES)


@for_each_page
def test_the_page_fits_on_a_phone_and_only_parts_of_it_scroll(visit, shot, name):
    page = visit(name, **PHONE)
    assert page.evaluate("document.documentElement.scrollWidth") <= 360
    sizes = page.evaluate("[...document.querySelectorAll('p, td, th, pre, li, small')].map(e => "
                          "parseFloat(getComputedStyle(e).fontSize))")
    assert min(sizes) >= 12
    too_wide = page.evaluate(
        "[...document.querySelectorAll('body *')].filter(e => e.scrollWidth > e.clientWidth + 1 && "
        "['auto', 'scroll'].includes(getComputedStyle(e).overflowX) && e.tabIndex < 0).map(e => "
        "e.outerHTML.slice(0, 100))")
    assert too_wide == [], "what scrolls has to be reached without a mouse"
    if name == PAGES[1]:
        shot(page, "feedback-phone")


@for_each_page
def test_the_page_prints_without_cutting_anything_off(visit, name):
    page = visit(name)
    pdf = page.pdf()
    assert pdf.startswith(b"%PDF") and len(re.findall(rb"/Type\s*/Page\b", pdf)) >= 1
    page.emulate_media(media="print")
    page.set_viewport_size({"width": 660, "height": 900})       # A4 without its margins
    page.evaluate("document.querySelectorAll('details').forEach(one => one.open = true)")
    assert page.evaluate("document.documentElement.scrollWidth") <= 660


@for_each_page
def test_every_link_leads_somewhere(visit, feedback, name):
    """nbgrader's exchange gives a student the page of a notebook alone: what it links to has to be on it."""
    page = visit(name)
    targets = page.evaluate("[...document.querySelectorAll('a[href]')].map(e => e.getAttribute('href'))")
    targets = [target for target in targets if not target.startswith("https://")]
    assert targets
    for target in targets:
        file, _, place = target.partition("#")
        assert not place or page.locator(f'[id="{place}"]').count() == 1, target
        assert not file or (name.endswith("index.html") and (feedback / name).with_name(file).exists()), target


@for_each_page
def test_headings_tables_and_pictures_say_what_they_are(visit, name):
    page = visit(name)
    assert page.locator("html").get_attribute("lang") == "en"
    assert page.locator("h1").count() == 1
    for table in page.locator("table:has(caption)").all():
        assert table.locator("th[scope=col]").count() >= 2
    for picture in page.locator("img").all():
        assert len(picture.get_attribute("alt")) > 40


def test_the_outcome_of_a_check_is_said_in_words_and_not_by_colour_alone(visit):
    page = visit(PAGES[1])
    page.evaluate("document.querySelectorAll('details').forEach(one => one.open = true)")
    outcomes = page.locator("table:has(caption:has-text('checks')) tbody td:first-child").all_inner_texts()
    assert set(outcomes) == {"✓ passed", "✗ failed"}
    words = page.locator("table").first.locator("tbody td:last-child").all_inner_texts()
    assert {"✓ complete", "○ still to do"} <= set(words)
    assert "This looks like a known mistake" in page.inner_text("main")


def test_formulas_are_typeset_without_a_script(visit):
    page = visit(PAGES[0])
    assert page.locator("math").count() > 40
    assert page.locator("script").count() == 0
    page.evaluate("document.querySelectorAll('details').forEach(one => one.open = true)")
    text = page.locator(".text").all_inner_texts()
    assert not any("\\frac" in part or "$" in part or "\\def" in part for part in text)
    heights = page.evaluate("[...document.querySelectorAll('.formula math')]"
                            ".map(e => e.getBoundingClientRect().height)")
    assert heights and min(heights) > 10


def test_what_a_person_wrote_stands_at_its_question_and_what_nobody_graded_is_no_zero(visit, shot):
    graded, waiting = visit(PAGES[1]), visit(PAGES[0])
    question = graded.locator("#explain_activations")
    assert "4 of 5 points" in question.inner_text()
    assert question.locator(".comment strong").inner_text() == "fifty"
    assert question.locator(".comment math").count() == 1
    assert "not graded yet" in waiting.locator("#explain_activations").inner_text()
    assert "not the final sum" in waiting.inner_text("main")
    graded.locator("#test_sigmoid_derivative table").evaluate("table => table.scrollIntoView({block: 'center'})")
    shot(graded, "feedback-exercise")


def test_neither_rubric_nor_hidden_lines_reach_the_student(feedback):
    for name in PAGES:
        text = (feedback / name).read_text()
        assert "MARK SCHEME" not in text and "Mark scheme" not in text and "run_hidden_checks" not in text
