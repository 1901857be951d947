"""What other systems call a student: `students.json` of the course, written by `course class import`.

    {"student-01": {"canvas": {"id": "4711", "number": "S1", "login": "...", "section": "..."}, "moodle": {...}}}

nbgrader's gradebook has room for one id; a course that hands in with Moodle and is graded in Canvas needs two.
"""

import json
from pathlib import Path

from ..notebooks.writing import write_json
from ..root import CourseError

FILE = "students.json"


def read_ids(root: str | Path) -> dict[str, dict[str, dict[str, str]]]:
    """{student: {system: {"id", "number", "login", "section"}}}; {} where no list was imported."""
    path = Path(root, FILE)
    try:
        found: dict[str, dict[str, dict[str, str]]] = json.loads(path.read_text(encoding="utf-8"))
        return found
    except FileNotFoundError:
        return {}
    except (ValueError, OSError) as error:
        raise CourseError(f"{path} cannot be read ({error}). Remove it and import the class list again: "
                          "course class import FILE") from None


def write_ids(root: str | Path, ids: dict[str, dict[str, dict[str, str]]]) -> None:
    """As a whole, or not at all."""
    write_json(Path(root, FILE), ids)
