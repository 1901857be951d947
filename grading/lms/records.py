"""What a platform calls each hand-in that came from it: pages of feedback go back under the same names.

`submitted/.lms/<assignment>.json`: {student: {"system", "prefix" of Moodle's folder or Canvas's names, "late"}}.
"""

import json
import os
from pathlib import Path
from typing import Any


def place_of(submitted: str | Path, assignment: str) -> Path:
    return Path(submitted, ".lms", f"{assignment}.json")


def read_records(submitted: str | Path, assignment: str) -> dict[str, dict[str, Any]]:
    try:
        found: dict[str, dict[str, Any]] = json.loads(place_of(submitted, assignment).read_text(encoding="utf-8"))
        return found
    except (OSError, ValueError):
        return {}


def write_records(submitted: str | Path, assignment: str, records: dict[str, dict[str, Any]]) -> None:
    place = place_of(submitted, assignment)
    place.parent.mkdir(parents=True, exist_ok=True)
    partial = place.with_suffix(".partial")
    partial.write_text(json.dumps(records, indent=1, ensure_ascii=False, sort_keys=True) + "\n", encoding="utf-8")
    os.replace(partial, place)
