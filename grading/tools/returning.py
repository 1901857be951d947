"""`course feedback-zip`: pages of feedback in the archives that Moodle and Canvas take back."""

from pathlib import Path

from ..lms.records import read_records
from ..lms.returning import write_zip
from ..notebooks.returned import note_returned
from ..root import CourseError
from ..run.course import Course
from .terminal import tell


def feedback_zips(console, root, assignment, output=None):
    """Write `build/feedback-<assignment>-<system>.zip` for each platform that hand-ins came from, and one for all others.

    Raises `CourseError` where there is nothing to return.
    """
    course = Course(root)
    course.assignments(assignment)
    records = read_records(Path(course.dir.root, course.dir.submitted_directory), assignment)
    systems = sorted({record["system"] for record in records.values() if record.get("prefix")})
    pages = {folder.parent.name: folder for folder in Path(course.dir.root, course.dir.feedback_directory).glob(f"*/{assignment}")}
    if not pages:
        raise CourseError(f"There are no pages to return. Make them first: course feedback {assignment}")
    for system in systems:
        place = Path(output or Path(course.dir.root, "build"), f"feedback-{assignment}-{system}.zip")
        mine = {student: folder for student, folder in pages.items() if records.get(student, {}).get("system") == system}
        packed, _ = write_zip(mine, records, system, place)
        hand_out(console, place, packed, pages, f"upload it in {system.title()}")
    others = {student: folder for student, folder in pages.items() if not records.get(student, {}).get("prefix")}
    if others:
        place = Path(output or Path(course.dir.root, "build"), f"feedback-{assignment}.zip")
        packed, _ = write_zip(others, {student: {"system": "moodle", "prefix": student} for student in others}, "moodle", place)
        hand_out(console, place, packed, pages, "a folder for each student, to hand out as you like")


def hand_out(console, place, packed, pages, how):
    tell(console, f"wrote {place}: {len(packed)} students; {how}")
    for student in packed:
        note_returned(pages[student])
