"""Formulas as MathML, which browsers typeset themselves: no script, no request, and screen readers can read it.

Macros are put in before. What cannot be translated stays readable as TeX.
"""

import re
import xml.etree.ElementTree as ElementTree
from collections import OrderedDict
from html import escape, unescape
from typing import Any

from latex2mathml.converter import convert_to_element
from nbconvert.filters.markdown_mistune import IPythonRenderer, MarkdownWithMath

from .macros import Budget, MacroError, Macros

GROUPS = re.compile(r"\\.|[{}]", re.DOTALL)
MAX_LENGTH = 5000           # of a formula that is translated
MAX_DEPTH = 60              # of its groups
TAGS = {"math", "mrow", "mi", "mo", "mn", "mtext", "mspace", "mfrac", "msqrt", "mroot", "msub", "msup", "msubsup", "munder",
        "mover", "munderover", "mtable", "mtr", "mtd", "mstyle", "mpadded", "mphantom", "mfenced", "menclose"}
ATTRIBUTES = {"xmlns", "display", "displaystyle", "scriptlevel", "mathvariant", "stretchy", "fence", "form", "separator",
              "lspace", "rspace", "width", "height", "depth", "minsize", "maxsize", "columnalign", "columnspacing",
              "rowspacing", "columnlines", "rowlines", "linethickness", "movablelimits", "symmetric", "accent", "largeop"}


class NotTranslated(Exception):
    """The formula has no MathML of ours."""


def depth(tex: str) -> int:
    """How deep the groups of a formula are nested, at most."""
    deepest = now = 0
    for sign in GROUPS.findall(tex):
        now += {"{": 1, "}": -1}.get(sign, 0)
        deepest = max(deepest, now)
    return deepest


def mathml(tex: str, display: str = "inline") -> str:
    """The formula, which has no macros any more, as a <math> element. Raises `NotTranslated`."""
    if len(tex) > MAX_LENGTH or depth(tex) > MAX_DEPTH:
        raise NotTranslated(tex)
    try:
        element = convert_to_element(tex, display=display)
    except Exception as error:      # whatever a parser of TeX does with what a student wrote
        raise NotTranslated(tex) from error
    for part in element.iter():
        part.text = unescape(part.text) if part.text else None      # the translator writes signs as &#x...;
        # a command that the translator does not know stays in the text
        if part.tag not in TAGS or part.attrib.keys() - ATTRIBUTES or "\\" in (part.text or ""):
            raise NotTranslated(tex)
    return ElementTree.tostring(element, encoding="unicode")


class Renderer(IPythonRenderer):
    """Markdown to HTML as nbconvert has it, formulas as MathML. `macros` learns the definitions that are met."""

    def __init__(self, macros: Macros, attachments: dict[str, Any] | None = None, below: int = 1) -> None:
        super().__init__(escape=False, attachments=attachments or {})
        self.macros, self.below = macros, below

    def formula(self, tex: str, display: str) -> str:
        try:
            rest = self.macros.expand(tex)
            self.macros.budget.translate(rest)
            return mathml(rest, display) if rest.strip() else ""
        except (NotTranslated, MacroError):
            return f"<code>{escape(tex)}</code>"

    def heading(self, text: str, level: int, **attrs: Any) -> str:
        level = min(level + self.below, 6)
        return f"<h{level}>{text}</h{level}>\n"

    def block_math(self, body: str) -> str:
        formula = self.formula(body, "block")
        # a wide formula scrolls by itself on a phone, and has to be reached without a mouse
        return f'<div class="formula" tabindex="0">{formula}</div>' if formula else ""

    def multiline_math(self, text: str) -> str:
        return self.block_math(text.strip("$"))

    def latex_environment(self, name: str, body: str) -> str:
        return self.block_math(f"\\begin{{{name}}}{body}\\end{{{name}}}")

    def inline_math(self, body: str) -> str:
        return self.formula(body, "inline")


def to_html(source: str, macros: Macros, attachments: dict[str, Any] | None = None, below: int = 1) -> str:
    """Markdown as HTML without TeX; `macros` is what the page knows so far, and learns.

    `below` is how many levels of headings the page has above those of the notebook.
    """
    return MarkdownWithMath(renderer=Renderer(macros, attachments, below)).render(source)


class Translations:
    """`to_html` for the pages of a class, which have most of their text in common: the same text is translated once.

    What is remembered is exact: with it what the text cost of the page's budget and which macros it taught. It holds where
    the same macros were known before and the budget is no nearer to its end than it was.
    """

    MOST, LONGEST = 4000, 20_000        # texts, and characters of one

    def __init__(self) -> None:
        self.known: OrderedDict[tuple[Any, ...], tuple[Any, ...]] = OrderedDict()

    def to_html(self, source: str, macros: Macros, attachments: dict[str, Any] | None = None) -> str:
        if len(source) > self.LONGEST or attachments:
            return to_html(source, macros, attachments)
        budget, key, before = macros.budget, (source, macros.stamp), len(macros.learnt)      # a page may know thousands of macros
        found = self.known.get(key)
        if found:
            html, page, translated, learnt = found
            if ample(budget.page - page, budget.translated - translated):
                budget.page, budget.translated = budget.page - page, budget.translated - translated
                for name, macro in learnt:
                    macros.learn(name, macro)
                self.known.move_to_end(key)
                return html
        page, translated = budget.page, budget.translated
        html = to_html(source, macros)
        if ample(budget.page, budget.translated):
            self.known[key] = html, page - budget.page, translated - budget.translated, macros.learnt[before:]
            if len(self.known) > self.MOST:
                self.known.popitem(last=False)
        return html


def ample(page: int, translated: int) -> bool:
    """Whether a budget of which that is left has not made a difference to any formula yet."""
    return page >= Budget.formula and translated >= 0
