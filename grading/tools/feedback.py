"""`course feedback`: the pages of a class, made by several processes; what is still true is left as it is. With `--zip` they are
packed for a learning platform."""

import logging
import shlex
import time
from collections.abc import Generator
from contextlib import closing
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from nbgrader.api import MissingEntry
from rich.console import Console
from rich.markup import escape

from ..notebooks.names import printable, shown
from ..plugins.generate_feedback import GenerateFeedback, read_results
from ..root import CourseError
from ..run.course import Course
from ..run.kept import remedy
from ..run.pool import Lost, NoWorkers, Pool
from ..run.results import SubmissionResult
from .returning import feedback_zips
from .watching import watched

SOME_FAILED, INTERRUPTED = 3, 130
FEWEST = 10         # pages that are worth another process
PATIENCE = 300      # seconds that one submission's pages may take before its process is ended


@dataclass(frozen=True)
class Made:
    """What became of one submission's pages: `fresh` if they were made now; `trouble` says why there are none."""

    student: str
    fresh: bool
    trouble: str | None = None


class Press:
    """The converter of one course in one process, ready for many submissions."""

    held: "Press | None" = None     # of this process; the workers of a pool are forked with their parent's

    def __init__(self, course: Course) -> None:
        self.root = course.dir.root
        course.app.log.setLevel(max(course.app.log.level, logging.ERROR))
        self.converter = GenerateFeedback(coursedir=course.dir, parent=course.app)
        self.converter.begin()

    def make(self, result: SubmissionResult, force: bool) -> Made:
        try:
            return Made(result.student_id, self.converter.make(result, force))
        except Exception as error:      # it costs no other student's page
            known = str(error).splitlines()[:1] if isinstance(error, MissingEntry) else []
            why = known[0] if known else f"{type(error).__name__}: {getattr(error, 'strerror', None) or 'it could not be made'}"
            return Made(result.student_id, False, why)


def make_pages(root: str, force: bool, result: SubmissionResult) -> Made:
    """The pages of one submission, in a process of the pool."""
    if Press.held is None or Press.held.root != root:       # it was not forked from the command
        try:
            Press.held = Press(Course(root))
        except SystemExit:      # nbgrader_config.py has said why
            return Made(result.student_id, False, "the course's configuration could not be loaded")
    return Press.held.make(result, force)


def pages_of_class(course: Course, assignment: str, students: list[str], jobs: int, force: bool = False) -> Generator[Made]:
    """Make the pages of every graded submission, or of those by `students`: an iterator over what became of each, in no order."""
    folders = graded_folders(course, assignment, students)
    Press.held = Press(course)
    pool = Pool(min(jobs, 1 + len(folders) // FEWEST))      # now: a bar of progress has a thread, and then it could not be forked
    return made_by(pool, course, assignment, folders, students, force)


def made_by(pool: Pool, course: Course, assignment: str, folders: list[str], students: list[str], force: bool) -> Generator[Made]:
    with pool, course.locked():
        results, kept, known = read_results(course.dir, assignment, students or None), course.kept(assignment), []
        for student in folders:
            if why := kept.lacks(student, course.graded_folder(assignment, student)):
                yield Made(student, False, f"{why}. {remedy(course.dir, assignment, student)}")
            else:
                known.append(results[student])
        try:
            for result, made in pool.run(partial(make_pages, course.dir.root, force), known, PATIENCE):
                yield Made(result.student_id, False, f"the process that made it {made.why}") if isinstance(made, Lost) else made
        except NoWorkers as error:
            raise CourseError(f"Making pages ended: {error}. What was made so far is kept; run the command again for the rest.") from None


def graded_folders(course: Course, assignment: str, students: list[str]) -> list[str]:
    """The students of whom a graded submission lies in autograded/. Raises `CourseError` if one of `students` is not there."""
    found = course.graded_students(assignment)
    missing = sorted(set(students) - set(found))
    if missing:
        raise CourseError(f"Nothing of {assignment} is graded by: {', '.join(map(shown, missing))}. Grade first: course grade {shlex.quote(assignment)}")
    return [student for student in found if not students or student in students]


def make_feedback(console: Console, root: Path | None, assignment: str, students: list[str], jobs: int, force: bool,
                  archives: Path | None = None) -> int:
    """Make a class's pages and say what became of them, and pack those that are true into `archives`, a folder; returns the
    exit status."""
    course, started = Course(root), time.monotonic()
    course.assignments(assignment)
    number = len(graded_folders(course, assignment, students))
    console.print(f"{assignment}: {number} graded submissions.", highlight=False)
    made: list[Made] = []
    with closing(pages_of_class(course, assignment, students, jobs, force)) as run, watched(console, f"pages of {assignment}") as walk:
        try:
            made.extend(walk(run, number))
        except KeyboardInterrupt:
            console.print("Stopped. The pages made so far are whole; run the command again for the rest.")
            return INTERRUPTED
    say(console, assignment, made, time.monotonic() - started)
    if archives:
        feedback_zips(console, course, assignment, [one.student for one in made if not one.trouble], archives)
    return SOME_FAILED if any(one.trouble for one in made) else 0


def say(console: Console, assignment: str, made: list[Made], seconds: float) -> None:
    fresh, failed = sum(one.fresh for one in made), [one for one in made if one.trouble]
    console.print(f"{fresh} made, {len(made) - fresh - len(failed)} still true, {len(failed)} failed, in {seconds:.1f} s.", highlight=False)
    for one in failed:
        console.print(f"[bold red]no page:[/] {escape(shown(one.student))}: {escape(printable(one.trouble, 500))}", highlight=False,
                      soft_wrap=True)
