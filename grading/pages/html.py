"""Self-contained web pages: no script, no request to anywhere, headings and table headers for every reader."""

import base64
import io
from collections.abc import Iterable, Sequence
from html import escape
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:       # most pages hold no figure
    from matplotlib.figure import Figure

STYLE = """
:root { color-scheme: light dark; --ink: #1a1a1a; --paper: #fff; --link: #003d99; --quiet: #444; --line: #767676; --head: #eee; }
@media (prefers-color-scheme: dark) {
  :root { --ink: #e8e8e8; --paper: #16181b; --link: #9dc1ff; --quiet: #bbb; --line: #8a8a8a; --head: #2b2f36; }
  img { background: #fff; }
}
@media print { :root { color-scheme: light; --ink: #1a1a1a; --paper: #fff; --link: #003d99; --quiet: #444; --head: #eee; } }
body { font: 16px/1.5 system-ui, "Liberation Sans", Arial, sans-serif; color: var(--ink); background: var(--paper);
       max-width: 62rem; margin: 0 auto; padding: 1rem; }
h1 { font-size: 1.7rem; } h2 { font-size: 1.3rem; margin-top: 2rem; } h3 { font-size: 1.1rem; }
a { color: var(--link); }
figure { margin: 1rem 0; } img { max-width: 100%; height: auto; } figcaption, .note { color: var(--quiet); }
.wide { overflow-x: auto; }
table { border-collapse: collapse; margin: .5rem 0; }
caption { text-align: left; font-weight: bold; padding: .3rem 0; }
th, td { border: 1px solid var(--line); padding: .25rem .6rem; text-align: left; vertical-align: top; }
thead th { background: var(--head); } td.number { text-align: right; font-variant-numeric: tabular-nums; }
pre { white-space: pre-wrap; overflow-wrap: anywhere; font: .85rem/1.4 "Liberation Mono", monospace; margin: 0; }
mark { background: #ffe9a8; color: #1a1a1a; text-decoration: underline; }
@media print { body { max-width: none; padding: 0; font-size: 11pt; } h2, h3 { break-after: avoid; }
               tr, figure { break-inside: avoid; } thead { display: table-header-group; } }
"""
POLICY = "default-src 'none'; img-src data:; style-src 'unsafe-inline'"


def page(title: str, *parts: str, style: str = "") -> str:
    """A whole page of `parts`, each of them HTML; its heading is `title`. `style` is added to that of all pages."""
    return ("<!DOCTYPE html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n"
            f"<meta http-equiv=\"Content-Security-Policy\" content=\"{POLICY}\">\n"
            "<meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n"
            f"<title>{escape(title)}</title>\n<style>{STYLE}{style}</style>\n</head>\n<body>\n<main>\n"
            f"<h1>{escape(title)}</h1>\n" + "\n".join(parts) + "\n</main>\n</body>\n</html>\n")


def section(title: str, *parts: str) -> str:
    return f"<section>\n<h2>{escape(title)}</h2>\n" + "\n".join(parts) + "\n</section>"


def paragraph(text: str, note: bool = False) -> str:
    return f"<p class=\"note\">{escape(text)}</p>" if note else f"<p>{escape(text)}</p>"


class Html(str):
    """Text that is HTML already and goes into a table as it is."""


def link(address: str, text: str) -> Html:
    return Html(f"<a href=\"{escape(address)}\">{escape(text)}</a>")


def table(caption: str, head: Iterable[str], rows: Iterable[Sequence[Any]]) -> str:
    """A table whose first column names the row. Numbers stand to the right, None shows as a dash."""
    top = "".join(f"<th scope=\"col\">{escape(name)}</th>" for name in head)
    body = "".join("<tr>" + cell(row[0], "th") + "".join(cell(value) for value in row[1:]) + "</tr>\n" for row in rows)
    # a region that scrolls on a phone has to be reached without a mouse
    return (f"<div class=\"wide\" role=\"region\" tabindex=\"0\" aria-label=\"{escape(caption)}\"><table>\n"
            f"<caption>{escape(caption)}</caption>\n<thead><tr>{top}</tr></thead>\n<tbody>\n{body}</tbody></table></div>")


def cell(value: Any, kind: str = "td") -> str:
    if kind == "th":
        return f"<th scope=\"row\">{shown(value)}</th>"
    number = value is None or isinstance(value, (int, float))
    return f"<td class=\"number\">{shown(value)}</td>" if number else f"<td>{shown(value)}</td>"


def shown(value: Any) -> str:
    if value is None:
        return "–"
    if isinstance(value, float):
        return f"{value:.2f}".rstrip("0").rstrip(".")
    return value if isinstance(value, Html) else escape(str(value))


def picture(figure: "Figure", alt: str, caption: str = "") -> str:
    """A Matplotlib figure as an inline SVG image with its text as outlines, the same bytes each time."""
    import matplotlib
    content = io.BytesIO()
    with matplotlib.rc_context({"svg.hashsalt": "course"}):
        figure.savefig(content, format="svg", bbox_inches="tight", metadata={"Date": None, "Creator": None})
    data = base64.b64encode(content.getvalue()).decode()
    under = f"<figcaption>{escape(caption)}</figcaption>" if caption else ""
    return f"<figure><img alt=\"{escape(alt)}\" src=\"data:image/svg+xml;base64,{data}\">{under}</figure>"
