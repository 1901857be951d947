"""Names and texts that students choose, made safe for logs, paths and tables."""

import re

MAX_NAME = 120
FORMULA = re.compile(r"^\s*[=+\-@\t\r\n|%]")


def csv_safe(text):
    """`text` for a cell of a table that a spreadsheet may open: a cell that would be read as a formula gets a quote.

    Numbers stay numbers. Line breaks and other control characters become spaces.
    """
    if isinstance(text, (int, float)) or text is None:
        return text
    text = str(text)
    clean = "".join(c if c.isprintable() else " " for c in text)
    return "'" + clean if FORMULA.match(text) and not is_number(text) else clean


def is_number(text):
    return re.fullmatch(r"[-+]?\d+(\.\d+)?([eE][-+]?\d+)?", text) is not None


def shown(name):
    """A file name as it may stand in a log or in feedback: printable, in quotes, of bounded length."""
    text = "".join(c if c.isprintable() and c not in "`<>" else "?" for c in str(name))
    return "'" + (text if len(text) <= MAX_NAME else text[:MAX_NAME] + "…") + "'"


def trouble_with(name):
    """Why `name` cannot be a student's id or the name of a file that is taken along, or None if it can."""
    if not name or name in (".", ".."):
        return "the name is empty"
    if not name.isprintable():      # control characters, line breaks, and bytes that are not UTF-8
        return "the name holds characters that cannot be printed"
    if len(name.encode()) > 255:
        return "the name is too long"
    return None


def trouble_with_student(name):
    """The same for a student's id, which also ends up in web addresses and pages of formgrader."""
    if re.search(r"[<>\"&\\/?*#%{}]", name):
        return "the name of the folder holds one of <>\"&\\/?*#%{}"
    return trouble_with(name)
