"""Formulas as MathML, which browsers typeset themselves: no script, no request, and screen readers can read it.

Macros are put in before. What cannot be translated stays readable as TeX.
"""

import re
import xml.etree.ElementTree as ElementTree
from html import escape, unescape

from latex2mathml.converter import convert_to_element
from nbconvert.filters.markdown_mistune import IPythonRenderer, MarkdownWithMath

from .macros import MacroError, Macros

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


def depth(tex):
    """How deep the groups of a formula are nested, at most."""
    deepest = now = 0
    for sign in GROUPS.findall(tex):
        now += {"{": 1, "}": -1}.get(sign, 0)
        deepest = max(deepest, now)
    return deepest


def mathml(tex, display="inline"):
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

    def __init__(self, macros: Macros, attachments=None, below=1):
        super().__init__(escape=False, attachments=attachments or {})
        self.macros, self.below = macros, below

    def formula(self, tex, display):
        try:
            rest = self.macros.expand(tex)
            self.macros.budget.translate(rest)
            return mathml(rest, display) if rest.strip() else ""
        except (NotTranslated, MacroError):
            return f"<code>{escape(tex)}</code>"

    def heading(self, text, level, **attrs):
        level = min(level + self.below, 6)
        return f"<h{level}>{text}</h{level}>\n"

    def block_math(self, body):
        formula = self.formula(body, "block")
        # a wide formula scrolls by itself on a phone, and has to be reached without a mouse
        return f'<div class="formula" tabindex="0">{formula}</div>' if formula else ""

    def multiline_math(self, text):
        return self.block_math(text.strip("$"))

    def latex_environment(self, name, body):
        return self.block_math(f"\\begin{{{name}}}{body}\\end{{{name}}}")

    def inline_math(self, body):
        return self.formula(body, "inline")


def to_html(source: str, macros: Macros, attachments: dict | None = None, below: int = 1) -> str:
    """Markdown as HTML without TeX; `macros` is what the page knows so far, and learns.

    `below` is how many levels of headings the page has above those of the notebook.
    """
    return MarkdownWithMath(renderer=Renderer(macros, attachments, below)).render(source)
