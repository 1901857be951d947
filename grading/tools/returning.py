"""`course feedback --zip`: pages of feedback in the archives that Moodle and Canvas take back."""

import shlex
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path

from rich.console import Console

from ..lms.records import read_records
from ..lms.returning import write_zip
from ..notebooks.returned import note_returned
from ..root import CourseError
from ..run.course import Course
from .terminal import tell


def feedback_zips(console: Console, course: Course, assignment: str, students: Iterable[str], folder: str | Path) -> None:
    """Write `feedback-<assignment>-<system>.zip` into `folder` for each platform that hand-ins of `students` came from, and one
    for all others. Raises `CourseError` where there is nothing to return.
    """
    records = read_records(Path(course.dir.root, course.dir.submitted_directory), assignment)
    pages = {student: Path(course.dir.format_path(course.dir.feedback_directory, student, assignment)) for student in students}
    if not pages:
        raise CourseError(f"There are no pages to return. Grade first: course grade {shlex.quote(assignment)}")
    for system in sorted({records[student]["system"] for student in pages if records.get(student, {}).get("prefix")}):
        place = Path(folder, f"feedback-{assignment}-{system}.zip")
        mine = {student: page for student, page in pages.items() if records.get(student, {}).get("system") == system}
        packed, _ = write_zip(mine, records, system, place)
        hand_out(console, place, packed, pages, f"upload it in {system.title()}")
    others = {student: page for student, page in pages.items() if not records.get(student, {}).get("prefix")}
    if others:
        place = Path(folder, f"feedback-{assignment}.zip")
        packed, _ = write_zip(others, {student: {"system": "moodle", "prefix": student} for student in others}, "moodle", place)
        hand_out(console, place, packed, pages, "a folder for each student, to hand out as you like")


def hand_out(console: Console, place: Path, packed: Sequence[str], pages: Mapping[str, Path], how: str) -> None:
    tell(console, f"wrote {place}: {len(packed)} students; {how}")
    for student in packed:
        note_returned(pages[student])
