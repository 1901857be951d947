"""What staff and students are shown: text, checked pictures, and HTML that does nothing."""

import base64
import json
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from nbformat.v4 import new_markdown_cell, new_notebook

from grading.notebooks import embedded, outputs
from grading.run import execute

ROOT = Path(__file__).parents[2]


def png_of(width, height):
    return b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR" + width.to_bytes(4, "big") + height.to_bytes(4, "big") + bytes(31)


PNG = base64.b64encode(png_of(3, 3)).decode()

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
    "```python\n" + "(x)+[y]-{z}\n" * 100 + "```",
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
    "<div>\n&#36;&#92;href{javascript:alert(1)}{x}&#36;\n</div>",
    "<p>$\\hr<!-- -->ef{javascript:alert(1)}{x}$</p>",
    f"![a square of 65,000 points](&#100;ata:image/png;base64,{base64.b64encode(png_of(65_000, 65_000)).decode()})",
    "$\\bbox[background: url(https://example.org)]{x}$",
    "$\\require{../../evil}$",
    "# test_sigmoid",
    "# MathJax",
    "# sigmoid-comment",
    "[x](files/javascript:alert(1))",
    "```mermaid\ngraph TD; A-->B\n```",
    "[1]\n" * 500 + f"\n\n[1]: https://example.org '{'x' * 2000}'",
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

def test_a_comment_that_never_ends_takes_in_nothing_of_the_page(monkeypatch):
    class Newer(outputs.Events):        # as Python's parser does since the summer of 2025
        def close(self):
            if self.rawdata.startswith("<!--"):
                self.handle_comment(self.rawdata[4:])
                self.rawdata = ""
            super().close()

    monkeypatch.setattr(outputs, "Events", Newer)
    assert not outputs.renders_harmlessly("<!-- The points below are not for you.", {})
    assert outputs.renders_harmlessly("<!-- a note -->\n\nwords", {})


def test_html_keeps_its_table_and_loses_its_clothes():
    shown = outputs.clean_html("<table style='color: red' class=x><tr onclick=y><td>1</td></tr></table><script>z</script>")
    assert shown == "<table><tbody><tr><td>1</td></tr></tbody></table>"


def test_tex_in_html_is_not_typeset():
    shown = outputs.clean_html("$\\href{javascript:x}{y}$ \\(z\\)")
    assert "\\href" not in shown and "\\(" not in shown and "$\\" not in shown


def test_html_that_a_parser_opens_again_and_again_is_not_shown(monkeypatch):
    """Fifty thousand such characters took seven seconds and 2.5 GiB in the process that grades, and its page was 70 MB long."""
    again = "<p>" + "".join(f"<b a={number}>" for number in range(150)) + "</p>" + "<p>x</p>" * 150
    assert len(outputs.clean_html(again)) > 50 * len(again), "the control"
    monkeypatch.setattr(outputs, "MAX_HTML", 100_000)
    [node] = outputs.clean([{"output_type": "display_data", "data": {"text/html": again, "text/plain": "a table"}}])
    assert dict(node.data) == {"text/plain": "a table"}


def test_html_that_takes_too_long_to_clean_shares_the_time_of_its_notebook(asked):
    shown = [{"output_type": "display_data", "data": {"text/html": f"<b>{number}", "text/plain": "a table"}} for number in range(100)]
    assert all(dict(node.data) == {"text/plain": "a table"} for node in outputs.clean(shown))
    assert outputs.HTML_SECONDS_ALL <= sum(asked) < outputs.HTML_SECONDS_ALL + outputs.HTML_SECONDS


def test_all_html_of_a_notebook_together_has_a_limit(monkeypatch):
    monkeypatch.setattr(outputs, "MAX_HTML_ALL", 1000)
    markup = outputs.Markup()
    assert [bool(markup.clean("x" * 400)) for _ in range(4)] == [True, True, False, False]


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
    ("![![a](attachment:b)", "![![a](attachment:b)"), ("![a](x)![b](attachment:c)", "[a](x)![b](attachment:c)"), ("!", "!"), ("![](attachment:b)", "![](attachment:b)"),
    ("![a]![b]![c](attachment:d)", "[a][b]![c](attachment:d)"), ("](attachment:a)![b", "](attachment:a)[b"), ("]![b](attachment:a)", "]![b](attachment:a)")])
def test_pictures_that_are_not_attached_become_links(source, shown):
    assert outputs.without_pictures(source) == shown


def test_a_bracket_is_looked_for_once_however_many_pictures_begin():
    class Counted(str):
        steps = 0

        def find(self, sign, start=0):
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


# --- each limit at its border -----------------------------------------------------------------------------------

def test_an_error_has_100_lines_of_20000_characters_a_name_of_200_and_2000_of_words():
    error = {"output_type": "error", "ename": "E" * 201, "evalue": "v" * 2001, "traceback": ["x" * 20_001, 3, *["y"] * 99]}
    [node] = outputs.clean([error])
    assert (node.ename, node.evalue, node.traceback) == ("E" * 200, "v" * 2000, ["x" * 20_000, *["y"] * 98])


@pytest.mark.parametrize("mime", ["text/plain", "text/html", "text/latex", "text/markdown"])
def test_a_text_has_200000_characters(mime):
    for size in (200_000, 200_001):
        [node] = outputs.clean([{"output_type": "display_data", "data": {mime: "x" * size}}])
        assert dict(node.data) == {mime if mime == "text/html" else "text/plain": "x" * 200_000}


def test_plain_text_comes_before_what_stands_in_its_place():
    [node] = outputs.clean([{"output_type": "execute_result", "data": {"text/html": 3, "text/plain": "p", "text/latex": "l"}}], count=7)
    assert dict(node.data) == {"text/plain": "p"} and node.execution_count == 7


def test_a_picture_that_a_browser_could_not_bear_is_not_shown():
    """Four MiB can be a square of 65,000 white points: 17 GB in the browser of whoever opens the page."""
    shown = {size: outputs.clean_image("image/png", base64.b64encode(png_of(size, size)).decode()) for size in (1000, 65_000)}
    assert shown[1000] and shown[65_000] is None


def test_all_pictures_of_a_notebook_together_have_a_thousand_million_points():
    shown = [{"output_type": "display_data", "data": {"image/png": base64.b64encode(png_of(100_000, 1000)).decode()}}] * 8
    room = embedded.Room()
    nodes = outputs.clean(shown, room=room) + outputs.clean(shown, room=room)
    assert ["image/png" in node.data for node in nodes] == [*[True] * 10, *[False] * 6]


def test_a_picture_counts_as_often_as_it_stands_on_the_page():
    """A page of Markdown holds its data anew each time: an attachment of 8 MB, named 60 times, took 6 GB where feedback is made."""
    picture, room = png_of(10, 10) + bytes(3 * 2**20), embedded.Room()
    attachments, prose = {"a.png": {"image/png": base64.b64encode(picture).decode()}}, outputs.Prose(room)
    assert prose.clean("![](attachment:a.png) ![](attachment:a.png)", attachments).startswith("!") and room.bytes == embedded.MAX_ALL - 2 * len(picture)
    often = "![][1] " * 60 + "\n\n[1]: attachment:a.png"
    assert prose.clean(often, attachments) == outputs.as_source(often) + "\n\n![](attachment:a.png)"
    nothing_left = [prose.clean(often, attachments) for _ in range(10)]
    assert nothing_left[-1] == outputs.as_source(often) and 0 <= room.bytes < len(picture)


def test_a_picture_has_4_mebibytes_and_its_own_kind():
    for kind, start in (("image/png", png_of(9, 9)), ("image/jpeg", b"\xff\xd8\xff\xc0\0\x11\x08\0\x10\0\x10")):
        whole = start + bytes(4 * 2**20 - len(start))
        assert outputs.clean_image(kind, base64.b64encode(whole).decode()) == base64.b64encode(whole).decode()
        assert outputs.clean_image(kind, base64.b64encode(whole + b"x").decode()) is None
        assert outputs.clean_image(kind, base64.b64encode(b"x" + start).decode()) is None and outputs.clean_image(kind, "a") is None
        text = base64.b64encode(whole[:300]).decode()
        assert outputs.clean_image(kind, text.rjust(8 * 2**20)) == text and outputs.clean_image(kind, text.rjust(8 * 2**20 + len(text))) is None


def test_a_picture_that_came_as_data_is_drawn_or_left_out():
    data = {"output_type": "display_data", "data": {outputs.PICTURE: "curves"}}
    [node] = outputs.clean([data], draw=lambda content: PNG if content == "curves" else None)
    assert dict(node.data) == {"image/png": PNG}
    [node] = outputs.clean([data])
    assert dict(node.data) == {"text/plain": "(this kind of output is not shown)"}
    [node] = outputs.clean([{"output_type": "display_data", "data": {"application/json": "curves", "text/x-curves": "curves"}}], draw=lambda content: PNG)
    assert dict(node.data) == {"text/plain": "(this kind of output is not shown)"}, "nothing else is drawn"


def test_5000_colours_stay_and_one_more_goes():
    assert outputs.clean_text("\x1b" * 5000) == "\x1b" * 5000 and outputs.clean_text("\x1b" * 5001) == "\ufffd" * 5001


def test_a_notebook_has_50000_colours_wherever_they_stand():
    """Eighty outputs of 5,000 each held up whoever opened formgrader's page, and the server behind it, for seven seconds."""
    texts = [{"output_type": "stream", "name": "stdout", "text": "\x1b" * 5000},
             {"output_type": "display_data", "data": {"text/plain": "\x1b" * 5000}},
             {"output_type": "error", "ename": "E", "evalue": "", "traceback": ["\x1b" * 2500] * 2}]
    markup = outputs.Markup()
    cells = [markup.fade(outputs.clean(texts)) for _ in range(4)]
    assert cells[:3] == [outputs.clean(texts)] * 3 and "u001b" not in json.dumps(cells[3])
    assert [node.output_type for node in cells[3]] == [node.output_type for node in cells[0]]
    assert [len(node.get("text", "")) for node in cells[3]] == [5000, 0, 0] and len(cells[3][2].traceback) == 2


def test_a_notebook_has_50000_colours_and_none_with_one_more():
    for more in (0, 1):
        nodes, markup = outputs.clean([{"output_type": "stream", "name": "stdout", "text": "\x1b" * 5000}] * 10), outputs.Markup()
        nodes += outputs.clean([{"output_type": "stream", "name": "stdout", "text": "\x1b" * more}])
        assert (markup.fade(nodes) is nodes) is not bool(more)


def test_html_has_500000_characters_and_a_second_and_all_of_a_notebook_two_million_and_four(monkeypatch):
    asked, took = [], 1.0
    monkeypatch.setattr(outputs, "bounded_or", lambda instead, *call, seconds: asked.append((instead, *call, seconds)) or (instead[0], took))
    outputs.cleaned_html.cache_clear()
    markup = outputs.Markup()
    assert [markup.clean(text) for text in "abcdef"] == [None] * 6
    assert asked == [((None, 1.0), outputs.timed, outputs.clean_html_or_none, text, 500_000, 1) for text in "abcd"]
    outputs.Markup().clean("a")
    assert len(asked) == 4, "most of a class shows the same tables"
    outputs.cleaned_html.cache_clear()
    markup, took = outputs.Markup(), 1.5
    assert [markup.clean(text) for text in "abcd"] == [None] * 4 and [one[3] for one in asked[4:]] == ["a", "b", "c"]
    outputs.cleaned_html.cache_clear()
    monkeypatch.setattr(outputs, "cleaned_html", lambda text: ("x" * int(text), 0.0))
    markup = outputs.Markup()
    assert [bool(markup.clean(size)) for size in ("1999999", "1", "1")] == [True, True, False]
    assert outputs.clean_html_or_none("xxx", 3) == "xxx" and outputs.clean_html_or_none("xxxx", 3) is None


def test_control_characters_go_and_the_ends_of_lines_stay():
    kept = [chr(n) for n in (*range(32), 127, 0x2029, *range(0x202a, 0x2030), 0x2065, *range(0x2066, 0x206b)) if outputs.clean_text(chr(n)) == chr(n)]
    assert kept == ["\t", "\n", "\r", "\x1b", "\u2029", "\u202f", "\u2065", "\u206a"]


def test_the_words_of_each_kind_of_output_of_a_tests_cell():
    nodes = outputs.clean([{"output_type": "execute_result", "data": {"text/plain": "3.0"}}, {"output_type": "display_data", "data": {"image/png": PNG}},
                           {"output_type": "error", "ename": "E", "evalue": "", "traceback": ["a", "b"]},
                           {"output_type": "stream", "name": "stderr", "text": "hm"}])
    assert [node.text for node in outputs.as_text(nodes)] == ["3.0\n", "(this kind of output is not shown in a tests cell)\n", "a\nb\n", "hm"]


@pytest.mark.parametrize(("html", "events"), [
    ("<p>a < b < c</p>d < e", [("p",), "a < b < c", ("/", "p"), "d < e"]), ("<b>x</b><img b=2 a=1></img><br></br>y", [("b",), "x", ("/", "b"), ("img", ("a", "1"), ("b", "2")), ("br",), "y"]),
    ("a<!--c--><!D>", ["a", ("comment", "c"), ("comment", "D")]), ("<hr/>&lt;", [("hr",), "<"]), ("", [])])
def test_a_page_is_its_tags_texts_and_comments_in_order(html, events):
    assert outputs.events(html) == events


@pytest.mark.parametrize(("source", "fence"), [("a", "```"), ("``", "```"), ("```", "````"), ("`` ````` `", "``````")])
def test_a_fence_is_longer_than_any_in_the_text(source, fence):
    assert outputs.as_source(source) == f"*Shown as it was written:*\n\n{fence}\n{source}\n{fence}"


def test_20000_characters_of_a_cell_are_rendered_and_200000_of_a_notebook(monkeypatch):
    monkeypatch.setattr(outputs, "judged_text", lambda source: (True, 0.0))
    assert outputs.clean_markdown("x" * 20_000) == "x" * 20_000 and outputs.clean_markdown("x" * 20_001) != "x" * 20_001
    prose = outputs.Prose()
    shown = [prose.clean("x" * size) for size in (*[20_000] * 9, 19_999, 1, 1, 1)]
    assert [text.startswith("x") for text in shown] == [*[True] * 11, False, False]


def test_a_cell_is_rendered_for_5_seconds_and_a_notebook_for_10(monkeypatch):
    asked = []
    outputs.judged_text.cache_clear()
    monkeypatch.setattr(outputs, "bounded_or", lambda instead, *call, seconds: asked.append(seconds) or instead)
    prose = outputs.Prose()
    for number in range(4):
        assert prose.clean(f"slow at its border {number}").startswith("*Shown as it was written:*")
    assert asked == [5, 5]
    monkeypatch.setattr(outputs, "bounded_or", lambda instead, *call, seconds: (True, 9.99))
    prose = outputs.Prose()
    assert [prose.clean(f"quick {number}").startswith("quick") for number in range(3)] == [True, True, False], "while any time is left"
    outputs.judged_text.cache_clear()


@pytest.mark.parametrize("word", ["href", "url", "style", "class", "cssId", "html", "htmlClass", "require", "unicode", "bbox", "mmlToken",
                                  "includegraphics", "data", "Newextarrow", "toggle", "texttip", "tooltip", "mathtip", "enclose", "csname", "input",
                                  "DeclareMathOperator{", "DeclareMathOperator*{"])
def test_tex_that_makes_more_than_a_formula_is_not_typeset(word):
    assert not outputs.renders_harmlessly(f"$\\{word}{{x}}$", {}) and not outputs.renders_harmlessly(f"$\\ {word}{{x}}$", {})


@pytest.mark.parametrize(("tag", "name", "good", "bad"), [
    ("a", "href", ["http://x", "https://x", "mailto:x", "#x"], ["javascript:x", "ftp://x", "//x", "x", " https://x", "data:text/html,x", "HTTPS://x"]),
    ("a", "class", ["anchor-link"], ["btn", "", "anchor-link x"]),
    ("img", "src", [*(f"data:image/{kind};base64,AAAA" for kind in ("png", "jpeg", "gif", "webp")), f"data:image/png;base64,{PNG}"],
     ["data:image/png;base64,AAAA+/==", f"data:image/gif;base64,{PNG}", "data:image/svg+xml;base64,AAAA", "https://x/y.png", "data:image/png;base64,AA AA", "data:image/png,AAAA", "xdata:image/png;base64,AAAA"]),
    ("td", "style", ["text-align: left", "text-align:right", "text-align: center;"], ["text-align: left; color: red", "color: red", "text-align: top"]),
    ("th", "style", ["text-align: left"], ["position: fixed"]), ("div", "class", ["highlight", "k", "nf"], ["panel", "", "highlight k"]),
    ("span", "class", ["mi"], ["label"]), ("code", "class", ["language-c++", "language-" + "x" * 30], ["language-", "language-" + "x" * 31, "x language-c"]),
    *[(f"h{level}", "id", ["topic", "tests", "Notebooks", "a-comment-b", "attest_x", "toc2", "cell-2", "cell-body"],
       ["test_relu", "TEST_x", "explain_x", "comment-1", "MathJax", "statusmessage", "cell-0123456789abcdef", "notebook", "notebook-container", "toc", "top", "x-comment", "y_credit"])
      for level in range(1, 7)],
    ("ol", "start", ["3"], [])])
def test_each_attribute_has_the_values_that_harmless_markdown_makes(tag, name, good, bad):
    assert [outputs.keep_attribute(tag, name, value) for value in (*good, *bad)] == [*good, *[None] * len(bad)]


@pytest.mark.parametrize("length, fits", [(40 * 128, True), (40 * 128 + 1, False)])
def test_a_page_grows_forty_fold_and_by_a_few_lines_at_most(length, fits, monkeypatch):
    monkeypatch.setattr(outputs, "render", lambda source, attachments: "x" * length)
    assert outputs.pictures_shown("y" * 28, None) == ([] if fits else None)


def test_a_picture_needs_nothing_but_its_address():
    assert outputs.pictures_shown('<img src="data:image/gif;base64,QUJD">', None) == ["QUJD"]
    assert outputs.is_small_picture("data:image/gif;base64,QUJD") and not outputs.is_small_picture("data:image/gif;base64,QUI")


def test_a_picture_below_a_text_that_is_shown_as_it_stands_takes_its_room_once():
    room = embedded.Room()
    shown = outputs.Prose(room).clean("<script></script> ![](attachment:a.png)", {"a.png": {"image/png": PNG}})
    assert shown.endswith("\n\n![](attachment:a.png)") and room.bytes == embedded.MAX_ALL - len(png_of(3, 3))
