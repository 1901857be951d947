"""`course extend`: more time for one student, which the late policy counts from; see `grading.plugins.late`."""

from nbgrader.api import Gradebook

from ..root import CourseError
from ..run.course import Course
from ..run.gradebook import find_generated


def extend(console, root, assignment, student, days, hours):
    """Give one student more time, counted from the deadline of all; 0 takes it back.

    Raises `CourseError` or `NotGenerated`.
    """
    course = Course(root)
    with Gradebook(course.dir.db_url, course.dir.course_id) as gradebook:
        due = find_generated(gradebook, assignment).duedate
        if due is None:
            raise CourseError(f"{assignment} has no deadline to extend. Set one: "
                              f"nbgrader db assignment add {assignment} --duedate='2026-03-01 12:00:00 UTC'")
        gradebook.update_or_create_student(student)
        gradebook.update_or_create_submission(assignment, student)
        gradebook.grant_extension(assignment, student, days=days, hours=hours)
        late = gradebook.find_submission(assignment, student).duedate
    console.print(f"{student} may hand in {assignment} until {late:%Y-%m-%d %H:%M} UTC.", highlight=False, markup=False)
    console.print(f"If it is graded already: course grade {assignment} --student {student} --force", highlight=False,
                  markup=False)
