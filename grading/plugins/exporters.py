"""Plug-ins of `nbgrader export` that write what Canvas and Moodle import, one row per student.

    nbgrader export --exporter=grading.plugins.exporters.CanvasExporter --to canvas.csv
    nbgrader export --exporter=grading.plugins.exporters.MoodleExporter --to moodle.csv

What counts is told by `grading/run/grades.py`: manual points and late penalties in one number; nothing for what is not due,
not graded or waits for a person. Who handed in nothing of what is due has 0.
"""

import csv
import os
import shlex
from collections.abc import Iterator, Sequence
from datetime import datetime, tzinfo
from pathlib import Path
from typing import Any

from nbgrader.api import Assignment, Gradebook, Student
from nbgrader.coursedir import CourseDirectory
from nbgrader.plugins import ExportPlugin
from traitlets import Dict, Enum, Unicode, default

from ..lms.ids import read_ids
from ..notebooks.dates import local, zone_of
from ..notebooks.names import csv_safe, shown
from ..run.grades import Grades


class GradebookExporter(ExportPlugin):
    """What they have in common: which students, which assignments, which score."""

    default_name = "grades.csv"

    columns = Dict(key_trait=Unicode(), value_trait=Unicode(), help="""
        What an assignment is called over there, for example {"ps1": "Activations (4711)"}: for Canvas its title or its
        title with the number that Canvas's own export shows. Default: the assignment's name here.""").tag(config=True)

    unfinished = Enum(("blank", "partial"), "blank", help="""
        The cell of a submission that a person has not finished grading: "blank" leaves the grade over there as it is,
        "partial" writes the points so far.""").tag(config=True)

    ids = Dict(key_trait=Unicode(), value_trait=Unicode(), help="""
        What a student's id is over there, for example {"student-01": "4711"}. By default what `course class import` read
        in that system's own list, else nbgrader's lms_user_id.""").tag(config=True)

    system = ""         # whose ids count, see `grading.lms.ids`

    def export(self, gradebook: Gradebook) -> None:
        """Write the table to `--to`. Called by nbgrader."""
        place = self.to or self.default_name
        self.there = self.read_there()
        wanted = {str(name) for name in self.assignment}
        grades = [Grades(gradebook, row, self.coursedir) for row in gradebook.assignments if not wanted or row.name in wanted]
        if not wanted:
            grades = [one for one in grades if self.belongs(one)]
        chosen = {str(student) for student in self.student}
        students = sorted((row for row in gradebook.students if not chosen or row.id in chosen), key=lambda row: row.id)
        for one in grades:
            for student in one.strangers(row.id for row in gradebook.students) if not chosen else ():
                self.log.warning("%s handed in %s and is not in the gradebook, so in no row here: course grade %s", shown(student),
                                 one.assignment.name, shlex.quote(one.assignment.name))
        partial = Path(place).with_name(f".{Path(place).name}.partial")
        with open(partial, "w", newline="", encoding="utf-8") as file:
            csv.writer(file, lineterminator="\n").writerows([csv_safe(value) for value in row] for row in self.rows(grades, students))
        os.replace(partial, place)
        self.log.info("Wrote %d students and %d assignments to %s", len(students), len(grades), place)

    @property
    def coursedir(self) -> CourseDirectory | None:
        return getattr(self.parent, "coursedir", None)

    def read_there(self) -> dict[str, dict[str, str]]:
        """{student: what the system calls them}"""
        ids = read_ids(self.coursedir.root) if self.coursedir is not None else {}
        return {student: systems.get(self.system, {}) for student, systems in ids.items()}

    def belongs(self, grades: Grades) -> bool:
        why = grades.why_not_yet()
        if why:
            self.log.info("%s is left out: %s", grades.assignment.name, why)
        return why is None

    def rows(self, grades: Sequence[Grades], students: Sequence[Student]) -> Iterator[Sequence[Any]]:
        """All rows of the table."""
        yield from self.head([one.assignment for one in grades])
        for student in students:
            yield [*self.about(student), *(self.score(one, student) for one in grades)]

    def titles(self, assignments: Sequence[Assignment]) -> list[str]:
        return [self.columns.get(row.name, row.name) for row in assignments]

    def score(self, grades: Grades, student: Student) -> float | str:
        standing = grades.of(student.id)
        if standing.net is None and standing.so_far is not None and self.unfinished == "partial":
            return standing.so_far
        if standing.net is None and standing.why != "it is not due yet":
            self.log.warning("%s of %s is left blank: %s", grades.assignment.name, shown(student.id), standing.why)
        return "" if standing.net is None else standing.net

    def id_of(self, student: Student, kind: str) -> str:
        """The student's id of one kind in the other system, "" where nobody said."""
        return self.there.get(student.id, {}).get(kind, "")

    def head(self, assignments: Sequence[Assignment]) -> Iterator[Sequence[Any]]:
        """The rows above the students'."""
        raise NotImplementedError

    def about(self, student: Student) -> Sequence[str]:
        """The first cells of a student's row."""
        raise NotImplementedError


class CanvasExporter(GradebookExporter):
    """What Canvas reads under Grades > Import: it finds students by ID or SIS User ID, else by SIS Login ID."""

    default_name, system = "canvas.csv", "canvas"

    def head(self, assignments: Sequence[Assignment]) -> Iterator[Sequence[Any]]:
        yield ["Student", "ID", "SIS User ID", "SIS Login ID", "Section", *self.titles(assignments)]
        yield ["    Points Possible", "", "", "", "", *(row.max_score for row in assignments)]

    def about(self, student: Student) -> Sequence[str]:
        name = ", ".join(part for part in (student.last_name, student.first_name) if part)
        number = self.ids.get(student.id) or self.id_of(student, "id") or student.lms_user_id or ""
        return (name or student.id, number, self.id_of(student, "number"), self.id_of(student, "login") or student.id,
                self.id_of(student, "section"))


class MoodleExporter(GradebookExporter):
    """What Moodle reads under Grades > Import > CSV file. Map "Email address", "Username" or "ID number" to the user."""

    default_name, system = "moodle.csv", "moodle"

    def head(self, assignments: Sequence[Assignment]) -> Iterator[Sequence[Any]]:
        yield ["First name", "Last name", "Username", "ID number", "Email address", *self.titles(assignments)]

    def about(self, student: Student) -> Sequence[str]:
        number = self.ids.get(student.id) or self.id_of(student, "number") or self.lone_id(student)
        return (student.first_name or "", student.last_name or "", self.id_of(student, "login") or student.id, number,
                student.email or "")

    def lone_id(self, student: Student) -> str:
        """nbgrader's one id for a learning platform, unless it is Canvas's."""
        ids = read_ids(self.coursedir.root) if self.coursedir is not None else {}
        return "" if "canvas" in ids.get(student.id, {}) else student.lms_user_id or ""


class TableExporter(GradebookExporter):
    """nbgrader's own table, the default of `nbgrader export`, with blanks where nothing has happened yet."""

    default_name = "grades.csv"

    @default("unfinished")
    def _unfinished_default(self) -> str:
        return "partial"        # it is read here, where what is open can be seen

    def rows(self, grades: Sequence[Grades], students: Sequence[Student]) -> Iterator[Sequence[Any]]:
        zone = zone_of(self.config)
        yield ["assignment", "duedate", "timestamp", "student_id", "last_name", "first_name", "email", "raw_score",
               "late_submission_penalty", "score", "max_score"]
        for one in grades:
            for student in students:
                net, standing = self.score(one, student), one.of(student.id)
                known = net != ""
                yield [one.assignment.name, moment(one.assignment.duedate, zone), moment(standing.timestamp, zone), student.id,
                       student.last_name or "", student.first_name or "", student.email or "",
                       standing.raw if known else "", standing.penalty if known else "", net, one.assignment.max_score]


def moment(value: datetime | None, zone: tzinfo) -> str:
    return f"{local(value, zone):%Y-%m-%d %H:%M:%S%z}" if value else ""
