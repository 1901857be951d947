"""Who is in the class: told from who only handed in, or was mistyped."""

from collections.abc import Iterable

from nbgrader.api import Gradebook, Student
from nbgrader.coursedir import CourseDirectory

from ..lms.ids import read_ids
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
