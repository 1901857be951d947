"""What a student changed of what a person had graded: the text that the person saw beside the one that lies there now.

A graded cell stands for the answers above it, up to the graded cell before, and a question for what is written behind it.
The notebook's record keeps the text that was seen until a person has looked again.
"""

from __future__ import annotations

import difflib
from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, Any

from .answers import answers, pieces_between, plain
from .record import Record, Seen

if TYPE_CHECKING:
    from nbformat import NotebookNode

MOST_COMPARED = 1000    # lines; an honest answer has a tenth
MOST_LINES = 200        # of a difference that a page shows
CONTEXT = 2             # lines around a change
WIDTH = 400             # characters of a line of it


def parts_of(wanted: Mapping[str, Any]) -> dict[str, list[str]]:
    """{graded cell: the answers that it stands for} in the order of the notebook."""
    found: dict[str, list[str]] = {}
    above: list[str] = []
    for name, entry in wanted.items():
        mark = entry["metadata"]
        if mark["grade"] or mark["task"]:
            found[name] = [name] if entry["cell_type"] == "markdown" else [*above, *([name] if mark["solution"] else [])]
            above = above if entry["cell_type"] == "markdown" else []
        elif mark["solution"]:
            above.append(name)
    return found


def texts(nb: NotebookNode, wanted: Mapping[str, Any]) -> dict[str, str]:
    """{graded cell: all that was answered for it}."""
    given = answers(nb, wanted)
    found = {}
    for name, parts in parts_of(wanted).items():
        pieces = [piece for part in parts for piece in given.get(part, ())]
        if wanted[name]["cell_type"] == "code":
            pieces += [piece for piece in pieces_between(nb, name, wanted) if piece not in pieces]
        found[name] = "\n\n".join(map(plain, pieces))
    return found


def seen_in(nb: NotebookNode, wanted: Mapping[str, Any], waiting: Iterable[str]) -> dict[str, str]:
    """{graded cell: the text that a person saw last}; where one still has to look again, the one from before the change."""
    before = Record.read(nb).changed
    return texts(nb, wanted) | {name: before[name].text for name in waiting if name in before}


def changes(nb: NotebookNode, wanted: Mapping[str, Any], seen: Mapping[str, str], graded: Iterable[str]) -> dict[str, Seen]:
    """{graded cell: what was seen, and the difference} for those of `graded` by a person that are answered otherwise now."""
    now = texts(nb, wanted)
    return {name: Seen(seen[name], tuple(difference(seen[name], now[name]))) for name in graded
            if name in seen and name in now and seen[name] != now[name]}


def difference(before: str, now: str) -> list[str]:
    """The lines of a unified difference, without its head. Of very long texts a piece from the first difference on is compared:
    what difflib takes grows with the square of their lines."""
    texts = before.splitlines(), now.splitlines()
    if max(map(len, texts)) > MOST_COMPARED:
        same = next((place for place, (one, other) in enumerate(zip(*texts)) if one != other), min(map(len, texts)))
        start = max(0, same - CONTEXT)
        texts = texts[0][start:start + MOST_COMPARED], texts[1][start:start + MOST_COMPARED]
    found = [line[:WIDTH] for line in difflib.unified_diff(*texts, n=CONTEXT, lineterm="")][2:]
    return found if len(found) <= MOST_LINES else [*found[:MOST_LINES], f"… and {len(found) - MOST_LINES} more lines"]
