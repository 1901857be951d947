"""What the tests of `course grade` share: small classes, runs in this process or outside, and what a run leaves behind."""

import difflib
import io
import os
import re
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from contextlib import contextmanager, suppress
from pathlib import Path
from unittest.mock import patch

import nbformat
from nbgrader.api import Gradebook
from rich.console import Console

from grading.run.batch import Graded
from grading.tools.grade import grade_class
from grading.notebooks.submissions import fill, hand_in
from tests.conftest import SHORTER

ROOT = Path(__file__).parents[2]
CASES = ROOT / "tests" / "submissions" / "ps1"
REAPER = Path(__file__).with_name("reaper.py")
STOPPED_AT = re.compile(rb'"ename": "CellTimeout",.*?"traceback": \[.*?^   +\]', re.DOTALL | re.MULTILINE)
SLEEPY = "# Waits a while, then gives up.\n# %% sigmoid\nimport time\ntime.sleep({seconds})\n"


def configure(root, *lines):
    """Append lines to the course's configuration; loops end soon in any case."""
    with open(root / "nbgrader_config.py", "a", encoding="utf-8") as file:
        file.write(f"\nc.Execute.limits = {SHORTER}\n" + "\n".join(lines) + "\n")
    return root


def submit(root, student, case, stamp=None):
    """Hand in a golden submission of ps1 as `student`, in place of an earlier one."""
    folder = root / "submitted" / student / "ps1"
    shutil.rmtree(folder, ignore_errors=True)
    hand_in(CASES / case, root / "release" / "ps1", folder)
    if stamp:
        (folder / "timestamp.txt").write_text(stamp + "\n")
    return folder


def submit_text(root, student, text):
    """Hand in the release of ps1 with the cells of `text`, see `grading.notebooks.submissions`."""
    folder = root / "submitted" / student / "ps1"
    shutil.copytree(root / "release" / "ps1", folder)
    notebook = fill(nbformat.read(folder / "activations.ipynb", as_version=4), text)
    nbformat.write(notebook, folder / "activations.ipynb")


# --- runs ---------------------------------------------------------------------------------------------------------

def course_grade(root, *students, assignment="ps1", jobs=2, scheduler=None, force=False, dry_run=False, fork=True):
    """Run `course grade` in this process: (exit status, what it said).

    With `fork` its workers are forked although pytest has threads: those are idle, and a new program loads for seconds.
    """
    said = io.StringIO()
    with patch("grading.run.pool.alone", lambda: fork):
        status = grade_class(Console(file=said, width=200), root, assignment, students, jobs, scheduler, force, dry_run)
    return status, said.getvalue()


@contextmanager
def started(root, *options, **environment):
    """`course grade ps1` as a command of its own: yields (process, id of the command).

    The process ends when nothing is left of the run, not even an orphan. Temporary files go to `root`.tmp.
    """
    temporary = tempfile.mkdtemp(prefix="t-")       # a short path: sockets lie in it
    (root / "tmp").symlink_to(temporary)
    command = [sys.executable, str(REAPER), "--tell", sys.executable, "-m", "grading", "grade", "ps1", "--course", str(root), *options]
    process = subprocess.Popen(command, cwd=root, text=True, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
                               env={**os.environ, "PYTHONWARNINGS": "ignore", "TMPDIR": temporary, **environment})
    with process:
        try:
            yield process, int(process.stdout.readline())
        finally:
            process.kill()
            (root / "tmp").unlink()
            shutil.rmtree(temporary)


def workers_of(command):
    """The process ids of the workers of a running `course grade`."""
    children = Path(f"/proc/{command}/task/{command}/children").read_text().split()
    return [int(pid) for pid in children if Path(f"/proc/{pid}/comm").read_text() == "course worker\n"]


def crash(root, *options, moments, seconds=60):
    """Run `course grade` and kill it, once for each of `moments` = (lines of progress to wait for, seconds after them).

    After each kill everything of the run must end by itself within `seconds`, and what stands in autograded/ must be
    whole: readable notebooks, with rows in the gradebook. Returns how many submissions stood there after each.
    """
    counts = []
    for lines, delay in moments:
        with started(root, *options) as (process, command):
            for _ in range(lines + 1):      # the first line says how many there are
                process.stdout.readline()
            time.sleep(delay)
            with suppress(ProcessLookupError):
                os.kill(command, signal.SIGKILL)
            process.stdout.read()
            process.wait(seconds)
        known = {row[2] for row in rows(root) if row[0] == "submission"}
        for path in root.glob("autograded/*/ps1/*.ipynb"):
            nbformat.validate(nbformat.read(path, as_version=4))
        assert set(graded(root)) <= known
        counts.append(len(graded(root)))
    return counts


def die_for_one(bundle, submission):
    """Stands in for `batch.grade`."""
    if submission.student == "student-02":
        os.kill(os.getpid(), signal.SIGKILL)
    return Graded(submission.student)


# --- what is left behind ------------------------------------------------------------------------------------------

def rows(where):
    """All that a gradebook says of submissions, as sorted tuples of plain values. `where`: course root or database URL."""
    url = where if isinstance(where, str) else f"sqlite:///{where}/gradebook.db"
    found = []
    with Gradebook(url) as gradebook:
        for student in gradebook.students:
            found.append(("student", student.id, student.first_name, student.last_name, student.email))
        for assignment in gradebook.assignments:
            for submission in assignment.submissions:
                at = assignment.name, submission.student_id
                found.append(("submission", *at, submission.timestamp, submission.extension))
                for notebook in submission.notebooks:
                    found.append(("notebook", *at, notebook.name, notebook.flagged, notebook.late_submission_penalty))
                    found += [("grade", *at, notebook.name, one.name, one.auto_score, one.manual_score, one.extra_credit,
                               one.needs_manual_grade) for one in notebook.grades]
                    found += [("comment", *at, notebook.name, one.name, one.auto_comment, one.manual_comment)
                              for one in notebook.comments]
    return sorted(found, key=repr)


def files(root):
    """{path below autograded/: (bytes, mode)} of a course, but for the lock, and for where a loop stood when it was stopped."""
    base = root / "autograded"
    return {path.relative_to(base).as_posix(): (STOPPED_AT.sub(b"", path.read_bytes()), path.stat().st_mode)
            for path in base.rglob("*") if path.is_file() and path.name != ".grading.lock"}


def differences(root, other):
    """What `files` of two courses do not agree on, a few lines a file: a whole notebook in a failure hides the line."""
    ours, theirs = files(root), files(other)
    found = [f"{path}: only in {(root if path in ours else other).name}" for path in sorted(ours.keys() ^ theirs.keys())]
    for path in sorted(ours.keys() & theirs.keys()):
        (content, mode), (their_content, their_mode) = ours[path], theirs[path]
        if mode != their_mode:
            found.append(f"{path}: mode {mode:o} and {their_mode:o}")
        lines = difflib.unified_diff(*(text.decode(errors="replace").splitlines() for text in (content, their_content)),
                                     lineterm="", n=0)
        changed = [f"{path}: {line[:300]}" for line in list(lines)[2:12]]
        found += changed or ([f"{path}: other line ends"] if content != their_content else [])
    return found


def graded(root):
    """The students whose submission stands in autograded/."""
    return sorted(path.parent.name for path in root.glob("autograded/*/ps1"))


def points(root, student):
    with Gradebook(f"sqlite:///{root}/gradebook.db") as gradebook:
        return gradebook.find_submission("ps1", student).score
