"""The rows of an Excel workbook, `.xlsx`: read only, within bounds, values alone. Nothing of it is calculated or followed."""

import io
import zipfile
from collections.abc import Iterator
from datetime import datetime
from typing import Any

from ..root import CourseError

UNPACKED = 50 << 20     # bytes of all its parts: a class list of ten thousand has three million
MOST_ROWS, MOST_COLUMNS, MOST_SHEETS = 50_000, 500, 20
SAVE_AS = "In the spreadsheet: File > Save As > CSV UTF-8"


def sheets_in(content: bytes) -> list[list[list[str]]]:
    """The rows of each sheet that is shown, cells as a spreadsheet shows them. Raises `CourseError`."""
    check(content)
    from openpyxl import load_workbook      # a tenth of a second that no other file needs
    try:
        book = load_workbook(io.BytesIO(content), read_only=True, data_only=True, keep_links=False)
        return [list(rows_in(sheet)) for sheet in book.worksheets[:MOST_SHEETS] if sheet.sheet_state == "visible"]
    except CourseError:
        raise
    except Exception as error:      # of a damaged part openpyxl raises whatever it stumbles over
        raise CourseError(f"it is no Excel workbook that can be read ({type(error).__name__}: {str(error)[:100]}). {SAVE_AS}") from None


def check(content: bytes) -> None:
    """Refuse what would unpack to too much: zipfile reads no more of a part than its entry says."""
    try:
        with zipfile.ZipFile(io.BytesIO(content)) as archive:
            parts = archive.infolist()
    except zipfile.BadZipFile:
        raise CourseError(f"it is a damaged workbook. {SAVE_AS}") from None
    if "xl/workbook.xml" not in {part.filename for part in parts}:
        raise CourseError(f"it is an archive and no Excel workbook (.xlsx). {SAVE_AS}")
    if sum(part.file_size for part in parts) > UNPACKED:
        raise CourseError("it unpacks to more than a class list can have")


def rows_in(sheet: Any) -> Iterator[list[str]]:
    """The rows of a sheet, empty ones as well: rows are counted as a spreadsheet does."""
    sheet.reset_dimensions()        # some programs write a wrong size, or that of a whole sheet
    for number, row in enumerate(sheet.iter_rows(max_col=MOST_COLUMNS), start=1):
        if number > MOST_ROWS:
            raise CourseError(f"a sheet of it has more than {MOST_ROWS} rows")
        last = max((place for place, cell in enumerate(row, start=1) if cell.value is not None), default=0)     # each row is filled up to MOST_COLUMNS
        yield [shown(cell.value, getattr(cell, "number_format", "")) for cell in row[:last]]


def shown(value: object, number_format: str) -> str:
    """A cell's value as text: a number that is formatted with zeros in front keeps them."""
    if value is None:
        return ""
    if isinstance(value, bool):
        return str(value).upper()
    if isinstance(value, float) and value.is_integer():
        value = int(value)
    if isinstance(value, int) and number_format and set(number_format) == {"0"}:
        return f"{value:0{len(number_format)}d}"
    return f"{value:%Y-%m-%d %H:%M}" if isinstance(value, datetime) else str(value)
