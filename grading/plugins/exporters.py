"""Plug-ins of `nbgrader export` that write what Canvas and Moodle import, one row per student.

    nbgrader export --exporter=grading.plugins.exporters.CanvasExporter --to canvas.csv
    nbgrader export --exporter=grading.plugins.exporters.MoodleExporter --to moodle.csv

A score is nbgrader's: with manual points and late penalties. Who handed in nothing gets 0, as in nbgrader's own CSV.
"""

import csv

from nbgrader.api import MissingEntry
from nbgrader.plugins import ExportPlugin
from traitlets import Dict, Enum, Unicode

from ..notebooks.names import csv_safe, shown


class GradebookExporter(ExportPlugin):
    """What the two have in common: which students, which assignments, which score."""

    default_name = "grades.csv"

    columns = Dict(key_trait=Unicode(), value_trait=Unicode(), help="""
        What an assignment is called over there, for example {"ps1": "Activations (4711)"}: for Canvas its title or its
        title with the number that Canvas's own export shows. Default: the assignment's name here.""").tag(config=True)

    unfinished = Enum(("blank", "partial"), "blank", help="""
        The cell of a submission that a person has not finished grading: "blank" leaves the grade over there as it is,
        "partial" writes the points so far.""").tag(config=True)

    def export(self, gradebook):
        """Write the table to `--to`. Called by nbgrader."""
        place = self.to or self.default_name
        wanted = {str(name) for name in self.assignment}
        assignments = [row for row in gradebook.assignments if not wanted or row.name in wanted]
        chosen = {str(student) for student in self.student}
        students = [row for row in gradebook.students if not chosen or row.id in chosen]
        with open(place, "w", newline="", encoding="utf-8") as file:
            csv.writer(file, lineterminator="\n").writerows(
                [csv_safe(value) for value in row] for row in self.rows(gradebook, assignments, students))
        self.log.info("Wrote %d students and %d assignments to %s", len(students), len(assignments), place)

    def rows(self, gradebook, assignments, students):
        """The table, its head first."""
        yield from self.head(assignments)
        for student in sorted(students, key=lambda row: row.id):
            yield *self.about(student), *(self.score(gradebook, assignment, student) for assignment in assignments)

    def titles(self, assignments):
        return [self.columns.get(row.name, row.name) for row in assignments]

    def score(self, gradebook, assignment, student):
        try:
            submission = gradebook.find_submission(assignment.name, student.id)
        except MissingEntry:
            return 0.0
        if submission.needs_manual_grade and self.unfinished == "blank":
            self.log.warning("%s of %s is left blank: a person has to finish grading it", assignment.name, shown(student.id))
            return ""
        return round(max(0.0, submission.score - (submission.late_submission_penalty or 0.0)), 2)

    def head(self, assignments):
        """The rows above the students'."""
        raise NotImplementedError

    def about(self, student):
        """The first cells of a student's row."""
        raise NotImplementedError


class CanvasExporter(GradebookExporter):
    """What Canvas reads under Grades > Import. It finds students by ID (nbgrader's lms_user_id), else by login."""

    default_name = "canvas.csv"

    def head(self, assignments):
        yield ["Student", "ID", "SIS User ID", "SIS Login ID", "Section", *self.titles(assignments)]
        yield ["    Points Possible", "", "", "", "", *(row.max_score for row in assignments)]

    def about(self, student):
        name = ", ".join(part for part in (student.last_name, student.first_name) if part)
        return name or student.id, student.lms_user_id or "", "", student.id, ""


class MoodleExporter(GradebookExporter):
    """What Moodle reads under Grades > Import > CSV file. Map "Email address", "Username" or "ID number" to the user."""

    default_name = "moodle.csv"

    def head(self, assignments):
        yield ["First name", "Last name", "Username", "ID number", "Email address", *self.titles(assignments)]

    def about(self, student):
        return student.first_name or "", student.last_name or "", student.id, student.lms_user_id or "", student.email or ""


class TableExporter(GradebookExporter):
    """nbgrader's own table, the default of `nbgrader export`. There an id with commas in it makes up its own points."""

    def rows(self, gradebook, assignments, students):
        yield ["assignment", "duedate", "timestamp", "student_id", "last_name", "first_name", "email", "raw_score",
               "late_submission_penalty", "score", "max_score"]
        for assignment in assignments:
            for student in students:
                try:
                    submission = gradebook.find_submission(assignment.name, student.id)
                    score, penalty, when = submission.score, submission.late_submission_penalty, submission.timestamp
                except MissingEntry:
                    score, penalty, when = 0.0, 0.0, ""
                yield [assignment.name, str(assignment.duedate or ""), str(when or ""), student.id, student.last_name or "",
                       student.first_name or "", student.email or "", score, penalty, max(0.0, score - penalty), assignment.max_score]
