"""`course grade`: the run as an instructor sees it - progress, summary, dry run, exit status."""

import time
from collections.abc import Collection, Sequence
from contextlib import closing
from dataclasses import dataclass, field
from pathlib import Path

from rich.console import Console
from rich.markup import escape
from rich.progress import BarColumn, MofNCompleteColumn, Progress, ProgressColumn, Task, TimeElapsedColumn, TimeRemainingColumn
from rich.table import Table
from rich.text import Text

from ..run.course import Course
from ..run.students import in_class, unknown
from ..run.human import Standing, in_words, names, reasons, standing
from ..run.audit import BEHIND
from ..run.kept import LOST, WHAT_IS_LOST
from ..notebooks.changed import WIDTH
from ..notebooks.names import printable, shown
from ..notebooks.record import WHOLE, Record, written
from ..border.sandbox import COLD, Sandbox
from .dry_run import Change, changes, changes_table
from ..run.batch import Graded
from .terminal import tell

SOME_FAILED, INTERRUPTED = 3, 130
MAX_SAID = 2000     # characters of what is told of one submission
DIFFERENCE = {"+": "green", "-": "red"}


@dataclass
class Line:
    """What the summary keeps of one graded submission: not its notebooks, so that memory stays flat."""

    student: str
    score: float
    mended: dict[tuple[str, str], str]
    error: str | None       # why it was not graded
    look: list[str] = field(default_factory=list)        # why a human should look, one line each; with `error` the same first
    differences: list[str] = field(default_factory=list)     # of what a person had graded: lines
    changes: list[Change] = field(default_factory=list)
    stored: bool = True
    cold: bool = False      # see `sandbox.COLD`
    sandbox: str = ""       # which limits held, in words

    def __str__(self) -> str:
        if self.error:
            return f"not graded: {self.error}"
        return f"{written(self.score)} points" + (f", {len(self.mended)} cell{'s' * (len(self.mended) != 1)} mended" if self.mended else "") \
            + (f"; {'; '.join(self.look)}" if self.look else "")


class Rate(ProgressColumn):
    """Submissions per second."""

    def render(self, task: Task) -> Text:
        return Text(f"{task.speed:.1f}/s" if task.speed else "")


def grade_class(console: Console, root: Path | None, assignment: str, students: Collection[str], jobs: int, scheduler: str | None, force: bool, dry_run: bool, boxes: Sequence[Sandbox] = ()) -> int:
    """Grade a class, in sandboxes that started early where `boxes` has some; returns the exit status.

    Raises `CourseError`, `NotGenerated` or `SandboxUnavailable`.
    """
    stopped, lines, _ = run_class(console, Course(root), assignment, students, jobs, scheduler, force, dry_run, boxes)
    return INTERRUPTED if stopped else SOME_FAILED if any(line.error for line in lines) else 0


def run_class(console: Console, course: Course, assignment: str, students: Collection[str] = (), jobs: int = 1, scheduler: str | None = None, force: bool = False, dry_run: bool = False, boxes: Sequence[Sandbox] = ()) -> tuple[bool, list[Line], int]:
    """The same: whether it was stopped, a `Line` for each submission that needed grading, and how many there are."""
    everything = course.submissions(assignment, students, force or dry_run)
    if not everything:
        course.assignments(assignment)      # a name that is mistyped is not a class that is graded
    waiting = [one for one in everything if one.why]
    for said in unknown([one.student for one in everything], in_class(course.dir)):
        tell(console, said)
    console.print(f"{escape(assignment)}: {len(everything)} submissions, {len(waiting)} to grade.")
    for why in (LOST, BEHIND):
        if whom := [one.student for one in waiting if one.why == why]:
            tell(console, f"{why}: {names(whom)}. {WHAT_IS_LOST}")
    if not waiting:
        return False, [], len(everything)
    if not scheduler and not any(box.alive() for box in boxes):     # refuse before the run, not once per submission
        Sandbox(course.execute.sandbox).probe()
    lines, stopped, started = [], False, time.monotonic()
    run = course.grade(assignment, waiting, jobs, scheduler, not dry_run, boxes)
    with closing(run), Progress("{task.description}", BarColumn(), MofNCompleteColumn(), Rate(), TimeElapsedColumn(),
                  TimeRemainingColumn(), console=console, disable=not console.is_terminal, transient=True) as bar:
        task = bar.add_task(f"grading {escape(assignment)}", total=len(waiting))
        try:
            for graded in run:
                lines.append(read_line(course, assignment, graded, dry_run))
                bar.advance(task)
                if not console.is_terminal:
                    console.print(f"{len(lines)}/{len(waiting)} {printable(lines[-1].student)}: {lines[-1]}", markup=False,
                                  highlight=False, soft_wrap=True)
        except KeyboardInterrupt:
            stopped = True
            console.print(f"Stopped. What was graded so far ({len(lines)}) is kept; run the command again for the rest.")
    found = standing(course.dir, assignment, [] if dry_run else [line.student for line in lines if line.stored])
    console.print(changes_table(lines) if dry_run else summary_table(lines, found, time.monotonic() - started))
    for held in sorted({line.sandbox for line in lines} - {""}):
        console.print(held, highlight=False, soft_wrap=True)
    if any(line.cold for line in lines):
        console.print(COLD, highlight=False, soft_wrap=True)
    for line in lines:
        for why in line.look:
            console.print(f"[bold red]needs a human:[/] {escape(shown(line.student))}: {escape(why)}", highlight=False,
                          soft_wrap=True)
        for part in line.differences:
            console.print(f"      {escape(part)}", style=DIFFERENCE.get(part[:1]), highlight=False, soft_wrap=True)
    for words in in_words(found):
        tell(console, words)
    return stopped, lines, len(everything)


def read_line(course: Course, assignment: str, graded: Graded, dry_run: bool) -> Line:
    score = sum(value or 0 for value in graded.scores.values())
    refused = " ".join(why for name, why in graded.refused.items() if name not in graded.settled)
    error = graded.error or refused
    line = Line(graded.student, score, graded.mended, printable(error, MAX_SAID) if error else None, why_look(graded),
                [printable(part, WIDTH) for seen in graded.changed.values() for part in seen.difference],
                stored=not graded.error, cold=graded.cold, sandbox=graded.sandbox)
    if dry_run and not graded.error:
        line.changes = changes(course, assignment, graded)
    return line


def why_look(graded: Graded) -> list[str]:
    """The reasons for which a human should look at a submission, each once."""
    if graded.error:
        return [f"not graded: {printable(graded.error, MAX_SAID)}"]
    found = []
    for name in graded.notebooks:
        said, look = ("", ()) if name in graded.settled else graded.notes_on(name)
        changed = {cell: seen for (notebook, cell), seen in graded.changed.items() if notebook == name}
        found += reasons(Record(mended={WHOLE: said} if said else {}, look=look, changed=changed), name, graded.judged)
    return [printable(line, MAX_SAID) for line in dict.fromkeys(found)]


def summary_table(lines: Sequence[Line], found: Standing, seconds: float) -> Table:
    """How many were graded, mended, failed, and who needs a human."""
    graded = [line for line in lines if not line.error]
    table = Table(title=f"{len(lines)} submissions in {seconds:.0f} s", title_justify="left", show_header=False)
    for name, chosen in (("graded", graded), ("of these mended", [line for line in graded if line.mended]),
                         ("failed", [line for line in lines if line.error]),
                         ("need a human", [line for line in lines if line.look or line.student in found.waiting]),
                         ("late", [line for line in lines if line.student in dict(found.late)])):
        names = "" if name == "graded" else ", ".join(printable(line.student) for line in chosen[:8]) + (" …" if chosen[8:] else "")
        table.add_row(name, str(len(chosen)), escape(names))
    return table
