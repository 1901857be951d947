"""A class of sixty as it really hands in: every way at least twice, with what is due to each and why; honest students between.

`KINDS` is the table. A kind says what lies in the hand-in, the points that are due, and what has to be said: to staff (by
`course grade`, "" for nobody is named), and in the student's own table. Some hand in a second time (`later`).
"""

import base64
import io
import json
import shutil
import unicodedata
import zipfile
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from pathlib import Path

import nbformat
import toys
from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook
from nbgrader.api import Gradebook

from grading.notebooks.submissions import fill
from grading.plugins import written
from grading.run.course import Course
from grading.run.penalties import renew
from tests.conftest import ROOT, run_together

ASSIGNMENT, NAME, QUESTION, DUE = "hw 1", "toy.ipynb", "explain_toy", "2026-03-02 12:00:00"
EXERCISES, FULL = {"double": 4, "half": 4, "negative": 4}, 12
DAYS = {"on time": "2026-03-01 10:00:00 UTC", "late": "2026-03-02 13:00:00 UTC", "again": "2026-03-02 11:00:00 UTC"}
ANSWERS = toys.ANSWERS
PNG = base64.b64decode("iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg==")

ESSAY = 2.25        # points of every essay, and of one student's nothing yet
OPEN, OVERRIDES, EXTRA = "honest-1", {"honest-2": 1.5, "late-1": 1.0}, {"honest-3": 0.5, "late-2": 0.75}

Files = dict[str, bytes]


# --- the course ---------------------------------------------------------------------------------------------------

def cell(name, source, kind="code", **marks):
    make = new_code_cell if kind == "code" else new_markdown_cell
    marks = {"schema_version": 3, "grade_id": name, "grade": False, "solution": False, "locked": False, "task": False, **marks}
    return make(source, metadata={"nbgrader": marks}, id=name.replace("_", "-"))


def source_notebook():
    cells = [new_markdown_cell("# Toys", id="title"), cell("setup", "import numpy as np", locked=True)]
    for name, points in EXERCISES.items():
        right = toys.ANSWERS[name].partition("\n")[2]
        cells += [cell(name, f"def {name}(z):\n    ### BEGIN SOLUTION\n{right}\n    ### END SOLUTION", solution=True),
                  cell(f"test_{name}", f"print({name}(1.0))\n### BEGIN HIDDEN TESTS\nrun_hidden_checks(\"{name}\")\n"
                       "### END HIDDEN TESTS", grade=True, locked=True, points=points)]
    cells += [cell(QUESTION, "Why?", "markdown", task=True, locked=True, points=3),
              new_markdown_cell("*Write your answer here.*", id="answer")]
    return new_notebook(cells=cells, metadata={"kernelspec": {"name": "python3", "language": "python", "display_name": "Python 3"}})


def make_course(root: Path) -> Path:
    """A course of one toy assignment, generated, with a deadline."""
    toys.make_course(root)
    (root / "source" / ASSIGNMENT).mkdir(parents=True)
    nbformat.write(source_notebook(), root / "source" / ASSIGNMENT / NAME)
    config = (ROOT / "nbgrader_config.py").read_text().replace("percent_per_day = 0.0", "percent_per_day = 10.0")
    (root / "nbgrader_config.py").write_text(f"{config}\nc.Exchange.root = {str(root / 'exchange')!r}\n"
                                             "c.ExchangeCollect.check_owner = False\n"
                                             "c.Execute.limits = {'cell_seconds': 5, 'call_seconds': 3}\n")
    done, = run_together([(["generate_assignment", ASSIGNMENT], root)])
    assert done.returncode == 0, done.stdout[-3000:]
    with book(root) as gradebook:
        gradebook.update_or_create_assignment(ASSIGNMENT, duedate=DUE)
    return root


def book(root: Path) -> Gradebook:
    return Gradebook(f"sqlite:///{root}/gradebook.db")


# --- what lies in a hand-in ---------------------------------------------------------------------------------------

def work(essay="Because it is so.", behind="", before="", **answers) -> bytes:
    """A notebook with all answers right, but for `answers`; `behind` and `before` are cells at its end and start."""
    notebook = nbformat.reads(RELEASED["notebook"], as_version=4)
    fill(notebook, "".join(f"# %% {name}\n{source}\n" for name, source in {**ANSWERS, **answers}.items()))
    notebook.cells[-1].source = essay
    notebook.cells += [new_code_cell(behind)] if behind else []
    notebook.cells[1:1] = [new_code_cell(before)] if before else []
    return nbformat.writes(notebook).encode()


RELEASED: dict[str, str] = {}       # set when the course is made: what students start from


def blank() -> bytes:
    return RELEASED["notebook"].encode()


def only(content: bytes, name=NAME) -> Files:
    return {name: content}


def zipped() -> bytes:
    content = io.BytesIO()
    with zipfile.ZipFile(content, "w") as archive:
        archive.writestr(f"hw/{NAME}", work())
    return content.getvalue()


def with_outputs(mebibytes: int) -> bytes:
    data = json.loads(work())
    first = next(one for one in data["cells"] if one["cell_type"] == "code")
    first["outputs"] = [{"output_type": "stream", "name": "stdout", "text": "]x" * (mebibytes * 2**19)}]
    return json.dumps(data).encode()


def script() -> bytes:
    return ("import numpy as np\n\n" + "\n\n\n".join(ANSWERS.values()) + "\n").encode()


HELPER = "def helper(z):\n    return 2 * z\ndef double(z):\n    return np.add(helper(z), 0)"
SMALL_ONLY = "def double(z):\n    return 2 * z if abs(z) < 100 else z"
PICTURE = f"![](data:image/png;base64,{base64.b64encode(PNG).decode()})"


@dataclass(frozen=True)
class Kind:
    """One way to hand in. `points` of the checks are due after the first grading, `points_again` after the second, and
    `points_regraded` after the changed check; `None` stands for the points before."""

    name: str
    files: Callable[[], Files]
    points: float = FULL
    staff: str = ""         # said to staff by `course grade`; "" if nothing is
    table: str = ""         # said in the student's table of `double`
    later: Callable[[], Files] | None = None
    by: str = "exchange"    # or "LMS": a file that replaces the other, without a time stamp
    staff_again: str = ""
    points_again: float | None = None
    points_regraded: float | None = None
    essay_points: float | None = None       # given by a person after the first grading
    day: str = "on time"
    students: tuple[str, ...] = ()
    count: int = 2

    @property
    def names(self) -> tuple[str, ...]:
        return self.students or tuple(f"{self.name.replace(' ', '-')}-{number}" for number in range(1, self.count + 1))


HONEST = [Kind("honest", lambda: only(work()), count=6),
          Kind("blank", lambda: only(blank()), 0),
          Kind("right on small numbers", lambda: only(work(double=SMALL_ONLY)), 10, points_regraded=10.67)]
PLACE = [
    Kind("another helper further down", lambda: only(work(double=HELPER, behind="def helper(z):\n    return 7")), table="Right at its place"),
    Kind("star import further down", lambda: only(work(double=HELPER.replace("helper", "sqrt"), behind="from math import *")), table="Right at its place"),
    Kind("np is a number", lambda: only(work(double=HELPER, behind="np = 5")), table="Right at its place"),
    Kind("reset at the end", lambda: only(work(double=HELPER, behind="%reset -f")), table="Right at its place"),
    Kind("under main", lambda: only(work(double="if __name__ == '__main__':\n    def double(z):\n        return 2 * z"))),
    Kind("another way to draw", lambda: only(work(before="%matplotlib widget"))),
    Kind("stopped above its def", lambda: only(work(double="import not_here\ndef double(z):\n    return 2 * z")), 8, table="its cell stopped before that"),
    Kind("nearly the name", lambda: only(work(double="def doubleIt(z):\n    return 2 * z")), 8, table="It defines doubleIt"),
    Kind("another signature", lambda: only(work(double="def double(z, by):\n    return by * z")), 8, table="The exercise calls double(z)"),
]
FILES = [
    Kind("copy beside the blank one", lambda: {NAME: blank(), "toy-Copy1.ipynb": work()}, staff="in its place"),
    Kind("second upload", lambda: {NAME: work(double=""), "toy-1.ipynb": work()}, staff="in its place"),
    Kind("second download", lambda: only(work(), "toy (1).ipynb")),
    Kind("prefixed name", lambda: only(work(), "hw1_toy.ipynb")),
    Kind("scratch and a twin", lambda: {NAME: work(), "Untitled.ipynb": b'{"cells": [{"cell_type": "code", "source": "1"}]}', "._toy.ipynb": b"\0\5\x16\7"}),
    Kind("two that differ", lambda: {NAME: work(), "toy-Copy1.ipynb": work(half="def half(z):\n    return z")}, 0, staff="could be one of",
         later=lambda: only(work()), by="LMS", points_again=FULL),
    Kind("another ending", lambda: only(work(), "toy.ipynb.json")),
    Kind("zip", lambda: only(zipped(), "hw.zip")),
    Kind("script", lambda: only(script(), "toy.py"), staff="Python script"),
    Kind("large outputs", lambda: only(with_outputs(20))),
    Kind("nothing of it", lambda: only(b'{"cells": [{"cell_type": "code", "source": "1"}]}'), 0, staff="does not look like hw 1",
         later=lambda: only(work()), by="LMS", points_again=FULL),
    Kind("ends of lines", lambda: only(work().replace(b"\n", b"\r\n"))),
    Kind("picture in the text", lambda: only(work(PICTURE + "\n\nThe end."))),
    Kind("picture beside", lambda: {NAME: work('<img src="plot.png">'), "plot.png": PNG}),
]
AGAIN = [
    Kind("new file from the LMS", lambda: only(blank()), 0, later=lambda: only(work()), by="LMS", points_again=FULL),
    Kind("again in the exchange", lambda: only(work(half="def half(z):\n    return z")), 8, later=lambda: only(work()), points_again=FULL),
    Kind("essay changed", lambda: only(work("The old text.")), later=lambda: only(work("The new text.")), essay_points=2.0,
         staff_again="explain_toy was given 2 points by a person and changed since"),
    Kind("essay kept", lambda: only(work("The same text.")), later=lambda: only(work("The same text.", double=SMALL_ONLY)),
         essay_points=2.5, points_again=10, points_regraded=10.67),
    Kind("late", lambda: only(work()), day="late"),
]
NAMES = [
    Kind("accents", lambda: only(work()), students=(unicodedata.normalize("NFD", "zoë-1"), unicodedata.normalize("NFC", "zoë-2"))),
    Kind("markup and quotes", lambda: only(work()), students=("[red]o'brien", "a b [WS26]")),
]
KINDS = [*HONEST, *PLACE, *FILES, *AGAIN, *NAMES]


def students() -> dict[str, Kind]:
    """{student's id: the kind}; an id has one way to be written."""
    return {unicodedata.normalize("NFC", name): kind for kind in KINDS for name in kind.names}


# --- the term -----------------------------------------------------------------------------------------------------

@dataclass
class Term:
    """The class in its course: hands in, is collected and graded by the commands that people type."""

    root: Path
    said: list[str] = field(default_factory=list)

    @classmethod
    def begin(cls, root: Path) -> "Term":
        RELEASED["notebook"] = ""
        make_course(root)
        RELEASED["notebook"] = (root / "release" / ASSIGNMENT / NAME).read_text()
        return cls(root)

    def hand_in(self) -> None:
        for kind in KINDS:
            for name in kind.names:
                self.put(name, kind.files(), DAYS[kind.day])

    def hand_in_again(self) -> None:
        for kind in KINDS:
            for name in kind.names if kind.later else ():
                if kind.by == "LMS":
                    folder = self.root / "submitted" / unicodedata.normalize("NFC", name) / ASSIGNMENT
                    shutil.rmtree(folder)
                    write(folder, kind.later())
                else:
                    self.put(name, kind.later(), DAYS["again"])

    def put(self, name: str, files: Files, stamp: str) -> None:
        """Into the exchange, as nbgrader submits."""
        folder = self.root / "exchange" / "gradients" / "inbound" / f"{name}+{ASSIGNMENT}+{stamp}+x"
        write(folder, {**files, "timestamp.txt": stamp.encode()})

    def person(self) -> None:
        """A person grades the questions of some."""
        with Gradebook(f"sqlite:///{self.root}/gradebook.db") as gradebook:
            for student, kind in students().items():
                if kind.essay_points is not None:
                    grade = gradebook.find_grade(QUESTION, "toy", ASSIGNMENT, student)
                    grade.manual_score, grade.needs_manual_grade = kind.essay_points, False
                    gradebook.find_comment(QUESTION, "toy", ASSIGNMENT, student).manual_comment = "Which text?"
            gradebook.db.commit()

    def read_the_essays(self) -> None:
        """A person grades every essay on the page of the whole class, but for one; overrides, gives extra credit, and resolves
        what was odd."""
        course = Course(self.root)
        with Gradebook(f"sqlite:///{self.root}/gradebook.db") as gradebook:
            for student, kind in students().items():
                grade, comment = (find(QUESTION, "toy", ASSIGNMENT, student) for find in (gradebook.find_grade, gradebook.find_comment))
                if student != OPEN:
                    seen = {"seen_score": grade.manual_score, "seen_text": comment.manual_comment}
                    status, _ = written.save(course.dir, gradebook, {"grade": grade.id, "comment": comment.id, "score": ESSAY,
                                                                     "text": "Read.", **seen})
                    assert status == 200, student
                for one in grade.notebook.grades:
                    one.needs_manual_grade &= one is grade
                half = gradebook.find_grade("test_half", "toy", ASSIGNMENT, student)
                half.manual_score, half.extra_credit = OVERRIDES.get(student), EXTRA.get(student)
                renew(half.notebook.assignment, course.late_policy())
            gradebook.db.commit()

    def change_a_check(self) -> None:
        path = self.root / "tests" / "hidden" / "test_toy.py"
        path.write_text(path.read_text().replace('"doubles large numbers", weight=2', '"doubles large numbers", weight=1'))

    def points(self) -> dict[str, float]:
        """{student: the points of the checks} in the gradebook."""
        with Gradebook(f"sqlite:///{self.root}/gradebook.db") as gradebook:
            return {row.student_id: round(sum(grade.auto_score or 0 for notebook in row.notebooks for grade in notebook.grades), 2)
                    for row in gradebook.find_assignment(ASSIGNMENT).submissions}

    def essay(self, student: str) -> tuple[bool, float | None]:
        """(whether a person has to look, the score that a person gave)"""
        with Gradebook(f"sqlite:///{self.root}/gradebook.db") as gradebook:
            grade = gradebook.find_grade(QUESTION, "toy", ASSIGNMENT, student)
            return grade.needs_manual_grade, grade.manual_score

    def graded(self, student: str):
        """The graded notebook of a student."""
        return nbformat.read(self.root / "autograded" / student / ASSIGNMENT / NAME, as_version=4)


def write(folder: Path, files: Files) -> None:
    for name, content in files.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_bytes(content)


def counts(student: str) -> float:
    """What counts in the end: checks, essay, override and extra credit, and 10 % off for a day late."""
    kind = students()[student]
    points = next(one for one in (kind.points_regraded, kind.points_again, kind.points) if one is not None)
    points += OVERRIDES.get(student, EXERCISES["half"]) - EXERCISES["half"] + EXTRA.get(student, 0.0) + (0 if student == OPEN else ESSAY)
    return round(points - (round(points * 0.1, 2) if kind.day == "late" else 0.0), 2)


def due_again(kind: Kind) -> Kind:
    """What is due after the second hand-in."""
    return replace(kind, points=kind.points if kind.points_again is None else kind.points_again)
