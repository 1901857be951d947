"""`course status`: where each assignment stands, read from nbgrader's own folders and gradebook, and what to run next."""

import gc
import os
import shlex
from collections import Counter
from collections.abc import Generator, Iterable, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, tzinfo
from functools import partial
from pathlib import Path

from nbgrader.api import Assignment
from rich.console import Console
from rich.markup import escape
from rich.table import Table

from ..notebooks.again import REFUSED_BEFORE
from ..notebooks.dates import shown_moment
from ..notebooks.exchange import read_left
from ..notebooks.record import Record
from ..notebooks.returned import are_returned
from ..plugins import overview
from ..plugins.generate_feedback import says
from ..plugins.release_feedback import lacks
from ..notebooks.names import for_shell, printable, shown, trouble_with
from ..root import CourseError
from ..run.course import Course, Waiting
from ..run.audit import BEHIND
from ..run.gradebook import exists
from ..run.grades import now
from ..run.kept import LOST, Kept
from ..run.older import Today
from ..run.results import SubmissionResult, results_of
from ..watch.log import reading, receipts
from .terminal import tell

COLUMNS = {"ungraded": "not graded yet, handed in again since, or not in the gradebook as it was graded", "failed": "grading began and did not come to an end",
           "mended": "the notebook was mended before grading", "human": "a person has to grade or look",
           "feedback": "no feedback page, or one older than the grades"}
OLDER_COPY = "(an older copy was put back, or a row was removed: put the newer one back, or course grade takes it in without what people gave)"
LINES = {"waiting": "waiting in the exchange", "left": "in the exchange, and could not be collected", "again": "handed in again since it was graded",
         "refused": "could not be graded as it was handed in: give points in formgrader, or get a file that can be read (course grade {} says why)",
         "lost": f"{LOST} {OLDER_COPY}", "behind": f"{BEHIND} {OLDER_COPY}", **COLUMNS,
         "damaged": "the graded notebook cannot be read",
         "older": "graded with older checks than today's (course regrade {} --because \"...\" --dry-run says who changes, by how much and why)",
         "alone": "graded, and neither in the gradebook as it was graded nor in submitted/ (put one of them back; if it is gone for good, remove it from autograded/)",
         "unreturned": "feedback to return"}
NAMES = 3       # of students that are named per state


@dataclass
class State:
    """One assignment: students by what their submission waits for, and the next command to run."""

    assignment: str
    generated: bool = True
    released: bool = False      # whether release/ has it: nbgrader then generates it only with --force
    submitted: list[str] = field(default_factory=list)
    ungraded: list[str] = field(default_factory=list)
    failed: list[str] = field(default_factory=list)
    mended: list[str] = field(default_factory=list)
    human: list[str] = field(default_factory=list)
    feedback: list[str] = field(default_factory=list)
    answers: Counter[str] = field(default_factory=Counter)       # of course watch: how many submissions are in each of its states
    receipts: dict[str, list[str]] = field(default_factory=dict)            # {student: what its log says against the times in the exchange}
    unlogged: str = ""          # why that log cannot be read
    outdated: bool = False      # whether one of the missing feedback pages is there, but older than the grades
    waiting: list[str] = field(default_factory=list)     # in the exchange
    left: list[str] = field(default_factory=list)        # of these, who were not collected
    why_left: str = ""          # what is to be done about the first of them
    by_hand: list[str] = field(default_factory=list)     # of the unreturned: who did not hand in through the exchange
    again: list[str] = field(default_factory=list)       # of the ungraded: graded before
    refused: list[str] = field(default_factory=list)     # of the human: nothing of it could be read, and nothing else came since
    lost: list[str] = field(default_factory=list)        # of the ungraded: graded, and the gradebook has no row
    behind: list[str] = field(default_factory=list)      # of the ungraded: and the gradebook has other points
    alone: list[str] = field(default_factory=list)       # the same, and nothing in submitted/
    older: list[str] = field(default_factory=list)
    damaged: list[str] = field(default_factory=list)     # whose graded notebook cannot be read
    unreturned: list[str] = field(default_factory=list)
    exchange: bool = False      # whether the course has one
    handed_out: bool = True     # whether students can have the assignment: in the exchange, or as a zip
    due: str | None = None      # in words
    over: bool = False          # whether that moment has passed

    @property
    def done(self) -> bool:
        """Whether nothing is left to do: everything that came was graded, read and returned."""
        return bool(self.submitted) and not any((self.waiting, self.ungraded, self.failed, self.damaged, self.older, self.human, self.feedback,
                                                 self.unreturned, self.left, self.alone))

    @property
    def step(self) -> str:
        """Where the assignment stands, in words."""
        if not self.generated:
            return "not generated"
        for name, words in (("waiting", "waiting in the exchange"), ("ungraded", "to be graded"), ("failed", "grading failed"),
                            ("damaged", "a graded notebook cannot be read"), ("older", "graded with older checks"), ("human", "waiting for a human"), ("feedback", "feedback to make"),
                            ("unreturned", "feedback to return"), ("left", "waiting for a human"),
                            ("alone", "waiting for a human")):
            if getattr(self, name):
                return words
        if self.submitted:
            return "done"
        return "not released" if not self.handed_out else "nothing handed in" if self.over else "students work on it"

    @property
    def next(self) -> str:
        """The next step; most steps are commands."""
        name = shlex.quote(self.assignment)
        if not self.generated:
            return f"nbgrader generate_assignment {name}" + (" --force" if self.released else "")
        if not self.handed_out and not self.submitted and not self.waiting and not self.left:
            return f"nbgrader release_assignment {name}" if self.exchange else f"course publish {name}"
        if self.waiting:
            return f"nbgrader collect {name} --update"
        if not self.submitted and not self.alone:
            return self.why_left or self.how_to_get_them(name)
        if set(self.ungraded) - set(self.failed):
            return f"course grade {name}"
        if self.failed:
            student = for_shell(self.failed[0])
            return f"course grade {name} --student={student}, and read what it says" if student else \
                f"rename the folder {shown(self.failed[0])} in submitted/: {trouble_with(self.failed[0])}"
        if self.damaged:
            return f"course grade {name} --force --student={for_shell(self.damaged[0])}"
        if self.older:
            return f"course regrade {name} --because \"...\""
        if self.human:
            return f"course lab, then Nbgrader > Formgrader > Manual Grading > {name}"
        if self.feedback:
            return f"course feedback {name}"
        if self.unreturned:
            return f"nbgrader release_feedback {name}" if set(self.unreturned) - set(self.by_hand) else f"course feedback {name} --zip"
        if self.left:
            return self.why_left
        if self.alone:
            return f"put what {shown(self.alone[0])} handed in back into submitted/, or the newer gradebook in its place, then: course status"
        return "nothing: it is done"

    def how_to_get_them(self, name: str) -> str:
        wait = f"wait until {self.due}" if self.due and not self.over else "wait for hand-ins"
        if self.exchange:
            return f"{wait}, then: nbgrader collect {name} --update"
        return f"{wait}, then: course collect FILE {name} (the zip of a learning platform), or put them into submitted/STUDENT/{name}"


def states(root: Path | str | None = None, assignment: str | None = None) -> list[State]:
    """Where each assignment of the course stands, or one. Raises `CourseError` for one that does not exist."""
    course = Course(root)
    with uncollected():
        names, rows = course.assignments(assignment), gradebook_rows(course)
        found = [state(course, name, rows.get(name)) for name in names]
    for one in found:
        try:
            with reading(course.dir.root) as log:
                if log is not None:
                    one.answers = Counter(row.state for row in log.rows(assignment=one.assignment))
                    results = rows[one.assignment].results if one.assignment in rows else {}
                    one.receipts = receipts(log, one.assignment, partial(deadline_of, results))
        except CourseError as error:
            one.unlogged = str(error)
    return found


@contextmanager
def uncollected() -> Generator[None]:
    """Look for no cycles of objects meanwhile: there are none in what a gradebook says, and each look goes through all of it."""
    was = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if was:
            gc.enable()


def deadline_of(results: Mapping[str, SubmissionResult], student: str) -> float | None:
    """A student's deadline, of the epoch; None if there is none."""
    result = results.get(student)
    return result.duedate.replace(tzinfo=UTC).timestamp() if result and result.duedate else None


@dataclass
class Known:
    """What the gradebook says of an assignment, {student: result}, and what would judge it today. Who only got an extension is
    in the gradebook as well, and not here."""

    results: dict[str, SubmissionResult]
    today: Today
    due: datetime | None
    kept: Kept


def gradebook_rows(course: Course) -> dict[str, Known]:
    """{assignment: `Known`} of those that are generated; {} at first."""
    if not exists(course.dir.db_url):
        return {}
    with course.gradebook() as gradebook:
        return {row.name: what_is_known(course, row, list(results_of(gradebook, row.name)))
                for row in gradebook.assignments if row.notebooks}      # else only name and deadline were added


def what_is_known(course: Course, row: Assignment, results: list[SubmissionResult]) -> Known:
    there = {result.student_id: result for result in results
             if result.extension is None or course.graded_folder(row.name, result.student_id).is_dir()}
    return Known(there, Today(course, row), row.duedate, Kept.read(row, results))


def are_true(result: SubmissionResult | None, folder: str, pages: str, records: Mapping[str, Record], zone: tzinfo) -> bool:
    """Whether the pages that students have are what they would be now: a person may have graded since."""
    known = says(result, folder, pages) if result else None
    if known is not None:
        return known
    return is_up_to_date(pages, folder, records) and not (result and tells_other_points(result, folder, pages, records, zone))


def tells_other_points(result: SubmissionResult, folder: str, pages: str, records: Mapping[str, Record], zone: tzinfo) -> bool:
    """Whether the overview of pages without a mark is not what it would be now."""
    page = os.path.join(pages, overview.NAME)
    return os.path.exists(page) and Path(page).read_text(encoding="utf-8") != overview.overview(result, folder, records, zone)


def state(course: Course, assignment: str, known: Known | None) -> State:
    release, exchange = course.dir.format_path(course.dir.release_directory, ".", assignment), course.exchange_root()
    found = State(assignment, generated=known is not None, released=os.path.isdir(release), exchange=bool(exchange))
    sort_arrivals(course, found)
    places = [Path(course.dir.root, "build", "publish", f"{assignment}.zip")]
    places += [Path(exchange, course.dir.course_id, "outbound", assignment)] if exchange else []
    found.handed_out = any(place.exists() for place in places)
    if known and known.due:
        found.due, found.over = shown_moment(known.due, course.zone), known.due < now()
    if Path(course.dir.root, course.dir.submitted_directory).is_dir():
        graded, pages = (course.places(step, assignment) for step in (course.dir.autograded_directory, course.dir.feedback_directory))
        for one in course.each_submission(assignment, kept=known.kept if known else None):
            sort_in(course, found, one, known, graded(one.student), pages(one.student))
    if without := course.graded_students(assignment, frozenset(found.submitted)):
        kept = known.kept if known else course.kept(assignment)
        found.alone = [student for student in without if kept.lacks(student, course.graded_folder(assignment, student))]
    return found


def sort_arrivals(course: Course, found: State) -> None:
    """What lies in the exchange and was not collected: who waits for that, and who was refused."""
    refused = read_left(Path(course.dir.root, course.dir.submitted_directory), found.assignment)
    for one in course.in_exchange(found.assignment):
        if one.folder not in refused:
            found.waiting.append(one.student)
            continue
        found.left.append(one.student)
        found.why_left = found.why_left or (f"look at {shown(one.folder)} in the exchange: {printable(refused[one.folder])}. Once it is mended "
                                            f"or gone: nbgrader collect {shlex.quote(found.assignment)} --update")


def sort_in(course: Course, found: State, one: Waiting, known: Known | None, folder: str, pages: str) -> None:
    """Put one submission, graded into `folder` and with its pages in another, under all that it waits for."""
    result = known.results.get(one.student) if known else None
    found.submitted.append(one.student)
    other = bool(result and known and known.today.differs(result, one.records))
    refused = one.why == REFUSED_BEFORE and not other       # `course grade` would find the same
    if one.why and not refused:
        found.ungraded.append(one.student)
    if not os.path.isdir(folder):
        if one.trouble or result:
            found.failed.append(one.student)
        return
    for why, students in ((LOST, found.lost), (BEHIND, found.behind)):
        if one.why == why:
            students.append(one.student)
    if one.why and one.why not in (LOST, BEHIND, REFUSED_BEFORE):
        found.again.append(one.student)
    records = one.records
    if any(record.damaged for record in records.values()):
        found.damaged.append(one.student)
        return      # nothing else is known of it before it is graded again
    if any(record.mended for record in records.values()):
        found.mended.append(one.student)
    if result and result.waits_for_a_person:
        found.human.append(one.student)
        found.refused += [one.student] * refused
    if other and one.why != REFUSED_BEFORE:
        found.older.append(one.student)
    if one.why in (LOST, BEHIND):
        return      # whatever its pages say, others are made once it is graded again
    if not are_true(result, folder, pages, records, course.zone):
        found.feedback.append(one.student)
        found.outdated = found.outdated or os.path.isdir(pages)
    elif not are_returned(pages):
        found.unreturned.append(one.student)
        if not found.exchange or lacks(pages):
            found.by_hand.append(one.student)


def is_up_to_date(pages: str, folder: str, notebooks: Iterable[str]) -> bool:
    """Whether there is a feedback page for each of the graded notebooks in `folder`, none older than it."""
    for name in notebooks:
        try:
            if os.stat(os.path.join(pages, f"{name}.html")).st_mtime < os.stat(os.path.join(folder, f"{name}.ipynb")).st_mtime:
                return False
        except FileNotFoundError:
            return False
    return True


def show(console: Console, found: Sequence[State]) -> None:
    """Print the states as a table, then the next step of each."""
    table = Table(title_justify="left")
    for name in ("assignment", "submitted", *COLUMNS):
        table.add_column({"human": "waiting for\na human", "feedback": "feedback\nmissing"}.get(name, name),
                         justify="left" if name == "assignment" else "right")
    for one in found:
        table.add_row(one.assignment, str(len(one.submitted)), *(str(len(getattr(one, name))) for name in COLUMNS))
    console.print(table)
    for one in found:
        if not one.submitted:
            tell(console, f"{one.assignment}: {one.step}{f', due {one.due}' if one.due else ''}")
        for name, meaning in LINES.items():
            students, meaning = getattr(one, name), meaning.format(shlex.quote(one.assignment))
            if students and name != "ungraded":
                more = f" and {len(students) - NAMES} more" if len(students) > NAMES else ""
                console.print(f"{one.assignment}: {meaning}: {escape(', '.join(map(printable, students[:NAMES])))}{more}",
                              soft_wrap=True, highlight=False)
    for one in found:
        if one.answers:
            console.print(f"{one.assignment}: course watch: {', '.join(f'{number} {state}' for state, number in sorted(one.answers.items()))}",
                          highlight=False, soft_wrap=True)
        for student, lines in sorted(one.receipts.items()):
            console.print(f"{one.assignment}: look at {escape(printable(student))}: {escape('; '.join(lines))}", highlight=False, soft_wrap=True)
    for unlogged in {one.unlogged for one in found if one.unlogged}:
        tell(console, unlogged)
    for one in found:
        console.print(f"[bold]{one.assignment}: next:[/] {escape(one.next)}", soft_wrap=True, highlight=False)
