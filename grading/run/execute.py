"""The nbgrader preprocessor that runs a submission: cells in the sandbox, hidden checks out here.

It stands in the place of `nbgrader.preprocessors.Execute` in `c.Autograde.autograde_preprocessors`. Points are written
as the one `execute_result` of a tests cell, where nbgrader's `SaveAutoGrades` looks for partial credit.
"""

import hashlib
from collections.abc import Iterable, Mapping
from dataclasses import replace
from functools import cache
from importlib.metadata import version
from pathlib import Path
from typing import Any

from nbformat import NotebookNode
from nbgrader.coursedir import CourseDirectory
from nbgrader.preprocessors import NbGraderPreprocessor
from nbgrader.utils import is_grade, is_locked, is_task
from traitlets import Dict, Enum, Unicode, default

from ..checks import table
from ..checks.gate import Gate
from ..notebooks import outputs, pictures
from ..checks.suite import Suite, SuiteError
from ..checks.verdict import Verdict
from ..notebooks.cells import hidden_calls, is_tests, name_of, visible
from ..notebooks.embedded import Room, without_missing
from ..notebooks.intake import files_below
from ..notebooks.record import Record, VerdictRecord, written
from ..border.limits import Limits
from ..border.sandbox import Sandbox
from ..border.subject import CellEnd, CellRun, KernelSubject
from ..border.surroundings import image
from .explain import explain
from .held import HELD
from .paths import hidden
from .place import judge_at_their_places

OWN = "checks of the notebook"      # in the record: see `own_digest`
CELLS = "graded cells of the notebook"     # the same: see `cells_digest`
Resources = dict[str, Any]          # nbconvert's
JUDGES = ("tests/hidden", "reference_impl", "tests/misconceptions")


class Execute(NbGraderPreprocessor):    # type: ignore[misc]    # nbgrader comes without types
    """Run the cells of a submission, judge its exercises and write points and tables into its tests cells."""

    sandbox = Enum(("bwrap", "none"), "bwrap", help="""
        Where student code runs. "bwrap": in bubblewrap, and refuse to grade where it cannot be had. "none": with the
        grader's own rights, for code that you trust as your own.""").tag(config=True)

    limits = Dict(help="""
        Limits of one submission that differ from `grading.border.limits.Limits`, for example {"cell_seconds": 30}.
        """).tag(config=True)

    course_root = Unicode(help="""
        The folder with `reference_impl` and `tests/hidden`. By default the course's own: `c.CourseDirectory.root`.
        """).tag(config=True)

    @default("course_root")
    def _course_root_default(self) -> str:
        root: str = CourseDirectory(config=self.config).root
        return root

    def preprocess(self, nb: NotebookNode, resources: Resources) -> tuple[NotebookNode, Resources]:
        """Execute `nb` in place. Raises `SandboxUnavailable` or `SuiteError`: nbgrader then leaves it ungraded."""
        sandbox = HELD.sandbox(self.sandbox, Limits.changed(self.limits), hidden(self.config, self.course_root))
        execute(nb, resources["nbgrader"]["notebook"], self.course_root, sandbox, files_beside(resources))
        HELD.tell_once(self.log, sandbox)
        return nb, resources


def execute(nb: NotebookNode, notebook: str, root: str, sandbox: Sandbox, files: list[tuple[str, bytes]], terse: bool = False,
            code: Mapping[str, bytes] | None = None) -> bool:
    """Run the cells of `nb` with `files` beside them, judge its exercises, write points and tables; in place.

    `notebook` is its name, `root` the folder with `reference_impl` and `tests/hidden`, `code` what
    `course_files` finds there, where that is known; for `terse` see `Gate`. Returns whether a limit of time ended something. Raises `SandboxUnavailable` or `SuiteError` for what is not the student's fault.
    """
    names = {number: hidden_calls(cell.source) for number, cell in enumerate(nb.cells) if is_tests(cell)}
    code = code or course_files(root)
    judges = digests(code)
    suite = suite_for(nb, notebook, root, names, judges)
    subject = KernelSubject(sandbox, watch=sum(names.values(), []), files=files)
    try:
        complained = run_cells(nb, subject, root)
        verdicts = suite.judge(subject) if suite else {}
        if suite:
            verdicts |= judge_at_their_places(nb, names, verdicts, suite, subject, complained)
    finally:
        subject.close()
    explain(verdicts, nb, Path(root, "reference_impl", f"{notebook}.py").read_text(encoding="utf-8") if suite else "")
    before = Record.read(nb)
    gate = Gate({number: (name_of(cell), cell.source) for number, cell in enumerate(nb.cells)}, terse=terse)
    records = dict[str, VerdictRecord]()
    for number, exercises in names.items():
        records |= write_verdicts(nb.cells[number], [verdicts[name] for name in exercises], gate, before.mended, number in complained)
    replace(before, graded_by={**provenance(judges, sandbox.mode), OWN: own_digest(code, notebook),
                               CELLS: cells_digest(name_of(cell) for cell in nb.cells if is_grade(cell) or is_task(cell))}, verdicts=records).write(nb)
    return subject.overran


def suite_for(nb: NotebookNode, notebook: str, root: str, names: dict[int, list[str]], judges: dict[str, str]) -> Suite | None:
    """The checks that the tests cells ask for, or None where there is no tests cell. Raises `SuiteError`.

    A tests cell that asks for none would be judged by what happens in the student's kernel.
    """
    for number, exercises in names.items():
        if not exercises:
            raise SuiteError(f"Cell {name_of(nb.cells[number])} of {notebook} names no hidden checks: write "
                             'run_hidden_checks("...") as a line of its own into its hidden region.')
    if not names:
        return None
    suite = HELD.suite(root, notebook, judges)
    if unknown := sorted(set(sum(names.values(), [])) - suite.exercises):
        raise SuiteError(f"{notebook} asks for checks of {', '.join(unknown)}, and {suite.path} has none.")
    return suite


def run_cells(nb: NotebookNode, subject: KernelSubject, root: str) -> set[int]:
    """Run the cells of `nb`; returns the numbers of the graded ones that ended in an error: what the student saw fail."""
    complained: set[int] = set()
    room = Room()
    album, prose, markup = pictures.Album(root, HELD.shelf), outputs.Prose(room), outputs.Markup()
    for number, cell in enumerate(nb.cells):
        if cell.cell_type == "markdown":
            attachments = cell.get("attachments", {})
            cell.source = without_missing(cell.source, attachments) if is_locked(cell) else prose.clean(cell.source, attachments)
        if cell.cell_type != "code":
            continue
        cell.source = visible(cell)
        run = subject.run(number, cell.source)
        cell.execution_count = run.count
        cell.outputs = markup.fade(outputs.clean(run.outputs, run.count, album.draw, markup.clean, room))
        if run.status is not CellEnd.OK:
            cell.outputs.append(trouble(run))
        if is_grade(cell):
            complained |= {number for output in cell.outputs if output.output_type == "error"}
            cell.outputs = outputs.as_text(cell.outputs)
    return complained


def write_verdicts(cell: NotebookNode, verdicts: list[Verdict], gate: Gate, mended: dict[str, str],
                   seen: bool | None = None) -> dict[str, VerdictRecord]:
    """Write the tables of a tests cell and its points, which are those of its exercises in equal parts: their records.

    `seen`: whether the cell's visible checks complained."""
    share = float(cell.metadata["nbgrader"]["points"]) / len(verdicts)
    records = {verdict.exercise: replace(verdict.record(share), seen=seen) for verdict in verdicts}
    note = mended.get(name_of(cell), "")
    for verdict in verdicts:
        points = records[verdict.exercise].points
        cell.outputs.append(outputs.output("display_data", data={
            "text/html": table.as_html(verdict, points, share, gate, note),
            "text/plain": table.as_text(verdict, points, share, gate, note)}))
    total = written(sum(record.points for record in records.values()))
    cell.outputs.append(outputs.output("execute_result", data={"text/plain": total}, execution_count=cell.execution_count))
    return records


def trouble(run: CellRun) -> NotebookNode:
    said = {CellEnd.TIMED_OUT: "The cell ran too long and was stopped.",
            CellEnd.DIED: "The kernel died or stopped answering in this cell; the cells below ran in a new one.",
            CellEnd.NOT_RUN: "The cell was not run: the notebook had used up its time or its kernels."}[run.status]
    return outputs.output("error", ename="CellNotFinished", evalue=said, traceback=[f"CellNotFinished: {said}"])


def files_beside(resources: Resources) -> list[tuple[str, bytes]]:
    """[(relative name, bytes)] of the regular files beside the notebook, within caps; links are not followed."""
    root = resources.get("metadata", {}).get("path")
    return files_below(root) if root else []


# --- what judges --------------------------------------------------------------------------------------------------

def course_files(root: str | Path) -> dict[str, bytes]:
    """{relative path: bytes} of the checks, the reference and the misconceptions: what decides a verdict."""
    paths = [path for name in JUDGES for path in sorted(Path(root, name).glob("*.py"))]
    return {str(path.relative_to(root)): path.read_bytes() for path in paths}


def digests(code: Mapping[str, bytes]) -> dict[str, str]:
    """A short hash of each folder of `course_files`."""
    found = {name: hashlib.sha256() for name in JUDGES}
    for path, content in code.items():
        if (folder := path.rpartition("/")[0]) in found:
            found[folder].update(path.encode() + b"\0" + content + b"\0")
    return {name: content.hexdigest()[:16] for name, content in found.items()}


def own_digest(code: Mapping[str, bytes], notebook: str) -> str:
    """A short hash of those files of `course_files` that can change a verdict on one notebook."""
    found, judging = hashlib.sha256(), {f"tests/hidden/test_{notebook}.py", f"tests/misconceptions/{notebook}.py"}
    for path, content in code.items():
        kind, _, file = path.rpartition("/")
        shared = kind == "reference_impl" or (kind == "tests/hidden" and not file.startswith("test_"))
        if path in judging or shared:
            found.update(path.encode() + b"\0" + content + b"\0")
    return found.hexdigest()[:16]


def cells_digest(names: Iterable[str]) -> str:
    """A short hash of which graded cells a notebook has: exercises and questions may come and go (`course revise`). Cells for answers do
    not count: nobody puts one back that a student deleted."""
    return hashlib.sha256("\0".join(sorted(set(names))).encode()).hexdigest()[:16]


def provenance(judges: dict[str, str], sandbox: str) -> dict[str, Any]:
    """What graded a notebook, kept in its metadata."""
    return {**judges, "sandbox": sandbox, "versions": versions(), **({"image": digest} if (digest := image()) else {})}


@cache
def versions() -> dict[str, str]:
    return {name: version(name) for name in ("numpy", "matplotlib", "ipython", "pytest", "nbgrader")}
