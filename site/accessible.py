"""What the theme's pages lack for keyboards and screen readers, added to each page after it is written."""

import re
from pathlib import Path

MENDED = (
    # what scrolls sideways has to be reachable by keyboard
    (re.compile(r"<pre>"), '<pre tabindex="0">'),
    (re.compile(r'<div class="(table-wrapper|math)\b'), r'<div tabindex="0" class="\1'),
    # two regions of one kind need names; a heading needs a level
    (re.compile(r'<aside class="sidebar-drawer"'), '<aside aria-label="Pages" class="sidebar-drawer"'),
    (re.compile(r'<aside class="toc-drawer'), '<aside aria-label="On this page" class="toc-drawer'),
    (re.compile(r'role="heading"(?! aria-level)'), 'role="heading" aria-level="2"'),
)


def mend(app, error):
    """Called by Sphinx when all pages are written."""
    for path in () if error else Path(app.outdir).glob("*.html"):
        text = path.read_text(encoding="utf-8")
        for pattern, by in MENDED:
            text = pattern.sub(by, text)
        path.write_text(text, encoding="utf-8")


def setup(app):
    app.connect("build-finished", mend)
    return {"parallel_read_safe": True}
