"""`course status`: where each assignment stands, read from nbgrader's own folders and gradebook, and what to run next."""

import os
import shlex
from dataclasses import dataclass, field
from pathlib import Path

from nbgrader.api import Gradebook
from rich.markup import escape
from rich.table import Table

from ..notebooks.record import records_in
from ..plugins import overview
from ..plugins.generate_feedback import says
from ..notebooks.names import for_shell, printable, shown, trouble_with
from ..run.course import Course
from ..run.gradebook import exists
from ..run.results import results_of

COLUMNS = {"ungraded": "not graded yet, or handed in again since", "failed": "grading began and did not come to an end",
           "mended": "the notebook was mended before grading", "human": "a person has to grade or look",
           "feedback": "no feedback page, or one older than the grades"}
NAMES = 3       # of students that are named per state


@dataclass
class State:
    """One assignment: students by what their submission waits for, and the next command to run."""

    assignment: str
    generated: bool = True
    released: bool = False      # whether release/ has it: nbgrader then generates it only with --force
    submitted: list = field(default_factory=list)
    ungraded: list = field(default_factory=list)
    failed: list = field(default_factory=list)
    mended: list = field(default_factory=list)
    human: list = field(default_factory=list)
    feedback: list = field(default_factory=list)
    outdated: bool = False      # whether one of the missing feedback pages is there, but older than the grades

    @property
    def next(self):
        """The next step; most steps are commands."""
        name = shlex.quote(self.assignment)
        if not self.generated:
            return f"nbgrader generate_assignment {name}" + (" --force" if self.released else "")
        if not self.submitted:
            return f"nbgrader collect {name} --update"
        if set(self.ungraded) - set(self.failed):
            return f"course grade {name}"
        if self.failed:
            student = for_shell(self.failed[0])
            return f"course grade {name} --student={student}, and read what it says" if student else \
                f"rename the folder {shown(self.failed[0])} in submitted/: {trouble_with(self.failed[0])}"
        if self.human:
            return f"course lab, then Nbgrader > Formgrader > Manual Grading > {name}"
        if self.feedback:
            return f"course feedback {name}"
        return f"nbgrader release_feedback {name}"


def states(root=None, assignment=None):
    """A `State` for each assignment of the course, or for one. Raises `CourseError` for one that does not exist."""
    course = Course(root)
    names, rows = course.assignments(assignment), gradebook_rows(course)
    return [state(course, name, rows.get(name)) for name in names]


def gradebook_rows(course):
    """{assignment: {student: what the gradebook says}}; {} at first.

    Who only got an extension is in the gradebook as well; that row says nothing yet.
    """
    if not exists(course.dir.db_url):
        return {}
    with Gradebook(course.dir.db_url, course.dir.course_id) as gradebook:
        return {row.name: {result.student_id: result for result in results_of(gradebook, row.name)
                           if result.extension is None or graded_folder(course, result).is_dir()}
                for row in gradebook.assignments if row.notebooks}      # else only name and deadline were added


def graded_folder(course, result):
    return Path(course.dir.format_path(course.dir.autograded_directory, result.student_id, result.assignment.name))


def tells_other_points(result, folder, pages, records, zone):
    """Whether the overview that students have is not what it would be now: a person may have graded since."""
    known, page = says(result, folder, pages), pages / overview.NAME
    if known is not None:
        return not known
    return page.exists() and page.read_text(encoding="utf-8") != overview.overview(result, folder, records, zone)


def state(course, assignment, rows):
    release = course.dir.format_path(course.dir.release_directory, ".", assignment)
    found = State(assignment, generated=rows is not None, released=os.path.isdir(release))
    if not Path(course.dir.root, course.dir.submitted_directory).is_dir():
        return found
    for one in course.submissions(assignment):
        folder = Path(course.dir.format_path(course.dir.autograded_directory, one.student, assignment))
        found.submitted.append(one.student)
        if one.why:
            found.ungraded.append(one.student)
        if not folder.is_dir():
            if one.trouble or one.student in (rows or {}):
                found.failed.append(one.student)
            continue
        records, result = records_in(folder), (rows or {}).get(one.student)
        if any(record.mended for record in records.values()):
            found.mended.append(one.student)
        if result and result.waits_for_a_person:
            found.human.append(one.student)
        pages = Path(course.dir.format_path(course.dir.feedback_directory, one.student, assignment))
        if result and tells_other_points(result, folder, pages, records, course.zone) or not is_up_to_date(pages, folder):
            found.feedback.append(one.student)
            found.outdated = found.outdated or pages.is_dir()
    return found


def is_up_to_date(pages, folder):
    """Whether there is a feedback page for each graded notebook of `folder`, none older than it."""
    for graded in folder.glob("*.ipynb"):
        page = pages / f"{graded.stem}.html"
        if not page.exists() or page.stat().st_mtime < graded.stat().st_mtime:
            return False
    return True


def show(console, found):
    """Print the states as a table, then the next step of each."""
    table = Table(title_justify="left")
    for name in ("assignment", "submitted", *COLUMNS):
        table.add_column({"human": "waiting for\na human", "feedback": "feedback\nmissing"}.get(name, name),
                         justify="left" if name == "assignment" else "right")
    for one in found:
        table.add_row(one.assignment, str(len(one.submitted)), *(str(len(getattr(one, name))) for name in COLUMNS))
    console.print(table)
    for one in found:
        for name, meaning in COLUMNS.items():
            students = getattr(one, name)
            if students and name != "ungraded":
                more = f" and {len(students) - NAMES} more" if len(students) > NAMES else ""
                console.print(f"{one.assignment}: {meaning}: {escape(', '.join(map(printable, students[:NAMES])))}{more}",
                              soft_wrap=True, highlight=False)
    for one in found:
        console.print(f"[bold]{one.assignment}: next:[/] {escape(one.next)}", soft_wrap=True, highlight=False)
