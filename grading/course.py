"""One course as nbgrader configures it: where its folders are, what needs grading, and the run that grades it."""

import fcntl
import os
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from nbgrader.apps.baseapp import NbGrader
from nbgrader.preprocessors import AssignLatePenalties
from nbgrader.utils import find_all_files, parse_utc

from . import batch
from .execute import Execute
from .gradebook import Writer


class CourseError(Exception):
    """The course is not in a state for this command; the message says what to do."""


@dataclass
class Waiting:
    """One submission that stands in submitted/: whether it needs grading by nbgrader's rule, and why."""

    student: str
    folder: str
    timestamp: str | None
    why: str | None


@dataclass
class Run:
    """What a grading run did: the students by what became of them."""

    graded: list = field(default_factory=list)
    mended: dict = field(default_factory=dict)
    failed: dict = field(default_factory=dict)
    seconds: list = field(default_factory=list)


class Course:
    """`root` overrides `c.CourseDirectory.root`; everything else comes from nbgrader_config.py as for nbgrader itself."""

    def __init__(self, root=None, options=()):
        app = NbGrader()
        app.initialize([*([f"--CourseDirectory.root={Path(root).resolve()}"] if root else []), *options])
        self.app, self.config, self.dir = app, app.config, app.coursedir
        self.execute = Execute(config=app.config)

    # --- what needs grading -------------------------------------------------------------------------------------

    def submissions(self, assignment, students=(), force=False):
        """All submissions of an assignment as `Waiting`, in the order of their names."""
        base = Path(self.dir.root, self.dir.submitted_directory)
        if not base.is_dir():
            raise CourseError(f"There is no folder {base}. Collect first: nbgrader collect {assignment}")
        found = []
        for entry in sorted(os.scandir(base), key=lambda e: e.name):
            if students and entry.name not in students or entry.name.startswith("."):
                continue
            folder = self.dir.format_path(self.dir.submitted_directory, entry.name, assignment)
            if entry.is_dir(follow_symlinks=False) and os.path.isdir(folder) and not os.path.islink(folder):
                timestamp = read_timestamp(folder)
                found.append(Waiting(entry.name, folder, timestamp, self.why(assignment, entry.name, timestamp, force)))
        missing = sorted(set(students) - {one.student for one in found})
        if missing:
            raise CourseError(f"Nothing was submitted for {assignment} by: {', '.join(missing)}")
        return found

    def why(self, assignment, student, timestamp, force):
        """Why a submission needs grading, by nbgrader's own rule; None if it does not."""
        graded = self.dir.format_path(self.dir.autograded_directory, student, assignment)
        if not os.path.isdir(graded):
            return "new"
        if force:
            return "forced"
        before = read_timestamp(graded)
        if timestamp and before and parse_utc(timestamp) > parse_utc(before):
            return "newer"
        return None

    # --- grading ------------------------------------------------------------------------------------------------

    def bundle(self, assignment, writer):
        """The bundle of an assignment as the gradebook and source/ have it now."""
        source = self.dir.format_path(self.dir.source_directory, ".", assignment)
        excluded = self.config.Autograde.get("exclude_overwriting", {}).get(assignment, [])
        files = []
        for path in find_all_files(source, [*self.dir.ignore, "*.ipynb"]):
            name = os.path.relpath(path, source)
            if name not in excluded:
                files.append((name, Path(path).read_bytes()))
        return batch.make_bundle(assignment, writer.notebooks(), sorted(files), self.execute.course_root,
                                 self.execute.sandbox, dict(self.execute.limits))

    def writer(self, assignment):
        plugin = AssignLatePenalties(config=self.config)
        plugin.init_plugin()
        return Writer(self.dir, assignment, plugin.plugin_inst)

    def read(self, waiting):
        return batch.read_submission(waiting.folder, waiting.student, waiting.timestamp, self.dir.ignore)

    def grade(self, assignment, waiting, jobs, scheduler=None, store=True):
        """Grade `waiting` (a list of `Waiting`); yields each `Graded` once it is stored."""
        with self.locked(), self.writer(assignment) as writer:
            bundle = self.bundle(assignment, writer)
            submissions = map(self.read, waiting)
            results = batch.grade_with_dask(bundle, submissions, scheduler) if scheduler \
                else batch.grade_locally(bundle, submissions, min(jobs, max(1, len(waiting))))
            try:
                for graded in results:
                    if store and not graded.error:
                        writer.store(graded)
                    yield graded
            finally:
                results.close()

    @contextmanager
    def locked(self):
        """Only one grading run at a time may write to this course."""
        folder = Path(self.dir.root, self.dir.autograded_directory)
        folder.mkdir(exist_ok=True)
        with open(folder / ".grading.lock", "w") as file:
            try:
                fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                raise CourseError("Another grading run is at work in this course. Wait for it, or end it.") from None
            yield


def read_timestamp(folder):
    """The text of a submission's timestamp.txt, or None if there is none that can be read as a time."""
    path = Path(folder, "timestamp.txt")
    try:
        if path.is_symlink() or path.stat().st_size > 200:
            return None
        text = path.read_text(encoding="utf-8").strip()
        return text if text and parse_utc(text) else None
    except (OSError, ValueError, OverflowError):
        return None
