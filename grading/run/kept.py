"""Whether the gradebook has what was graded: an older copy of it may have been put back, a student or an assignment removed.

The folder in autograded/ stays as it is then, and nbgrader's rule for what needs grading looks at folders alone.
"""

import os
import shlex
from collections.abc import Iterable, Mapping
from pathlib import Path

from nbgrader.api import Assignment, Gradebook
from nbgrader.coursedir import CourseDirectory

from ..notebooks.again import REFUSED_BEFORE, needs_grading
from ..notebooks.cells import hidden_calls
from ..notebooks.names import for_shell
from ..notebooks.record import Record, VerdictRecord, records_in
from .audit import BEHIND
from .gradebook import exists
from .results import SubmissionResult, results_of

LOST = "graded, but not in the gradebook"
WHAT_IS_LOST = "Graded again now; points, comments, deadlines and extensions that people gave since are only in a newer copy of the gradebook."
DIFFERENT = 0.02        # points: both are rounded to hundredths
Exercises = dict[str, list[str]]


class Kept:
    """What the gradebook has of an assignment: the exercises of its tests cells, what each is worth, and what the checks gave."""

    def __init__(self) -> None:
        self.exercises: dict[str, Exercises] = {}
        self.worth: dict[str, dict[str, float]] = {}
        self.points: dict[str, dict[tuple[str, str], float | None]] = {}

    @classmethod
    def of(cls, coursedir: CourseDirectory, assignment: str) -> "Kept":
        """Nothing, where there is no gradebook or no such assignment in it."""
        if exists(coursedir.db_url):
            with Gradebook(coursedir.db_url, coursedir.course_id) as gradebook:
                row = gradebook.db.query(Assignment).filter_by(name=assignment).one_or_none()
                if row is not None:
                    return cls.read(row, results_of(gradebook, assignment))
        return cls()

    @classmethod
    def read(cls, row: Assignment, results: Iterable[SubmissionResult]) -> "Kept":
        """What the gradebook has of an assignment, of which all `results` have been read."""
        found = cls()
        for notebook in row.notebooks:
            calls = {cell.name: hidden_calls(cell.source or "") for cell in notebook.source_cells}
            tests = {cell.name: cell.max_score for cell in notebook.grade_cells if calls.get(cell.name)}
            found.exercises[notebook.name] = {cell: calls[cell] for cell in tests}
            found.worth[notebook.name] = {name: most / len(calls[cell]) for cell, most in tests.items() for name in calls[cell]}
        for result in results:
            found.points[result.student_id] = {(notebook.name, grade.name): grade.auto_score for notebook in result.notebooks
                                               for grade in notebook.grades if grade.name in found.exercises[notebook.name]}
        return found

    def lacks(self, student: str, graded: str | Path, records: Mapping[str, Record] | None = None) -> str | None:
        """What is wrong with the rows of a submission that was graded into the folder `graded`, in words; None if nothing is. Its
        `records` are read there if they are not given."""
        points = self.points.get(student)
        if not os.path.isdir(graded):
            return None
        if points is None or (points and all(score is None for score in points.values())):      # an extension alone makes a row, too
            return LOST
        differ = (self.differ(name, record.verdicts, points) for name, record in (records_in(graded) if records is None else records).items())
        return BEHIND if any(differ) else None

    def differ(self, notebook: str, verdicts: dict[str, VerdictRecord], points: dict[tuple[str, str], float | None]) -> bool:
        """Whether a graded notebook and its rows tell other points. Of one whose exercises are worth something else by now that is not
        known: it is to be regraded anyway."""
        worth = self.worth.get(notebook, {})
        if verdicts.keys() != worth.keys() or any(abs(verdict.most - worth[name]) > DIFFERENT for name, verdict in verdicts.items()):
            return False
        return any(abs((points.get((notebook, cell)) or 0.0) - sum(verdicts[name].points for name in names)) > DIFFERENT
                   for cell, names in self.exercises[notebook].items())

    def why_grade(self, student: str, submitted: str | Path, graded: str | Path, records: Mapping[str, Record] | None = None) -> str | None:
        """Why a submission needs grading: for what was handed in, or for what became of its rows; None if it does not."""
        why = needs_grading(submitted, graded)
        return self.lacks(student, graded, records) or why if why in (None, REFUSED_BEFORE) else why


def remedy(coursedir: CourseDirectory, assignment: str, student: str) -> str:
    """What to do about rows that are not there or others."""
    again = f"course grade {shlex.quote(assignment)} --student={for_shell(student)}"
    if Path(coursedir.format_path(coursedir.submitted_directory, student, assignment)).is_dir():
        return f"Put the newer gradebook back, or grade again: {again}"
    return f"Put the newer gradebook back, or what was handed in into {coursedir.submitted_directory}/, then: {again}"
