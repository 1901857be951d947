"""Grade a class: a pure function of (bundle, submission), run by local processes or by Dask, merged by one writer.

`grade` holds no gradebook and no shared disk: everything it needs travels in a `Bundle` and a `Submission`, and what it
finds comes back in a `Graded`. `Writer` (in `gradebook.py`) puts that into nbgrader's gradebook and `autograded/`.
"""

import gc
import hashlib
import itertools
import os
import shutil
import signal
import tempfile
import threading
import time
from collections import Counter, deque
from concurrent.futures import FIRST_COMPLETED, ProcessPoolExecutor, wait
from concurrent.futures.process import BrokenProcessPool
from dataclasses import dataclass, field
from multiprocessing import active_children, get_context
from multiprocessing.util import Finalize
from pathlib import Path

import nbformat
from nbgrader.utils import compute_checksum, determine_grade, is_grade, is_solution, is_task

from ..notebooks import pictures
from .execute import LOADED, SANDBOXES, course_files, execute, hold, shared_sandbox
from ..notebooks.intake import STAMP, Refusal, screen
from ..notebooks.mend import mend, stand_in
from ..border.sandbox import Limits
from ..notebooks.writing import notebook_text

RETRIES = 2             # of a submission whose worker died
PR_SET_PDEATHSIG = 1


@dataclass(frozen=True)
class Bundle:
    """What is the same for a whole assignment. `code` are the files of checks, reference and misconceptions by path;
    `notebooks` maps names to {"wanted": see `mend.canon`, "kernelspec": dict or None}; `limits` as for `Limits`."""

    assignment: str
    notebooks: dict
    source_files: tuple
    code: dict
    digest: str
    sandbox: str = "bwrap"
    limits: dict = field(default_factory=dict)


@dataclass(frozen=True)
class Submission:
    """What one student handed in, as `intake.screen` took it: notebooks {name: notebook or Refusal}, other files
    ((relative path, bytes), ...), what a human should know, and the exchange's time stamp or None."""

    student: str
    notebooks: dict
    files: tuple = ()
    notes: tuple = ()
    timestamp: str | None = None


@dataclass
class Graded:
    """What grading gave: notebook texts, files to put beside them, scores and comments {(notebook, cell): value}.

    `refused` are the notebooks that nobody could read, with the reason: graded as if empty, and left to a human. With
    `error` set, nothing of it is to be stored: the submission stays ungraded and needs a human too.
    """

    student: str
    timestamp: str | None = None
    notebooks: dict = field(default_factory=dict)
    files: tuple = ()
    scores: dict = field(default_factory=dict)
    comments: dict = field(default_factory=dict)
    mended: dict = field(default_factory=dict)
    refused: dict = field(default_factory=dict)
    notes: tuple = ()
    error: str | None = None
    seconds: float = 0.0
    cold: bool = False      # see `sandbox.COLD`


# --- one submission -----------------------------------------------------------------------------------------------

LOCK = threading.Lock()     # a Dask worker may have several threads; sandbox and suite serve one submission at a time
ROOTS = {}                  # digest -> folder in this process where a bundle's code was unpacked


def grade(bundle, submission):
    """Grade one submission; never raises for what is in it. The same bundle and submission give the same `Graded`."""
    started = time.monotonic()
    graded = Graded(submission.student, submission.timestamp, notes=submission.notes)
    with LOCK:
        try:
            files = {**dict(submission.files), **dict(bundle.source_files)}
            stamp = {STAMP: submission.timestamp.encode() + b"\n"} if submission.timestamp else {}
            graded.files = tuple(sorted({**files, **stamp}.items()))
            for name, notebook in sorted(submission.notebooks.items()):
                grade_notebook(bundle, name, notebook, files, graded)
        except Exception as error:      # reported by name; the run goes on and exits non-zero
            graded.error = f"{type(error).__name__}: {error}"
    graded.seconds = time.monotonic() - started
    return graded


def grade_notebook(bundle, name, taken, files, graded):
    wanted, kernelspec = bundle.notebooks[name]["wanted"], bundle.notebooks[name]["kernelspec"]
    if isinstance(taken, Refusal):
        graded.refused[name] = taken.reason
        taken = stand_in(taken.reason)
    nb = nbformat.from_dict(taken)      # a copy: the submission stays what it was, for a retry
    clear_outputs(nb)
    said = mend(nb, wanted)
    if kernelspec:
        nb.metadata["kernelspec"] = kernelspec
    beside = [(path, blob) for path, blob in sorted(files.items()) if not path.endswith(".ipynb")]
    sandbox = shared_sandbox(bundle.sandbox, Limits.changed(bundle.limits))
    execute(nb, name, unpacked(bundle), sandbox, beside)
    graded.cold |= sandbox.cold
    for cell in nb.cells:
        key = name, cell.metadata.get("nbgrader", {}).get("grade_id")
        if is_grade(cell):
            graded.scores[key] = determine_grade(cell)[0]
        if is_solution(cell) or is_task(cell):
            unchanged = not is_task(cell) and cell.metadata["nbgrader"]["checksum"] == compute_checksum(cell)
            graded.comments[key] = "No response." if unchanged else None
    text = notebook_text(nb)
    text.encode()       # raises here, where it is this submission's error
    graded.notebooks[name] = text if text.endswith("\n") else text + "\n"
    graded.mended.update({(name, cell): words for cell, words in said.items()})


def clear_outputs(nb):
    for cell in nb.cells:
        if cell.cell_type == "code":
            cell.outputs, cell.execution_count = [], None


def unpacked(bundle):
    """The folder of this process that holds the bundle's checks, reference and misconceptions."""
    if bundle.digest not in ROOTS:
        root = tempfile.mkdtemp(prefix="course-")
        Finalize(None, shutil.rmtree, (root, True), exitpriority=1)       # atexit does not run in worker processes
        for path, content in bundle.code.items():
            target = Path(root, path)
            target.parent.mkdir(parents=True, exist_ok=True)
            target.write_bytes(content)
        ROOTS[bundle.digest] = root
    return ROOTS[bundle.digest]


# --- many submissions ---------------------------------------------------------------------------------------------

def begin_worker(shelf, boxes, turn):
    """In a new worker: leave Ctrl-C to the parent, stop tidily when it says so, and end with it, whatever ends it.

    `shelf` is a folder for pictures that all workers share, `boxes` are sandboxes of which this one takes the next.
    """
    import ctypes
    for held in (SANDBOXES, LOADED, ROOTS):     # those are the parent's
        held.clear()
    pictures.shelf = Path(shelf)
    take_sandbox(boxes, turn)
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    signal.signal(signal.SIGTERM, stop_worker)
    ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGKILL, 0, 0, 0)


def take_sandbox(boxes, turn):
    """Keep the next of `boxes`, if one is left, and let go of the others: a server ends when nobody holds on to it."""
    if boxes:
        with turn.get_lock():
            number, turn.value = turn.value, turn.value + 1
    for at, box in enumerate(boxes):
        if at != number:
            box.control.close()
        else:
            hold(box)


def stop_worker(*_):
    """Leave the submission at hand, take up no other, and leave nothing behind."""
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
    leave_nothing()
    os._exit(1)


def leave_nothing():
    """What a process does before it is ended the hard way: end its sandboxes, remove its folders."""
    for sandbox in SANDBOXES.values():
        sandbox.close()
    for root in ROOTS.values():
        shutil.rmtree(root, ignore_errors=True)


class Pool:
    """Local worker processes. As a context manager: they end after what they were given, or at once if that is left early.

    They are forked from this process, which has loaded everything, unless it has threads, which do not survive a fork.
    Make the pool before a gradebook is open: a connection is not for several processes. `boxes` are sandboxes that this
    process launched, at most one for each worker; they take them over.
    """

    def __init__(self, jobs, boxes=()):
        self.jobs, self.others, self.executor = jobs, set(active_children()), None
        self.shelf = tempfile.TemporaryDirectory(prefix="course-")
        if len(os.listdir("/proc/self/task")) == 1:
            import matplotlib.figure    # noqa: F401  each worker would load it for its first picture
            gc.freeze()     # what is loaded stays: collections would look at all of it, and workers copy its pages
            self.begin("fork", boxes, get_context("fork").Value("i"))
            for box in boxes:
                box.control.close()

    def begin(self, method, boxes=(), turn=None):
        begin = self.shelf.name, boxes, turn
        self.executor = ProcessPoolExecutor(self.jobs, get_context(method), begin_worker, begin)
        self.executor.submit(os.getpid)         # has them forked now

    def submit(self, *task):
        try:
            return self.executor.submit(*task)
        except (AttributeError, BrokenProcessPool):     # none yet, or one whose process died: a new one takes its place
            self.begin("forkserver")
            return self.executor.submit(*task)

    def __enter__(self):
        return self

    def __exit__(self, failed, *_):
        if self.executor:
            for worker in set(active_children()) - self.others if failed else ():
                worker.terminate()
            self.executor.shutdown(wait=True, cancel_futures=True)
        self.shelf.cleanup()


def grade_locally(bundle, submissions, pool):
    """Yield a `Graded` for each of `submissions` (an iterable), graded by the processes of `pool`; order is not kept.

    At most two submissions per process are in flight, so memory stays flat however many there are. When a process dies,
    what was in flight is graded again, one by one, so that it is known whose fault it is; a submission whose process
    dies each time is reported as not graded.
    """
    source, running, suspects, deaths = iter(submissions), {}, deque(), Counter()
    while True:
        most = 1 if suspects else 2 * pool.jobs
        while len(running) < most and (one := suspects.popleft() if suspects else next(source, None)) is not None:
            running[pool.submit(grade, bundle, one)] = one
        if not running:
            return
        alone = len(running) == 1
        for future in wait(running, return_when=FIRST_COMPLETED).done:
            one = running.pop(future)
            try:
                graded = future.result()
            except BrokenProcessPool:
                deaths[one.student] += alone
                if deaths[one.student] <= RETRIES:
                    suspects.append(one)
                    continue
                graded = Graded(one.student, one.timestamp, error="the grading process died each time")
            except Exception as error:      # what came of it could not be sent
                graded = Graded(one.student, one.timestamp, error=f"its result was lost ({type(error).__name__})")
            yield graded


def grade_with_dask(bundle, submissions, address):
    """The same by the workers of a Dask scheduler at `address`; bundle and submissions travel, no shared disk is used.

    Raises `OSError` if no scheduler answers there.
    """
    from distributed import Client, as_completed
    with Client(address, set_as_default=False) as client:
        shared = client.submit(keep, bundle, pure=False)    # unlike scattered data, made again if its workers are lost
        source, names = iter(submissions), {}
        running = as_completed(raise_errors=False, loop=client.loop)

        def feed(count):
            for one in itertools.islice(source, count):
                future = client.submit(grade, shared, one, pure=False, retries=RETRIES)
                names[future.key] = one
                running.add(future)

        feed(4 * max(1, sum(client.nthreads().values())))
        for future in running:
            one = names.pop(future.key)
            if future.status == "finished":
                yield future.result()
            else:
                said = future.exception() if future.status == "error" else future.status
                yield Graded(one.student, one.timestamp, error=f"no worker could grade it: {said}")
            future.release()
            feed(1)


def keep(bundle):
    return bundle


def read_submission(folder, student, wanted, ignored=(), course=()):
    """Screen `folder` into a `Submission` for the notebooks called `wanted`; see `intake.screen`, which never raises."""
    taken = screen(folder, wanted, ignored, course)
    return Submission(student, taken.notebooks, tuple(taken.files), tuple(taken.notes), taken.stamp)


def make_bundle(assignment, notebooks, source_files, root, sandbox, limits):
    """The bundle of an assignment whose checks and reference lie under `root`."""
    code = {**course_files(root), **pictures.helper_files(root)}
    digest = hashlib.sha256(repr(sorted(code.items())).encode()).hexdigest()
    return Bundle(assignment, notebooks, tuple(source_files), code, digest, sandbox, limits)
