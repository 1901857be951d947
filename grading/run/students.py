"""Who is in the class: told from who only handed in, or was mistyped; and whom another system calls how."""

from collections.abc import Iterable
from pathlib import Path

from nbgrader.api import Gradebook, Student
from nbgrader.coursedir import CourseDirectory

from ..lms.ids import read_ids
from ..lms.people import Known
from ..notebooks.names import printable
from ..notebooks.near import did_you_mean
from .gradebook import exists


def in_class(coursedir: CourseDirectory) -> list[str]:
    """The students whom somebody put on the class list: grading adds whoever hands in, and knows no name of theirs."""
    if not exists(coursedir.db_url):
        return sorted(read_ids(coursedir.root))
    with Gradebook(coursedir.db_url, coursedir.course_id) as gradebook:
        named = [row.id for row in gradebook.db.query(Student) if row.first_name or row.last_name or row.email or row.lms_user_id]
    return sorted({*named, *read_ids(coursedir.root)})


def unknown(students: Iterable[str], known: Iterable[str]) -> list[str]:
    """A line for each of `students` that is not on the class list `known`, with near names; [] where there is no list."""
    if not known:
        return []
    return [f"{printable(student)} is not on the class list.{did_you_mean(student, known)}"
            for student in students if student not in set(known)]


def class_list(coursedir: CourseDirectory, system: str) -> list[Known]:
    """The class as `People` asks for it: with the names and ids that `system` has for each."""
    ids, rows = read_ids(coursedir.root), {}
    if exists(coursedir.db_url):
        with Gradebook(coursedir.db_url, coursedir.course_id) as gradebook:
            rows = {row.id: row for row in gradebook.students}
    found = []
    for student in sorted({*rows, *ids}):
        row, there = rows.get(student), ids.get(student, {}).get(system, {})
        if row is not None and row.lms_user_id and not there.get("id"):
            there = {**there, "id": row.lms_user_id}
        found.append(Known(student, getattr(row, "first_name", None) or "", getattr(row, "last_name", None) or "", there))
    return found


def notebooks_of(coursedir: CourseDirectory, assignments: Iterable[str]) -> dict[str, str]:
    """{notebook: its assignment} of source/."""
    return {path.stem: name for name in assignments for path in Path(coursedir.root, coursedir.source_directory, name).glob("*.ipynb")}
