"""Make what a kernel sent, and what a student wrote, safe to show: no script, nothing loaded from elsewhere.

Outputs arrive as untrusted JSON. What leaves this module is valid notebook format and holds only text, PNG or JPEG
bytes, and HTML of a few tags without attributes. Markdown is rendered as nbconvert will render it and judged by what
comes out: harmless cells stay as they are, others are shown as their source text.
"""

import base64
import binascii
import json
import re
from collections import Counter
from collections.abc import Callable, Iterable
from functools import lru_cache
from html.parser import HTMLParser
from typing import Any

import nh3
from nbconvert.filters.markdown_mistune import IPythonRenderer, MarkdownWithMath
from nbformat import NotebookNode
from pygments.token import STANDARD_TYPES

from ..border.bounded import bounded_or, timed
from .embedded import Pictures, Room, decoded, kind_of_picture

TAGS = {"b", "i", "em", "strong", "code", "pre", "p", "br", "hr", "div", "span", "ul", "ol", "li", "sub", "sup",
        "h1", "h2", "h3", "h4", "h5", "h6", "table", "caption", "thead", "tbody", "tfoot", "tr", "th", "td"}
MAX_TEXT = 200_000
PICTURE = "application/vnd.gradients.picture+json"      # as the course's plotting helper sends it
MAX_IMAGE = 4 * 2**20
MAX_OUTPUTS = 200
MAX_RENDERED, MAX_RENDERED_ALL = 20_000, 200_000    # characters of a Markdown cell, of all that a student wrote: parsers are slow on nonsense
MOST_GROWTH = 40    # as often as long as its text may a page be: code with colours is twenty times as long
MAX_COLOURS, MAX_COLOURS_ALL = 5000, 50_000     # escapes in one text, of all of a notebook: formgrader's page takes a second for 50,000, longer in one text
MAX_HTML, MAX_HTML_ALL = 500_000, 2_000_000      # characters that cleaning may make of one output, of all of a notebook
HTML_SECONDS, HTML_SECONDS_ALL = 1, 4      # of CPU time, for an output and for a notebook; a table of a thousand rows takes a hundredth of one
RENDER_SECONDS, RENDER_SECONDS_ALL = 5, 10      # of CPU time, for a cell and for a notebook; a page of prose takes a hundredth of one
IMAGES = "image/png", "image/jpeg"

# What nbconvert makes of harmless markdown.
MARKDOWN_TAGS = {*TAGS, "a", "img", "blockquote", "del", "u", "s", "mark", "small", "kbd", "dl", "dt", "dd"}
MARKDOWN_ATTRIBUTES = {"a": {"href", "class", "title"}, "img": {"src", "alt", "title"}, "ol": {"start"},
                       "h1": {"id"}, "h2": {"id"}, "h3": {"id"}, "h4": {"id"}, "h5": {"id"}, "h6": {"id"},
                       "code": {"class"}, "th": {"style"}, "td": {"style"}, "div": {"class"}, "span": {"class"}}
HIGHLIGHT = {name for name in STANDARD_TYPES.values() if name}
BEHIND = "<hr>behind"       # what comes after a cell on its page: a comment that never ends would take it in
# Names of places in the pages of nbgrader, those that it gives to cells by itself among them: a heading must not stand in for one.
OTHERS_IDS = re.compile(r"(?i)\A(test_|explain_|comment-|mathjax|statusmessage$|cell-[0-9a-f]{6,}$|notebook(-container)?$|toc$|top$)|(-comment|_credit)$")
# TeX that MathJax turns into links, styles, classes, names and more TeX.
ACTIVE_TEX = re.compile(r"\\\s*(href|url|style|class|cssId|html\w*|require|unicode|bbox|mmlToken|includegraphics|data|"
                        r"Newextarrow|toggle|texttip|tooltip|mathtip|enclose|csname|input|DeclareMathOperator\*?\{)")


# --- outputs ----------------------------------------------------------------------------------------------------

def output(kind: str, **fields: Any) -> NotebookNode:
    """One output node. `nbformat.v4.new_output` makes the same and validates each against the schema, which is slow."""
    if kind in ("display_data", "execute_result"):
        fields = {"metadata": NotebookNode(), **fields, "data": NotebookNode(fields["data"])}
    return NotebookNode(output_type=kind, **fields)


Convert = Callable[[str], str | None]


def clean(untrusted: Any, count: int | None = None, draw: Convert = lambda content: None, html: Convert | None = None,
          room: Room | None = None) -> list[NotebookNode]:
    """The showable part of a cell's outputs as notebook nodes; anything malformed is left out.

    `draw` turns the content of a picture that came as data (see pictures.py) into base64 PNG, `html` is `Markup.clean` of the notebook;
    of either None is nothing to show. `room` is what is left to the notebook's pictures.
    """
    html, room = html or Markup().clean, room or Room()
    nodes = [node for one in untrusted[:MAX_OUTPUTS] if (node := clean_one(one, count, draw, html, room)) is not None]
    if len(untrusted) > MAX_OUTPUTS:
        nodes.append(output("stream", name="stdout", text="... Output truncated ...\n"))
    return nodes


def clean_one(untrusted: Any, count: int | None, draw: Convert, html: Convert, room: Room) -> NotebookNode | None:
    match untrusted:
        case {"output_type": "stream", "name": "stdout" | "stderr" as name, "text": str(text)}:
            return output("stream", name=name, text=clean_text(text))
        case {"output_type": "error", "ename": str(ename), "evalue": str(evalue), "traceback": list(lines)}:
            lines = [clean_text(line[:20_000]) for line in lines[:100] if isinstance(line, str)]
            return output("error", ename=clean_text(ename[:200]), evalue=clean_text(evalue[:2000]), traceback=lines)
        case {"output_type": "execute_result", "data": dict(data)}:
            return output("execute_result", data=clean_data(data, draw, html, room), execution_count=count)
        case {"output_type": "display_data", "data": dict(data)}:
            return output("display_data", data=clean_data(data, draw, html, room))
    return None


def clean_data(data: Any, draw: Convert, html: Convert, room: Room) -> dict[str, Any]:
    kept = {}
    for mime, content in data.items():
        if not isinstance(content, str):
            continue
        if mime in IMAGES:
            image = clean_image(mime, content, room)
            if image is not None:
                kept[mime] = image
        elif mime == PICTURE and (picture := draw(content)):
            kept["image/png"] = picture
        elif mime == "text/html" and (cleaned := html(content[:MAX_TEXT])) is not None:
            kept[mime] = cleaned
        elif mime == "text/plain":
            kept[mime] = clean_text(content)
        elif mime in ("text/latex", "text/markdown"):
            kept.setdefault("text/plain", clean_text(content))
    return kept or {"text/plain": "(this kind of output is not shown)"}


def clean_text(text: str) -> str:
    """Text that can be written as UTF-8, of bounded length; colours stay, other control characters go."""
    text = text[:MAX_TEXT].encode("utf-8", "replace").decode()
    if text.count("\x1b") > MAX_COLOURS:
        text = text.replace("\x1b", "\ufffd")
    return re.sub(r"[\x00-\x08\x0b\x0c\x0e-\x1a\x1c-\x1f\x7f\u202a-\u202e\u2066-\u2069]", "\ufffd", text)


def clean_image(mime: str, content: Any, room: Room | None = None) -> str | None:
    """The picture in base64 and nothing else, or None if it is not of the kind that it claims to be, or more than a browser can bear."""
    try:
        blob = base64.b64decode(content[:2 * MAX_IMAGE], validate=False)
    except (binascii.Error, ValueError):
        return None
    if len(blob) > MAX_IMAGE or kind_of_picture(blob) != mime or not (room or Room()).take((blob, 1)):
        return None
    return base64.b64encode(blob).decode()


class Markup:
    """The HTML that the cells of one notebook put out, cleaned within bounds of time and size; and their colours, as many as a page can bear.

    A parser opens again what was left open: fifty thousand characters become seventy million, in gigabytes.
    """

    def __init__(self) -> None:
        self.characters, self.seconds, self.colours = MAX_HTML_ALL, float(HTML_SECONDS_ALL), MAX_COLOURS_ALL

    def clean(self, text: str) -> str | None:
        """As `clean_html`; None where that takes or gives too much."""
        if self.seconds <= 0:
            return None
        html, seconds = cleaned_html(text)
        self.seconds -= seconds
        self.characters -= len(html or "")
        return html if self.characters >= 0 else None

    def fade(self, nodes: list[NotebookNode]) -> list[NotebookNode]:
        """A cell's outputs as they are, or without colours once the notebook has had its share."""
        self.colours -= json.dumps(nodes).count("\\u001b")
        return nodes if self.colours >= 0 else [faded(node) for node in nodes]


def faded(value: Any) -> Any:
    """Outputs in which each code of a colour is a sign."""
    if isinstance(value, dict):
        return NotebookNode({key: faded(inner) for key, inner in value.items()})
    if isinstance(value, list):
        return [faded(inner) for inner in value]
    return value.replace("\x1b", "\ufffd") if isinstance(value, str) else value


@lru_cache      # most of a class shows the same tables
def cleaned_html(text: str) -> tuple[str | None, float]:
    """(what `clean_html` makes of it, or None where that is too much; what it took in seconds of CPU time)"""
    return bounded_or((None, float(HTML_SECONDS)), timed, clean_html_or_none, text, MAX_HTML, seconds=HTML_SECONDS)


def clean_html_or_none(text: str, most: int) -> str | None:
    html = clean_html(text)
    return html if len(html) <= most else None


def clean_html(text: str) -> str:
    """HTML of a few bare tags, in which no TeX is typeset."""
    return inert(nh3.clean(text, tags=TAGS, attributes={}, link_rel=None))


def inert(html: str) -> str:
    """HTML whose text MathJax leaves alone; for HTML without attributes that hold a backslash."""
    return html.replace("\\", "<span>\\</span>").replace("$", "<span>$</span>")


def as_text(nodes: Iterable[NotebookNode]) -> list[NotebookNode]:
    """The outputs of a tests cell as text alone: nothing in them is read as a grade, or looks like the grader's table."""
    kept = []
    for node in nodes:
        if node.output_type == "error":
            text = "\n".join(node.traceback) + "\n"
        elif node.output_type == "stream":
            text = node.text
        else:
            text = node.data.get("text/plain", "(this kind of output is not shown in a tests cell)") + "\n"
        kept.append(output("stream", name="stdout", text=text))
    return kept


# --- markdown ---------------------------------------------------------------------------------------------------

class Prose:
    """The Markdown of one notebook. What is rendered of it is bounded in characters and in time, and there is so much `room` for its
    pictures: each page of it takes that again."""

    def __init__(self, room: Room | None = None) -> None:
        self.characters, self.seconds, self.room = MAX_RENDERED_ALL, float(RENDER_SECONDS_ALL), room or Room()

    def clean(self, source: str, attachments: Pictures | None = None) -> str:
        """`source` itself where its page is harmless, without its pictures from elsewhere, or else shown as plain text.

        `attachments` are pictures that were checked (see `embedded.py`).
        """
        self.characters -= len(source)
        attachments = attachments or {}
        fits = len(source) <= MAX_RENDERED and self.characters >= 0
        for text in dict.fromkeys((source, without_pictures(source))) if fits else ():      # what is the same takes no time twice
            if self.seconds > 0 and self.is_harmless(text, attachments):
                return text
        return "\n\n".join([as_source(source), *(f"![](attachment:{name})" for name, picture in attachments.items()
                                                 if f"attachment:{name}" in source and self.room.take((content_of(picture), 1)))])

    def is_harmless(self, text: str, attachments: Pictures) -> bool:
        if not attachments:
            harmless, seconds = judged_text(text)
            self.seconds -= seconds
            return harmless
        # what is judged is a page with small pictures in the place of these
        small = {base64.b64encode(number.to_bytes(3)).decode(): name for number, name in enumerate(attachments)}
        shown, seconds = judged(pictures_shown, text, {name: dict.fromkeys(attachments[name], sign) for sign, name in small.items()})
        self.seconds -= seconds
        return shown is not None and self.room.take(*((content_of(attachments[small[sign]]), times) for sign, times in Counter(shown).items()
                                                      if sign in small))


def content_of(picture: dict[str, str]) -> bytes:
    return decoded(next(iter(picture.values())))


def clean_markdown(source: str, attachments: Pictures | None = None) -> str:
    """What `Prose` makes of a text that stands alone."""
    return Prose().clean(source, attachments)


def without_pictures(source: str) -> str:
    """Markdown in which pictures that are not attached are links. Each ] is looked for once, whatever stands there."""
    parts, close = source.split("!["), source.find("]")
    kept, at = [parts[0]], len(parts[0])
    for part in parts[1:]:
        at += 2
        close = source.find("]", at) if 0 <= close < at else close
        kept.append(("![" if source.startswith("](attachment:", close) else "[") + part)
        at += len(part)
    return "".join(kept)


def as_source(source: str) -> str:
    """Markdown that shows `source` as it was written."""
    fence = "`" * (1 + max([2, *map(len, re.findall("`+", source))]))
    return f"*Shown as it was written:*\n\n{fence}\n{source}\n{fence}"


@lru_cache      # most of a class hands in the same cells
def judged_text(source: str) -> tuple[bool, float]:
    harmless, seconds = judged(renders_harmlessly, source, {})
    return bool(harmless), seconds


def judged(function: Callable[[str, Any], Any], source: str, attachments: Any) -> tuple[Any, float]:
    """(what `function` says of the page that nbconvert makes of `source`, or None where that takes too long; what it took in seconds
    of CPU time)"""
    # a parser that goes on and on would do so when feedback is made
    return bounded_or((None, float(RENDER_SECONDS)), timed, function, source, attachments, seconds=RENDER_SECONDS)


def renders_harmlessly(source: str, attachments: Any) -> bool:
    """Whether nbconvert makes a page of `source` that holds no script, loads nothing and wears no foreign clothes."""
    return pictures_shown(source, attachments) is not None


def pictures_shown(source: str, attachments: Any) -> list[str] | None:
    """What stands for each picture on that page, in base64; None where the page is not harmless."""
    html = render(source, attachments)
    if len(html) > MOST_GROWTH * (len(source) + 100):       # a link's address stands again at each place that names it
        return None
    found = events(html + BEHIND)
    # as MathJax reads it: letters that stand as &#92; are letters, and a comment between two is nothing
    if ACTIVE_TEX.search(html) or ACTIVE_TEX.search("".join(event for event in found if isinstance(event, str))):
        return None
    kept = events(nh3.clean(
        html + BEHIND, tags=MARKDOWN_TAGS, attributes=MARKDOWN_ATTRIBUTES, attribute_filter=keep_attribute, link_rel=None,
        url_schemes={"http", "https", "mailto", "data"}, strip_comments=False))
    return [str(dict(event[1:])["src"]).partition(",")[2] for event in found if event[0] == "img"] if found == kept and found[-1] == "behind" else None


def render(source: str, attachments: Any) -> str:
    return MarkdownWithMath(renderer=IPythonRenderer(escape=False, attachments=attachments or {})).render(source)


def keep_attribute(tag: str, name: str, value: str) -> str | None:
    """The attribute filter of `nh3.clean`: the value, or None for what harmless markdown does not make."""
    match tag, name:
        case "a", "href":
            good = bool(re.match(r"https?://|mailto:|#", value))
        case "a", "class":
            good = value == "anchor-link"
        case "img", "src":
            good = is_small_picture(value)
        case ("th" | "td"), "style":
            good = bool(re.fullmatch(r"text-align: ?(left|right|center);?", value))
        case ("div" | "span"), "class":
            good = value == "highlight" or value in HIGHLIGHT
        case "code", "class":
            good = bool(re.fullmatch(r"language-[\w+#.-]{1,30}", value))
        case ("h1" | "h2" | "h3" | "h4" | "h5" | "h6"), "id":
            good = not OTHERS_IDS.search(value)
        case _:
            good = True
    return value if good else None


def is_small_picture(address: str) -> bool:
    """Whether a picture that stands in its address may be shown. Three bytes stand for one that was looked at before."""
    found = re.fullmatch(r"data:(image/(?:png|jpeg|gif|webp));base64,([A-Za-z0-9+/=]+)", address)
    return found is not None and (len(found[2]) == 4 or kind_of_picture(decoded(found[2])) == found[1])


class Events(HTMLParser):
    """Tags with their attributes, text and comments in the order of the page."""

    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self.found: list[Any] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.found.append((tag, *sorted(attrs)))

    def handle_endtag(self, tag: str) -> None:
        if tag not in ("br", "hr", "img"):
            self.found.append(("/", tag))

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.handle_starttag(tag, attrs)

    def handle_data(self, data: str) -> None:
        self.found.append(data)

    def handle_comment(self, data: str) -> None:
        self.found.append(("comment", data))

    def handle_decl(self, decl: str) -> None:
        self.handle_comment(decl)

    handle_pi = unknown_decl = handle_comment


def events(html: str) -> list[Any]:
    parser = Events()
    parser.feed(html)
    parser.close()
    joined: list[Any] = []
    for event in parser.found:
        if isinstance(event, str) and joined and isinstance(joined[-1], str):
            joined[-1] += event
        else:
            joined.append(event)
    return joined
