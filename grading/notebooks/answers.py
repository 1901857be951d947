"""What was answered in a notebook: the pieces of text that stand for each exercise and question, without what was released.

`wanted` is what `mend.canon` has of the released notebook. An exercise is answered in the cell of its name, or where its
function is defined; a question in the cells behind it, up to the next one that the course knows.
"""

from __future__ import annotations

import ast
import hashlib
import re
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from .cells import as_released, code_lines, grade_id

if TYPE_CHECKING:
    from nbformat import NotebookNode

STUB = re.compile(r"(?im)^[^\w\n]*(write )?your (answer|code) here\b.*$|^[ \t]*raise NotImplementedError\b.*$")

Answers = dict[str, tuple[str, ...]]


def answers(nb: NotebookNode, wanted: Mapping[str, Any]) -> Answers:
    """{exercise or question: the pieces of its answer}; what is not answered is not there."""
    found = {}
    for name, entry in wanted.items():
        mark = entry["metadata"]
        pieces = own_pieces(nb, name, entry) if mark["solution"] else ()
        if entry["cell_type"] == "markdown" and (mark["task"] or mark["grade"]):
            pieces += pieces_behind(nb, name, wanted)
        if pieces:
            found[name] = pieces
    return found


def own_pieces(nb: NotebookNode, name: str, entry: Mapping[str, Any]) -> tuple[str, ...]:
    text = answer_cell(nb, name, entry)
    return () if text in ("", plain(as_released(entry["source"]))) else (text,)


def answer_cell(nb: NotebookNode, name: str, entry: Mapping[str, Any]) -> str:
    """The text of the cell of this name, the last one, else of a definition of the function elsewhere."""
    known = [text_of(cell) for cell in nb.cells if grade_id(cell) == name]
    if known or entry["cell_type"] != "code":
        return known[-1] if known else ""
    return next((plain(found) for cell in reversed(nb.cells) if cell.cell_type == "code"
                 and (found := definition(cell.source, name))), "")


def definition(source: str, name: str) -> str:
    """The lines of a cell that define the function `name`; the whole cell where it cannot be parsed."""
    if not defines(name).search(source):
        return ""
    try:
        tree = ast.parse(source)
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return source
    node = next((node for node in reversed(tree.body) if getattr(node, "name", None) == name), None)
    return "\n".join(code_lines(source)[node.lineno - 1:node.end_lineno]) if node else source


def defines(name: str) -> re.Pattern[str]:
    """Where a cell gives `name` a function."""
    return re.compile(rf"^(async )?def {re.escape(name)}\s*\(|^{re.escape(name)}\s*=", re.MULTILINE)


def pieces_behind(nb: NotebookNode, name: str, wanted: Mapping[str, Any]) -> tuple[str, ...]:
    """What stands between a question and the next cell of the course, cell by cell."""
    places = [number for number, cell in enumerate(nb.cells) if grade_id(cell) == name]
    found = []
    for cell in nb.cells[places[-1] + 1:] if places else ():
        if grade_id(cell) in wanted:
            break
        found.append(text_of(cell))
    return tuple(filter(None, found))


def text_of(cell: NotebookNode) -> str:
    """What a cell says, its pictures included."""
    pictures = [f"({name}: picture {hashlib.sha256(repr(sorted(forms.items())).encode()).hexdigest()[:8]})"
                for name, forms in cell.get("attachments", {}).items()]
    return "\n".join(filter(None, [plain(cell.source), *pictures]))


def pieces_between(nb: NotebookNode, name: str, wanted: Mapping[str, Any]) -> tuple[str, ...]:
    """What stands between a graded cell and the cell of the course before it that asks for no answer, cell by cell."""
    place = next((number for number, cell in enumerate(nb.cells) if grade_id(cell) == name), 0)
    found = []
    for cell in reversed(nb.cells[:place]):
        mark = grade_id(cell)
        entry = wanted.get(mark) if mark else None
        if entry and not (entry["metadata"]["solution"] and not entry["metadata"]["grade"]):
            break
        if cell.cell_type == "code" and not entry:
            found.append(plain(cell.source))
    return tuple(filter(None, reversed(found)))


def plain(source: str) -> str:
    """A text without what was released as its place, and without what nobody sees of it."""
    return "\n".join(line.rstrip() for line in STUB.sub("", source.replace("\r\n", "\n")).strip().splitlines()).strip()


def looks_like(nb: NotebookNode, wanted: Mapping[str, Any]) -> bool:
    """Whether a notebook has any cell of the assignment that is answered or graded: by its name, its text or its function."""
    asked = {name: entry for name, entry in wanted.items()
             if any(entry["metadata"][kind] for kind in ("solution", "grade", "task"))} or wanted
    released = {text for entry in asked.values() if (text := as_released(entry["source"]))}
    functions = [defines(name) for name, entry in asked.items() if entry["metadata"]["solution"] and entry["cell_type"] == "code"]
    return not wanted or any(grade_id(cell) in asked or cell.source.strip() in released
                             or any(function.search(cell.source) for function in functions) for cell in nb.cells)


def differing(one: Answers, other: Answers) -> list[str]:
    """The exercises and questions that are answered otherwise, in their order."""
    return [name for name in dict.fromkeys([*one, *other]) if one.get(name) != other.get(name)]
