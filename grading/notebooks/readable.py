"""A notebook as readers get it: every formula written out, no macro in it.

In a page of Jupyter macros reach only what is typeset after them, and which cells that are is a matter of luck
(https://github.com/jupyterlab/jupyterlab/issues/18116). So no reader gets any.
"""

import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import nbformat
from nbformat import NotebookNode

from ..pages.macros import Budget, MacroError, Macros

FENCE = re.compile(r"^ {0,3}(?P<fence>```+|~~~+)[^\n]*\n.*?(?:^ {0,3}(?P=fence)[`~]*[ \t]*$|\Z)", re.DOTALL | re.MULTILINE)
CODE = re.compile(r"(?<!`)(?P<ticks>`+)(?!`).*?(?<!`)(?P=ticks)(?!`)", re.DOTALL)
OPENING = re.compile(r"\\\\[(\[]|\$\$?|\\begin\{(?P<name>[A-Za-z]+\*?)\}")
PLAIN = re.compile(r"\\[^\\b]")         # \$ and the like open nothing
RUN = re.compile(r"^%run\s+(?:-\w+\s+)*[\"']?(?P<name>[^\"'\n]+\.ipynb)[\"']?\s*$", re.MULTILINE)
BRACES = re.compile(r"\\\\[)\]]|\\.|[{}]|\$\$?|\n[ \t]*\n", re.DOTALL)


class NotReadable(Exception):
    """A notebook cannot be handed out; the message says in which cell and why."""


# --- formulas in Markdown ---------------------------------------------------------------------------------------

def formulas(text: str) -> list[tuple[int, int, int, int]]:
    """(start, start of the TeX, its end, end) of each formula in Markdown, found as Jupyter finds them."""
    found, place = [], 0
    while place < len(text):
        skipped = FENCE.match(text, place) if place in (0,) or text[place - 1] == "\n" else None
        skipped = skipped or (CODE.match(text, place) if text[place] == "`" else None)
        opening = OPENING.match(text, place)
        if skipped:
            place = skipped.end()
        elif opening and (span := closed(text, opening)):
            found.append(span)
            place = span[3]
        elif text[place] == "`":
            place += len(text[place:]) - len(text[place:].lstrip("`"))
        else:
            place += 2 if PLAIN.match(text, place) else len(opening[0]) if opening else 1
    return found


def closed(text: str, opening: re.Match[str]) -> tuple[int, int, int, int] | None:
    """The span of the formula that begins with `opening`; None if it does not end."""
    start, sign = opening.start(), opening[0]
    if opening["name"]:
        end = environment(text, opening)
        return None if end is None else (start, start, end, end)
    wanted = {"\\\\(": "\\\\)", "\\\\[": "\\\\]"}.get(sign, sign)
    depth, last = 0, None
    for match in BRACES.finditer(text, opening.end()):
        token = match[0]
        if token in "{}":
            depth += 1 if token == "{" else -1
        elif token == wanted:
            last = match
            if depth <= 0:
                break
        elif token[0] == "\n" and (sign != "$$" or last):
            break
    return last and (start, opening.end(), last.start(), last.end())


def environment(text: str, opening: re.Match[str]) -> int | None:
    """Where the environment that begins with `opening` ends, those of the same name in it included."""
    depth = 0
    for match in re.finditer(r"\\(begin|end)\{" + re.escape(opening["name"]) + r"\}", text[opening.start():]):
        depth += 1 if match[1] == "begin" else -1
        if not depth:
            return opening.start() + match.end()
    return None


def written_out(text: str, macros: Macros) -> str:
    """Markdown with every formula written out; a formula that only defines macros is gone. Raises `MacroError`."""
    parts, place = [], 0
    for start, inner, outer, end in formulas(text):
        tex = text[inner:outer]
        expanded = macros.expand(tex)
        gone = tex.strip() and not expanded.strip()
        parts += [text[place:start], "" if gone else text[start:inner] + expanded + text[outer:end]]
        place = end
    return "".join([*parts, text[place:]])


# --- notebooks --------------------------------------------------------------------------------------------------

def make_readable(nb: nbformat.NotebookNode, folder: Path) -> nbformat.NotebookNode:
    """Write out the formulas of a notebook that lies in `folder`, in place. Raises `NotReadable`."""
    macros = Macros(budget=Budget(page=10_000_000, formula=1_000_000))
    cells = []
    for cell in nb.cells:
        learn(cell, folder, macros)
    for cell in nb.cells:
        before = cell.source
        if cell.cell_type == "markdown":
            with_name(cell, lambda: setattr(cell, "source", written_out(before, macros)))
        elif cell.cell_type == "code":
            cell.source = RUN.sub(lambda match: "" if macros_of(folder, match) else match[0], before)
        if cell.source == before or not is_empty(cell.source) or "nbgrader" in cell.metadata:
            cell.source = cell.source.strip("\n") if cell.source != before else before
            cells.append(cell)
    nb.cells = cells
    return nb


def learn(cell: NotebookNode, folder: Path, macros: Macros) -> None:
    """Take up what a cell defines. What a notebook defines anywhere holds in all of it: so do its readers see it."""
    if cell.cell_type == "markdown":
        found = Macros(budget=macros.budget)
        with_name(cell, lambda: written_out(cell.source, found))
        macros.known = found.known | macros.known
    elif cell.cell_type == "code":
        for match in RUN.finditer(cell.source):
            macros.known = macros_of(folder, match) | macros.known


def macros_of(folder: Path, match: re.Match[str]) -> dict[str, Any]:
    """The macros of a notebook that `%run` names, if it holds nothing else that runs."""
    path = Path(folder, match["name"])
    if not path.is_file():
        return {}
    found = Macros(budget=Budget(page=10_000_000, formula=1_000_000))
    nb = nbformat.read(path, as_version=4)
    if any(cell.cell_type == "code" and not found.used_in(cell.source) for cell in nb.cells):
        return {}
    for cell in nb.cells:
        if cell.cell_type == "markdown":
            with_name(cell, lambda: written_out(cell.source, found))
    return found.known


def with_name(cell: NotebookNode, work: Callable[[], Any]) -> None:
    """Do `work`; if a formula stops it, say in which cell. Raises `NotReadable`."""
    try:
        work()
    except MacroError as error:
        name = cell.metadata.get("nbgrader", {}).get("grade_id") or cell.get("id") or "without a name"
        raise NotReadable(f"The formulas of the cell {name} cannot be written out: {error}") from error


def is_empty(source: str) -> bool:
    return not re.sub(r"<!--.*?-->", "", source, flags=re.DOTALL).strip()
