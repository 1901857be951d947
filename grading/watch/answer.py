"""One answer: read a submission in the exchange, grade it as ever, and make the page that the student gets at once.

A pure function of the bundle and the folder, for a worker process. What a page shows of hidden checks is less than the
final one shows, because a student may hand in again and again: see `Gate.terse`.
"""

import hashlib
import json
import os
import time
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from html import escape

from nbconvert.exporters.exporter import ResourcesDict
from nbgrader.utils import is_grade, is_solution, is_task

from ..border.inside.watch import Use, descendants
from ..notebooks.cells import exercise_of
from ..notebooks.intake import Refusal
from ..notebooks.names import printable
from ..notebooks.record import Outcome, record_of, written
from ..notebooks.writing import written_notebook
from ..pages.html import page, paragraph, table
from ..plugins.generate_feedback import GenerateFeedback
from ..plugins.placing import PREVIEW
from ..plugins.release_feedback import notebooks_in
from ..run import batch
from ..run.course import Course
from ..run.results import CellComment, CellGrade, Named, NotebookResult, SubmissionResult

FAST = {"cell_seconds": 3.0, "call_seconds": 2.0, "submission_seconds": 6.0}     # limits of the first try
WAITS = 'data-waits="yes"'      # students' servers go on looking: jupyter/students/submit_and_wait.py
OURS = "Something went wrong on our side, and your submission has not been looked at yet. It is not lost, and costs no attempt."


@dataclass(frozen=True)
class Job:
    """What a worker is asked: `show` is "points", "titles" or "full"; `slow` asks for the full limits."""

    name: str
    folder: str
    student: str
    slow: bool
    show: str


@dataclass(frozen=True)
class Answer:
    """What came of it. `pages` are by the names of the notebooks that were handed in; `error` is our fault. `seconds` it took, of
    which `cpu_seconds` were at work: on a busy machine a calm notebook waits for its turn and may seem slow."""

    name: str
    digest: str = ""
    pages: dict[str, bytes] = field(default_factory=dict)
    points: float = 0.0
    most: float = 0.0
    checks: dict[str, tuple[int, int, list[str]]] = field(default_factory=dict)
    seconds: float = 0.0
    cpu_seconds: float = 0.0
    overran: bool = False
    note: str | None = None
    error: str | None = None


class Press:
    """The exporter of one course in one process."""

    held: "Press | None" = None

    def __init__(self, course: Course) -> None:
        self.root = course.dir.root
        course.app.log.setLevel("ERROR")
        converter = GenerateFeedback(coursedir=course.dir, parent=course.app)
        converter.begin()
        self.exporter = converter.exporter

    @classmethod
    def of(cls, root: str) -> "Press":
        if cls.held is None or cls.held.root != root:       # this process was not forked from the watcher
            cls.held = cls(Course(root))
        return cls.held


def fast(bundle: batch.Bundle) -> batch.Bundle:
    """The bundle with the limits of the first try, where the course's are not tighter."""
    return replace(bundle, limits={**bundle.limits, **{
        name: min(most, float(bundle.limits.get(name, most))) for name, most in FAST.items()}})


def answer(bundle: batch.Bundle, root: str, ignore: tuple[str, ...], job: Job) -> Answer:
    """Grade what lies in the job's folder and make its pages; never raises for what is in it."""
    names, before, started = [name for name, _ in bundle.source_files], cpu_seconds(), time.monotonic()
    submission = batch.read_submission(job.folder, job.student, bundle.canons, ignore, names)
    graded = batch.grade(bundle if job.slow else fast(bundle), submission)
    if graded.error:
        return Answer(job.name, error=printable(graded.error, 500))
    results = {name: result_of(name, text, graded) for name, text in graded.notebooks.items()}
    points = sum(result.score for result in results.values())
    note = printable(" ".join([*graded.refused.values(), *graded.notes]), 500) or None
    pages = pages_of(job, bundle.assignment, graded, results, root)
    return Answer(job.name, digest_of(submission, pages), under_their_names(pages, notebooks_in(job.folder)), points,
                  sum(result.max_score for result in results.values()), checks_of(graded), time.monotonic() - started, cpu_seconds() - before, graded.overran, note)


def cpu_seconds() -> float:
    """CPU time of this process and of all that came of it, kernels included: from outside, where student code tells no lies."""
    folder = os.open("/proc", os.O_RDONLY)
    try:
        use = Use(folder, descendants(os.getpid()), {})
        return sum(map(use.cpu_seconds, use.pids()))
    finally:
        os.close(folder)


def digest_of(submission: batch.Submission, pages: Mapping[str, str] = {}) -> str:
    """A digest of all that was graded, of what was read and not of what lies there: students own their folders. And of what they
    are told: code that asks the clock, or draws lots, answers otherwise each time."""
    found = hashlib.sha256()
    for name, taken in sorted(submission.notebooks.items()):
        found.update(json.dumps([name, taken.reason if isinstance(taken, Refusal) else taken], sort_keys=True).encode() + b"\0")
    for name, html in sorted(pages.items()):
        found.update(json.dumps([name, html]).encode() + b"\0")
    for name, content in submission.files:
        found.update(json.dumps([name, len(content)]).encode() + b"\0" + content)
    return found.hexdigest()


def result_of(name: str, text: str, graded: batch.Graded) -> NotebookResult:
    """What the gradebook would say of a notebook, if it were asked now."""
    grades, comments = [], {}
    for cell in written_notebook(text).cells:
        cell_name = cell.metadata.get("nbgrader", {}).get("grade_id")
        if is_grade(cell) or is_task(cell):
            score = graded.scores.get((name, cell_name))
            waits = score is None or name in graded.refused
            grades.append(CellGrade(cell_name, score or 0.0, float(cell.metadata.nbgrader["points"]), score, None, waits))
        if is_solution(cell) or is_task(cell):
            comments[cell_name] = CellComment(None, graded.comments.get((name, cell_name)))
    return NotebookResult(name, tuple(grades), comments, sum(grade.max_score for grade in grades), None)


def checks_of(graded: batch.Graded) -> dict[str, tuple[int, int, list[str]]]:
    """{exercise: (checks that passed, all, the names of those that did not)}"""
    return {exercise: (verdict.count(Outcome.PASSED), len(verdict.checks), [c.name for c in verdict.checks if c.outcome != Outcome.PASSED]) for text in graded.notebooks.values()
            for exercise, verdict in record_of(written_notebook(text)).verdicts.items()}


# --- pages --------------------------------------------------------------------------------------------------------

def pages_of(job: Job, assignment: str, graded: batch.Graded, results: dict[str, NotebookResult], root: str) -> dict[str, str]:
    if job.show == "points":
        return {name: points_page(assignment, name, result) for name, result in results.items()}
    made, submission = {}, SubmissionResult(job.student, Named(assignment), tuple(results.values()))
    for name, text in graded.notebooks.items():
        resources = ResourcesDict(nbgrader={"notebook": name, "assignment": assignment, "student": job.student, "submission": submission},
                                  metadata=ResourcesDict(name=name, path=""), preview=True)
        made[name], _ = Press.of(root).exporter.from_notebook_node(written_notebook(text), resources)
    return made


def points_page(assignment: str, name: str, result: NotebookResult) -> str:
    rows = [(exercise_of(grade.name), None if grade.needs_manual_grade else grade.score, grade.max_score) for grade in result.grades]
    said = f"{written(result.score)} of {written(result.max_score)} points so far. A dash: a person has to read it."
    return as_preview(page(f"Preview of {assignment}", paragraph("Official checks, before your instructor's final grading."),
                           paragraph(said), table(f"Points in {name}", ("part", "points", "of"), rows)))


def notice(assignment: str, *lines: str) -> bytes:
    """A page that says why there is no result yet."""
    html = as_preview(page(f"Your submission of {assignment}", *map(paragraph, lines)))
    return html.replace(PREVIEW.decode(), f"{PREVIEW.decode()} {WAITS}", 1).encode()


def as_preview(html: str) -> str:
    """The page with the mark by which `placing` knows that it may be replaced."""
    assert '<html lang="en">' in html[:100], escape(html[:100])
    return html.replace('<html lang="en">', f'<html lang="en" {PREVIEW.decode()}>', 1)


def under_their_names(pages: dict[str, str], handed_in: list[str]) -> dict[str, bytes]:
    """The pages by the names of the notebooks that were handed in: the student's side asks by these, and waits for all of them."""
    found = {name: text.encode() for name, text in pages.items()}
    other = next(iter(found.values())) if len(found) == 1 else elsewhere(list(found))
    return dict.fromkeys(handed_in, other) | found


def elsewhere(names: list[str]) -> bytes:
    """The page of a notebook that is none of the assignment's."""
    return as_preview(page("No exercise in here", paragraph("Official checks, before your instructor's final grading."),
                           paragraph(f"This notebook is none of the assignment's. The results stand with: {', '.join(names)}."))).encode()
