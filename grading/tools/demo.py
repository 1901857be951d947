"""`make demo`: take a demonstration class through nbgrader, in a folder of its own under build/.

The class is the project's own golden submissions (tests/submissions/ps*), so where no sandbox can be had it may be
graded without one; the demonstration says so loudly. Nothing outside build/demo is written.
"""

import re
import shutil
import subprocess
import sys
from pathlib import Path

import nbformat
from nbgrader.api import Gradebook
from rich.panel import Panel
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn
from rich.table import Table

from ..border.sandbox import Sandbox, SandboxUnavailable
from ..notebooks.submissions import describe, hand_in

ROOT = Path(__file__).parents[2]
CASES = ROOT / "tests" / "submissions"
LIMITS = ("--Execute.limits", "cell_seconds=4", "--Execute.limits", "call_seconds=3")    # loops end soon


class DemoFailed(Exception):
    """A command of the demonstration failed; the message names its log."""


def assignments():
    """The assignments that have golden submissions, in order."""
    return sorted(folder.name for folder in CASES.glob("ps*") if (ROOT / "source" / folder.name).is_dir())


def run(console, where=ROOT / "build" / "demo"):
    """Generate, hand in, grade, give feedback, print the tables. Returns the folder. Raises `DemoFailed`."""
    shutil.rmtree(where, ignore_errors=True)
    where.mkdir(parents=True)
    isolation = choose_sandbox(console)
    steps = [(name, sum(1 for case in (CASES / name).iterdir() if case.is_dir())) for name in assignments()]
    with Progress(TextColumn("{task.description:<34}"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn(),
                  console=console) as progress:
        for name, count in steps:
            bar = progress.add_task(f"{name}: generate the release", total=1)
            shutil.copytree(ROOT / "source" / name, where / "source" / name)
            nbgrader(where, "generate_assignment", name)
            progress.update(bar, completed=1)
            bar = progress.add_task(f"{name}: autograde {count} submissions", total=count)
            for case in sorted(path for path in (CASES / name).iterdir() if path.is_dir()):
                hand_in(case, where / "release" / name, where / "submitted" / case.name / name)
            nbgrader(where, "autograde", name, *LIMITS, *isolation,
                     tick=(r"Setting destination|Removing failed", lambda: progress.advance(bar)))
            progress.update(bar, completed=count)
            bar = progress.add_task(f"{name}: generate feedback", total=count)
            nbgrader(where, "generate_feedback", name, tick=(r"Setting destination", lambda: progress.advance(bar)))
            progress.update(bar, completed=count)
    for name, _ in steps:
        show_points(console, where, name)
    console.print(f"Look at [bold]{shown(where)}/feedback/<student>/<assignment>/*.html[/] for what students get,\n"
                  f"[bold]{shown(where)}/autograded/[/] for what graders see, {shown(where)}/*.log for what nbgrader said.")
    return where


def shown(path):
    return path.relative_to(ROOT) if path.is_relative_to(ROOT) else path


def choose_sandbox(console):
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


def nbgrader(where, command, assignment, *options, tick=None):
    """Run one nbgrader command on the demonstration's folder; its log goes to a file, matching lines to `tick`."""
    log = where / f"{command}-{assignment}.log"
    process = subprocess.Popen([sys.executable, "-m", "nbgrader", command, assignment,
                                f"--CourseDirectory.root={where}", *options], cwd=ROOT, text=True,
                               stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
    with process, open(log, "w") as file:
        for line in process.stdout:
            file.write(line)
            if tick and re.search(tick[0], line):
                tick[1]()
    if process.returncode and command != "autograde":
        raise DemoFailed(f"nbgrader {command} {assignment} failed; its log is {shown(log)}")


def show_points(console, where, assignment):
    """Points per exercise of every student, then one line each on what happened."""
    with Gradebook(f"sqlite:///{where}/gradebook.db") as gradebook:
        notebooks = gradebook.find_assignment(assignment).notebooks
        exercises = [(nb.name, cell.name, cell.max_score) for nb in notebooks for cell in nb.grade_cells]
        students = sorted({s.student_id for s in gradebook.find_assignment(assignment).submissions})
        table = Table(title=f"{assignment}: points per exercise", title_justify="left")
        table.add_column("student", no_wrap=True)
        for number, (_, _, most) in enumerate(exercises, 1):
            table.add_column(f"({number})\nof {most:g}", justify="right")
        table.add_column(f"sum\nof {sum(most for *_, most in exercises):g}", justify="right")
        for student in students:
            scores = [gradebook.find_grade(name, notebook, assignment, student).auto_score
                      for notebook, name, _ in exercises]
            table.add_row(student, *("–" if score is None else f"{score:g}" for score in scores),
                          f"{sum(score or 0 for score in scores):g}")
    console.print(table)
    console.print("  ".join(f"({number}) {name.removeprefix('test_')}" for number, (_, name, _) in enumerate(exercises, 1)),
                  highlight=False)
    for student in students:
        console.print(f"  {student}: {what_happened(where, assignment, student)}", markup=False, highlight=False,
                      soft_wrap=True)
    console.print()


def what_happened(where, assignment, student):
    """One line: what the case is, and what the grader saw."""
    texts = sorted((CASES / assignment / student).glob("*.py"))
    said = describe(texts[0].read_text()) if texts else ""
    graded = sorted((where / "autograded" / student / assignment).glob("*.ipynb"))
    if not graded:
        return f"{said} -> not graded: see the log"
    verdicts = nbformat.read(graded[0], as_version=4).metadata["grading"]["verdicts"]
    checks = [check for verdict in verdicts.values() for check in verdict["checks"]]
    count = {outcome: sum(c["outcome"] == outcome for c in checks) for outcome in ("passed", "failed", "not run")}
    mistakes = {c["misconception"]: None for c in checks if c["misconception"]}
    parts = [f"{count['passed']} of {len(checks)} checks passed"]
    if count["not run"]:
        parts.append(f"{count['not run']} not run")
    if mistakes:
        parts.append("recognised: " + "; ".join(list(mistakes)[:3]))
    return f"{said} -> {', '.join(parts)}"
