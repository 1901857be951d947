"""`course regrade ASSIGNMENT --because "..."`: grade again what would be graded otherwise today, openly and so that it can be undone.

First everything is graded without writing, and the table says who would change, by how much and by which check. Then those
results are stored, one submission after the other: before each, what stood there is kept; after it, a line goes into the audit.
"""

import pickle
import shlex
import shutil
import tempfile
from contextlib import closing
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from functools import partial
from pathlib import Path

from rich.console import Console

from ..border.sandbox import Sandbox
from ..notebooks.names import printable
from ..notebooks.record import records_in
from ..root import CourseError
from ..run import audit
from ..run.batch import Graded
from ..run.course import Course, store_one
from ..run.execute import JUDGES, OWN
from ..run.grades import net_of
from ..run.gradebook import Writer, find_generated
from ..run.older import Today
from ..run.penalties import renew, score_of
from ..run.results import SubmissionResult, results_of
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
    before: str                     # see `audit.state`
    result: Path | None = None
    error: str | None = None


@dataclass
class Chosen:
    """Whom a regrade is about, and who is left out, by the reason."""

    students: list[str] = field(default_factory=list)
    same: int = 0
    newer: list[str] = field(default_factory=list)      # handed in again since
    gone: list[str] = field(default_factory=list)       # nothing in submitted/
    damaged: list[str] = field(default_factory=list)    # a graded notebook that cannot be read


def regrade(console: Console, root: Path | None, assignment: str, because: str, jobs: int, everyone: bool = False,
            dry_run: bool = False, boxes=()) -> int:
    """Regrade; returns the exit status: 0, 3 if some could not be graded. Raises `CourseError`; then nothing is written."""
    course, because = Course(root), " ".join(because.split())
    if not because or len(because) > MOST_WORDS or not because.isprintable():
        raise CourseError(f"--because needs a reason of 1 to {MOST_WORDS} characters: students read it on their pages.")
    course.assignments(assignment)
    audit.settle(course.dir.root, assignment, partial(course.graded_folder, assignment))
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
            if any(record.damaged for record in records.values()):
                found.damaged.append(result.student_id)
            elif not everyone and today.differs(result, records) is None:
                found.same += 1
            elif result.student_id not in there:
                found.gone.append(result.student_id)
            elif there[result.student_id]:
                found.newer.append(result.student_id)
            else:
                found.students.append(result.student_id)
    return found


def left_out(assignment: str, chosen: Chosen) -> list[str]:
    said = [f"{chosen.same} would be graded as they are."] if chosen.same else []
    if chosen.newer:
        said.append(f"Handed in again since, and left to course grade {shlex.quote(assignment)}: {', '.join(map(printable, chosen.newer))}")
    if chosen.damaged:
        said.append(f"A graded notebook cannot be read, and is left to course grade {shlex.quote(assignment)} --force --student ...: "
                    f"{', '.join(map(printable, chosen.damaged))}")
    if chosen.gone:
        said.append(f"Nothing in submitted/ any more, and left as they are: {', '.join(map(printable, chosen.gone))}")
    return said


# --- first look ---------------------------------------------------------------------------------------------------

def look(console: Console, course: Course, assignment: str, students: list[str], jobs: int, boxes, folder: Path) -> list[Plan]:
    """Grade without writing: a plan for each student, whose result lies in `folder` (not in memory: a class is large)."""
    decided, plans = people_decided(course, assignment, students), []
    run = course.grade(assignment, course.submissions(assignment, students, force=True), jobs, store=False, boxes=boxes)
    with closing(run), watched(console, f"grading {assignment}") as watch:
        for number, graded in enumerate(watch(run, len(students))):
            before = audit.state(course.graded_folder(assignment, graded.student))
            if graded.error:
                plans.append(Plan(graded.student, [], before, error=graded.error))
                continue
            result = folder / f"{number}.pickle"
            result.write_bytes(pickle.dumps(graded))
            plans.append(Plan(graded.student, [with_people(change, decided.get(graded.student, {}))
                                               for change in changes(course, assignment, graded) if change.before != change.now], before, result))
    return sorted(plans, key=lambda plan: plan.student)


def people_decided(course: Course, assignment: str, students: list[str]) -> dict[str, dict[str, float]]:
    """{student: {tests cell: the points that a person gave}}"""
    with course.gradebook() as gradebook:
        return {result.student_id: {grade.name: grade.manual_score for notebook in result.notebooks for grade in notebook.grades
                                    if grade.manual_score is not None} for result in results_of(gradebook, assignment, students)}


def with_people(change: Change, decided: dict[str, float]) -> Change:
    given = decided.get(f"test_{change.exercise}")
    return change if given is None or change.now is None else replace(change, before=given, now=given, why=f"{change.why}; a person's points stay")


# --- then store ---------------------------------------------------------------------------------------------------

def store(course: Course, assignment: str, because: str, plans: list[Plan]) -> tuple[list[audit.Entry], list[str]]:
    """Store what was planned, each with a line in the audit: the lines, and the students who were graded meanwhile."""
    moment = datetime.now(UTC)
    run, done, skipped = moment.strftime("%Y%m%d-%H%M%S-%f"), [], []
    with course.locked(), course.writer(assignment) as writer:
        writer.tidy()
        for plan in plans:
            folder = course.graded_folder(assignment, plan.student)
            if audit.state(folder) != plan.before:
                skipped.append(plan.student)
                continue
            graded: Graded = pickle.loads(plan.result.read_bytes())
            result = read_result(writer, assignment, plan.student)
            entry = audit.Entry(run, assignment, plan.student, moment.isoformat(timespec="seconds"), because, standing(result), {},
                                [[change.exercise, change.before, change.now, change.why] for change in plan.changes],
                                {"old": digests_of(folder)}, {"old": plan.before, "new": audit.state_of(
                                    {name: text.encode() for name, text in graded.notebooks.items()})})
            audit.keep(course.dir.root, entry, folder, rows_of(writer, plan.student))
            store_one(writer, graded)
            if graded.error:
                raise CourseError(f"{printable(plan.student)}: {graded.error}. {len(done)} of {len(plans)} are regraded; run the command again.")
            done.append(replace(entry, new=standing(read_result(writer, assignment, plan.student)), by={**entry.by, "new": digests_of(folder)},
                                graded={**entry.graded, "new": audit.state(folder)}))
            audit.append(course.dir.root, done[-1])
    return done, skipped


def read_result(writer: Writer, assignment: str, student: str) -> SubmissionResult:
    return next(results_of(writer.gradebook, assignment, [student]))


def standing(result: SubmissionResult) -> dict:
    """What counts for a student, and its parts."""
    points = {grade.name: round(grade.score, 4) for notebook in result.notebooks for grade in notebook.grades}
    total, penalty = round(sum(points.values()), 2), round(result.late_submission_penalty, 2)
    return {"points": total, "penalty": penalty, "counts": net_of(total, penalty), "exercises": points}


def digests_of(folder: Path) -> dict:
    """{notebook: the digests of what judged it}"""
    return {name: {key: record.graded_by[key] for key in (*JUDGES, OWN) if key in record.graded_by} for name, record in records_in(folder).items()}


def rows_of(writer: Writer, student: str) -> list:
    """[notebook, cell, auto score, manual score, whether it waits] of a submission, and [notebook, None, penalty] of each notebook."""
    found, submission = [], writer.gradebook.find_submission(writer.assignment, student)
    for notebook in submission.notebooks:
        found.append([notebook.name, None, notebook.late_submission_penalty])
        found += [[notebook.name, grade.name, grade.auto_score, grade.manual_score, bool(grade.needs_manual_grade)] for grade in notebook.grades]
    writer.db.expunge_all()
    return found


def summary(assignment: str, done: list[audit.Entry]) -> str:
    gains = [round(entry.new["counts"] - entry.old["counts"], 2) for entry in done]
    up, down = sum(gain > 0 for gain in gains), sum(gain < 0 for gain in gains)
    return f"{assignment}: {len(done)} regraded: {up} have more points, {down} fewer, {len(done) - up - down} as many."


# --- take it back -------------------------------------------------------------------------------------------------

def undo(console: Console, root: Path | None, assignment: str) -> int:
    """Restore what the last regrade changed; returns the exit status: 3 if somebody was left out. Raises `CourseError`."""
    course = Course(root)
    course.assignments(assignment)
    audit.settle(course.dir.root, assignment, partial(course.graded_folder, assignment))
    standing_runs = audit.in_force(audit.entries(course.dir.root, assignment))
    if not standing_runs:
        raise CourseError(f"No regrade of {assignment} is there to be undone. See: course history STUDENT")
    last = max(entry.run for entry in standing_runs)
    mine = [entry for entry in standing_runs if entry.run == last]
    moment, restored, left = datetime.now(UTC), 0, []
    with course.locked(), course.writer(assignment) as writer:
        for entry in mine:
            folder = course.graded_folder(assignment, entry.student)
            if audit.state(folder) != entry.graded["new"] or not audit.kept(course.dir.root, last, entry.student).is_dir():
                left.append(entry.student)
                continue
            was = standing(read_result(writer, assignment, entry.student))
            restore(course, writer, entry, folder)
            restored += 1
            audit.append(course.dir.root, audit.Entry(
                moment.strftime("%Y%m%d-%H%M%S-%f"), assignment, entry.student, moment.isoformat(timespec="seconds"),
                f"undone: {entry.because}", was, standing(read_result(writer, assignment, entry.student)), [],
                {"old": entry.by.get("new", {}), "new": entry.by.get("old", {})}, {"old": entry.graded["new"], "new": entry.graded["old"]}, last))
    tell(console, f"{assignment}: the regrade because “{mine[0].because}” is undone for {restored} of {len(mine)}.")
    for student in left:
        tell(console, f"graded again since, left as it is: {printable(student)}")
    tell(console, f"Next: course feedback {shlex.quote(assignment)}")
    return SOME_FAILED if left else 0


def restore(course: Course, writer: Writer, entry: audit.Entry, folder: Path) -> None:
    """Put back the folder and the rows of one submission; what a person decided since stays."""
    kept = audit.kept(course.dir.root, entry.run, entry.student)
    rows = {(row[0], row[1]): row[2:] for row in audit.rows(kept)}
    submission = writer.gradebook.find_submission(writer.assignment, entry.student)
    decided_since = False
    for notebook in submission.notebooks:
        for grade in notebook.grades:
            if (notebook.name, grade.name) not in rows:
                continue
            auto, manual, waited = rows[notebook.name, grade.name]
            grade.auto_score = auto
            if grade.manual_score == manual:
                grade.needs_manual_grade = waited
            else:
                decided_since = True
    writer.db.flush()
    if decided_since:
        renew(submission, writer.late_plugin)
    else:
        for notebook in submission.notebooks:
            notebook.late_submission_penalty = min_of(rows.get((notebook.name, None), [None])[0], sum(map(score_of, notebook.grades)))
    partial, old = (folder.parent / f".{folder.name}.{what}" for what in ("partial", "old"))
    shutil.rmtree(partial, ignore_errors=True)
    shutil.copytree(kept / "graded", partial)
    shutil.rmtree(old, ignore_errors=True)
    folder.rename(old)
    try:
        writer.db.commit()
    except BaseException:
        writer.db.rollback()
        old.rename(folder)
        raise
    partial.rename(folder)
    shutil.rmtree(old, ignore_errors=True)
    writer.db.expunge_all()


def min_of(penalty: float | None, score: float) -> float | None:
    return None if penalty is None else min(penalty, score)
