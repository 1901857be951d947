"""`nbgrader autograde`, with submissions screened before anything opens them.

nbgrader globs for notebooks, copies whatever lies beside them and reads the time stamp before any of its hooks runs,
and some of its errors end the run of the whole class. No setting changes that, so this subclass takes the place of
its `Autograde` in `nbgrader autograde` and in formgrader (`install`, called in nbgrader_config.py). It differs in what
it reads: `intake.screen` turns each folder into plain data, that data is written to a temporary folder, and nbgrader
works on it as ever. At the end it names the submissions that need a human, and fails if one could not be graded.
"""

import fnmatch
import os
import re
import shutil
import tempfile
import time
from contextlib import suppress
from pathlib import Path
from typing import Any

import nbformat
import nbgrader.apps.api
import nbgrader.apps.autogradeapp
from nbgrader import converters
from nbgrader.api import Gradebook, MissingEntry
from nbgrader.converters.base import NbGraderException
from nbgrader.utils import find_all_files
from sqlalchemy.exc import DBAPIError
from traitlets import TraitError

from .forced import forced
from .literal import Literal
from .turn import turn
from ..border.limits import Limits
from ..notebooks import mend
from ..run import journal
from ..run.audit import BEHIND, act_of
from ..run.course import settle
from ..run.execute import Execute
from ..run.gradebook import NotGenerated, Writer, find_generated
from ..run.human import in_words, reasons, standing
from ..run.journal import Intent
from ..run.kept import LOST, WHAT_IS_LOST, Kept
from ..run.review import Judged, have_somebody_look, is_settled, judged, review, waits
from ..notebooks.again import MARK, digest, mark_of
from ..notebooks.intake import STAMP, Intake, Refusal, read_stamp, screen
from ..notebooks.changed import WIDTH
from ..notebooks.folders import move_to
from ..notebooks.names import one_name, printable, shown, trouble_with_student
from ..notebooks.record import Record
from ..notebooks.writing import notebook_text


def install() -> None:
    """Have `nbgrader autograde` and formgrader use this module's class."""
    nbgrader.apps.autogradeapp.Autograde = Autograde
    nbgrader.apps.api.Autograde = Autograde


class Autograde(converters.Autograde):
    """nbgrader's converter, reading screened copies of the submissions."""

    stage: str | None = None        # the folder of screened copies, while there is one

    def start(self) -> None:
        self.check_settings()
        self.trouble: dict[str, list[str]] = {}       # {submission: [lines]} for a human
        self.folders: dict[str, str] = {}
        self.done: set[str] = set()
        self.failed: set[str] = set()
        self.refused: set[str] = set()
        self.settled: set[str] = set()
        self.intents: dict[str, Intent] = {}        # {student: what is about to be done}, until it is
        with tempfile.TemporaryDirectory(prefix="submitted-") as folder:
            self.screened = folder
            super().start()

    def check_settings(self) -> None:
        """A setting that no submission could be graded with ends the run in one sentence."""
        try:
            Limits.changed(Execute(config=self.config).limits)
        except (TraitError, ValueError) as error:
            self.log.error("nbgrader_config.py: %s", error)
            raise NbGraderException("a setting is wrong") from None

    # --- which submissions ------------------------------------------------------------------------------------

    def init_notebooks(self) -> None:
        """Find the submissions: every folder of the assignment, whatever it holds and however it is called."""
        step, assignment = self.coursedir.submitted_directory, self.coursedir.assignment_id
        pattern = self.coursedir.format_path(step, self.coursedir.student_id, assignment)
        folders = sorted(Literal.glob(pattern))
        if not folders:
            return super().init_notebooks()         # which says what it looked for, and what may have been meant
        self.wanted = self.notebooks_of(assignment)
        for line in settle(self.coursedir.root, assignment):
            self.log.warning("%s", line)
        self.stage = self.screened
        self.assignments: dict[str, list[str]] = {}
        self.notebooks: list[str] = []
        names = self.coursedir.format_path(step, "(?P<student>.*)", re.escape(assignment), escape=True)
        for folder in folders:
            match = re.fullmatch(names, folder, re.DOTALL)
            student = one_name(match["student"]) if match else folder
            trouble = trouble_with_student(student) if match else "its path is not that of a submission"
            if not trouble:
                folder, trouble = move_to(folder, self.coursedir.format_path(step, student, assignment))
            if trouble:
                self.failed.add(student)
                self.trouble[student] = [f"not graded: {trouble}. Rename it and grade again."]
            else:
                self.folders[student] = folder
                self.assignments[self._format_source(assignment, student)] = []

    def notebooks_of(self, assignment: str) -> dict[str, dict[str, Any]]:
        """{name: canon} of the assignment's notebooks that are to be graded."""
        with Gradebook(self.coursedir.db_url, self.coursedir.course_id) as gradebook:
            try:
                found = {notebook.name: mend.canon(notebook) for notebook in find_generated(gradebook, assignment).notebooks}
            except NotGenerated as error:
                self.log.error("%s", error)
                raise NbGraderException(f"no assignment {assignment!r}") from None
        return {name: found[name] for name in sorted(fnmatch.filter(found, self.coursedir.notebook_id))}

    def _format_source(self, assignment_id: str, student_id: str, escape: bool = False) -> str:
        if not self._sanitizing or self.stage is None:
            return super()._format_source(assignment_id, student_id, escape)
        root, separator = (re.escape(self.stage), re.escape(os.sep)) if escape else (self.stage, os.sep)
        return separator.join([root, student_id, assignment_id])

    # --- one submission ---------------------------------------------------------------------------------------

    def init_destination(self, assignment_id: str, student_id: str) -> bool:
        """Called first for each submission: screen it if it is to be graded."""
        self.current, self.refused, self.settled = student_id, set(), set()
        place = Path(self._format_source(assignment_id, student_id))
        place.mkdir(parents=True)
        self.notebooks = [str(place / f"{name}.ipynb") for name in self.wanted]
        notes: list[str] = []
        self.read_at, self.digest = time.time_ns(), digest(self.folders[student_id])
        stamp = read_stamp(self.folders[student_id], notes)
        if stamp:
            (place / STAMP).write_text(stamp + "\n")
        self.before = self.judged_before(assignment_id, student_id)
        intent = self.about_to_grade(assignment_id, student_id)
        if not super().init_destination(assignment_id, student_id) and not self.begin_again(assignment_id, student_id):
            self.tell(*(f"not graded again: {note}" for note in notes))     # it may be newer than what was graded
            return False
        if intent:
            journal.intend(self.coursedir.root, intent)
            self.intents[student_id] = intent
        self.failed.add(student_id)         # until it is through
        source = self.coursedir.format_path(self.coursedir.source_directory, ".", assignment_id)
        course = [os.path.relpath(path, source) for path in find_all_files(source, self.coursedir.ignore + ["*.ipynb"])]
        self.write_screened(screen(self.folders[student_id], self.wanted, self.coursedir.ignore, course), place)
        return True

    def about_to_grade(self, assignment_id: str, student_id: str) -> Intent | None:
        """What the audit is to have of it, where points are there that may change."""
        if not self.before:
            return None
        why = self.why_grade(assignment_id, student_id)
        if not (why or self.force or self.coursedir.notebook_id != "*"):
            return None
        with Writer(self.coursedir, assignment_id) as writer:
            return writer.about_to(student_id, act_of(why))

    def why_grade(self, assignment_id: str, student_id: str) -> str | None:
        return self.kept.why_grade(student_id, self.folders[student_id], Path(self._format_dest(assignment_id, student_id)))

    def begin_again(self, assignment_id: str, student_id: str) -> bool:
        """Whether other content was handed in than was graded, nothing of it could be read, or the gradebook does not have it: what
        was graded is removed."""
        why = self.why_grade(assignment_id, student_id)
        if student_id in self.coursedir.student_id_exclude.split(",") or not why:
            return False
        if why in (LOST, BEHIND):
            self.log.warning("%s: %s. %s", shown(student_id), why, WHAT_IS_LOST)
        with forced(self):
            return super().init_destination(assignment_id, student_id)

    def write_screened(self, intake: Intake, place: Path) -> None:
        for name, content in intake.files:
            target = place / name
            target.parent.mkdir(parents=True, exist_ok=True)
            target.write_bytes(content)
        for name, notebook in intake.notebooks.items():
            if isinstance(notebook, Refusal):
                self.refused.add(name)
                notebook = mend.stand_in(notebook.reason, intake.notes)
            record = Record.read(notebook)
            if is_settled(self.before.get(name, Judged()), record.notes, self.digest):
                self.settled.add(name)
            else:
                self.tell(*reasons(record, name))
            nbformat.write(notebook, place / f"{name}.ipynb")

    def tell(self, *lines: str) -> None:
        for line in lines:
            if line not in self.trouble.setdefault(self.current, []):       # it may be said of each notebook
                self.log.warning("%s: %s", shown(self.current), line)
                self.trouble[self.current].append(line)

    def judged_before(self, assignment_id: str, student_id: str) -> dict[str, Judged]:
        """{notebook: what a person judged of it}, before the graded folder is removed."""
        folder, found = Path(self._format_dest(assignment_id, student_id)), dict[str, Judged]()
        with Gradebook(self.coursedir.db_url, self.coursedir.course_id) as gradebook:
            for name, wanted in self.wanted.items():
                try:
                    row = gradebook.find_submission_notebook(name, assignment_id, student_id)
                except MissingEntry:
                    continue
                found[name] = judged(folder, name, wanted, {grade.name: grade for grade in row.grades},
                                     {comment.name: comment for comment in row.comments})
        return found

    def convert_single_notebook(self, notebook_filename: str) -> None:
        super().convert_single_notebook(notebook_filename)
        name = Path(notebook_filename).stem
        path = Path(self._format_dest(self.coursedir.assignment_id, self.current), f"{name}.ipynb")
        nb = nbformat.v4.reads(path.read_text(encoding="utf-8"))       # nbgrader has just written it
        with Gradebook(self.coursedir.db_url, self.coursedir.course_id) as gradebook:
            grades = gradebook.find_submission_notebook(name, self.coursedir.assignment_id, self.current).grades
            for grade in grades:
                if self.wanted[name][grade.name]["metadata"]["task"]:
                    grade.auto_score = None     # nbgrader gives 0 where the submitted file bears another name
            before = self.before.get(name, Judged())
            changed = review(nb, self.wanted[name], before,
                             {grade.name: grade.auto_score for grade in grades}, self.digest)
            for grade in grades:
                grade.needs_manual_grade = waits(grade.manual_score, grade.auto_score, name in self.refused - self.settled,
                                                 grade.name in changed, grade.name in before.above)
            if any(Record.read(nb).notes) and name not in self.settled:
                have_somebody_look({grade.name: grade for grade in grades}, self.wanted[name])
            gradebook.db.commit()
            scores = {grade.name: grade.manual_score for grade in grades}
            for cell, seen in changed.items():
                line, = reasons(Record(changed={cell: seen}), name, scores)
                self.tell("\n".join([line, *(f"      {printable(part, WIDTH)}" for part in seen.difference)]))
        if changed:
            path.write_text(notebook_text(nb) + "\n", encoding="utf-8")

    def set_permissions(self, assignment_id: str, student_id: str) -> None:
        """Called last for each submission that went well."""
        mark = Path(self._format_dest(assignment_id, student_id), MARK)
        mark.unlink(missing_ok=True)
        mark.write_bytes(mark_of(self.digest, bool(self.refused)))
        os.utime(mark, ns=(self.read_at, self.read_at))
        super().set_permissions(assignment_id, student_id)
        if intent := self.intents.pop(student_id, None):
            with Writer(self.coursedir, assignment_id) as writer:
                writer.settle_one(intent)
        self.done.add(student_id)
        if not self.refused - self.settled:
            self.failed.discard(student_id)
        shutil.rmtree(self._format_source(assignment_id, student_id), ignore_errors=True)

    # --- the end ----------------------------------------------------------------------------------------------

    def convert_notebooks(self) -> None:
        """Grade them all, then name those that need a human. Raises `NbGraderException` if one was not graded."""
        with turn(self.coursedir, self.log, "Nothing was graded or changed", NbGraderException):
            self.kept = Kept.of(self.coursedir, self.coursedir.assignment_id)
            try:
                super().convert_notebooks()
            finally:
                self.settle_what_failed()
                for student in self.failed - self.trouble.keys():
                    self.trouble[student] = ["not graded: something went wrong; see the messages above."]
                self.summarise()
        if self.failed:
            raise NbGraderException("not every submission could be graded")

    def settle_what_failed(self) -> None:
        """Some of their points may be others."""
        if self.intents:
            with suppress(DBAPIError), Writer(self.coursedir, self.coursedir.assignment_id) as writer:
                for intent in self.intents.values():
                    writer.settle_one(intent)

    def summarise(self) -> None:
        """Name who needs a human, and why, in the words of `course grade`."""
        found = standing(self.coursedir, self.coursedir.assignment_id, self.done)
        self.trouble = {student: lines for student, lines in self.trouble.items() if lines}
        count = len(self.trouble.keys() | found.waiting)
        if count:
            self.log.warning("%d of %d submissions of %s need a human:", count,
                             len(self.folders.keys() | self.trouble.keys()), self.coursedir.assignment_id)
        for student, lines in sorted(self.trouble.items()):
            for line in lines:
                self.log.warning("  %s: %s", shown(student), line)
        for line in in_words(found):
            self.log.warning("  %s", line)
