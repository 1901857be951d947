"""`course feedback-zip`: pages of feedback in the archives that Moodle and Canvas take back."""

from pathlib import Path

from ..lms.records import read_records
from ..lms.returning import write_zip
from ..notebooks.names import printable
from ..root import CourseError
from ..run.course import Course

NAMES = 12


def feedback_zips(console, root, assignment, output=None):
    """Write `build/feedback-<assignment>-<system>.zip` for each platform that hand-ins came from. Raises `CourseError`."""
    course = Course(root)
    course.assignments(assignment)
    records = read_records(Path(course.dir.root, course.dir.submitted_directory), assignment)
    systems = sorted({record["system"] for record in records.values() if record.get("prefix")})
    if not systems:
        raise CourseError(f"Nothing of {assignment} came from Canvas or Moodle: the archive needs the names that they gave. "
                          f"Collect it with: course collect FILE {assignment}")
    pages = {folder.parent.name: folder for folder in Path(course.dir.root, course.dir.feedback_directory).glob(f"*/{assignment}")}
    if not pages:
        raise CourseError(f"There are no pages to return. Make them first: nbgrader generate_feedback {assignment}")
    for system in systems:
        place = Path(output or Path(course.dir.root, "build"), f"feedback-{assignment}-{system}.zip")
        mine = {student: folder for student, folder in pages.items() if records.get(student, {}).get("system") == system}
        packed, _ = write_zip(mine, records, system, place)
        console.print(f"wrote {place}: {len(packed)} students", markup=False, highlight=False, soft_wrap=True)
    left = sorted(student for student in pages if student not in records)
    if left:
        console.print(f"not in an archive, for they did not come from one: {', '.join(map(printable, left[:NAMES]))}"
                      + (" …" if left[NAMES:] else ""), markup=False, highlight=False, soft_wrap=True)
