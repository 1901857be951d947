"""Code in colours, as nbconvert has it, within bounds.

Whoever wrote a cell chose its text and, by a magic in its first line, the lexer; for most lexers there are texts that take time
with the square or the cube of their length. So what was not seen before is highlighted in a process that may die, and
what takes too long is shown without colours.
"""

from functools import lru_cache
from html import escape
from typing import Any

from jinja2 import pass_context
from jinja2.runtime import Context
from nbconvert.filters import Highlight2HTML

from ..border.bounded import bounded_or, timed
from ..notebooks.names import upright

CODES = 4000            # pieces of highlighted code that are remembered
LONGEST = 20_000        # characters of one of them
SECONDS, SECONDS_ALL = 3, 10        # of CPU time, for a cell and for a page; a page of honest code takes a tenth of one


class Patience:
    """What is left of a page's seconds."""

    def __init__(self) -> None:
        self.seconds = float(SECONDS_ALL)

    def highlight(self, source: str, lexer: str, magics: str | None) -> str:
        if self.seconds <= 0:
            return uncoloured(source, lexer)
        html, seconds = (known if len(source) <= LONGEST else coloured)(source, lexer, magics)
        self.seconds -= seconds
        return html


@pass_context
def highlight_code(context: Context, source: str, language: str | None = None, metadata: dict[str, Any] | None = None) -> str:
    """The filter of that name in nbconvert's templates: `source` as HTML, in the language of the notebook if none is said."""
    about = context["nb"].metadata.get("language_info", {})
    lexer = language or about.get("pygments_lexer", about.get("name"))
    patience: Patience = context["resources"].setdefault("patience", Patience())
    return patience.highlight(source, lexer if lexer and isinstance(lexer, str) else "ipython3", (metadata or {}).get("magics_language"))


def coloured(source: str, lexer: str, magics: str | None) -> tuple[str, float]:
    """(HTML, what it took in seconds of CPU time)"""
    html, seconds = bounded_or((None, float(SECONDS)), timed, highlight, source, lexer, magics, seconds=SECONDS)
    return upright(html) if html else uncoloured(source, lexer), seconds


known = lru_cache(CODES)(coloured)


def highlight(source: str, lexer: str, magics: str | None) -> str:
    return str(Highlight2HTML(pygments_lexer=lexer)(source, metadata={"magics_language": magics} if magics else None))


def uncoloured(source: str, lexer: str) -> str:
    return f'<div class=" highlight hl-{escape(lexer)}"><pre>{escape(upright(source))}\n</pre></div>\n'
