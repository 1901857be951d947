"""When an assignment is due, as a line in the head of its notebook: what students open."""

import re

from nbformat import NotebookNode
from nbformat.v4 import new_markdown_cell

LINE = re.compile(r"^\*\*Hand in until .*\.\*\*\n*", re.MULTILINE)
HEADING = re.compile(r"\A\s*# .+$", re.MULTILINE)


def show_deadline(nb: NotebookNode, words: str | None) -> NotebookNode:
    """Write the deadline, in words, below the first heading of a notebook in place of an earlier one; None takes it out."""
    first = next(iter(nb.cells), None)
    if first is None or first.cell_type != "markdown":
        if words:
            nb.cells.insert(0, new_markdown_cell(line_of(words), id="deadline"))
        return nb
    text = LINE.sub("", first.source)
    heading = HEADING.match(text)
    if words:
        end = heading.end() if heading else 0
        text = "\n\n".join(part for part in (text[:end].strip(), line_of(words), text[end:].strip("\n")) if part)
    first.source = text
    return nb


def deadline_in(nb: NotebookNode) -> str | None:
    """The words of the deadline that the head of a notebook shows."""
    first = next(iter(nb.cells), None)
    found = LINE.search(first.source) if first is not None and first.cell_type == "markdown" else None
    return found[0].strip()[len("**Hand in until "):-len(".**")] if found else None


def line_of(words: str) -> str:
    return f"**Hand in until {words}.**"
