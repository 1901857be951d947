"""Formulas as MathML, which browsers typeset themselves: no script, no request, and screen readers can read it.

The notebooks' own macros (`\\def` in a formula) are put in before. What cannot be translated stays readable as TeX.
"""

import re
import xml.etree.ElementTree as ElementTree
from html import escape, unescape

from latex2mathml.converter import convert_to_element
from nbconvert.filters.markdown_mistune import IPythonRenderer, MarkdownWithMath

DEFINITION = re.compile(r"\\def\s*\\([A-Za-z]+)((?:#\d)*)\s*(?={)")
COMMAND = re.compile(r"\\([A-Za-z]+)")
MAX_LENGTH, MAX_STEPS = 5000, 2000      # macros may be a student's, and made to grow without end
MAX_DEPTH = 60
TAGS = {"math", "mrow", "mi", "mo", "mn", "mtext", "mspace", "mfrac", "msqrt", "mroot", "msub", "msup", "msubsup", "munder",
        "mover", "munderover", "mtable", "mtr", "mtd", "mstyle", "mpadded", "mphantom", "mfenced", "menclose"}
ATTRIBUTES = {"xmlns", "display", "displaystyle", "scriptlevel", "mathvariant", "stretchy", "fence", "form", "separator",
              "lspace", "rspace", "width", "height", "depth", "minsize", "maxsize", "columnalign", "columnspacing",
              "rowspacing", "columnlines", "rowlines", "linethickness", "movablelimits", "symmetric", "accent", "largeop"}


class NotTranslated(Exception):
    """The formula has no MathML of ours."""


def group(text, start):
    """The end of the group {...} that begins at `start`. Raises `NotTranslated` if it does not close."""
    depth = 0
    for place in range(start, len(text)):
        if text[place] in "{}" and text[place - 1] != "\\":
            depth += 1 if text[place] == "{" else -1
        if depth == 0:
            return place + 1
        if depth > MAX_DEPTH:
            break
    raise NotTranslated(text)


def split_definitions(tex):
    """({name: (number of arguments, body)}, the rest of the formula)."""
    found, rest = {}, tex
    while match := DEFINITION.search(rest):
        end = group(rest, match.end())
        found[match[1]] = (match[2].count("#"), rest[match.end() + 1:end - 1])
        rest = rest[:match.start()] + rest[end:]
    return found, rest


def argument(text, start):
    """(one argument of a macro from `start` on, where it ends)."""
    start += len(text[start:]) - len(text[start:].lstrip())
    if text[start:start + 1] == "{":
        end = group(text, start)
        return text[start + 1:end - 1], end
    match = COMMAND.match(text, start)
    end = match.end() if match else start + 1
    return text[start:end], end


def expand(tex, macros):
    """`tex` with its macros put in. Raises `NotTranslated` if that does not end."""
    place = 0
    for _ in range(MAX_STEPS):
        match = COMMAND.search(tex, place)
        if not match or len(tex) > MAX_LENGTH:
            break
        if match[1] not in macros:
            place = match.end()
            continue
        count, body = macros[match[1]]
        end = match.end()
        for number in range(1, count + 1):
            value, end = argument(tex, end)
            body = body.replace(f"#{number}", value)
        tex, place = f"{tex[:match.start()]}{body} {tex[end:].lstrip() if not count else tex[end:]}", match.start()
    if match:
        raise NotTranslated(tex)
    return tex


def mathml(tex, macros, display="inline"):
    """The formula as a <math> element. Raises `NotTranslated`."""
    tex = expand(tex, macros)
    if len(tex) > MAX_LENGTH:
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
    """Markdown to HTML as nbconvert has it, formulas as MathML. `macros` grows with the definitions that are met."""

    def __init__(self, macros, attachments=None):
        super().__init__(escape=False, attachments=attachments or {})
        self.macros = macros

    def formula(self, tex, display):
        try:
            found, rest = split_definitions(tex)
            self.macros.update(found)
            return mathml(rest, self.macros, display) if rest.strip() else ""
        except NotTranslated:
            return f"<code>{escape(tex)}</code>"

    def heading(self, text, level, **attrs):
        # the page has a heading above those of the notebook
        return f"<h{min(level + 1, 6)}>{text}</h{min(level + 1, 6)}>\n"

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


def to_html(source, macros, attachments=None):
    """Markdown as HTML without TeX. `macros`, {name: (number of arguments, body)}, is updated in place."""
    return MarkdownWithMath(renderer=Renderer(macros, attachments)).render(source)
