"""`course regrade ASSIGNMENT --because "..."`: grade again what would be graded otherwise today, openly and so that it can be undone.

First everything is graded without writing, and the table says who would change, by how much and by which check. Then those
results are stored, one submission after the other: before each, what stood there is kept; after it, a line goes into the audit.
"""

import pickle
import shlex
import shutil
import tempfile
from collections.abc import Sequence
from contextlib import closing
from dataclasses import dataclass, field, replace
from pathlib import Path

from rich.console import Console

from ..border.sandbox import Sandbox
from ..notebooks.again import REFUSED_BEFORE
from ..notebooks.names import printable
from ..notebooks.record import records_in
from ..root import CourseError
from ..run import audit, journal
from ..run.batch import Graded
from ..run.course import Course, store_one
from ..run.gradebook import Writer, beside, find_generated
from ..run.kept import LOST
from ..run.older import Today
from ..run.penalties import renew, score_of
from ..run.results import results_of
from .dry_run import Change, changes, changes_table
from .terminal import tell
from .watching import watched

MOST_WORDS = 500        # of a reason
SOME_FAILED = 3


@dataclass
class Plan:
    """One submission that is to be regraded: what would change, and where its result waits."""

    student: str
    changes: list[Change]
    before: str                     # see `journal.state`
    result: Path | None = None
    error: str | None = None


@dataclass
class Chosen:
    """Whom a regrade is about, and who is left out, by the reason."""

    students: list[str] = field(default_factory=list)
    same: int = 0
    newer: list[str] = field(default_factory=list)      # handed in again since
    refused: list[str] = field(default_factory=list)    # nothing of it could be read
    lost: list[str] = field(default_factory=list)       # the gradebook does not have them as they were graded
    gone: list[str] = field(default_factory=list)       # nothing in submitted/
    damaged: list[str] = field(default_factory=list)    # a graded notebook that cannot be read


def regrade(console: Console, root: Path | None, assignment: str, because: str, jobs: int, everyone: bool = False,
            dry_run: bool = False, boxes: Sequence[Sandbox] = ()) -> int:
    """Regrade; returns the exit status: 0, 3 if some could not be graded. Raises `CourseError`; then nothing is written."""
    course, because = Course(root), " ".join(because.split())
    if not because or len(because) > MOST_WORDS or not because.isprintable():
        raise CourseError(f"--because needs a reason of 1 to {MOST_WORDS} characters: students read it on their pages.")
    course.assignments(assignment)
    settle(console, course, assignment)
    chosen = choose(course, assignment, everyone)
    for line in left_out(assignment, chosen):
        tell(console, line)
    if not chosen.students:
        tell(console, f"{assignment}: nobody would be graded otherwise today: nothing to regrade.")
        return 0
    if not any(box.alive() for box in boxes):
        Sandbox(course.execute.sandbox).probe()
    with tempfile.TemporaryDirectory(prefix="regrade-") as folder:
        plans = look(console, course, assignment, chosen.students, jobs, boxes, Path(folder))
        console.print(changes_table([plan for plan in plans if not plan.error], f"A regrade of {len(plans)} submission{'' if len(plans) == 1 else 's'} changes:"))
        failed = [plan for plan in plans if plan.error]
        for plan in failed:
            tell(console, f"not graded, left as it is: {printable(plan.student)}: {printable(plan.error, 500)}")
        if dry_run:
            tell(console, "Nothing was written.")
        else:
            done, skipped = store(course, assignment, because, [plan for plan in plans if not plan.error])
            tell(console, summary(assignment, done))
            for student in skipped:
                tell(console, f"graded by somebody else meanwhile, left as it is: {printable(student)}")
            tell(console, f"Next: course feedback {shlex.quote(assignment)}. To take it back: course regrade {shlex.quote(assignment)} --undo")
    return SOME_FAILED if failed else 0


# --- whom ---------------------------------------------------------------------------------------------------------

def choose(course: Course, assignment: str, everyone: bool) -> Chosen:
    """Who is graded, by the same hand-in, and would be graded otherwise today; `everyone` who is graded, with `everyone`."""
    there = {one.student: one.why for one in course.submissions(assignment)}
    found = Chosen()
    with course.gradebook() as gradebook:
        today = Today(course, find_generated(gradebook, assignment))
        for result in results_of(gradebook, assignment):
            folder = course.graded_folder(assignment, result.student_id)
            if not folder.is_dir():
                continue
            records = records_in(folder)
            if there.get(result.student_id) in (LOST, audit.BEHIND):
                found.lost.append(result.student_id)
            elif any(record.damaged for record in records.values()):
                found.damaged.append(result.student_id)
            elif not everyone and today.differs(result, records) is None:
                found.same += 1
            elif result.student_id not in there:
                found.gone.append(result.student_id)
            elif there[result.student_id] == REFUSED_BEFORE:
                found.refused.append(result.student_id)
            elif there[result.student_id]:
                found.newer.append(result.student_id)
            else:
                found.students.append(result.student_id)
    found.lost += sorted(student for student, why in there.items() if why == LOST and student not in found.lost)
    return found


def left_out(assignment: str, chosen: Chosen) -> list[str]:
    said = [f"{chosen.same} would be graded as they are."] if chosen.same else []
    if chosen.newer:
        said.append(f"Handed in again since, and left to course grade {shlex.quote(assignment)}: {', '.join(map(printable, chosen.newer))}")
    if chosen.refused:
        said.append(f"Could not be graded, and looked at by each course grade {shlex.quote(assignment)}: {', '.join(map(printable, chosen.refused))}")
    if chosen.lost:
        said.append(f"The gradebook does not have them as they were graded, and they are left to course grade {shlex.quote(assignment)}: "
                    f"{', '.join(map(printable, chosen.lost))}")
    if chosen.damaged:
        said.append(f"A graded notebook cannot be read, and is left to course grade {shlex.quote(assignment)} --force --student ...: "
                    f"{', '.join(map(printable, chosen.damaged))}")
    if chosen.gone:
        said.append(f"Nothing in submitted/ any more, and left as they are: {', '.join(map(printable, chosen.gone))}")
    return said


# --- first look ---------------------------------------------------------------------------------------------------

def look(console: Console, course: Course, assignment: str, students: list[str], jobs: int, boxes: Sequence[Sandbox], folder: Path) -> list[Plan]:
    """Grade without writing: a plan for each student, whose result lies in `folder` (not in memory: a class is large)."""
    decided, plans = people_decided(course, assignment, students), []
    run = course.grade(assignment, course.submissions(assignment, students, force=True), jobs, store=False, boxes=boxes)
    with closing(run), watched(console, f"grading {assignment}") as watch:
        for number, graded in enumerate(watch(run, len(students))):
            before = journal.state(course.graded_folder(assignment, graded.student))
            if graded.error:
                plans.append(Plan(graded.student, [], before, error=graded.error))
                continue
            result = folder / f"{number}.pickle"
            result.write_bytes(pickle.dumps(graded))
            plans.append(Plan(graded.student, [with_people(change, decided.get(graded.student, {}))
                                               for change in changes(course, assignment, graded) if change.before != change.now], before, result))
    return sorted(plans, key=lambda plan: plan.student)


def people_decided(course: Course, assignment: str, students: list[str]) -> dict[str, dict[str, float]]:
    """{student: {tests cell: the points that a person gave}}; what waits to be looked at again counts as the checks say."""
    with course.gradebook() as gradebook:
        return {result.student_id: {grade.name: grade.manual_score for notebook in result.notebooks for grade in notebook.grades
                                    if grade.manual_score is not None and not grade.needs_manual_grade} for result in results_of(gradebook, assignment, students)}


def with_people(change: Change, decided: dict[str, float]) -> Change:
    given = decided.get(f"test_{change.exercise}")
    return change if given is None or change.now is None else replace(change, before=given, now=given, why=f"{change.why}; a person's points stay")


# --- then store ---------------------------------------------------------------------------------------------------

def store(course: Course, assignment: str, because: str, plans: list[Plan]) -> tuple[list[audit.Entry], list[str]]:
    """Store what was planned, each with a line in the audit: the lines, and the students who were graded meanwhile."""
    act, done, skipped = audit.Act(because, audit.REGRADED), list[audit.Entry](), list[str]()
    with course.locked(), course.writer(assignment) as writer:
        writer.tidy()
        for plan in plans:
            if journal.state(course.graded_folder(assignment, plan.student)) != plan.before:
                skipped.append(plan.student)
                continue
            assert plan.result is not None      # of those that could be graded
            graded: Graded = pickle.loads(plan.result.read_bytes())
            entry = store_one(writer, graded, act, [[change.exercise, change.before, change.now, change.why] for change in plan.changes])
            if entry is None:
                raise CourseError(f"{printable(plan.student)}: {graded.error}. {len(done)} of {len(plans)} are regraded; run the command again.")
            done.append(entry)
    return done, skipped


def summary(assignment: str, done: list[audit.Entry]) -> str:
    gains = [round(entry.new["counts"] - entry.old["counts"], 2) for entry in done]
    up, down = sum(gain > 0 for gain in gains), sum(gain < 0 for gain in gains)
    return f"{assignment}: {len(done)} regraded: {up} have more points, {down} fewer, {len(done) - up - down} as many."


# --- take it back -------------------------------------------------------------------------------------------------

@dataclass
class Undoing:
    """The regrade that is to be taken back: for whom it can be, and who is left as they are."""

    last: list[audit.Entry]
    left: list[str]

    @property
    def because(self) -> str:
        return self.last[0].because


def undo(console: Console, root: Path | None, assignment: str, dry_run: bool = False) -> int:
    """Restore what the last regrade changed; returns the exit status: 3 if somebody was left out. Raises `CourseError`."""
    course = Course(root)
    course.assignments(assignment)
    settle(console, course, assignment)
    with course.locked(), course.writer(assignment) as writer:
        for line in writer.tidy():
            tell(console, line)
        what = to_undo(course, assignment)
        if dry_run:
            lines = [Plan(entry.student, [Change(exercise, now, before, f"undone: {why}") for exercise, before, now, why in entry.changes], "")
                     for entry in what.last]
            console.print(changes_table(lines, f"Undoing the regrade because “{what.because}” changes:"))
        else:
            act = audit.Act(f"undone: {what.because}", audit.UNDONE, what.last[0].run)
            for entry in what.last:
                restore(course, writer, entry, act)
    for student in what.left:
        tell(console, f"graded again since, left as it is: {printable(student)}")
    if dry_run:
        tell(console, "Nothing was written.")
        return SOME_FAILED if what.left else 0
    tell(console, f"{assignment}: the regrade because “{what.because}” is undone for {len(what.last)} of {len(what.last) + len(what.left)}.")
    tell(console, f"Next: course feedback {shlex.quote(assignment)}")
    return SOME_FAILED if what.left else 0


def to_undo(course: Course, assignment: str) -> Undoing:
    """The newest regrade that can still be taken back for somebody: of each student the last one, and by whom nothing was graded since.

    Raises `CourseError` where there is none.
    """
    newest = {entry.student: entry for entry in audit.in_force(audit.entries(course.dir.root, assignment)) if entry.how == audit.REGRADED}
    can = {entry.student: journal.state(course.graded_folder(assignment, entry.student)) == entry.graded["new"]
           and journal.kept_rows(journal.kept(course.dir.root, entry.run, entry.student)) is not None for entry in newest.values()}
    runs = sorted({entry.run for entry in newest.values() if can[entry.student]})
    if not runs:
        since = f" Graded again since: {', '.join(printable(student) for student in sorted(newest))}." if newest else ""
        raise CourseError(f"No regrade of {assignment} is there to be undone.{since} See: course history STUDENT")
    mine = sorted((entry for entry in newest.values() if entry.run >= runs[-1]), key=lambda entry: entry.student)
    return Undoing([entry for entry in mine if entry.run == runs[-1] and can[entry.student]], [entry.student for entry in mine if not can[entry.student]])


def restore(course: Course, writer: Writer, entry: audit.Entry, act: audit.Act) -> None:
    """Put back the folder and the rows of one submission; what a person decided since stays."""
    kept, target = journal.kept(course.dir.root, entry.run, entry.student), writer.place(entry.student)
    rows, submission = journal.kept_rows(kept), writer.known(entry.student)
    if rows is None or submission is None:
        raise CourseError(f"What stood there before cannot be read: {kept}")
    before, was = journal.rows_of(submission, writer.cells), {(row.notebook, row.cell): row for row in rows.cells}
    decided_since = round(before.standing["penalty"] - entry.new["penalty"], 2) != 0
    for notebook in submission.notebooks:
        name, cells = writer.cells[notebook.notebook_id]
        for grade in notebook.grades:
            if row := was.get((name, cells[grade.cell_id][0])):
                grade.auto_score = row.auto_score
                if grade.manual_score == row.manual_score:
                    grade.needs_manual_grade = row.needs_manual_grade
                else:
                    decided_since = True
    writer.db.flush()
    if decided_since:
        renew(submission, writer.late_plugin)
    else:
        for notebook in submission.notebooks:
            notebook.late_submission_penalty = min_of(rows.penalties.get(writer.cells[notebook.notebook_id][0]), sum(map(score_of, notebook.grades)))
    partial, _ = beside(target)
    shutil.rmtree(partial, ignore_errors=True)
    shutil.copytree(kept / journal.GRADED, partial)
    writer.swap(entry.student, writer.intent(act, entry.student, target, before, journal.rows_of(submission, writer.cells), []))


def min_of(penalty: float | None, score: float) -> float | None:
    return None if penalty is None else min(penalty, score)


def settle(console: Console, course: Course, assignment: str) -> None:
    """Finish or take back what a run that was killed left half-way, and say so."""
    for line in course.settle(assignment):
        tell(console, line)
