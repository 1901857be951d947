"""The pages that staff and students open, in a real browser: a hostile notebook runs nothing and loads nothing."""

import importlib.util
import json
import re
import shutil
import sys
from pathlib import Path

import pytest
from bs4 import BeautifulSoup
from nbconvert.exporters import HTMLExporter

from nbformat.v4 import new_markdown_cell, new_notebook

from grading.notebooks.outputs import clean_markdown
from grading.notebooks.record import Record
from grading.pages.macros import Macros
from grading.plugins import written
from grading.run.course import Course
from tests.chromium import chromium, needs_chromium
from tests.conftest import points_in

MATHJAX = re.compile(r"https://cdnjs\.cloudflare\.com/ajax/libs/(mathjax|require\.js)/")      # of nbgrader's own pages
pytestmark = [pytest.mark.browser, pytest.mark.sandbox, needs_chromium]
HERE = Path(__file__).parent
ROOT = HERE.parents[1]

spec = importlib.util.spec_from_file_location("test_outputs_cases", HERE / "test_outputs.py")
texts = importlib.util.module_from_spec(spec)
sys.modules[spec.name] = texts
spec.loader.exec_module(texts)

ACT = "window.marker = 1"
FORGED = "<table><caption><b>sigmoid: 3 of 3 points.</b> All 5 checks passed. Well done!</caption></table>"
HOSTILE_CODE = f'''
from IPython.display import HTML, SVG, Javascript, Latex, Markdown, Image, IFrame, display
display(HTML("""<script>{ACT}</script><img src=x onerror='{ACT}'><svg onload='{ACT}'>"""))
display(HTML("""<img src='https://example.org/html.png'><style>* {{ background: url(https://example.org/x) }}</style>"""))
display(SVG("""<svg xmlns='http://www.w3.org/2000/svg' onload='{ACT}'><script>{ACT}</script></svg>"""))
display(Javascript("{ACT}"), Latex(r"$\\href{{javascript:{ACT}}}{{x}}$"), Markdown("<script>{ACT}</script>"))
display(IFrame("https://example.org/frame", 100, 100))
display({{"text/html": "<script>{ACT}</script>"}}, raw=True, metadata={{"text/html": {{"isolated": True}}}})
display({{"image/png": "iVBORw0KGgo=\\"><script>{ACT}</script>"}}, raw=True)
display({{"application/vnd.jupyter.widget-view+json": {{"model_id": "x"}}, "text/vnd.mermaid": "graph"}}, raw=True)
print("\\x1b]8;;javascript:{ACT}\\x07link\\x1b]8;;\\x07<script>{ACT}</script>\\x1b[31;1mred")
raise ValueError("""<script>{ACT}</script>$\\\\href{{javascript:{ACT}}}{{x}}$""")
'''
HOSTILE_ANSWER = f'''
def sigmoid(z):
    from IPython.display import HTML, display
    display(HTML("""{FORGED}"""))
    print("""{FORGED}""")
    raise ValueError("""<img src=x onerror='{ACT}'>$\\\\href{{javascript:{ACT}}}{{x}}$""")
'''


def hostile_notebook(path):
    notebook = json.loads(path.read_text())
    for cell in notebook["cells"]:
        if cell["metadata"].get("nbgrader", {}).get("grade_id") == "sigmoid":
            cell["source"] = HOSTILE_ANSWER
        cell["metadata"] |= {"tags": [f'"><script>{ACT}</script>'], "name": f"<script>{ACT}</script>"}
        cell["id"] = f'x"><script>{ACT}</script>'
    extra = {"metadata": {}}
    notebook["cells"] += [{**extra, "cell_type": "markdown", "source": text} for text in texts.HARMFUL]
    notebook["cells"] += [
        {**extra, "cell_type": "raw", "source": f"<script>{ACT}</script>", "metadata": {"raw_mimetype": mime}}
        for mime in ("text/html", "", "text/markdown")]
    notebook["cells"] += [
        {**extra, "cell_type": "markdown", "source": FORGED + f"\n\n<p onclick='{ACT}'>"},
        {**extra, "cell_type": "markdown", "source": "![x](attachment:x.svg)",
         "attachments": {"x.svg": {"image/svg+xml": "PHN2Zz48L3N2Zz4="}}},
        {**extra, "cell_type": "code", "source": HOSTILE_CODE, "execution_count": f"<script>{ACT}</script>",
         "outputs": [{"output_type": "display_data", "data": {"text/html": f"<script>{ACT}</script>"}, "metadata": {}}]}]
    notebook["metadata"] |= {"title": f"</title><script>{ACT}</script>",
                             "language_info": {"name": f'"><script>{ACT}</script>', "pygments_lexer": "html"}}
    path.unlink()
    path.write_text(json.dumps(notebook))


@pytest.fixture(scope="module")
def pages(generated, nbgrader, tmp_path_factory):
    """{"feedback": path, "formgrader": path} of the pages made from the hostile notebook."""
    root = tmp_path_factory.mktemp("pages") / "course"
    shutil.copytree(generated["ps1"], root)
    folder = root / "submitted" / "mallory" / "ps1"
    shutil.copytree(root / "release" / "ps1", folder)
    hostile_notebook(folder / "activations.ipynb")
    for command in ("autograde", "generate_feedback"):
        done = nbgrader(command, "ps1", f"--CourseDirectory.root={root}")
        assert done.returncode == 0, done.stdout[-3000:]
    graded = root / "autograded" / "mallory" / "ps1" / "activations.ipynb"
    config = Course(ROOT).config
    config.HTMLExporter.template_name = "formgrade"
    resources = {"assignment_id": "ps1", "notebook_id": "activations", "submission_id": "0", "index": 0, "total": 1,
                 "base_url": "", "student": "mallory", "last_name": "", "first_name": "", "notebook_path": "x"}
    html, _ = HTMLExporter(config=config).from_filename(str(graded), resources=resources)
    (root / "formgrader.html").write_text(html)
    return {"feedback": root / "feedback" / "mallory" / "ps1" / "activations.html",
            "formgrader": root / "formgrader.html"}


@pytest.fixture(scope="module")
def browser():
    with chromium() as started:
        yield started


def visit(browser, path):
    """(page, addresses that it asked for outside of the file system) once everything on it had its chance."""
    page, asked = browser.new_page(), []
    page.on("request", lambda request: asked.append(request.url))
    page.on("dialog", lambda dialog: dialog.dismiss())
    page.route(re.compile("^https?:"), lambda route: route.abort())
    page.goto(path.as_uri(), wait_until="load")
    for link in page.locator("a[href]").all():
        assert not link.get_attribute("href").lower().replace(" ", "").startswith(("javascript", "vbscript", "data"))
    page.wait_for_timeout(300)
    return page, [url for url in asked if not url.startswith(("file:", "data:")) and not MATHJAX.match(url)]


def test_a_page_that_runs_a_script_is_noticed(browser, tmp_path):
    (tmp_path / "control.html").write_text(f"<img src=x onerror='{ACT}'><img src='https://example.org/x.png'>")
    page, asked = visit(browser, tmp_path / "control.html")
    assert page.evaluate("window.marker") == 1
    assert asked == ["https://example.org/x.png"]
    page.close()


@pytest.mark.parametrize("kind", ["feedback", "formgrader"])
def test_a_hostile_notebook_runs_nothing_and_loads_nothing(browser, pages, kind):
    page, asked = visit(browser, pages[kind])
    assert page.evaluate("window.marker") is None
    assert asked == []
    page.close()


@pytest.mark.parametrize("kind", ["feedback", "formgrader"])
def test_the_graders_table_stands_once_and_cannot_be_forged(browser, pages, kind):
    """Only the grader's table wears a style, and in a tests cell nothing else is a table at all."""
    page, _ = visit(browser, pages[kind])
    tables = page.locator("table:has(caption[style])", has_text="sigmoid:")
    assert tables.count() == 1
    assert f"0 of {points_in()['sigmoid']:g} points" in tables.first.inner_text()
    cell = page.locator(".code_cell", has=tables)
    assert cell.locator("table").count() == 1
    assert cell.locator("img").count() == 0
    page.close()


def test_nothing_in_a_text_reaches_beyond_its_cell(browser, pages):
    """MathJax puts what it sets wherever TeX says: `\\raise-9em`, `\\rule`, in white."""
    page, _ = visit(browser, pages["formgrader"])
    covered = """(place) => [...document.querySelectorAll(".text_cell_render")].filter((text) => {
        const over = document.createElement("div");
        over.style.cssText = `position: ${place}; top: 0; left: 0; width: 4000px; height: 4000px; margin: -2000px; background: white`;
        text.append(over);
        text.scrollIntoView({block: "center"});
        const middle = text.getBoundingClientRect(), hit = document.elementFromPoint(middle.left + 20, middle.bottom + 3);
        over.remove();
        return hit === over;
    }).length"""
    assert [page.evaluate(covered, place) for place in ("relative", "absolute", "fixed")] == [0, 0, 0]
    page.close()


def test_a_name_of_a_file_is_no_formula_on_formgraders_page():
    """What was odd about a hand-in names its files, and stands above all cells."""
    nb = new_notebook(cells=[new_markdown_cell("$z$")])
    Record(look=(r"Left out: '$\rule{99em}{99em}$' is a link.",)).write(nb)
    config = Course(ROOT).config
    config.HTMLExporter.template_name = "formgrade"
    html, _ = HTMLExporter(config=config).from_notebook_node(nb, {"base_url": "", "submission_id": "0", "index": 0, "total": 1})
    soup = BeautifulSoup(html, "html.parser")
    said, = [part for part in soup.find_all("p") if "Left out" in part.text]
    assert said.find_parent(class_="tex2jax_ignore") and not soup.find("p", string="$z$").find_parent(class_="tex2jax_ignore")


def test_no_heading_of_an_answer_stands_in_for_what_the_page_of_a_question_knows(browser):
    """Where scores are sent, and for which answer, stood in an element that was found by its id; so did a heading of an answer above it."""
    forged = {"save": "/formgrader/api/assignment/ps1/unrelease", "most": 99, "cards": [{"grade": "x", "score": None, "text": "", "graders": {}}] * 2}
    answers = [f'<h2 id="{name}">{json.dumps(forged)}</h2>' for name in ("facts", "grader")]
    assert [clean_markdown(answer) for answer in answers] == answers, "they are harmless by themselves"
    cards = [{"grade": f"g{number}", "comment": f"c{number}", "score": None, "text": "quoted: @script@", "graders": {}, "waiting": True, "difference": (),
              "answer": written.own_text(new_markdown_cell(answer), Macros())} for number, answer in enumerate(answers)]
    html, sent = written.page("", ("ps1", "activations", "explain_x"), "Why?", cards, 5.0, "nonce"), []
    page = browser.new_page()
    page.on("request", lambda request: sent.append((request.url, request.post_data_json)) if request.method == "POST" else None)
    page.route("**/*", lambda route: route.fulfill(body=html if route.request.method == "GET" else "{}", content_type="text/html"))
    page.goto("http://course.test/formgrader/written")
    page.locator("input.score").nth(1).fill("3")
    page.locator("input.score").nth(1).press("Tab")
    page.wait_for_timeout(300)
    [(url, body)] = sent
    assert url == "http://course.test/formgrader/api/written" and (body["grade"], body["score"], body["text"]) == ("g1", 3, "quoted: @script@")
    page.close()


def test_what_the_student_wrote_can_still_be_read(browser, pages):
    page, _ = visit(browser, pages["feedback"])
    page.locator("details").evaluate_all("all => all.forEach(one => one.open = true)")
    assert "<script>window.marker = 1</script>" in page.inner_text("body")
    page.close()
