"""What staff and students are shown: text, checked pictures, and HTML that does nothing."""

import base64
import json
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from nbformat.v4 import new_markdown_cell, new_notebook

from grading.notebooks import outputs
from grading.run import execute

ROOT = Path(__file__).parents[2]
PNG = base64.b64encode(b"\x89PNG\r\n\x1a\n" + bytes(30)).decode()

HARMLESS = [
    "Plain words, **bold**, `code < here`, and $a'(z) < 1$.",
    "| a | b |\n|:--|--:|\n| 1 | 2 |",
    "# A heading\n\n- one\n- two\n\n1. a\n2. b\n\n> quoted",
    "```python\nif a < b and c > d:\n    print('<script>')\n```",
    "```\n<img src=x onerror=alert(1)>\n```",
    "[a page](https://example.org) and <https://example.org>",
    "$$ \\begin{aligned} a &< b \\\\ c &> d \\end{aligned} $$",
    "a < b, b > c and a<b",
    "H<sub>2</sub>O<br>and <b>bold</b>",
    "![plot](attachment:plot.png)",
]

HARMFUL = [
    "<script>window.marker = 1</script>",
    "<img src=x onerror='window.marker = 1'>",
    "<svg onload=alert(1)>",
    "<iframe src='//example.org'></iframe>",
    "<a href='javascript:alert(1)'>x</a>",
    "[x](javascript:alert(1))",
    "[x](JaVaScRiPt:alert(1))",
    "[x](java&#115;cript:alert(1))",
    "[x][1]\n\n[1]: javascript:alert(1)",
    "[x](data:text/html;base64,PHNjcmlwdD4=)",
    "[x](vbscript:x)",
    "![x](file:///etc/passwd)\n\n<p>",
    "<style>body { display: none }</style>",
    "<p style='position: fixed'>x</p>",
    "<div class='panel-heading'>20 of 20</div>",
    "<table style='color: red'><tr><td>20 of 20 points</td></tr></table>",
    "<form action='https://example.org'><input name=password></form>",
    "<meta http-equiv=refresh content='0;url=https://example.org'>",
    "<base href='https://example.org'>",
    "<link rel=stylesheet href='https://example.org/x.css'>",
    "<object data=x></object><embed src=x>",
    "<math><mtext></p><img src=x onerror=alert(1)>",
    "$<img src=x onerror=alert(1)>$ <b onclick=x>",
    "$\\href{javascript:alert(1)}{x}$",
    "$\\ href{javascript:alert(1)}{x}$",
    "\\\\(\\style{background: url(https://example.org)}{x}\\\\)",
    "\\begin{align}\\unicode{x41}\\end{align}",
    "$\\bbox[background: url(https://example.org)]{x}$",
    "$\\require{../../evil}$",
    "# test_sigmoid",
    "# MathJax",
    "# sigmoid-comment",
    "[x](files/javascript:alert(1))",
    "```mermaid\ngraph TD; A-->B\n```",
    "![x](attachment:missing.png)",
    "<details open ontoggle=alert(1)>",
    "<scr<script>ipt>alert(1)</scr</script>ipt>",
    "<a href=\"jav\tascript:alert(1)\">x</a>",
    "<noscript><p title=\"</noscript><img src=x onerror=alert(1)>\">",
]


@pytest.mark.parametrize("source", HARMLESS)
def test_harmless_markdown_stays_as_it_is(source):
    assert outputs.clean_markdown(source, {"plot.png": {"image/png": PNG}}) == source


@pytest.mark.parametrize("source", HARMFUL)
def test_harmful_markdown_is_shown_as_text(source):
    shown = outputs.clean_markdown(source)
    assert shown != source
    assert_inert(shown)
    assert source.strip().splitlines()[0] in shown


def test_pictures_from_elsewhere_become_links():
    assert outputs.clean_markdown("See ![this](https://example.org/x.png).") == "See [this](https://example.org/x.png)."


def test_the_courses_own_text_is_harmless():
    for path in sorted(ROOT.glob("source/*/*.ipynb")):
        for cell in json.loads(path.read_text())["cells"]:
            source = "".join(cell["source"])
            if cell["cell_type"] == "markdown" and "grade_id" not in cell["metadata"].get("nbgrader", {}):
                assert outputs.clean_markdown(source) == source, cell["id"]


def assert_inert(source):
    """What a browser would find in the page: no element but text, code and the harmless ones, no active attribute."""
    html = outputs.render(source, {})
    for event in outputs.events(html):
        if isinstance(event, tuple) and event[0] not in ("/", "comment"):
            tag, *attributes = event
            assert tag in outputs.MARKDOWN_TAGS, event
            for name, value in attributes:
                assert name in outputs.MARKDOWN_ATTRIBUTES[tag], event
                assert outputs.keep_attribute(tag, name, value) is not None, event


PIECES = st.sampled_from(["`", "```", "~~~", "$", "$$", "<", ">", "script", "<b>", "<img src=x onerror=y>", "\n", "\n\n", " ",
                          "    ", "\t", "[x]", "(javascript:x)", "[1]: x", "!", "&lt;", "&#60;", "\\", "\\[", "\\begin{a}",
                          "\\end{a}", "<!--", "-->", "<![CDATA[", "]]>", "<?", "*", "|", "-", "#", ">", "\0", "<div ", "'", '"',
                          "</p>", "<table>", "<svg/onload=x>", "<a href=javascript:x>", "\\href{", "}"])


@settings(max_examples=400, deadline=None, derandomize=True)
@given(st.lists(PIECES, max_size=25).map("".join))
def test_markdown_of_any_pieces_makes_an_inert_page(source):
    assert_inert(outputs.clean_markdown(source))


# --- outputs ----------------------------------------------------------------------------------------------------

def test_html_keeps_its_table_and_loses_its_clothes():
    shown = outputs.clean_html("<table style='color: red' class=x><tr onclick=y><td>1</td></tr></table><script>z</script>")
    assert shown == "<table><tbody><tr><td>1</td></tr></tbody></table>"


def test_tex_in_html_is_not_typeset():
    shown = outputs.clean_html("$\\href{javascript:x}{y}$ \\(z\\)")
    assert "\\href" not in shown and "\\(" not in shown and "$\\" not in shown


def test_a_picture_is_written_anew():
    [node] = outputs.clean([{"output_type": "display_data", "data": {"image/png": PNG + "\n\"><script>"}}])
    assert set(node.data["image/png"]) <= set("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/=")


@pytest.mark.parametrize("mime", ["image/svg+xml", "application/javascript", "application/vnd.jupyter.widget-view+json",
                                  "text/vnd.mermaid", "application/pdf", "image/gif"])
def test_other_kinds_of_output_are_not_shown(mime):
    [node] = outputs.clean([{"output_type": "display_data", "data": {mime: "<svg onload=x>"}}])
    assert dict(node.data) == {"text/plain": "(this kind of output is not shown)"}


def test_a_picture_of_another_kind_is_not_a_picture():
    [node] = outputs.clean([{"output_type": "display_data", "data": {
        "image/png": base64.b64encode(b"<svg onload=x>").decode()}}])
    assert "image/png" not in node.data


@pytest.mark.parametrize("untrusted", [
    [None], [3], [{}], [{"output_type": "stream", "name": "grade", "text": "x"}], [{"output_type": ["stream"]}],
    [{"output_type": "execute_result", "data": "10"}], [{"output_type": "error", "ename": 1, "evalue": "", "traceback": []}]])
def test_malformed_outputs_are_left_out(untrusted):
    assert outputs.clean(untrusted) == []


def test_metadata_of_outputs_is_left_behind():
    [node] = outputs.clean([{"output_type": "display_data", "data": {"text/html": "x"},
                             "metadata": {"text/html": {"isolated": True}, "filenames": {"image/png": "/etc/passwd"}}}])
    assert node.metadata == {}


def test_text_that_cannot_be_written_is_replaced():
    [node] = outputs.clean([{"output_type": "stream", "name": "stdout", "text": "a\ud800\0\x07\u202eb\x1b[31m"}])
    assert node.text == "a?\ufffd\ufffd\ufffdb\x1b[31m"


def test_a_tests_cell_keeps_nothing_but_text():
    nodes = outputs.clean([
        {"output_type": "execute_result", "data": {"text/plain": "3.0"}},
        {"output_type": "display_data", "data": {"text/html": "<table><caption>sigmoid: 3 of 3 points.</caption></table>"}},
        {"output_type": "display_data", "data": {"image/png": PNG}},
        {"output_type": "error", "ename": "E", "evalue": "", "traceback": ["E: no"]},
        {"output_type": "stream", "name": "stderr", "text": "hm"}])
    assert {(node.output_type, node.name) for node in outputs.as_text(nodes)} == {("stream", "stdout")}


@pytest.mark.parametrize(("source", "shown"), [
    ("![a](http://b/c.png)", "[a](http://b/c.png)"), ("![a](attachment:b.png)", "![a](attachment:b.png)"),
    ("![a][b] ![c](attachment:d.png)", "[a][b] ![c](attachment:d.png)"), ("![", "["), ("a ! [b]", "a ! [b]"),
    ("![![a](attachment:b)", "![![a](attachment:b)"), ("![a](x)![b](attachment:c)", "[a](x)![b](attachment:c)")])
def test_pictures_that_are_not_attached_become_links(source, shown):
    assert outputs.without_pictures(source) == shown


def test_a_bracket_is_looked_for_once_however_many_pictures_begin():
    class Counted(str):
        steps = 0

        def find(self, sign, start):
            found = super().find(sign, start)
            Counted.steps += (len(self) if found < 0 else found) - start
            return found
    for source in ("![" * 10_000, "![" * 10_000 + "]", "![a]" * 5_000):
        Counted.steps = 0
        outputs.without_pictures(Counted(source))
        assert Counted.steps <= 2 * len(source)


def test_markdown_that_takes_too_long_to_render_is_shown_as_text(asked):
    assert outputs.clean_markdown("an answer that is slow").startswith("*Shown as it was written:*")
    asked.clear()
    nb = new_notebook(cells=[new_markdown_cell(f"slow answer {number}") for number in range(100)])
    execute.run_cells(nb, None, ".")
    assert all(cell.source.startswith("*Shown as it was written:*") for cell in nb.cells)
    assert sum(asked) <= outputs.RENDER_SECONDS_ALL, "five hundred small cells may each hold a text that a lexer takes seconds for"


def test_no_more_text_of_a_notebook_is_rendered_than_is_soon_done(monkeypatch):
    """A hundred cells, each just short enough, would take minutes when they are judged and again when they are shown."""
    judged = []
    monkeypatch.setattr(outputs, "judged_text", lambda source: (judged.append(len(source)) or True, 0.0))
    nb = new_notebook(cells=[new_markdown_cell("x" * outputs.MAX_RENDERED) for _ in range(100)])
    execute.run_cells(nb, None, ".")
    assert sum(judged) == outputs.MAX_RENDERED_ALL and len(nb.cells[0].source) == outputs.MAX_RENDERED
    assert nb.cells[-1].source.startswith("*Shown as it was written:*")


def test_colours_stay_unless_they_are_thousands():
    few, many = "\x1b[31ma\x1b[0m" * 100, "\x1b[m" * 60_000
    assert outputs.clean_text(few) == few and "\x1b" not in outputs.clean_text(many)
