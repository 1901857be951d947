"""`course return`: collect, grade, make pages and release them, in one go; each step leaves alone what is done."""

import csv
import logging
import shlex
from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass, field
from pathlib import Path

from nbgrader.auth import Authenticator
from nbgrader.exchange import ExchangeError
from rich.console import Console
from rich.markup import escape
from rich.table import Table

from ..border.sandbox import Sandbox
from ..notebooks.names import csv_safe, printable
from ..notebooks.record import written
from ..plugins.collect import Collect
from ..plugins.generate_feedback import read_results
from ..plugins.release_feedback import ReleaseFeedback
from ..root import CourseError
from ..run.course import Course
from .feedback import INTERRUPTED, SOME_FAILED, Made, pages_of_class
from .grade import run_class
from ..run.human import above
from ..run.results import SubmissionResult
from .watching import watched

NAMES = 30      # students who are listed on the terminal; the file has all


@dataclass
class Outcome:
    """What a run did: how many in each step, and what a person should know of whom."""

    done: dict[str, str] = field(default_factory=dict)
    troubles: dict[str, list[str]] = field(default_factory=lambda: defaultdict(list))
    released: set[str] = field(default_factory=set)
    stopped: bool = False

    def tell(self, student: str, trouble: str) -> None:
        self.troubles[student].append(trouble)


def give_back(console: Console, root: Path | None, assignment: str, jobs: int, boxes: Sequence[Sandbox] = ()) -> int:
    """Bring a class from what it handed in to feedback in its hands; returns the exit status. Raises `CourseError`."""
    course, outcome = Course(root), Outcome()
    course.assignments(assignment)
    course.app.log.setLevel(logging.CRITICAL)
    course.dir.assignment_id = assignment
    steps: tuple[Callable[..., None], ...] = (collect, grade, make_pages, release)
    for step in steps:
        step(console, course, assignment, outcome, jobs, boxes)
        if outcome.stopped:
            console.print("Stopped. What was done so far is kept; run the command again for the rest.")
            return INTERRUPTED
    show(console, course, assignment, outcome)
    return SOME_FAILED if outcome.troubles else 0


# --- the steps ----------------------------------------------------------------------------------------------------

def collect(console: Console, course: Course, assignment: str, outcome: Outcome, jobs: int, boxes: Sequence[Sandbox]) -> None:
    """The newest of each student; nothing where the course has no exchange."""
    collector = Collect(coursedir=course.dir, authenticator=Authenticator(parent=course.app), parent=course.app)
    collector.update = True
    inbound = Path(collector.root, course.dir.course_id, "inbound")
    if not inbound.is_dir():
        outcome.done["collected"] = f"nothing: there is no exchange at {inbound.parent}"
        return
    before = stamps(course, assignment)
    try:
        collector.start()
    except ExchangeError as error:
        raise CourseError(f"Nothing could be collected: {error}") from None
    after = stamps(course, assignment)
    outcome.done["collected"] = f"{sum(after[name] != before.get(name) for name in after)} new of {len(after)}"
    for name, trouble in collector.left:
        outcome.tell(name.partition("+")[0], f"not collected: {trouble}")


def stamps(course: Course, assignment: str) -> dict[str, int]:
    """{student: when their folder in submitted/ was made}"""
    base = Path(course.dir.root, course.dir.submitted_directory)
    places = {folder.name: Path(course.dir.format_path(course.dir.submitted_directory, folder.name, assignment)) for folder in base.glob("*")}
    return {name: place.stat().st_ctime_ns for name, place in places.items() if place.is_dir()}


def grade(console: Console, course: Course, assignment: str, outcome: Outcome, jobs: int, boxes: Sequence[Sandbox]) -> None:
    outcome.stopped, lines, number = run_class(console, course, assignment, jobs=jobs, boxes=boxes)
    outcome.done["graded"] = f"{sum(not line.error for line in lines)} of {len(lines)} that needed it, of {number}"
    for line in lines:
        for why in line.look:
            outcome.tell(line.student, why)


def make_pages(console: Console, course: Course, assignment: str, outcome: Outcome, jobs: int, boxes: Sequence[Sandbox]) -> None:
    made: list[Made] = []
    with closing(pages_of_class(course, assignment, [], jobs)) as run, watched(console, f"pages of {assignment}") as walk:
        try:
            made.extend(walk(run, len(stamps(course, assignment))))
        except KeyboardInterrupt:
            outcome.stopped = True
    outcome.done["pages made"] = f"{sum(one.fresh for one in made)} of {len(made)}; the others are still true"
    for one in made:
        if one.trouble:
            outcome.tell(one.student, f"no page: {one.trouble}")


def release(console: Console, course: Course, assignment: str, outcome: Outcome, jobs: int, boxes: Sequence[Sandbox]) -> None:
    releaser = ReleaseFeedback(coursedir=course.dir, authenticator=Authenticator(parent=course.app), parent=course.app)
    if not Path(releaser.root, course.dir.course_id).is_dir():
        outcome.done["released"] = f"nothing: there is no exchange. course feedback {shlex.quote(assignment)} --zip packs the pages"
        return
    try:
        releaser.start()
    except ExchangeError as error:
        raise CourseError(f"Nothing could be released: {error}") from None
    outcome.released = releaser.released | releaser.stood
    outcome.done["released"] = f"{len(releaser.released)} now, {len(releaser.stood)} before"
    for student, trouble in releaser.left.items():
        outcome.tell(student, f"not released: {trouble}")


# --- what is said -------------------------------------------------------------------------------------------------

def show(console: Console, course: Course, assignment: str, outcome: Outcome) -> None:
    """Who got what and who needs a human, on the terminal and in a file."""
    results = read_results(course.dir, assignment)
    rows = [(student, *points_of(results.get(student)), "released" if student in outcome.released else "", "; ".join(needs(student, results, outcome)))
            for student in sorted(results.keys() | outcome.troubles.keys())]
    table = Table(title=f"{assignment}", title_justify="left", show_header=False)
    for name, words in outcome.done.items():
        table.add_row(name, escape(words))
    table.add_row("need a human", str(sum(bool(row[4]) for row in rows)))
    console.print(table)
    for student, points, most, released, need in rows[:NAMES] if len(rows) <= NAMES else [row for row in rows if row[4]][:NAMES]:
        console.print(f"{escape(printable(student))}: {points} of {most} points{', ' + released if released else ''}"
                      f"{f'; [bold red]needs a human:[/] {escape(printable(need, 500))}' if need else ''}", highlight=False, soft_wrap=True)
    path = Path(course.dir.root, "build", f"return-{assignment}.csv")
    path.parent.mkdir(exist_ok=True)
    with open(path, "w", newline="", encoding="utf-8") as file:
        csv.writer(file).writerows([("student", "points", "of", "feedback", "needs a human"), *(map(csv_safe, row) for row in rows)])
    console.print(f"Everybody: {path}", highlight=False, soft_wrap=True)


def points_of(result: SubmissionResult | None) -> tuple[str, str]:
    if result is None:
        return "–", "–"
    points = sum(notebook.score for notebook in result.notebooks) - result.late_submission_penalty
    return written(max(0.0, points)), written(sum(notebook.max_score for notebook in result.notebooks))


def needs(student: str, results: Mapping[str, SubmissionResult], outcome: Outcome) -> list[str]:
    result = results.get(student)
    waits, grades = result is not None and result.waits_for_a_person, [grade for notebook in result.notebooks for grade in notebook.grades] if result else []
    troubles = [why.removesuffix(".") for why in outcome.troubles.get(student, [])]
    return [*troubles, *above(grades), *(["a person has to read part of it: course lab, then Manual Grading"] if waits else [])]
