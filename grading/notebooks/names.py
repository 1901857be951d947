"""Names and texts that students choose, made safe for logs, paths and tables."""

import re
import shlex
import unicodedata
from typing import Any

MAX_NAME = 120
MAX_CELL = 10_000       # characters of one cell of a table; spreadsheets take up to 32,767
MAX_STUDENT = 128       # characters of an id in nbgrader's gradebook
TURNING = {sign: f"\\u{sign:04x}" for sign in (*range(0x202A, 0x202F), *range(0x2066, 0x206A), 0x200E, 0x200F, 0x061C)}
FORMULA = re.compile(r"^\s*[=+\-@\t\r\n|%\uff1d\uff0b\uff0d\uff20]")        # the last four are the first ones as wide letters


def csv_safe(text: Any) -> Any:
    """`text` for a cell of a table that a spreadsheet may open: a cell that would be read as a formula gets a quote.

    Numbers stay numbers. Line breaks and other control characters become spaces.
    """
    if isinstance(text, (int, float)) or text is None:
        return text
    text = str(text)
    clean = "".join(c if c.isprintable() else " " for c in text[:MAX_CELL])
    return "'" + clean if (FORMULA.match(clean) or FORMULA.match(text)) and not is_number(text) else clean


def in_one_line(name: str) -> str:
    """A person's name without line breaks, control characters and signs that turn the direction of reading. What joins letters stays."""
    return "".join(" " if ord(c) in TURNING or unicodedata.category(c) in ("Cc", "Zl", "Zp") else c for c in name).strip()


def is_number(text: str) -> bool:
    return re.fullmatch(r"[-+]?\d+(\.\d+)?([eE][-+]?\d+)?", text) is not None


def printable(text: object, most: int = MAX_NAME) -> str:
    """What somebody else wrote as it may stand in a line of a table, a log, a terminal or a page (there escaped as well).

    It cannot end the line, colour a terminal, turn the direction of reading or go on without end.
    """
    text = str(text)
    clean = "".join(c if c.isprintable() else "?" for c in text[:most + 1])
    return clean if len(text) <= most else clean[:most] + "…"


def upright(code: str) -> str:
    """Code, or a page of it, in which signs that turn the direction of reading stand as Python writes them: what is read is what runs."""
    return code.translate(TURNING)


def shown(name: str) -> str:
    """A name as it may stand in a sentence of a log or of feedback: in quotes, and not to be taken for Markdown or HTML."""
    return "'" + re.sub("[`<>]", "?", printable(name)) + "'"


def for_shell(name: str) -> str | None:
    """A name as a word of a command to copy; None if no command can hold it."""
    return shlex.quote(name) if name.isprintable() else None


def one_name(student: str) -> str:
    """A student's name however its accents were written: one student has one name."""
    return unicodedata.normalize("NFC", student)


def trouble_with(name: str) -> str | None:
    """Why `name` cannot be a student's id or the name of a file that is taken along, or None if it can."""
    if not name or name in (".", ".."):
        return "the name is empty"
    if not name.isprintable():      # control characters, line breaks, and bytes that are not UTF-8
        return "the name holds characters that cannot be printed"
    if len(name.encode()) > 255:
        return "the name is too long"
    return None


def trouble_with_student(name: str) -> str | None:
    """The same for a student's id, which also ends up in web addresses and pages of formgrader."""
    if re.search(r"[<>\"&\\/?*#%{}]", name):
        return "the name of the folder holds one of <>\"&\\/?*#%{}"
    if len(name) > MAX_STUDENT:
        return f"the name of the folder has more than {MAX_STUDENT} characters"
    return trouble_with(name)
