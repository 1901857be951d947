"""One warm sandbox serves a class: nothing of one submission reaches the next, and grading twice gives the same."""

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import nbformat
import pytest
import toys
from toys import grade, notebook

from grading.run import execute
from grading.run.batch import grade_locally, read_submission
from grading.run.course import Course
from grading.run.held import HELD
from grading.run.pool import Pool
from grading.border.sandbox import Sandbox, SandboxUnavailable, started_early
from grading.border.subject import KernelSubject
from tests.conftest import SHORT_LIMITS

pytestmark = pytest.mark.sandbox
CASES = ("perfect-vectorised", "loses-right-tail", "naive-overflow", "scalar-only", "in-place", "patches-the-checks",
         "fakes-the-report", "syntax-error", "blank")
LEFTOVERS = '''
import builtins, os, sys, tempfile, threading
import numpy as np
np.pi = 3
builtins.open = None
sys.modules["json"] = None
os.environ["LEFT"] = "here"
leftover = 1
open_files = [os.open(os.path.join(tempfile.gettempdir(), "left"), os.O_CREAT | os.O_WRONLY)]
os.makedirs("/tmp/left-folder", exist_ok=True)
'''
LOOK = '''
import builtins, os, sys, tempfile
import numpy as np
print([np.pi == 3, builtins.open is None, sys.modules.get("json", 0) is None, "LEFT" in os.environ, "leftover" in globals(),
       os.path.exists(os.path.join(tempfile.gettempdir(), "left")), os.path.exists("/tmp/left-folder")])
'''


def printed(subject, number, source):
    return "".join(output.get("text", "") for output in subject.run(number, source).outputs)


def test_nothing_of_one_submission_reaches_the_next(sandbox):
    first = KernelSubject(sandbox)
    printed(first, 0, LEFTOVERS)
    assert printed(first, 1, LOOK).count("True") == 7, "the control: these things do happen"
    first.close()
    second = KernelSubject(sandbox)
    assert printed(second, 0, LOOK).count("False") == 7
    second.close()


def test_the_server_stays_and_kernels_are_new(sandbox):
    servers = set()
    for _ in range(3):
        subject = KernelSubject(sandbox)
        assert printed(subject, 0, "count = globals().get('count', 0) + 1; print(count)") == "1\n"
        servers.add(sandbox.process.pid)
        subject.close()
    assert len(servers) == 1


def test_a_kernel_that_dies_leaves_the_server_ready(sandbox):
    subject = KernelSubject(sandbox)
    assert subject.run(0, "import os; os._exit(1)").status == "died"
    server = sandbox.process.pid
    subject.close()
    subject = KernelSubject(sandbox)
    assert printed(subject, 0, "print('alive')") == "alive\n" and sandbox.process.pid == server
    subject.close()


# --- servers that start while something else is loaded ------------------------------------------------------------

HAND_OVER = """
import time
from pathlib import Path
from grading.run.held import HELD
from grading.run.pool import Pool
from grading.border.sandbox import Limits, started_early

def take(_):
    sandbox = HELD.sandbox("bwrap", Limits())
    sandbox.open()
    time.sleep(1)
    return sandbox.process.pid

with started_early(2) as boxes:
    early, folders = {box.process.pid for box in boxes}, [Path(box.folder) for box in boxes]
    with Pool(3, boxes) as pool:
        used = {pid for _, pid in pool.run(take, range(6), 60)}
        assert len(used) == 3 and early < used, f"two were there early, {early}; used were {used}"
assert not any(box.alive() or folder.exists() for box, folder in zip(boxes, folders)), "something was left"
"""


def test_workers_take_over_the_sandboxes_that_started_early():
    """In a process without threads, as the command is one: else workers are not forked, and have their own."""
    done = subprocess.run([sys.executable, "-c", HAND_OVER], text=True, capture_output=True,
                          env={**os.environ, "OPENBLAS_NUM_THREADS": "1"})
    assert done.returncode == 0, done.stderr


def test_the_command_puts_early_sandboxes_to_use_unless_the_course_wants_other_limits(course_folder, monkeypatch):
    monkeypatch.setattr("grading.run.course.Pool", lambda jobs, boxes: len(boxes))
    root = course_folder("ps1")
    with started_early(2) as boxes:
        assert Course(root).pool(2, boxes) == 2
        assert Course(root).pool(1, boxes) == 1
        assert Course(root, ["--Execute.limits=cell_seconds=3"]).pool(2, boxes) == 0
        assert Course(root, ["--Execute.sandbox=none"]).pool(2, boxes) == 0
        boxes[0].close()
        assert Course(root).pool(2, boxes) == 1


def test_an_early_sandbox_that_cannot_start_is_left_to_the_run_to_report(monkeypatch):
    monkeypatch.setattr("grading.border.sandbox.find_bwrap", lambda: None)
    with started_early(2) as boxes:
        assert not any(box.alive() for box in boxes)
        with pytest.raises(SandboxUnavailable, match="apt-get install bubblewrap"):
            boxes[0].start()


def test_sandboxes_that_run_at_once_have_user_ids_of_their_own():
    assert len({Sandbox().identity.uid for _ in range(40)}) == 40


# --- the same answer every time ---------------------------------------------------------------------------------

@pytest.fixture
def course(tmp_path):
    yield toys.make_course(tmp_path)
    HELD.forget(str(tmp_path))


def test_a_notebook_graded_twice_is_the_same_byte_for_byte(course, sandbox):
    first = notebook(half="import random, time\n\ndef half(z):\n    return z / 3", last="print({'a', 'b', 'c'}); object()")
    second = nbformat.reads(nbformat.writes(first), as_version=4)
    grade(first, course, sandbox)
    grade(second, course, sandbox)
    cleaned = [re.sub(r"0x[0-9a-f]+", "0x", nbformat.writes(nb)) for nb in (first, second)]
    assert cleaned[0] == cleaned[1]


def test_a_graded_notebook_says_what_graded_it(course, sandbox):
    nb = notebook()
    grade(nb, course, sandbox)
    by = nb.metadata["grading"]["graded_by"]
    assert by["sandbox"] == "bwrap"
    assert {"numpy", "matplotlib", "ipython", "pytest", "nbgrader"} <= by["versions"].keys()
    for name in execute.JUDGES:
        assert re.fullmatch(r"[0-9a-f]{16}", by[name]), name


@pytest.mark.parametrize("path", ["tests/hidden/test_toy.py", "reference_impl/toy.py", "tests/misconceptions/toy.py"])
def test_what_graded_it_changes_with_each_file_that_judges_and_only_there(path, course):
    before = execute.provenance(execute.digests(execute.course_files(course)), "bwrap")
    (course / path).write_text((course / path).read_text() + "\n# changed\n")
    after = execute.provenance(execute.digests(execute.course_files(course)), "bwrap")
    assert [name for name in before if before[name] != after[name]] == [str(Path(path).parent)]


def test_a_regrade_by_another_process_writes_the_notebooks_that_nbgrader_wrote(golden_class, tmp_path):
    root, _ = golden_class["ps1"]
    shutil.copytree(root, tmp_path / "again")
    course = Course(tmp_path / "again", SHORT_LIMITS)
    waiting = course.submissions("ps1", CASES, force=True)
    with course.writer("ps1") as writer:
        bundle = course.bundle("ps1", writer)
    submissions = [read_submission(one.folder, one.student, bundle.canons, course.dir.ignore) for one in waiting]
    with Pool(1) as pool:
        for graded in grade_locally(bundle, submissions, pool):
            assert graded.error is None
            stored = nbformat.read(root / "autograded" / graded.student / "ps1" / "activations.ipynb", as_version=4)
            again = nbformat.reads(graded.notebooks["activations"], as_version=4)
            assert again.metadata["grading"]["verdicts"] == stored.metadata["grading"]["verdicts"], graded.student
            assert [cell.get("outputs") for cell in again.cells] == [cell.get("outputs") for cell in stored.cells], graded.student
            assert [cell.source for cell in again.cells] == [cell.source for cell in stored.cells], graded.student
