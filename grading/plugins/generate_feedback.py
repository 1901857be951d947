"""Feedback pages: nbgrader's page per notebook, and beside them an overview of the assignment.

`GenerateFeedback` takes the place of nbgrader's in `nbgrader generate_feedback` and in formgrader (`install`, called in
nbgrader_config.py): nbgrader opens the gradebook anew for each notebook, and its hooks learn neither student nor folder.
`course feedback` uses it as well, with several processes (`make`). Both leave the same files, and beside a student's
folder a mark: a digest of all that the pages were made of, by which the next run knows those that are still true.
"""

import fnmatch
import hashlib
import os
import shutil
from collections.abc import Iterable
from functools import cache
from pathlib import Path
from typing import Any

import nbgrader.apps.api
import nbgrader.apps.generatefeedbackapp
from nbconvert.exporters.exporter import ResourcesDict
from nbgrader import converters
from nbgrader.api import Gradebook, MissingEntry
from nbgrader.converters.base import NbGraderException
from nbgrader.coursedir import CourseDirectory
from traitlets import default

from ..notebooks.dates import zone_of
from ..notebooks.folders import beside, states_of
from ..notebooks.names import shown
from ..notebooks.record import Record
from ..notebooks.writing import written_notebook
from ..run.audit import Entry, entries, in_force, in_words
from ..run.course import settle
from ..run.kept import Kept, remedy
from ..run.results import SubmissionResult, results_of
from .forced import forced
from .overview import NAME, overview, titles_of
from .page import PageExporter
from .turn import turn

CODE = Path(__file__).resolve().parents[1]      # what decides how a page looks
PARTS = ("pages", "notebooks", "checks/table.py", "run/audit.py", "run/results.py", "plugins/code.py", "plugins/feedback.py", "plugins/generate_feedback.py",
         "plugins/overview.py", "plugins/page.py")
MADE = "made"           # the mark beside a folder of pages
PAGES = (".html", ".htm", ".xhtml", ".shtml", ".mhtml", ".svg")


def install() -> None:
    """Have `nbgrader generate_feedback` and formgrader use this module's class."""
    nbgrader.apps.generatefeedbackapp.GenerateFeedback = GenerateFeedback
    nbgrader.apps.api.GenerateFeedback = GenerateFeedback


class GenerateFeedback(converters.GenerateFeedback):
    """nbgrader's converter: the gradebook read once, one exporter, an overview for each student."""

    @default("exporter_class")
    def _exporter_class_default(self) -> type[PageExporter]:
        return PageExporter

    # --- as nbgrader calls it -----------------------------------------------------------------------------------

    def start(self) -> None:
        for line in settle(self.coursedir.root, self.coursedir.assignment_id):
            self.log.warning("%s", line)
        with turn(self.coursedir, self.log, "No page was made or changed", NbGraderException):      # before it looks what is graded
            super().start()

    def convert_notebooks(self) -> None:
        self.results = read_results(self.coursedir, self.coursedir.assignment_id)
        self.regrades: dict[str, dict[str, list[Entry]]] = {}
        self.kept, self.without = Kept.of(self.coursedir, self.coursedir.assignment_id), set[str]()
        super().convert_notebooks()
        if self.without:
            raise NbGraderException("not every page could be made")

    def init_destination(self, assignment_id: str, student_id: str) -> bool:
        """Whether the pages are to be made: nbgrader's rule, and when what they were made of is not what there is now."""
        graded, pages = self.places(assignment_id, student_id)
        excluded = student_id in self.coursedir.student_id_exclude.split(",")
        if not excluded and (why := self.kept.lacks(student_id, graded)):
            self.without.add(student_id)
            self.log.error("no page: %s: %s. %s", shown(student_id), why, remedy(self.coursedir, assignment_id, student_id))
            return False
        if super().init_destination(assignment_id, student_id):
            return True
        known = self.results.get(student_id)
        if known is None or excluded:
            return False
        if is_current(digest := self.digest(known), pages):
            still_true(digest, known, graded, pages)
            return False
        with forced(self):
            return super().init_destination(assignment_id, student_id)

    def init_assignment(self, assignment_id: str, student_id: str) -> None:
        self.copy_others(*self.places(assignment_id, student_id))

    def copy_others(self, graded: Path, pages: Path) -> None:
        """Copy what was handed in beside the notebooks; no page, for what lies here as one is handed out in the course's name."""
        for other in files_in(graded, [*self.coursedir.ignore, "*.ipynb"]):
            if not other.lower().endswith(PAGES):
                copy = pages / os.path.relpath(other, graded)
                copy.parent.mkdir(parents=True, exist_ok=True)
                copy.unlink(missing_ok=True)
                shutil.copy(other, copy)

    def init_single_notebook_resources(self, notebook_filename: str) -> dict[str, Any]:
        resources = super().init_single_notebook_resources(notebook_filename)
        about = resources["nbgrader"]
        if known := self.results.get(about["student"]):
            about["submission"] = known
            resources["regraded"] = self.regraded(known)
        return resources

    def set_permissions(self, assignment_id: str, student_id: str) -> None:
        """Called last for each submission that went well."""
        graded, pages = self.places(assignment_id, student_id)
        pages.joinpath(NAME).unlink(missing_ok=True)
        pages.joinpath(NAME).write_text(overview(self.results[student_id], graded, zone=zone_of(self.config),
                                                  regraded=self.regraded(self.results[student_id])), encoding="utf-8")
        super().set_permissions(assignment_id, student_id)
        mark(self.digest(self.results[student_id]), self.results[student_id], graded, pages)

    # --- one submission by itself -------------------------------------------------------------------------------

    def begin(self) -> None:
        """Get ready for `make`, once for many submissions."""
        self.results, self.regrades = {}, {}
        self.exporter = self.exporter_class(parent=self, config=self.config)
        for preprocessor in self.preprocessors:
            self.exporter.register_preprocessor(preprocessor)

    def make(self, result: SubmissionResult, force: bool = False) -> bool:
        """Make the pages of one submission; False if those that are there are still true. Raises what went wrong.

        They take the place of older ones as a whole.
        """
        student, assignment = result.student_id, result.assignment.name
        graded, pages = self.places(assignment, student)
        digest = self.digest(result)
        if not force and is_current(digest, pages):
            still_true(digest, result, graded, pages)
            return False
        self.results = {student: result}
        target, partial, old = pages, *(pages.with_name(f".{pages.name}.{what}") for what in ("partial", "old"))
        for leftover in (partial, old):
            shutil.rmtree(leftover, ignore_errors=True)
        partial.mkdir(parents=True)
        try:
            self.copy_others(graded, partial)
            records, titles = {}, {}
            for path in sorted(graded.glob("*.ipynb")):
                nb, resources = written_notebook(path.read_text(encoding="utf-8")), self.init_single_notebook_resources(str(path))
                resources["metadata"] = ResourcesDict(name=path.stem, path=str(graded))
                records[path.stem], titles[path.stem] = Record.read(nb), titles_of(nb)
                page, resources = self.exporter.from_notebook_node(nb, resources)
                partial.joinpath(path.stem + resources["output_extension"]).write_text(page, encoding="utf-8")
            partial.joinpath(NAME).write_text(overview(result, graded, records, zone_of(self.config), titles,
                                                       self.regraded(result)), encoding="utf-8")
            self.give_permissions(partial)
            if target.exists():
                os.rename(target, old)
            os.rename(partial, target)
        except BaseException:
            shutil.rmtree(partial, ignore_errors=True)
            if old.exists() and not target.exists():
                os.rename(old, target)
            raise
        shutil.rmtree(old, ignore_errors=True)
        mark(digest, result, graded, pages)
        return True

    def give_permissions(self, folder: Path) -> None:
        """What nbgrader gives the files of a folder that it has made."""
        permissions, shared = int(str(self.permissions), 8), self.coursedir.groupshared
        for place, _, names in os.walk(folder):
            for name in names:
                os.chmod(os.path.join(place, name), permissions)
            if shared:
                os.chmod(place, (os.stat(place).st_mode | 0o2770) & 0o2777)

    def places(self, assignment: str, student: str) -> tuple[Path, Path]:
        """The folders of a submission's graded notebooks and of its pages."""
        return Path(self._format_source(assignment, student)), Path(self._format_dest(assignment, student))

    def digest(self, result: SubmissionResult) -> str:
        """A digest of all that the pages of a submission are made of."""
        found = hashlib.sha256(repr((result, code_digest(), self.settings(), *self.regraded(result))).encode("utf-8", "surrogateescape"))
        graded, _ = self.places(result.assignment.name, result.student_id)
        for path in sorted(files_in(graded, self.coursedir.ignore)):
            found.update(os.fsencode(path) + b"\0" + hashlib.sha256(Path(path).read_bytes()).digest())
        return found.hexdigest()

    def regraded(self, result: SubmissionResult) -> list[str]:
        """A sentence on each regrade that changed the points of a submission."""
        name = result.assignment.name
        if name not in self.regrades:       # {assignment: {student: their lines}}, for the lines of a large class are many
            self.regrades[name] = {}
            for entry in in_force(entries(self.coursedir.root, name)):
                if entry.changed:
                    self.regrades[name].setdefault(entry.student, []).append(entry)
        return [in_words(entry, zone_of(self.config)) for entry in self.regrades[name].get(result.student_id, ())]

    def settings(self) -> tuple[str, list[tuple[str, str]]]:
        """What of the configuration changes a page."""
        return zone_of(self.config).key, sorted((name, repr(self.config[name])) for name in ("HTMLExporter", "GenerateFeedback", "CourseDirectory")
                      if name in self.config)


def files_in(folder: str | Path, ignored: Iterable[str]) -> list[str]:
    """What nbgrader's `find_all_files` finds, which lists a folder anew for each file and pattern."""
    def counts(name: str) -> bool:
        # as for a shell, what begins with a dot is meant by what begins with one
        return not any(fnmatch.fnmatchcase(name, pattern) and (pattern.startswith(".") or not name.startswith(".")) for pattern in ignored)
    found = []
    for place, folders, names in os.walk(folder) if counts(os.path.basename(folder)) else ():
        folders[:] = filter(counts, folders)
        found += [os.path.join(place, name) for name in names if counts(name)]
    return found


def read_results(coursedir: CourseDirectory, assignment: str, students: list[str] | None = None) -> dict[str, SubmissionResult]:
    """{student: what the gradebook says}; {} for an assignment that it does not know."""
    with Gradebook(coursedir.db_url, coursedir.course_id) as gradebook:
        try:
            return {result.student_id: result for result in results_of(gradebook, assignment, students)}
        except MissingEntry:
            return {}


# --- the mark -----------------------------------------------------------------------------------------------------

@cache
def code_digest() -> str:
    """A digest of the code and the templates that make pages."""
    found = hashlib.sha256()
    for part in PARTS:
        place = CODE / part
        for path in sorted(place.rglob("*")) if place.is_dir() else [place]:
            if path.is_file() and path.suffix in (".py", ".j2", ".css", ".json"):
                found.update(path.name.encode() + path.read_bytes())
    return found.hexdigest()


def mark(digest: str, result: SubmissionResult, graded: Path, pages: Path) -> None:
    """Note what `pages` were made of, once they stand."""
    new = Path(beside(pages, "making"))
    new.write_text(f"{digest} {state_of(pages, '.html')} {digest_of(result)} {state_of(graded, '.ipynb')}\n", encoding="ascii")
    os.replace(new, beside(pages, MADE))


def still_true(digest: str, result: SubmissionResult, graded: Path, pages: Path) -> None:
    """Note that `pages` are true of what was graded again with the same outcome: by its times it is newer than they are."""
    if not says(result, graded, pages):
        mark(digest, result, graded, pages)


def read_mark(pages: str | Path) -> list[str]:
    """The four digests of a mark: of all that the pages were made of, of their state, of what the gradebook said, of the
    graded notebooks' state; [] if there is none."""
    try:
        with open(beside(pages, MADE), "rb", buffering=0) as file:
            return file.read().decode("ascii").split()
    except (OSError, UnicodeDecodeError):
        return []


def is_current(digest: str, pages: str | Path) -> bool:
    """Whether `pages` were made of that, and nobody has touched them since."""
    return read_mark(pages)[:2] == [digest, state_of(pages, ".html")]


def says(result: SubmissionResult, graded: str | Path, pages: str | Path) -> bool | None:
    """Whether `pages` say what the gradebook says now of the notebooks in `graded`; None if that cannot be seen at a glance."""
    known = read_mark(pages)
    if len(known) != 4 or known[1] != state_of(pages, ".html"):
        return None
    return known[2:] == [digest_of(result), state_of(graded, ".ipynb")]


def digest_of(result: SubmissionResult) -> str:
    return hashlib.sha256(repr(result).encode("utf-8", "surrogateescape")).hexdigest()


def state_of(folder: str | Path, suffix: str) -> str:
    """A digest of names, sizes and times of files in a folder."""
    return hashlib.sha256(repr(states_of(folder, suffix)).encode("utf-8", "surrogateescape")).hexdigest()
