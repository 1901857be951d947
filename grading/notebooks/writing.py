"""Notebooks as text: what `nbformat.v4.writes` gives, byte for byte, in a fifth of its time; and what the course keeps as JSON."""

import json
import os
from json.encoder import encode_basestring
from pathlib import Path
from typing import Any

from nbformat import NotebookNode
from nbformat.v4.rwbase import rejoin_lines, split_lines, strip_transient

WORDS = {None: "null", True: "true", False: "false"}


def notebook_text(nb: NotebookNode) -> str:
    """The text of `nb`, which is changed: its texts are split into lines, as they stand in the file."""
    return encode(strip_transient(split_lines(nb)), "\n")


def notebook_of(text: str) -> NotebookNode | None:
    """The notebook in a text that grading wrote, without nbformat's validation, which takes ten times as long; None if it
    is none."""
    try:
        return written_notebook(text)
    except (ValueError, AttributeError):
        return None


def written_notebook(text: str) -> NotebookNode:
    """The same, where it is known to be one."""
    return rejoin_lines(json.loads(text, object_hook=NotebookNode))


def notebook_in(path: Path) -> NotebookNode | None:
    """The same of a file; None if there is none, or it is damaged."""
    try:
        return notebook_of(path.read_text(encoding="utf-8"))
    except (FileNotFoundError, UnicodeDecodeError):
        return None


def encode(value: Any, line: str) -> str:
    """JSON with an indent of one. Before Python 3.15 the fast encoder of `json` knows no indent."""
    if isinstance(value, str):
        return encode_basestring(value)
    deeper = line + " "
    if value and isinstance(value, dict):
        items = [f"{encode_basestring(key)}: {encode(value[key], deeper)}" for key in sorted(value)]
        return f"{{{deeper}{f',{deeper}'.join(items)}{line}}}"
    if value and isinstance(value, list):
        return f"[{deeper}{f',{deeper}'.join([encode(item, deeper) for item in value])}{line}]"
    return WORDS[value] if value is None or isinstance(value, bool) else json.dumps(value)


def write_json(place: Path, value: Any) -> None:
    """Write what a person may want to read, as a whole or not at all; its folder is made. Bytes of a name that are no text become JSON's escapes."""
    place.parent.mkdir(parents=True, exist_ok=True)
    partial = place.with_name(f".{place.name}.partial")
    partial.write_text(json.dumps(value, indent=1, ensure_ascii=False, sort_keys=True) + "\n", encoding="utf-8", errors="backslashreplace")
    os.replace(partial, place)
