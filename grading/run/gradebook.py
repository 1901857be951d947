"""The one writer: puts graded submissions into nbgrader's gradebook and into autograded/, each as a whole.

A submission's rows go into the gradebook in one transaction; before that an older folder is moved away, after it the
new one is renamed into place. nbgrader's own rule for what needs grading looks at the folder, so a run that is killed in
between grades that submission once more and writes the same rows again: nothing is lost, nothing stands twice, nothing
is half-written, and a folder that stands in its place has the rows that belong to it. Where points change that were there,
`journal.py` has it on the disk first, and the next run goes on from there or back.
"""

import glob
import json
import os
import shlex
import shutil
from collections.abc import Container, Iterable
from pathlib import Path
from typing import TYPE_CHECKING, Any

from nbgrader.api import Assignment, Comment, Grade, Gradebook, MissingEntry, Student, SubmittedAssignment, SubmittedNotebook
from nbgrader.coursedir import CourseDirectory
from nbgrader.utils import parse_utc
from sqlalchemy.engine import make_url
from sqlalchemy.orm import joinedload, selectinload, subqueryload, undefer

from ..notebooks.again import MARK
from ..notebooks.mend import canon
from ..notebooks.names import printable
from ..root import CourseError
from ..notebooks.writing import notebook_of, notebook_text
from .audit import REGRADED, Act, Entry, entries
from .execute import JUDGES, OWN
from .only_one import at_work
from .review import have_somebody_look, is_settled, judged, review, waits, waits_above
from . import journal, penalties
from .journal import Cells, Intent, Rows, rows_of
from .penalties import Policy

if TYPE_CHECKING:       # what grades imports the one writer, not the other way round
    from .batch import Graded


DIGESTS = *JUDGES, OWN      # of what graded, as the audit has them


def exists(db_url: str) -> bool:
    """Whether there is a gradebook: opening one that is a file would make it."""
    url = make_url(db_url)
    return url.get_backend_name() != "sqlite" or bool(url.database and os.path.exists(url.database.removeprefix("file:")))


class NotGenerated(CourseError):
    """The assignment is not in the gradebook yet."""


def find_generated(gradebook: Gradebook, assignment: str) -> Assignment:
    """The assignment's row. Raises `NotGenerated`, also where only name and deadline were added: that has no points."""
    try:
        row = gradebook.find_assignment(assignment)
    except MissingEntry:
        row = None
    if row is None or not row.notebooks:
        raise NotGenerated(f"The gradebook does not know the notebooks of {assignment}. "
                           f"Generate it first: nbgrader generate_assignment {shlex.quote(assignment)} --force")
    return row


def submissions_of(gradebook: Gradebook, assignment: Assignment) -> list[SubmittedAssignment]:
    """All submissions of an assignment with their grades, in as many queries for a large class as for a small one.

    nbgrader's tables have no index for them, so whoever asks for each submission's reads the whole table each time. For
    that reason ask none of the submission's sums either: see `penalty_of` and `waits_for_a_person`.
    """
    found: list[SubmittedAssignment] = gradebook.db.query(SubmittedAssignment).filter_by(assignment_id=assignment.id).options(
        joinedload(SubmittedAssignment.assignment),
        subqueryload(SubmittedAssignment.notebooks).options(
            joinedload(SubmittedNotebook.notebook),
            subqueryload(SubmittedNotebook.grades).options(joinedload(Grade.cell), undefer(Grade.max_score)))).all()
    return found


def penalty_of(submission: SubmittedAssignment) -> float:
    """What is taken off a submission because it came late, as nbgrader sums it."""
    return sum(notebook.late_submission_penalty or 0.0 for notebook in submission.notebooks)


def waits_for_a_person(submission: SubmittedAssignment) -> bool:
    """nbgrader's `needs_manual_grade` of a submission."""
    return any(grade.needs_manual_grade for notebook in submission.notebooks for grade in notebook.grades)


def cells_of(assignment: Assignment) -> Cells:
    """{id of a notebook: (its name, {id of a cell: (name, kind)})} of an assignment."""
    return {notebook.id: (notebook.name, {cell.id: (cell.name, cell.type) for cell in notebook._base_cells}) for notebook in assignment.notebooks}


def complete(submission: SubmittedAssignment, cells: Cells) -> None:
    """Give a submission a row for each notebook, graded cell and answer of `cells` (see `cells_of`) that it lacks."""
    notebooks = {notebook.notebook_id: notebook for notebook in submission.notebooks}
    for notebook_id, (_, kinds) in cells.items():
        notebook = notebooks.get(notebook_id)
        if notebook is None:
            notebook = SubmittedNotebook(notebook_id=notebook_id)
            submission.notebooks.append(notebook)
        graded, said = ({row.cell_id for row in rows} for rows in (notebook.grades, notebook.comments))
        for cell_id, (_, kind) in kinds.items():
            if kind in ("GradeCell", "TaskCell") and cell_id not in graded:
                notebook.grades.append(Grade(cell_id=cell_id))
            if kind in ("SolutionCell", "TaskCell") and cell_id not in said:
                notebook.comments.append(Comment(cell_id=cell_id))


def beside(folder: Path) -> tuple[Path, Path]:
    """Where the folder that takes the place of a graded one waits, and where that one goes meanwhile."""
    partial, old = (folder.parent / f".{folder.name}.{what}" for what in ("partial", "old"))
    return partial, old


def all_rows(assignment: Assignment, submissions: Iterable[SubmittedAssignment]) -> dict[str, Rows]:
    """{student: the rows as they are in memory} of submissions."""
    cells = cells_of(assignment)
    return {submission.student_id: rows_of(submission, cells) for submission in submissions}


def commit(coursedir: CourseDirectory, gradebook: Gradebook, assignment: Assignment, act: Act, before: dict[str, Rows],
           submissions: Iterable[SubmittedAssignment]) -> None:
    """Commit what was changed in memory of submissions whose rows were `before`; each whose points that changes gets its line."""
    gradebook.db.flush()
    intents = [(journal.intended(act, assignment.name, student, before[student]), now)
               for student, now in sorted(all_rows(assignment, submissions).items())
               if before[student].graded and now.standing != before[student].standing]
    with at_work(coursedir):
        for intent, _ in intents:
            journal.intend(coursedir.root, intent)
        gradebook.db.commit()
        for intent, now in intents:
            journal.fulfilled(coursedir.root, journal.seen(intent, now))


class Writer:
    """Holds the gradebook open for one assignment. Use as a context manager; not for several processes at once."""

    def __init__(self, coursedir: CourseDirectory, assignment: str, late_plugin: Policy | None = None) -> None:
        self.coursedir, self.assignment, self.late_plugin = coursedir, assignment, late_plugin
        self.gradebook = Gradebook(coursedir.db_url, coursedir.course_id)
        self.db = self.gradebook.db
        self.db.autoflush = False
        try:
            self.row = find_generated(self.gradebook, assignment)
        except NotGenerated:
            self.gradebook.close()
            raise
        self.assignment_id = self.row.id
        # plain data: rows would expire with the first commit
        self.cells = cells_of(self.row)
        self.wanted = {notebook.name: canon(notebook) for notebook in self.row.notebooks}

    def __enter__(self) -> "Writer":
        return self

    def __exit__(self, *_: object) -> None:
        self.gradebook.close()

    def notebooks(self) -> dict[str, dict[str, Any]]:
        """For the bundle: {name: {"wanted", "kernelspec"}} as released."""
        return {notebook.name: {"wanted": self.wanted[notebook.name],
                                "kernelspec": json.loads(notebook.kernelspec) if notebook.kernelspec else None}
                for notebook in self.row.notebooks}

    def about_to(self, student: str, act: Act) -> Intent | None:
        """The intent of what something else, nbgrader itself, is about to do to a submission, to be settled (`settle_one`) once it
        is done; None for one that has no points yet."""
        submission, target = self.known(student), self.place(student)
        before = rows_of(submission, self.cells) if submission else Rows()
        self.db.rollback()
        return journal.intended(act, self.assignment, student, before, by={"old": journal.digests_of(target, DIGESTS)},
                                graded={"old": journal.state(target)}) if before.graded else None

    # --- rows ---------------------------------------------------------------------------------------------------

    def store(self, graded: "Graded", act: Act | None = None, changes: list[Any] | None = None) -> Entry | None:
        """Write rows and folder of one graded submission; either both or, if this raises, neither.

        Where that changes points that were there, the audit gets a line with the words of `act`, for a regrade always, with its
        `changes`: that line.
        """
        target, act = self.place(graded.student), act or Act("graded again")
        partial, _ = beside(target)
        try:
            submission = self.submission(graded)
            before = rows_of(submission, self.cells)
            self.review(submission, graded, target)
            self.write_folder(graded, partial)
            self.store_rows(submission, graded)
            intent = self.intent(act, graded.student, target, before, rows_of(submission, self.cells), changes)
        except BaseException:
            self.db.rollback()
            shutil.rmtree(partial, ignore_errors=True)
            raise
        self.swap(graded.student, intent, keep=act.how == REGRADED)
        return intent.entry if intent else None

    def intent(self, act: Act, student: str, target: Path, before: Rows, after: Rows, changes: list[Any] | None = None) -> Intent | None:
        """What is to be done to a submission, whose new folder lies ready; None where that is nobody's business but the gradebook's."""
        if act.how != REGRADED and not act.undoes and (not before.graded or before.standing == after.standing):
            return None
        partial, _ = beside(target)
        more = {} if changes is None else {"changes": changes}
        return journal.intended(act, self.assignment, student, before, after, **more,
                                by={"old": journal.digests_of(target, DIGESTS), "new": journal.digests_of(partial, DIGESTS)},
                                graded={"old": journal.state(target), "new": journal.state(partial)})

    def place(self, student: str) -> Path:
        """Where the graded notebooks of a submission stand."""
        return Path(self.coursedir.format_path(self.coursedir.autograded_directory, student, self.assignment))

    def swap(self, student: str, intent: Intent | None, keep: bool = False) -> None:
        """Commit the rows as they are in memory and have the new folder, which lies ready, take the place of the other. If this
        raises, both are as they were."""
        target, root = self.place(student), self.coursedir.root
        partial, old = beside(target)
        try:
            if intent:
                journal.sync_all(partial)
                journal.intend(root, intent)
                if keep:
                    journal.keep(root, intent, target)
            shutil.rmtree(old, ignore_errors=True)
            if target.exists():
                os.rename(target, old)
            self.db.commit()
        except BaseException:
            self.db.rollback()
            if intent:
                self.settle_one(intent)
            elif old.exists() and not target.exists():
                os.rename(old, target)
            shutil.rmtree(partial, ignore_errors=True)
            raise
        os.rename(partial, target)
        shutil.rmtree(old, ignore_errors=True)
        if intent:
            journal.fulfilled(root, intent)
        self.db.expunge_all()

    def look(self, graded: "Graded") -> None:
        """Find what storing it would put before a person again, and store nothing."""
        with self.db.no_autoflush:
            if (submission := self.known(graded.student)) is not None:
                self.review(submission, graded, self.place(graded.student))
        self.db.rollback()
        self.db.expunge_all()

    def review(self, submission: SubmittedAssignment, graded: "Graded", folder: Path) -> None:
        """Find what a student changed of what a person had judged, see `review`; it goes into `graded`."""
        mark = dict(graded.files).get(MARK, b"").decode().partition("\n")[0]
        for notebook in submission.notebooks:
            name, cells = self.cells[notebook.notebook_id]
            if name not in graded.notebooks:
                continue
            wanted = self.wanted[name]
            before = judged(folder, name, wanted, {cells[row.cell_id][0]: row for row in notebook.grades},
                            {cells[row.cell_id][0]: row for row in notebook.comments})
            if is_settled(before, graded.notes_on(name), mark):
                graded.settled |= {name}
            if before.people:
                nb = notebook_of(graded.notebooks[name])
                points = {cell: score for (of, cell), score in graded.scores.items() if of == name}
                if found := review(nb, wanted, before, points, mark):
                    graded.notebooks[name] = notebook_text(nb) + "\n" if nb else graded.notebooks[name]
                    graded.changed |= {(name, cell): seen for cell, seen in found.items()}
                    graded.judged |= {cells[row.cell_id][0]: row.manual_score for row in notebook.grades}

    def store_rows(self, submission: SubmittedAssignment, graded: "Graded") -> None:
        for notebook in submission.notebooks:
            name, cells = self.cells[notebook.notebook_id]
            for grade in notebook.grades:
                self.store_grade(grade, name, cells[grade.cell_id][0], graded)
            if any(graded.notes_on(name)) and name not in graded.settled:
                have_somebody_look({cells[grade.cell_id][0]: grade for grade in notebook.grades}, self.wanted[name])
            for comment in notebook.comments:
                key = name, cells[comment.cell_id][0]
                if key in graded.comments:
                    comment.auto_comment = graded.comments[key]
        self.db.flush()
        self.store_penalties(submission, graded)

    def submission(self, graded: "Graded") -> SubmittedAssignment:
        """The submission's row with everything below it, made if it is not there yet."""
        if self.db.get(Student, graded.student) is None:
            self.db.add(Student(id=graded.student))
        found = self.known(graded.student)
        if found is None:
            found = SubmittedAssignment(assignment_id=self.assignment_id, student_id=graded.student)
            complete(found, self.cells)
            self.db.add(found)
        if graded.timestamp:
            found.timestamp = parse_utc(graded.timestamp)
        return found

    def known(self, student: str) -> SubmittedAssignment | None:
        """The submission's row as the gradebook has it, or None."""
        return self.db.query(SubmittedAssignment).filter_by(assignment_id=self.assignment_id, student_id=student).options(
            selectinload(SubmittedAssignment.notebooks).selectinload(SubmittedNotebook.grades),
            selectinload(SubmittedAssignment.notebooks).selectinload(SubmittedNotebook.comments)).one_or_none()

    @staticmethod
    def store_grade(grade: Grade, notebook: str, cell: str, graded: "Graded") -> None:
        if notebook not in graded.notebooks:        # not handed in: nothing to look at
            grade.auto_score, grade.needs_manual_grade = 0, False
            return
        grade.auto_score = graded.scores.get((notebook, cell))
        grade.needs_manual_grade = waits(grade.manual_score, grade.auto_score, notebook in graded.refused.keys() - graded.settled,
                                         (notebook, cell) in graded.changed, waits_above(grade))

    def store_penalties(self, submission: SubmittedAssignment, graded: "Graded") -> None:
        """As nbgrader's AssignLatePenalties does, with the plug-in that the course configured."""
        self.db.refresh(submission, ["timestamp"])
        penalties.renew(submission, self.late_plugin, {notebook.id for notebook in submission.notebooks
                                                       if self.cells[notebook.notebook_id][0] in graded.notebooks})

    # --- the folder ---------------------------------------------------------------------------------------------

    def tidy(self) -> list[str]:
        """Finish or take back what a run that was killed left half-way: what was done, in sentences."""
        said = self.settle()
        for leftover in self.place(".").parent.glob(f"*/.{glob.escape(self.assignment)}.*"):
            shutil.rmtree(leftover, ignore_errors=True)
        return said

    def settle(self) -> list[str]:
        """Settle each intent on this assignment that nobody is at work on: what was done, in sentences."""
        root = self.coursedir.root
        intents = [intent for intent in journal.open_intents(root) if intent.entry.assignment == self.assignment]
        done = {(line.run, line.student) for line in entries(root, self.assignment)} if intents else ()
        return [self.settle_one(intent, done) for intent in intents]

    def settle_one(self, intent: Intent, done: Container[tuple[str, str]] = ()) -> str:
        """Go on with what was begun where its rows were committed, else back: what was done, in a sentence. `done`: see
        `journal.fulfilled`."""
        self.db.expire_all()
        root, entry, submission = self.coursedir.root, intent.entry, self.known(intent.entry.student)
        now = rows_of(submission, self.cells) if submission else Rows()
        self.db.rollback()      # ends the reading
        if self.goes_on(intent, now):
            journal.fulfilled(root, intent if intent.after else self.seen(intent, now), done)
            return f"{printable(entry.student)}: {entry.because}: an earlier run was ended in the middle of it; it is done now."
        journal.forget(root, intent)
        journal.drop(root, intent)
        return f"{printable(entry.student)}: {entry.because}: an earlier run was ended in the middle of it; nothing of it is left."

    def seen(self, intent: Intent, now: Rows) -> Intent:
        """An intent of what something else did, with what came of it."""
        entry, target = intent.entry, self.place(intent.entry.student)
        return journal.seen(intent, now, by=entry.by and {**entry.by, "new": journal.digests_of(target, DIGESTS)},
                            graded=entry.graded and {**entry.graded, "new": journal.state(target)})

    def goes_on(self, intent: Intent, now: Rows) -> bool:
        """Whether a change was made, and is to be finished; its folder is in its place then, else the older one."""
        if intent.after is None:
            return now.standing != intent.before.standing
        target = self.place(intent.entry.student)
        partial, old = beside(target)
        if not partial.exists():        # it was there before the intent
            return True
        if not target.exists() and journal.was_committed(intent, now):
            os.rename(partial, target)
            return True
        if not target.exists() and old.exists():
            os.rename(old, target)
        return False

    def write_folder(self, graded: "Graded", folder: Path) -> None:
        shutil.rmtree(folder, ignore_errors=True)
        folder.mkdir(parents=True)
        contents = [*graded.files, *((f"{name}.ipynb", text.encode()) for name, text in graded.notebooks.items())]
        for name, content in contents:
            path = folder / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(content)
            if name == MARK:
                os.utime(path, ns=(graded.read_at, graded.read_at))
            path.chmod(0o664 if self.coursedir.groupshared else 0o444)
