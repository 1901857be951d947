"""One course as nbgrader configures it: where its folders are, what needs grading, and the run that grades it."""

import contextlib
import os
import shlex
from collections.abc import Callable, Container, Generator, Iterable, Iterator
from contextlib import AbstractContextManager, nullcontext, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Protocol

from nbgrader.api import Gradebook
from nbgrader.apps.baseapp import NbGrader
from nbgrader.exchange.default import ExchangeCollect
from nbgrader.utils import find_all_files
from sqlalchemy.exc import OperationalError
from traitlets import TraitError

from ..root import CONFIG, CourseError, find_root, trouble_with_path
from ..border import bounded
from . import batch, journal
from .audit import Act, Entry, act_of
from .execute import Execute, versions
from .gradebook import NotGenerated, Writer
from .health import in_a_sentence
from .kept import Kept
from .only_one import Busy, locked
from .paths import hidden
from .penalties import Policy, late_policy
from .pool import NoWorkers, Pool
from ..notebooks import exchange
from ..notebooks.dates import zone_of
from ..notebooks.intake import read_stamp
from ..notebooks.folders import move_to
from ..notebooks.names import one_name, trouble_with_student
from ..notebooks.record import Record, records_in
from ..border.limits import Limits
from ..border.sandbox import Sandbox


@dataclass
class Waiting:
    """One submission that stands in submitted/, and why it needs grading (`Kept.why_grade`); `why` is None if it does not."""

    student: str
    folder: str
    timestamp: str | None
    why: str | None
    trouble: str | None = None      # with the student's name: such a submission cannot be graded
    records: dict[str, Record] = field(default_factory=dict)        # of what was graded, see `Course.each_submission`


class Generated(Protocol):
    """Who knows what an assignment was generated from: the gradebook's `Writer`, or a source that was not released yet."""

    def notebooks(self) -> dict[str, dict[str, Any]]: ...


class Course:
    """The course in the folder `root`, or in the one that `find_root` finds; it is configured as for nbgrader itself.

    Raises `CourseError` where there is none.
    """

    def __init__(self, root: Path | str | None = None, options: Iterable[str] = ()) -> None:
        root, app = find_root(root), NbGrader()
        if trouble := trouble_with_path(root):
            raise CourseError(f"{trouble}. Rename the folder.")
        with contextlib.chdir(root):        # where nbgrader looks for the configuration
            app.initialize([f"--CourseDirectory.root={root}", *options])
        self.app, self.config, self.dir = app, app.config, app.coursedir
        try:
            self.execute = Execute(config=app.config)
            Limits.changed(self.execute.limits)
        except (TraitError, ValueError) as error:
            raise CourseError(f"{root / CONFIG}: {error}") from None
        try:
            self.zone = zone_of(app.config)
        except CourseError as error:
            raise CourseError(f"{root / CONFIG}: {error}") from None

    def assignments(self, wanted: str | None = None) -> list[str]:
        """The names of the assignments in source/, or `wanted` alone. Raises `CourseError` if there is none of that name."""
        source = Path(self.dir.root, self.dir.source_directory)
        names = sorted(path.name for path in source.glob("*") if path.is_dir())
        if wanted and wanted not in names:
            raise CourseError(f"There is no assignment {wanted} in {source}. There are: {', '.join(names) or 'none'}")
        return [wanted] if wanted else names

    # --- what needs grading -------------------------------------------------------------------------------------

    def submissions(self, assignment: str, students: Iterable[str] = (), force: bool = False) -> list[Waiting]:
        """All submissions of an assignment as `Waiting`, in the order of their names, without their records."""
        found = list[Waiting]()
        for one in self.each_submission(assignment, students, force):
            one.records = {}        # of a large class they are much
            found.append(one)
        return found

    def each_submission(self, assignment: str, students: Iterable[str] = (), force: bool = False, kept: Kept | None = None) -> Iterator[Waiting]:
        """The same, one after the other and with the records of what was graded. What the gradebook has is read if it is not given."""
        base = Path(self.dir.root, self.dir.submitted_directory)
        if not base.is_dir():
            raise CourseError(f"There is no folder {base}. Collect first: nbgrader collect {shlex.quote(assignment)} --update")
        found, excluded, students = set[str](), self.dir.student_id_exclude.split(","), tuple(map(one_name, students))
        kept = kept or self.kept(assignment)
        submitted, autograded = (self.places(step, assignment) for step in (self.dir.submitted_directory, self.dir.autograded_directory))
        for student in sorted(os.listdir(base)):
            folder = submitted(student)
            if student not in excluded and (not students or one_name(student) in students) and os.path.lexists(folder):
                stamp, student = read_stamp(folder, []), one_name(student)
                graded = autograded(student)
                records = records_in(graded)
                why = "forced" if force and os.path.isdir(graded) else kept.why_grade(student, folder, graded, records)
                found.add(student)
                yield Waiting(student, folder, stamp, why, trouble_with_student(student), records)
        missing = sorted(set(students) - found)
        if missing:
            raise CourseError(f"Nothing was submitted for {assignment} by: {', '.join(missing)}")

    def kept(self, assignment: str) -> Kept:
        """What the gradebook has of an assignment's submissions."""
        return Kept.of(self.dir, assignment)

    def graded_students(self, assignment: str, but: Container[str] = ()) -> list[str]:
        """The students of whom a graded submission lies in autograded/, but for some."""
        base, excluded = Path(self.dir.root, self.dir.autograded_directory), self.dir.student_id_exclude.split(",")
        names = sorted(os.listdir(base)) if base.is_dir() else []
        return [name for name in names if name not in but and name not in excluded and not name.startswith(".")
                and self.graded_folder(assignment, name).is_dir()]

    def places(self, step: str, assignment: str) -> Callable[[str], str]:
        """What gives nbgrader's folder of a student in one of its steps. For a whole class: nbgrader puts each path together anew."""
        before, *after = self.dir.format_path(step, "\0", assignment).split("\0")
        if len(after) != 1:
            return lambda student: self.dir.format_path(step, student, assignment)
        return lambda student: f"{before}{student}{after[0]}"

    def graded_folder(self, assignment: str, student: str) -> Path:
        """Where a submission lies once it is graded."""
        return Path(self.dir.format_path(self.dir.autograded_directory, student, assignment))

    def exchange_root(self) -> Path | None:
        """The exchange's folder, or None where there is none on this machine."""
        root = Path(ExchangeCollect(coursedir=self.dir, config=self.config).root)
        return root if root.is_dir() and self.dir.course_id else None

    def in_exchange(self, assignment: str) -> list[exchange.Arrival]:
        """What `nbgrader collect ASSIGNMENT --update` would bring now."""
        collect = ExchangeCollect(coursedir=self.dir, config=self.config)
        return exchange.waiting(Path(collect.root, self.dir.course_id, "inbound"), assignment,
                                lambda student: self.dir.format_path(self.dir.submitted_directory, student, assignment),
                                collect.check_owner)

    # --- grading ------------------------------------------------------------------------------------------------

    def bundle(self, assignment: str, writer: Generated) -> batch.Bundle:
        """The bundle of an assignment as the gradebook and source/ have it now."""
        source = self.dir.format_path(self.dir.source_directory, ".", assignment)
        excluded = self.config.Autograde.get("exclude_overwriting", {}).get(assignment, [])
        files = []
        for path in find_all_files(source, [*self.dir.ignore, "*.ipynb"]):
            name = os.path.relpath(path, source)
            if name not in excluded:
                files.append((name, Path(path).read_bytes()))
        return batch.make_bundle(assignment, writer.notebooks(), sorted(files), self.execute.course_root,
                                 self.execute.sandbox, dict(self.execute.limits), self.hidden())

    def late_policy(self) -> Policy:
        """The plug-in that says what a late submission costs."""
        return late_policy(self.config)

    def gradebook(self) -> Gradebook:
        """nbgrader's gradebook of this course, to be used in a `with`."""
        return Gradebook(self.dir.db_url, self.dir.course_id)

    def writer(self, assignment: str) -> Writer:
        return Writer(self.dir, assignment, self.late_policy())

    def grade(self, assignment: str, waiting: list[Waiting], jobs: int, scheduler: str | None = None, store: bool = True,
              boxes: Iterable[Sandbox] = ()) -> Generator[batch.Graded]:
        """Grade `waiting`: each comes out once it is stored.

        `boxes` are sandboxes that started early; those that this course's settings ask for are put to use.
        """
        bounded.begin()     # submissions are read there; it is forked as long as there are no threads
        pool = None if scheduler else self.pool(min(jobs, max(1, len(waiting))), boxes)
        return self.graded(assignment, waiting, pool, scheduler, store)

    def pool(self, jobs: int, boxes: Iterable[Sandbox]) -> Pool:
        versions()      # read once, and not by each process
        settings = self.execute.sandbox, Limits.changed(self.execute.limits), self.hidden()
        return Pool(jobs, [box for box in boxes if (box.mode, box.limits, box.hidden) == settings and box.alive()][:jobs])

    def hidden(self) -> tuple[str, ...]:
        return hidden(self.config, self.execute.course_root)

    def graded(self, assignment: str, waiting: list[Waiting], pool: Pool | None, scheduler: str | None,
               store: bool) -> Generator[batch.Graded]:
        with pool or nullcontext(), self.locked(), self.writer(assignment) as writer:
            acts = {one.student: act_of(one.why) for one in waiting}
            if store:
                writer.tidy()
            bundle = self.bundle(assignment, writer)
            for one in waiting:
                if store and not one.trouble:
                    one.folder, one.trouble = move_to(one.folder, self.dir.format_path(
                        self.dir.submitted_directory, one.student, assignment))
                if one.trouble:
                    yield batch.Graded(one.student, error=f"{one.trouble}. Rename it and grade again.")
            waiting = [one for one in waiting if not one.trouble]
            names = [name for name, _ in bundle.source_files]
            submissions = (batch.read_submission(one.folder, one.student, bundle.canons, self.dir.ignore, names) for one in waiting)
            results = by_processes(bundle, submissions, pool) if pool else with_dask(bundle, submissions, scheduler or "")
            try:
                for graded in results:
                    if store and not graded.error:
                        store_one(writer, graded, acts[graded.student])
                    elif not graded.error:
                        writer.look(graded)
                    yield graded
            finally:
                results.close()

    def settle(self, assignment: str | None = None) -> list[str]:
        """Finish or take back what runs that were killed left half-way: what was done, in sentences. Nothing while one is at work."""
        said: list[str] = []
        if journal.is_open(self.dir.root):
            with suppress(Busy), self.locked():
                names = {intent.entry.assignment for intent in journal.open_intents(self.dir.root)}
                for name in sorted(names if assignment is None else names & {assignment}):
                    with suppress(NotGenerated), self.writer(name) as writer:
                        said += writer.tidy()
        return said

    def locked(self) -> AbstractContextManager[None]:
        """Only one grading run at a time may write to this course. Raises `Busy`."""
        return locked(self.dir)


def settle(root: str | Path, assignment: str | None = None) -> list[str]:
    """`Course.settle` of the course in a folder; cheap where there is nothing to do."""
    return Course(root).settle(assignment) if journal.is_open(root) else []


def by_processes(bundle: batch.Bundle, submissions: Iterable[batch.Submission], pool: Pool) -> Generator[batch.Graded]:
    try:
        yield from batch.grade_locally(bundle, submissions, pool)
    except NoWorkers as error:
        raise CourseError(f"Grading ended: {error}. What was graded so far is kept; give the machine room, or use fewer "
                          "processes (--jobs 1), and run the command again for the rest.") from None


def with_dask(bundle: batch.Bundle, submissions: Iterable[batch.Submission], address: str) -> Generator[batch.Graded]:
    try:
        yield from batch.grade_with_dask(bundle, submissions, address)
    except OSError as error:
        raise CourseError(f"The Dask scheduler {address} did not answer or went away ({error}). Is it running? What was "
                          "graded so far is kept; run the command again for the rest.") from None


def store_one(writer: Writer, graded: batch.Graded, act: Act | None = None, changes: list[Any] | None = None) -> Entry | None:
    """Store one submission: its line in the audit, if it got one. What it does not allow is its own error; a gradebook that cannot
    be written ends the run."""
    try:
        return writer.store(graded, act, changes)
    except OperationalError as error:
        raise CourseError(f"The gradebook could not be written. {in_a_sentence(error)} What was graded so far is kept; run the "
                          "command again for the rest.") from None
    except Exception as error:
        graded.error = f"it could not be written: {(str(error).splitlines() or [type(error).__name__])[0]}"
    return None
