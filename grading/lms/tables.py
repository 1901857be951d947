"""Tables as Canvas, Moodle, Blackboard and spreadsheets export them: whatever encoding, separator and first lines they have."""

import codecs
import csv
import io
import re
import unicodedata
from collections.abc import Callable

from ..root import CourseError
from .workbook import SAVE_AS, sheets_in

SEPARATORS = ",;\t|"
MAX_BYTES = 20 << 20
MARKS = ((codecs.BOM_UTF8, "utf-8-sig"), (codecs.BOM_UTF16_LE, "utf-16"), (codecs.BOM_UTF16_BE, "utf-16"))


def decoded(content: bytes) -> str:
    """The text of a file that says its encoding with a mark, or not at all. Raises `CourseError`."""
    if content.startswith(b"\xd0\xcf\x11\xe0"):
        raise CourseError(f"it is an old workbook (.xls), or one with a password. {SAVE_AS}, or as .xlsx without password")
    for mark, encoding in MARKS:
        if content.startswith(mark):
            return content.decode(encoding)
    if b"\0" in content[:200]:      # UTF-16 without its mark: letters of names and titles have a zero on one side
        return content.decode("utf-16-be" if content[:1] == b"\0" else "utf-16-le")
    try:
        return content.decode("utf-8")
    except UnicodeDecodeError:
        return content.decode("cp1252", "replace")      # what a spreadsheet on Windows calls ANSI


def rows_of(content: bytes, recognised: Callable[[str], object]) -> list[list[str]]:
    """The cells of a table as text or of a workbook. Its separator is the one, and its sheet the first, with which most of the cells of
    a row are `recognised` as titles."""
    if content.startswith(b"PK\x03\x04"):
        return best([[[cell_of(cell) for cell in row] for row in rows] for rows in sheets_in(content)], recognised)
    try:
        text = decoded(content).replace("\r\n", "\n").replace("\r", "\n")
    except UnicodeDecodeError:
        raise CourseError(f"its encoding is not known. {SAVE_AS}") from None
    if text.lstrip().startswith("<"):
        raise CourseError(f"it is a web page or XML, whatever its name says, and no table. {SAVE_AS}")
    said = re.match(r"sep=(.)\n", text, re.IGNORECASE)      # a line that Excel writes and reads
    if said:
        return split(text[said.end():], said[1])
    return best([split(text, separator) for separator in SEPARATORS], recognised)


def best(tables: list[list[list[str]]], recognised: Callable[[str], object]) -> list[list[str]]:
    """The first of the tables in whose head most titles are known."""
    return max(tables, key=lambda rows: max((sum(bool(recognised(cell)) for cell in row) for row in rows[:20]), default=0), default=[])


def split(text: str, separator: str) -> list[list[str]]:
    rows = csv.reader(io.StringIO(text), delimiter=separator)
    try:
        return [[cell_of(cell) for cell in row] for row in rows]      # blank ones too: rows are counted as a spreadsheet does
    except csv.Error as error:
        raise CourseError(f"it is no table ({error}). Export it once more as CSV") from None


def cell_of(text: str) -> str:
    """A cell without what spreadsheets put around it: `="007"` keeps zeros there, and is 007."""
    text = unicodedata.normalize("NFC", text.replace("\u00a0", " ")).strip()
    quoted = re.fullmatch(r'="(.*)"', text)
    return quoted[1] if quoted else text


def plain(title: str) -> str:
    """A column's title without case, spaces and signs: "SIS Login ID", "sis_login_id"."""
    return re.sub(r"[\W_]+", "", unicodedata.normalize("NFC", title).casefold())
