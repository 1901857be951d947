"""Read a submitted notebook file: untrusted bytes in, a plain notebook out.

Whatever the file is, what leaves here is a notebook of format 4 whose cells hold text, at most one nbgrader `grade_id`
and checked pictures. Outputs, tags, kernels, titles and all other metadata of the file are left behind. What had to be
mended on the way is kept in its record (see `record`), which nothing in the file can write.
"""

import json
import re
import secrets
from typing import Any

from nbformat import NotebookNode

from . import embedded
from .names import MAX_NAME, shown
from .record import note
from .scripts import cells_of, is_script

MAX_BYTES = 16 * 2**20      # of the file without its outputs: three bytes of JSON can cost a hundred of memory
MAX_FILE = 256 * 2**20      # of the file as it lies there
SMALL = 2 * 2**20           # up to here outputs may be parsed as well
OUTPUTS = re.compile(rb'"outputs"\s*:\s*\[')       # in a string both quotes would have a backslash before them
BRACKETS = re.compile(rb'"[^"\\]*(?:\\.[^"\\]*)*(?:"|\\?\Z)|[][]', re.DOTALL)
BETWEEN = re.compile(r"[\s,]*")       # what stands between two cells
WRAPPINGS = 4       # that are taken off: a notebook as text in a text, in a list, in Jupyter's own answer to a download
MAX_CELLS = 500
MAX_SOURCE = 100_000        # characters of one cell
MAX_TEXT = 2_000_000        # characters of all cells
KINDS = ("code", "markdown", "raw")
OTHER_FILES = {b"PK\x03\x04": "a zip archive or an office document", b"%PDF": "a PDF", b"<!DOCTYPE": "a web page",
               b"<html": "a web page", b"\x89PNG": "a picture", b"\xff\xd8\xff": "a picture", b"\x1f\x8b": "a gzip archive",
               b"\x7fELF": "a program", b"version https://git-lfs": "a Git LFS pointer, not the file itself"}


class Unreadable(Exception):
    """The file is no notebook; the message says what it is instead, for a TA and for the student."""


def read_notebook(content: bytes) -> NotebookNode:
    """The notebook in the bytes `content`. Raises `Unreadable`."""
    notes: list[str] = []
    content = without_outputs(content) if len(content) > SMALL else content
    if len(content) > MAX_BYTES:
        raise Unreadable(f"The file is too large: {len(content) / 2**20:.0f} MiB without outputs, and {MAX_BYTES // 2**20} are "
                         "the most.")
    return built(parse(decode(content, notes), notes), notes)


def read_script(content: bytes) -> NotebookNode:
    """The same of a Python file."""
    notes: list[str] = []
    text = decode(content[:MAX_BYTES], notes)
    if not is_script(text):
        raise Unreadable("The file is not a Python script.")
    return built({"cells": cells_of(text)}, [*notes, "The file is a Python script, not a notebook; its code was run as cells."])


def without_outputs(content: bytes) -> bytes:
    """The file of a notebook without what its cells had put out: it is dropped anyway, and pictures make it large."""
    kept, at = [], 0
    while found := OUTPUTS.search(content, at):
        kept += [content[at:found.end()], b"]"]
        at = closing(content, found.end())
    return b"".join([*kept, content[at:]])


def closing(content: bytes, at: int) -> int:
    """The place behind the bracket that closes a list whose inside begins at `at`; the end where there is none."""
    depth = 1
    for token in BRACKETS.finditer(content, at):
        depth += {b"[": 1, b"]": -1}.get(token[0], 0)
        if not depth:
            return token.end()
    return len(content)


def built(data: Any, notes: list[str]) -> NotebookNode:
    notebook = new_notebook()
    notebook.cells = rebuild_all(data, notes)
    notebook.metadata["language_info"] = {"name": "python"}
    for line in notes:
        note(notebook, line)
    return notebook


def decode(content: bytes, notes: list[str]) -> str:
    if not content.strip(b"\0 \t\r\n"):
        raise Unreadable("The file is empty." if not content else "The file holds nothing but blanks.")
    for start, kind in OTHER_FILES.items():
        if content.startswith(start):
            raise Unreadable(f"The file is {kind}, not a notebook.")
    encoding: str = json.detect_encoding(content)
    try:
        text = content.decode(encoding)
    except UnicodeDecodeError as error:
        if error.end == len(content):
            return content.decode(encoding, errors="ignore")        # cut in the middle of a character
        encoding, text = "Windows-1252", content.decode("cp1252", errors="replace")
    if encoding not in ("utf-8", "utf-8-sig"):
        notes.append(f"The file is not in UTF-8; it was read as {encoding}.")
    return text


def parse(text: str, notes: list[str]) -> Any:
    data: Any = text
    for _ in range(WRAPPINGS):
        if isinstance(data, str):
            data = parse_once(data, notes)
        elif isinstance(data, list) and len(data) == 1:
            (data,) = data
        elif isinstance(data, dict) and not data.keys() & {"cells", "worksheets"} and isinstance(data.get("content"), dict | str):
            data = data["content"]
        else:
            break
    if not isinstance(data, dict):
        raise Unreadable("The file is JSON, but not a notebook.")
    return data


def parse_once(text: str, notes: list[str]) -> Any:
    try:
        return json.loads(text)
    except RecursionError:
        raise Unreadable("The file is nested too deeply for a notebook.") from None
    except ValueError:
        return salvage(text, notes)


def salvage(text: str, notes: list[str]) -> dict[str, Any]:
    """The whole cells before the place where the file is damaged."""
    cells: list[Any] = []
    decoder = json.JSONDecoder()
    start = re.search(r'"cells"\s*:\s*\[\s*', text)
    at = start.end() if start else len(text)
    for _ in range(MAX_CELLS):
        try:
            cell, at = decoder.raw_decode(text, at)
        except (ValueError, RecursionError):
            break
        cells.append(cell)
        at = next(BETWEEN.finditer(text, at)).end()
    if not cells:
        raise Unreadable("The file is a Python script, not a notebook." if is_script(text) else
                         "The file is not a notebook, or it is damaged from the start.")
    notes.append(f"The file is damaged or ends in the middle; only its first {len(cells)} cells could be read.")
    return {"cells": cells}


def rebuild_all(data: Any, notes: list[str]) -> list[NotebookNode]:
    cells = data.get("cells")
    if not isinstance(cells, list):
        sheets = data.get("worksheets")
        sheets = [sheet for sheet in sheets if isinstance(sheet, dict)] if isinstance(sheets, list) else []
        cells = [cell for sheet in sheets if isinstance(sheet.get("cells"), list) for cell in sheet["cells"]]
        if sheets:
            notes.append("The notebook was in a format from before 2015; it was converted.")
    if not cells:
        raise Unreadable("The notebook has no cells.")
    language = language_of(data.get("metadata"))
    if language:
        notes.append(f"The notebook names another language, {shown(language)}; its cells were run as Python.")
    if len(cells) > MAX_CELLS:
        notes.append(f"The notebook has {len(cells)} cells; only the first {MAX_CELLS} were read.")
    built, left = [], MAX_TEXT
    for cell in cells[:MAX_CELLS]:
        if isinstance(cell, dict):
            built.append(rebuild(cell, min(left, MAX_SOURCE), notes))
            left -= len(built[-1].source)
    if not built:
        raise Unreadable("The notebook has no cells.")
    return built


def rebuild(cell: dict[str, Any], room: int, notes: list[str]) -> NotebookNode:
    """One cell out of what is known of its kind, its text, its name and its pictures."""
    kind = cell.get("cell_type")
    source = as_text(cell.get("source", cell.get("input")))
    if kind == "heading":
        level = cell.get("level")
        kind, source = "markdown", "#" * (level if type(level) is int and 1 <= level <= 6 else 1) + " " + source
    attachments = cell.get("attachments") if kind == "markdown" else None
    attachments = embedded.checked(attachments) if isinstance(attachments, dict) else {}
    if kind == "markdown":
        source, attachments = embedded.taken_out(source, attachments)
    if len(source) > room:
        notes.append(f"A cell of {len(source)} characters was cut to {room}.")
        source = source[:room]
    built = new_cell(kind if kind in KINDS else "raw", source)
    mark = cell["metadata"].get("nbgrader") if isinstance(cell.get("metadata"), dict) else None
    if isinstance(mark, dict) and isinstance(mark.get("grade_id"), str):
        built.metadata["nbgrader"] = {"grade_id": as_text(mark["grade_id"][:MAX_NAME])}
    if attachments:
        built.attachments = NotebookNode(attachments)
    return built


def new_notebook() -> NotebookNode:
    """A notebook without cells. `nbformat.v4` makes the same and validates it, for which it compiles its schema: a tenth of a second."""
    return NotebookNode(cells=[], metadata=NotebookNode(), nbformat=4, nbformat_minor=5)


def new_cell(kind: str, source: str) -> NotebookNode:
    """One cell. `nbformat.v4.new_code_cell` and the like make the same and validate each against the schema, which is slow."""
    cell = NotebookNode(id=secrets.token_hex(4), cell_type=kind, metadata=NotebookNode(), source=source)
    if kind == "code":
        cell.update(execution_count=None, outputs=[])
    return cell


def as_text(value: Any) -> str:
    """A JSON string, or list of strings, as text that can be written as UTF-8; ends of lines as everywhere else."""
    if isinstance(value, list):
        value = "".join(part for part in value if isinstance(part, str))
    if not isinstance(value, str):
        return ""
    value = value.replace("\r\n", "\n").replace("\r", "\n")
    return value.replace("\0", "\ufffd").encode("utf-16", "surrogatepass").decode("utf-16", "replace")


def language_of(metadata: Any) -> str | None:
    """The language that the notebook's kernel names, if it is not Python."""
    for key, entry in (("kernelspec", "language"), ("language_info", "name")):
        about = metadata.get(key) if isinstance(metadata, dict) else None
        name = about.get(entry) if isinstance(about, dict) else None
        if isinstance(name, str) and name:
            return None if "python" in name.lower() else name
    return None
