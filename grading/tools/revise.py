"""`course revise`: take over a source that was changed after hand-ins - points, exercises that are new or gone - without losing
what people gave. nbgrader itself refuses to add or remove cells once something was handed in.

Everything goes into the gradebook in one transaction, after a copy of it was made; what is gone is kept as a table.
"""

import csv
import os
import shlex
import sqlite3
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any

from nbgrader.api import Assignment, BaseCell, Comment, Grade, GradeCell, Gradebook, Notebook, SolutionCell, SourceCell, TaskCell
from rich.console import Console
from sqlalchemy.engine import make_url
from sqlalchemy.orm import Session

from ..notebooks.names import csv_safe, printable
from ..notebooks.record import written
from ..root import CourseError
from ..run.audit import TERMS, Act
from ..run.course import Course
from ..run.gradebook import all_rows, cells_of, commit, complete, find_generated, submissions_of
from ..run.penalties import Policy, renew
from . import check
from .terminal import tell

KINDS = {GradeCell: "grade", SolutionCell: "solution", TaskCell: "task"}      # what nbgrader keeps of a cell, by its mark
GRADED = GradeCell, TaskCell
Wanted = Mapping[str, Mapping[str, Any]]        # {notebook: its canon}
NAMES = 8           # of students that are named


@dataclass
class Plan:
    """What differs between source/ and the gradebook: [(notebook, cell's name, kind, its canon)] that are new, rows that are gone,
    and {row of a graded cell: points in source/}."""

    new: list[tuple[Notebook, str, type[BaseCell], Mapping[str, Any]]] = field(default_factory=list)
    gone: list[BaseCell] = field(default_factory=list)
    points: dict[BaseCell, float] = field(default_factory=dict)

    def __bool__(self) -> bool:
        return bool(self.new or self.gone or self.points)


def revise(console: Console, root: Path | None, assignment: str, yes: bool = False, scale: bool = False) -> None:
    """Say what the changed source of an assignment changes and, with `yes`, change it in the gradebook; with `scale` the scores
    that people gave follow the points. Raises `CourseError`."""
    course, name = Course(root), shlex.quote(assignment)
    course.assignments(assignment)
    wanted = {notebook: check.wanted(path, course.config)["wanted"] for notebook, path in check.notebooks(course.dir.root, assignment).items()}
    with course.locked(), course.gradebook() as gradebook:
        row = find_generated(gradebook, assignment)
        made = plan(row, wanted)
        if not made:
            tell(console, f"{assignment} has the cells and points of source/ already. For changed texts: nbgrader generate_assignment {name} "
                          f"--force; for changed checks: course regrade {name} --because \"...\"")
            return
        for line in in_words(gradebook, made, scale):
            tell(console, line)
        if not yes:
            tell(console, "Nothing was written. To do it: the same command with --yes")
            return
        for path in keep(course, assignment, gradebook, made):
            tell(console, f"kept: {path}")
        submissions = submissions_of(gradebook, row)
        rows = all_rows(row, submissions)
        change(gradebook, row, made, wanted, scale, course.late_policy())
        commit(course.dir, gradebook, row, Act("exercises or their points are others", TERMS), rows, submissions)
    tell(console, f"Done. Next: nbgrader generate_assignment {name} --force, then course regrade {name} --because \"...\" (--dry-run first)")


# --- what differs -------------------------------------------------------------------------------------------------

def plan(row: Assignment, wanted: Wanted) -> Plan:
    """What to change in an assignment of which source/ has `wanted`. Raises `CourseError` for whole notebooks."""
    notebooks = {notebook.name: notebook for notebook in row.notebooks}
    if odd := sorted(notebooks.keys() ^ wanted.keys()):
        raise CourseError(f"{', '.join(odd)}: a whole notebook is neither added nor removed after hand-ins. A new one can be an assignment "
                          "of its own; one that is gone has to stay in source/ as it was handed out.")
    made = Plan()
    for name, notebook in notebooks.items():
        rows = {(cell.name, type(cell)): cell for cell in [*notebook.grade_cells, *notebook.solution_cells, *notebook.task_cells]}
        asked = {(cell, kind): entry for cell, entry in wanted[name].items() for kind, mark in KINDS.items() if entry["metadata"][mark]}
        made.new += [(notebook, *key, entry) for key, entry in asked.items() if key not in rows]
        made.gone += [cell for key, cell in rows.items() if key not in asked]
        made.points |= {cell: asked[key]["metadata"]["points"] for key, cell in rows.items()
                        if key in asked and isinstance(cell, GRADED) and cell.max_score != asked[key]["metadata"]["points"]}
    return made


def in_words(gradebook: Gradebook, made: Plan, scale: bool) -> Iterator[str]:
    """Lines on what a plan does."""
    for _, name, kind, entry in made.new:
        if kind in GRADED:
            yield (f"new: {name}, {written(entry['metadata']['points'])} points. Who has handed in without it gets none there, until it is "
                   "handed in again or a person gives some")
    for cell in made.gone:
        if isinstance(cell, GRADED):
            grades = given(gradebook, cell)
            yield (f"gone: {cell.name}, {written(cell.max_score)} points, with {len(grades)} scores, {sum(by_hand(one) for one in grades)} of them "
                   "given by people")
    for cell, points in made.points.items():
        manual = [grade for grade in given(gradebook, cell) if grade.manual_score is not None]
        above = [grade for grade in manual if grade.manual_score > points]
        yield f"points: {cell.name}, {written(cell.max_score)} -> {written(points)}. " + (
            f"{len(manual)} scores that people gave are scaled" if scale and manual else
            f"{len(above)} scores that people gave are more than that: they wait to be looked at again (--scale scales all {len(manual)}): "
            f"{students_of(above)}" if above else f"{len(manual)} scores that people gave stay as they are")


def given(gradebook: Gradebook, cell: BaseCell) -> list[Grade]:
    return gradebook.db.query(Grade).filter(Grade.cell_id == cell.id).all()


def by_hand(grade: Grade) -> bool:
    return grade.manual_score is not None or bool(grade.extra_credit)


def students_of(grades: Iterable[Grade]) -> str:
    names = sorted(grade.notebook.student.id for grade in grades)
    return ", ".join(map(printable, names[:NAMES])) + (f" and {len(names) - NAMES} more" if names[NAMES:] else "")


# --- what is kept -------------------------------------------------------------------------------------------------

def keep(course: Course, assignment: str, gradebook: Gradebook, made: Plan) -> Iterator[str]:
    """Copy the gradebook, and write what is gone as a table; the paths of both."""
    stamp, build = f"{datetime.now():%Y-%m-%d-%H%M%S}", Path(course.dir.root, "build")
    build.mkdir(exist_ok=True)
    url = make_url(course.dir.db_url)
    if url.get_backend_name() == "sqlite" and url.database:
        copy = f"{url.database}.before-{assignment}-{stamp}"
        with closing(sqlite3.connect(url.database)) as old, closing(sqlite3.connect(copy)) as new:
            old.backup(new)
        os.chmod(copy, os.stat(url.database).st_mode & 0o777)
        yield copy
    rows = list(rows_gone(gradebook, made.gone))
    if rows:
        path = build / f"revised-{assignment}-{stamp}.csv"
        with open(path, "w", newline="", encoding="utf-8") as file:
            csv.writer(file, lineterminator="\n").writerows([("student", "notebook", "cell", "checks", "person", "extra credit", "comment"),
                                                             *([csv_safe(value) for value in row] for row in rows)])
        yield str(path)


def rows_gone(gradebook: Gradebook, gone: Iterable[BaseCell]) -> Iterator[Sequence[Any]]:
    for cell in gone:
        for grade in given(gradebook, cell) if isinstance(cell, GRADED) else ():
            yield (grade.notebook.student.id, cell.notebook.name, cell.name, grade.auto_score, grade.manual_score, grade.extra_credit, None)
        for comment in gradebook.db.query(Comment).filter(Comment.cell_id == cell.id):
            if comment.manual_comment:
                yield (comment.notebook.student.id, cell.notebook.name, cell.name, None, None, None, comment.manual_comment)


# --- what is written ----------------------------------------------------------------------------------------------

def change(gradebook: Gradebook, row: Assignment, made: Plan, wanted: Wanted, scale: bool, policy: Policy) -> None:
    """Make the changes of a plan, all in one transaction that is not committed yet."""
    db = gradebook.db
    for cell in made.gone:
        for kind in (Grade, Comment):
            db.query(kind).filter(kind.cell_id == cell.id).delete()
        db.flush()
        db.expire_all()
        db.delete(cell)
    for notebook, name, kind, entry in made.new:
        points = {"max_score": entry["metadata"]["points"], "cell_type": entry["cell_type"]} if kind in GRADED else {}
        db.add(kind(name=name, notebook_id=notebook.id, **points))
    for cell, worth in made.points.items():
        for grade in given(gradebook, cell):
            if grade.manual_score is not None and scale and cell.max_score:
                grade.manual_score = round(grade.manual_score * worth / cell.max_score, 2)
            elif grade.manual_score is not None and grade.manual_score > worth:
                grade.needs_manual_grade = True
        cell.max_score = worth
    for notebook in row.notebooks:
        put_in_order(db, notebook, wanted[notebook.name])
    db.flush()
    db.expire_all()
    for submission in submissions_of(gradebook, row):
        complete(submission, cells_of(row))
        renew(submission, policy)


def put_in_order(db: Session, notebook: Notebook, wanted: Mapping[str, Any]) -> None:
    """The cells as they are released, in the notebook's order, which mending goes by; nothing hangs on these rows."""
    for cell in list(notebook.source_cells):
        db.delete(cell)
    db.flush()
    for name, entry in wanted.items():
        db.add(SourceCell(name=name, notebook_id=notebook.id, cell_type=entry["cell_type"], locked=entry["metadata"]["locked"],
                          source=entry["source"], checksum=entry["metadata"]["checksum"]))
        db.flush()
