"""What a platform calls each hand-in that came from it: pages of feedback go back under the same names.

`submitted/.lms/<assignment>.json`: {student: {"system", "prefix" of Moodle's folder or Canvas's names, "late"}}.
"""

import json
from pathlib import Path
from typing import Any

from ..notebooks.writing import write_json


def place_of(submitted: str | Path, assignment: str) -> Path:
    return Path(submitted, ".lms", f"{assignment}.json")


def read_records(submitted: str | Path, assignment: str) -> dict[str, dict[str, Any]]:
    try:
        found: dict[str, dict[str, Any]] = json.loads(place_of(submitted, assignment).read_text(encoding="utf-8"))
        return found
    except (OSError, ValueError):
        return {}


def write_records(submitted: str | Path, assignment: str, records: dict[str, dict[str, Any]]) -> None:
    write_json(place_of(submitted, assignment), records)
