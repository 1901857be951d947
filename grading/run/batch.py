"""Grade a class: a pure function of (bundle, submission), run by local processes or by Dask, merged by one writer.

`grade` holds no gradebook and no shared disk: everything it needs travels in a `Bundle` and a `Submission`, and what it
finds comes back in a `Graded`. `Writer` (in `gradebook.py`) puts that into nbgrader's gradebook and `autograded/`.
"""

import hashlib
import itertools
import time
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from functools import partial
from typing import Any

import nbformat
from nbformat import NotebookNode
from nbgrader.utils import compute_checksum, determine_grade, is_grade, is_solution, is_task

from ..border.limits import Limits
from ..border.sandbox import START_SECONDS
from ..notebooks import again, pictures
from ..notebooks.bytecode import bytecode
from ..notebooks.intake import STAMP, Refusal, screen
from ..notebooks.mend import mend, stand_in
from ..notebooks.record import WHOLE, Seen
from ..notebooks.writing import notebook_text
from .execute import course_files, execute
from .held import HELD
from .pool import RETRIES, Lost, Pool


@dataclass(frozen=True)
class Bundle:
    """What is the same for a whole assignment. `code` are the files of checks, reference and misconceptions by path;
    `notebooks` maps names to {"wanted": see `mend.canon`, "kernelspec": dict or None}; `limits` as for `Limits`."""

    assignment: str
    notebooks: dict[str, dict[str, Any]]
    source_files: tuple[tuple[str, bytes], ...]
    code: dict[str, bytes]
    digest: str
    sandbox: str = "bwrap"
    limits: dict[str, float] = field(default_factory=dict)
    hidden: tuple[str, ...] = ()    # what of the course would be seen inside: see `execute.hidden`
    terse: bool = False     # see `checks.gate.Gate`

    @property
    def canons(self) -> dict[str, dict[str, Any]]:
        """{notebook: see `mend.canon`}"""
        return {name: entry["wanted"] for name, entry in self.notebooks.items()}


@dataclass(frozen=True)
class Submission:
    """What one student handed in, as `intake.screen` took it: notebooks {name: notebook or Refusal}, other files
    ((relative path, bytes), ...), what a human should know, and the exchange's time stamp or None."""

    student: str
    notebooks: dict[str, NotebookNode | Refusal]
    files: tuple[tuple[str, bytes], ...] = ()
    notes: tuple[str, ...] = ()
    timestamp: str | None = None
    digest: str = ""        # see `again`
    read_at: int = 0


@dataclass
class Graded:
    """What grading gave: notebook texts, files to put beside them, scores and comments {(notebook, cell): value}.

    `refused` are the notebooks that nobody could read, with the reason: graded as if empty, and left to a human. With
    `error` set, nothing of it is to be stored: the submission stays ungraded and needs a human too.
    """

    student: str
    timestamp: str | None = None
    notebooks: dict[str, str] = field(default_factory=dict)
    files: tuple[tuple[str, bytes], ...] = ()
    scores: dict[tuple[str, str], float | None] = field(default_factory=dict)
    comments: dict[tuple[str, str], str | None] = field(default_factory=dict)
    mended: dict[tuple[str, str], str] = field(default_factory=dict)
    refused: dict[str, str] = field(default_factory=dict)
    changed: dict[tuple[str, str], Seen] = field(default_factory=dict)  # {(notebook, cell): what a person had judged}: see `review`
    judged: dict[str, float | None] = field(default_factory=dict)   # {cell: the score that a person gave, or None} of these notebooks
    notes: tuple[str, ...] = ()
    settled: frozenset[str] = frozenset()       # notebooks whose notes a person has looked at: see `review.is_settled`
    error: str | None = None
    seconds: float = 0.0
    read_at: int = 0        # when the submission was read, see `again`
    cold: bool = False      # see `sandbox.COLD`
    sandbox: str = ""       # which limits held, in words
    overran: bool = False   # whether a limit of time ended something

    def notes_on(self, notebook: str) -> tuple[str, tuple[str, ...]]:
        """What was odd about a notebook, as its record has it; nothing of one that was not handed in."""
        return (self.mended.get((notebook, WHOLE), ""), tuple(self.notes)) if notebook in self.notebooks else ("", ())


# --- one submission -----------------------------------------------------------------------------------------------

def grade(bundle: Bundle, submission: Submission) -> Graded:
    """Grade one submission; never raises for what is in it. The same bundle and submission give the same `Graded`."""
    started = time.monotonic()
    graded = Graded(submission.student, submission.timestamp, notes=submission.notes)
    with HELD.lock:
        try:
            files = {**dict(submission.files), **dict(bundle.source_files)}
            stamp = {STAMP: submission.timestamp.encode() + b"\n"} if submission.timestamp else {}
            graded.files = tuple(sorted({**files, **stamp}.items()))
            for name, notebook in sorted(submission.notebooks.items()):
                grade_notebook(bundle, name, notebook, files, graded)
            if submission.digest:
                graded.files += ((again.MARK, again.mark_of(submission.digest, bool(graded.refused))),)
                graded.read_at = submission.read_at
        except Exception as error:      # reported by name; the run goes on and exits non-zero
            graded.error = f"{type(error).__name__}: {error}"
    graded.seconds = time.monotonic() - started
    return graded


def grade_notebook(bundle: Bundle, name: str, taken: NotebookNode | Refusal, files: dict[str, bytes], graded: Graded) -> None:
    wanted, kernelspec = bundle.notebooks[name]["wanted"], bundle.notebooks[name]["kernelspec"]
    if isinstance(taken, Refusal):
        graded.refused[name] = taken.reason
        taken = stand_in(taken.reason, graded.notes)
    nb: NotebookNode = nbformat.from_dict(taken)        # type: ignore[no-untyped-call]    # a copy: the submission stays what it was, for a retry
    clear_outputs(nb)
    said = mend(nb, wanted)
    if kernelspec:
        nb.metadata["kernelspec"] = kernelspec
    beside = [(path, blob) for path, blob in sorted(files.items()) if not path.endswith(".ipynb")]
    beside += filter(None, itertools.starmap(bytecode, bundle.source_files))
    sandbox = HELD.sandbox(bundle.sandbox, Limits.changed(bundle.limits), bundle.hidden)
    graded.overran |= execute(nb, name, HELD.root(bundle.digest, bundle.code), sandbox, beside, bundle.terse, bundle.code)
    graded.cold |= sandbox.cold
    graded.sandbox = sandbox.describe()
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


def clear_outputs(nb: NotebookNode) -> None:
    for cell in nb.cells:
        if cell.cell_type == "code":
            cell.outputs, cell.execution_count = [], None


# --- many submissions ---------------------------------------------------------------------------------------------

def patience(bundle: Bundle) -> float:
    """How many seconds a process may take for one submission before it is ended: more than any takes that is at work."""
    return 60 + len(bundle.notebooks) * (2 * Limits.changed(bundle.limits).submission_seconds + START_SECONDS)


def grade_locally(bundle: Bundle, submissions: Iterable[Submission], pool: Pool) -> Iterator[Graded]:
    """Yield a `Graded` for each of `submissions` (an iterable), graded by the processes of `pool`; order is not kept.

    A submission whose process is lost each time is reported as not graded.
    """
    for one, graded in pool.run(partial(grade, bundle), submissions, patience(bundle)):
        if isinstance(graded, Lost):
            graded = Graded(one.student, one.timestamp, error=f"the grading process {graded.why}")
        yield graded


def grade_with_dask(bundle: Bundle, submissions: Iterable[Submission], address: str) -> Iterator[Graded]:
    """The same by the workers of a Dask scheduler at `address`; bundle and submissions travel, no shared disk is used.

    Raises `OSError` if no scheduler answers there.
    """
    from distributed import Client, as_completed
    with Client(address, set_as_default=False) as client:
        shared = client.submit(keep, bundle, pure=False)    # unlike scattered data, made again if its workers are lost
        source, names = iter(submissions), {}
        running = as_completed(raise_errors=False, loop=client.loop)

        def feed(count: int) -> None:
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


def keep(bundle: Bundle) -> Bundle:
    return bundle


def read_submission(folder: str, student: str, wanted: dict[str, Any], ignored: Iterable[str] = (),
                    course: Iterable[str] = ()) -> Submission:
    """Screen `folder` into a `Submission` for the notebooks `wanted`; see `intake.screen`, which never raises."""
    read_at, digest = time.time_ns(), again.digest(folder)      # first: what changes meanwhile is another hand-in
    taken = screen(folder, wanted, ignored, course)
    return Submission(student, taken.notebooks, tuple(taken.files), tuple(taken.notes), taken.stamp, digest, read_at)


def make_bundle(assignment: str, notebooks: dict[str, dict[str, Any]], source_files: Iterable[tuple[str, bytes]], root: str,
                sandbox: str, limits: dict[str, float], hidden: tuple[str, ...] = ()) -> Bundle:
    """The bundle of an assignment whose checks and reference lie under `root`."""
    code = {**course_files(root), **pictures.helper_files(root)}
    digest = hashlib.sha256(repr(sorted(code.items())).encode()).hexdigest()
    return Bundle(assignment, notebooks, tuple(source_files), code, digest, sandbox, limits, hidden)
