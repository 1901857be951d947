"""`make demo`: take a demonstration class through nbgrader, in a folder of its own under build/.

The class is the project's own golden submissions (tests/submissions), so where no sandbox can be had it may be
graded without one; the demonstration says so loudly. Nothing outside build/demo is written.
"""

import re
import shutil
import subprocess
import sys
import zipfile
from collections.abc import Callable, Collection, Mapping
from pathlib import Path

import nbformat
from nbgrader.api import Gradebook
from rich.console import Console
from rich.panel import Panel
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn
from rich.table import Table

from ..border.errors import SandboxUnavailable
from ..border.sandbox import Sandbox
from ..notebooks.cells import exercise_of
from ..notebooks.record import FILE, Outcome, Record, records_in, written
from ..notebooks.submissions import describe, hand_in
from ..root import CONFIG
from ..run.execute import JUDGES
from ..run.human import reasons
from .terminal import tell

LIMITS = ("--Execute.limits", "cell_seconds=4", "--Execute.limits", "call_seconds=3")    # loops end soon


class DemoFailed(Exception):
    """A command of the demonstration failed; the message names its log."""


def cases_of(root: Path) -> dict[str, list[Path]]:
    """{assignment: the folders of its golden submissions}, for the assignments of source/ that have some."""
    found = {folder.name: sorted(case for case in (root / "tests" / "submissions" / folder.name).glob("*") if case.is_dir())
             for folder in sorted((root / "source").iterdir()) if folder.is_dir()}
    return {name: cases for name, cases in found.items() if cases}


def lay_out(root: Path, where: Path) -> None:
    """Make the folder `where` a course of its own, with configuration, checks and reference of the course at `root`."""
    shutil.rmtree(where, ignore_errors=True)
    where.mkdir(parents=True)
    shutil.copy(root / CONFIG, where)
    for name in (*JUDGES, "jupyter"):
        shutil.copytree(root / name, where / name, ignore=shutil.ignore_patterns("__pycache__"))


def run(console: Console, root: Path, where: Path | None = None, only: Collection[str] = ()) -> Path:
    """Generate, hand in, grade, give feedback, print the tables. Returns the folder. Raises `DemoFailed`.

    `only`: the names of assignments; default: all.
    """
    where = where or root / "build" / "demo"
    steps = {name: cases for name, cases in cases_of(root).items() if not only or name in only}
    if unknown := set(only) - set(steps):
        raise DemoFailed(f"no demonstration class of {', '.join(sorted(unknown))}: there is one of {', '.join(cases_of(root))}")
    lay_out(root, where)
    isolation = choose_sandbox(console)
    with Progress(TextColumn("{task.description:<34}"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn(),
                  console=console) as progress:
        for name, cases in steps.items():
            count = len(cases)
            bar = progress.add_task(f"{name}: generate the release", total=1)
            shutil.copytree(root / "source" / name, where / "source" / name)
            nbgrader(where, "generate_assignment", name)
            progress.update(bar, completed=1)
            bar = progress.add_task(f"{name}: autograde {count} submissions", total=count)
            for case in cases:
                hand_in(case, where / "release" / name, where / "submitted" / case.name / name)
                as_people_do(where / "submitted" / case.name / name, where / "release" / name)
            nbgrader(where, "autograde", name, *LIMITS, *isolation,
                     tick=(r"Setting destination|Removing failed", lambda: progress.advance(bar)))
            progress.update(bar, completed=count)
            bar = progress.add_task(f"{name}: generate feedback", total=count)
            nbgrader(where, "generate_feedback", name, tick=(r"Setting destination", lambda: progress.advance(bar)))
            progress.update(bar, completed=count)
    for name, cases in steps.items():
        show_points(console, where, name, {case.name: case for case in cases})
        show_ways(console, where, name)
    place = where.relative_to(root) if where.is_relative_to(root) else where
    console.print(f"Look at [bold]{place}/feedback/<student>/<assignment>/*.html[/] for what students get,\n"
                  f"[bold]{place}/autograded/[/] for what graders see, {place}/*.log for what nbgrader said.\n"
                  f"It is a course of its own: cd {place}, then course status, course report ps1, course lab.")
    return where


def as_people_do(folder: Path, release: Path) -> None:
    """Three of the class hand in the way that people do: a copy beside the blank notebook, a second download, a zip."""
    for path in sorted(folder.glob("*.ipynb")):
        match folder.parent.name:
            case "perfect-loops":
                path.rename(folder / f"{path.stem}-Copy1.ipynb")
                shutil.copy(release / path.name, path)
            case "half-finished":
                path.rename(folder / f"{path.stem} (1).ipynb")
            case "in-place":
                with zipfile.ZipFile(folder / "homework.zip", "w") as archive:
                    archive.write(path, f"homework/{path.name}")
                path.unlink()


def show_ways(console: Console, where: Path, assignment: str) -> None:
    """What grading says of them."""
    for folder in sorted((where / "autograded").glob(f"*/{assignment}")):
        for notebook, record in records_in(folder).items():
            merely_said = [f"graded: {record.mended[FILE]}"] if FILE in record.mended else []
            for line in reasons(record, notebook) + merely_said:
                tell(console, f"  {folder.parent.name}: {line}")
    console.print()


def choose_sandbox(console: Console) -> tuple[str, ...]:
    sandbox = Sandbox()
    try:
        sandbox.start()
        return ()
    except SandboxUnavailable as error:
        console.print(Panel(f"{error}\n\nThe demonstration class is this project's own code, so the demonstration goes on\n"
                            "WITHOUT ISOLATION (--Execute.sandbox=none). Real submissions are refused here.",
                            title="NO SANDBOX ON THIS MACHINE", style="bold red"))
        return ("--Execute.sandbox=none",)
    finally:
        sandbox.close()


def nbgrader(where: Path, command: str, assignment: str, *options: str, tick: tuple[str, Callable[[], None]] | None = None) -> None:
    """Run one nbgrader command on the demonstration's folder; its log goes to a file, matching lines to `tick`."""
    log = where / f"{command}-{assignment}.log"
    process = subprocess.Popen([sys.executable, "-m", "nbgrader", command, assignment, *options], cwd=where, text=True,
                               stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
    assert process.stdout is not None
    with process, open(log, "w") as file:
        for line in process.stdout:
            file.write(line)
            if tick and re.search(tick[0], line):
                tick[1]()
    if process.returncode and command != "autograde":
        raise DemoFailed(f"nbgrader {command} {assignment} failed; its log is {log}")


def show_points(console: Console, where: Path, assignment: str, cases: Mapping[str, Path]) -> None:
    """Points per exercise of every student, then one line each on what happened."""
    with Gradebook(f"sqlite:///{where}/gradebook.db") as gradebook:
        notebooks = gradebook.find_assignment(assignment).notebooks
        exercises = [(nb.name, cell.name, cell.max_score) for nb in notebooks for cell in nb.grade_cells]
        students = sorted({s.student_id for s in gradebook.find_assignment(assignment).submissions})
        table = Table(title=f"{assignment}: points per exercise", title_justify="left")
        table.add_column("student", overflow="fold")       # in a narrow terminal names give way, and no number
        for number, (_, _, most) in enumerate(exercises, 1):
            table.add_column(f"({number})\nof {written(most)}", justify="right", no_wrap=True)
        table.add_column(f"sum\nof {written(sum(most for *_, most in exercises))}", justify="right", no_wrap=True)
        for student in students:
            scores = [gradebook.find_grade(name, notebook, assignment, student).auto_score
                      for notebook, name, _ in exercises]
            table.add_row(student, *("–" if score is None else written(score) for score in scores),
                          written(sum(score or 0 for score in scores)))
    console.print(table)
    console.print("  ".join(f"({number}) {exercise_of(name)}" for number, (_, name, _) in enumerate(exercises, 1)),
                  highlight=False)
    for student in students:
        tell(console, f"  {student}: {what_happened(where, assignment, student, cases[student])}")
    console.print()


def what_happened(where: Path, assignment: str, student: str, case: Path) -> str:
    """One line: what the case is, and what the grader saw."""
    texts = sorted(case.glob("*.py"))
    said = describe(texts[0].read_text()) if texts else ""
    graded = sorted((where / "autograded" / student / assignment).glob("*.ipynb"))
    if not graded:
        return f"{said} -> not graded: see the log"
    verdicts = Record.read(nbformat.read(graded[0], as_version=4)).verdicts.values()
    checks = [check for verdict in verdicts for check in verdict.checks]
    mistakes = {check.misconception: None for check in checks if check.misconception}
    parts = [f"{sum(verdict.count(Outcome.PASSED) for verdict in verdicts)} of {len(checks)} checks passed"]
    if not_run := sum(verdict.count(Outcome.NOT_RUN) for verdict in verdicts):
        parts.append(f"{not_run} not run")
    if mistakes:
        parts.append("recognised: " + "; ".join(list(mistakes)[:3]))
    return f"{said} -> {', '.join(parts)}"
