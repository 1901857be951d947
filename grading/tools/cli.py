"""The command line: `course`, also `python -m grading`. Each command is a few lines; the work is done elsewhere."""

import gc
import os
from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer

from . import term_commands
from .shared import HERE, Assignment, Root, console, ending_well, fail
from .terminal import tell

# threads that multiply tiny matrices gain nothing, and a process that has some is not forked
os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")
# loading nbgrader makes a hundred thousand objects and no garbage: look for it less often
gc.set_threshold(50_000)

# What runs student code, or cannot even be loaded where there is no Linux.
ISOLATING = {"demo", "grade", "regrade", "return", "watch", "check", "followup", "lab"}

app = typer.Typer(add_completion=False, no_args_is_help=True, pretty_exceptions_enable=False,
                  help="Run the course: release, grade, report. Every command explains itself with --help.")


@app.callback()
def course(context: typer.Context) -> None:
    """Run the course: release, grade, report."""
    from ..border import needs, surroundings
    if not (here := surroundings.look()).isolates and context.invoked_subcommand in ISOLATING:
        missing = needs.elsewhere(here)
        fail(f"{missing.said}.\n{missing.remedy}")


class Kernel(StrEnum):
    """Where notebooks of the web site get Python from."""

    CDN, HERE, NONE = "cdn", "here", "none"


@app.command()
def demo(
    assignments: Annotated[list[str] | None, typer.Argument(help="Only these.  [default: all]", show_default=False)] = None,
    course: Root = HERE,
) -> None:
    """Take the demonstration class through nbgrader, in build/demo."""
    from . import demo as demonstration
    try:
        demonstration.run(console, course, only=assignments or ())
    except demonstration.DemoFailed as error:
        fail(error)


@app.command()
def release(course: Root = HERE) -> None:
    """Make release/ anew from source/, as nbgrader generate_assignment does, and from lecture/."""
    from .release import regenerate
    for name in regenerate(course / "release", course):
        console.print(f"release/{name} is up to date")


@app.command()
def grade(
    assignment: Assignment,
    student: Annotated[list[str] | None, typer.Option(help="Only this student; may be repeated.")] = None,
    jobs: Annotated[int | None, typer.Option(min=1, help="Processes that grade at once.  [default: one per core]")] = None,
    scheduler: Annotated[str | None, typer.Option(help="Grade on the workers of this Dask scheduler.")] = None,
    force: Annotated[bool, typer.Option(help="Grade again what is graded already.")] = False,
    mistake: Annotated[str | None, typer.Option(help="Grade again those who made this mistake, and nobody else: its name, or a cluster's id.")] = None,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Say who would change and why; write nothing.")] = False,
    course: Root = HERE,
) -> None:
    """Grade what needs grading, by nbgrader's own rule. Exit status: 0 all graded, 3 some could not be."""
    from ..border.sandbox import started_early
    jobs = jobs or len(os.sched_getaffinity(0))
    early = 0 if scheduler else min(jobs, len(student or ()) or jobs)
    with started_early(early) as boxes, ending_well():      # loading nbgrader takes as long as they do
        from .grade import grade_class
        if mistake is not None:
            from .acts import choose
            student, force = choose(console, course, assignment, mistake, student or ()), True
        raise typer.Exit(grade_class(console, course, assignment, student or (), jobs, scheduler, force, dry_run, boxes))


@app.command()
def regrade(
    assignment: Assignment,
    because: Annotated[str | None, typer.Option(help="Why, in words that complete “regraded because ...”: students read it on their pages.")] = None,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Say who would change, by how much and by which check; write nothing.")] = False,
    undo: Annotated[bool, typer.Option("--undo", help="Restore what the last regrade changed.")] = False,
    everyone: Annotated[bool, typer.Option("--all", help="Also those who would be graded the same, as far as checks, points and policy tell.")] = False,
    jobs: Annotated[int | None, typer.Option(min=1, help="Processes that grade at once.  [default: one per core]")] = None,
    course: Root = HERE,
) -> None:
    """Grade again what a changed check, weight, reference or policy touches, up and down, with an audit. Exit status: 0, 3 some could not be."""
    from ..border.sandbox import started_early
    jobs_given, jobs = jobs is not None, jobs or len(os.sched_getaffinity(0))
    if undo == (because is not None):
        fail('Say why: course regrade ASSIGNMENT --because "..."; or take the last one back: course regrade ASSIGNMENT --undo')
    if undo and (everyone or jobs_given):
        fail(f"--undo takes back the last regrade as a whole and grades nothing: leave {'--all' if everyone else '--jobs'} out.")
    with started_early(0 if undo else jobs) as boxes, ending_well():
        from . import regrade as fair
        raise typer.Exit(fair.undo(console, course, assignment, dry_run) if undo else
                         fair.regrade(console, course, assignment, because or "", jobs, everyone, dry_run, boxes))


@app.command()
def history(
    student: Annotated[str, typer.Argument(help="The student's name in nbgrader.")],
    assignment: Annotated[str | None, typer.Argument(help="Only this assignment.")] = None,
    course: Root = HERE,
) -> None:
    """Answer a complaint: a student's points, which checks lost them and why, what graded them, and every regrade."""
    from . import history as past
    with ending_well():
        past.history(console, course, student, assignment)


@app.command()
def feedback(
    assignment: Assignment,
    student: Annotated[list[str] | None, typer.Option(help="Only this student; may be repeated.")] = None,
    jobs: Annotated[int | None, typer.Option(min=1, help="Processes that make pages at once.  [default: one per core]")] = None,
    force: Annotated[bool, typer.Option(help="Make again what is still true.")] = False,
    zipped: Annotated[bool, typer.Option("--zip", help="Pack them as well, as Moodle and Canvas take them back.")] = False,
    output: Annotated[Path | None, typer.Option(help="The folder for the archives.  [default: build]")] = None,
    course: Root = HERE,
) -> None:
    """Make the feedback pages that are missing or no longer true, as nbgrader generate_feedback does. Exit status: 0 all made, 3 some could not be."""
    with ending_well():
        from .feedback import make_feedback
        archives = output or course / "build" if zipped or output else None
        raise typer.Exit(make_feedback(console, course, assignment, student or [], jobs or len(os.sched_getaffinity(0)), force, archives))


@app.command("return")
def give_back(
    assignment: Assignment,
    jobs: Annotated[int | None, typer.Option(min=1, help="Processes at once.  [default: one per core]")] = None,
    course: Root = HERE,
) -> None:
    """Collect, grade, make feedback and release it in one go; what is done is left alone. Exit status: 0, 3 if something could not be done for some."""
    from ..border.sandbox import started_early
    jobs = jobs or len(os.sched_getaffinity(0))
    with started_early(jobs) as boxes, ending_well():
        from . import give_back as returning
        raise typer.Exit(returning.give_back(console, course, assignment, jobs, boxes))


@app.command()
def watch(
    assignments: Annotated[list[str] | None, typer.Argument(help="Assignments to answer.  [default: all]", show_default=False)] = None,
    jobs: Annotated[int | None, typer.Option(min=1, help="Processes that answer at once.  [default: one per core]")] = None,
    install_service: Annotated[bool, typer.Option("--install-service", help="Have systemd run it for this user, now and after each start.")] = False,
    folder: Annotated[Path | None, typer.Option(help="Answer what is dropped into this folder, STUDENT/NOTEBOOK.ipynb or a zip, not the exchange.")] = None,
    pages: Annotated[Path | None, typer.Option(help="Where pages go then.  [default: FOLDER-pages]")] = None,
    course: Root = HERE,
) -> None:
    """Answer each submission in the exchange with a preview of its feedback, until Ctrl-C. Gradebook and folders stay as they are."""
    with ending_well():
        from . import watch as watching
        if install_service:
            watching.install_service(console, course, assignments or [], {"jobs": jobs, "folder": folder, "pages": pages})
        else:
            raise typer.Exit(watching.watch(console, course, assignments or [], jobs or len(os.sched_getaffinity(0)), folder, pages))


@app.command()
def check(
    notebook: Annotated[Path, typer.Argument(help="A notebook file from anywhere: a student's, or one of source/.")],
    assignment: Annotated[str | None, typer.Option(help="Its assignment, if its name and content do not say.")] = None,
    course: Root = HERE,
) -> None:
    """Grade one notebook file, print the tables, write nothing. Exit status: 0 graded, 3 it could not be."""
    from . import check
    with ending_well():
        raise typer.Exit(check.show(console, course, notebook, assignment))


@app.command()
def status(assignment: Annotated[str | None, typer.Argument(help="Only this assignment.")] = None, course: Root = HERE) -> None:
    """Say where each assignment stands, and the next command to run."""
    from . import status as standing
    with ending_well():
        standing.show(console, standing.states(course, assignment))
    gc.freeze()     # what was read of a large class goes with the process


@app.command()
def report(
    assignment: Assignment,
    names: Annotated[bool, typer.Option("--names", help="Show students' names; without it they get numbers.")] = False,
    output: Annotated[Path | None, typer.Option(help="The page.  [default: build/report-ASSIGNMENT.html]")] = None,
    course: Root = HERE,
) -> None:
    """Write a page on a class's results, with pictures and item statistics, and CSV beside it."""
    from . import report
    with ending_well():
        report.report(console, course, assignment, names, output)


@app.command()
def followup(
    assignment: Assignment,
    student: Annotated[list[str] | None, typer.Option(help="This student; may be repeated.")] = None,
    sample: Annotated[int | None, typer.Option(min=1, help="So many students, drawn by lot from all thirds of the scores.")] = None,
    seed: Annotated[str, typer.Option(help="Another one draws other students and asks other questions.")] = "1",
    output: Annotated[Path | None, typer.Option(help="The folder.  [default: build/followup-ASSIGNMENT]")] = None,
    course: Root = HERE,
) -> None:
    """Write sheets for a talk of five minutes about a student's own code, with answers for staff. Exit status: 0, 3 if there is no sheet for some."""
    from . import followup as sheets
    with ending_well():
        raise typer.Exit(3 if sheets.followup(console, course, assignment, student or [], sample, seed, output) else 0)


@app.command()
def publish(
    assignment: Annotated[str | None, typer.Argument(help="Only this assignment.")] = None,
    output: Annotated[Path | None, typer.Option(help="The folder for the zip files.  [default: build/publish]")] = None,
    release: Annotated[Path | None, typer.Option(help="The folder with the released assignments.  [default: release]")] = None,
    course: Root = HERE,
) -> None:
    """Pack the release of each assignment, and the lecture, into a zip for students, with a page on how to start."""
    from .publish import publish as pack
    with ending_well():
        pack(console, release or course / "release", assignment, output or course / "build" / "publish", course)


@app.command()
def site(
    output: Annotated[Path | None, typer.Option(help="Where the site is put.  [default: build/site]")] = None,
    serve: Annotated[bool, typer.Option("--serve", help="Serve it on this machine afterwards.")] = False,
    port: Annotated[int, typer.Option(min=0, max=65535, help="The port to serve on; 0: any that is free.")] = 8000,
    kernel: Annotated[Kernel, typer.Option(help="Where notebooks in the browser get Python from: a CDN, the site itself, or there are none.")]
        = Kernel.CDN,
    course: Root = HERE,
) -> None:
    """Build the course as a web site: lecture, assignments and docs, for any host that serves files."""
    from . import site as web
    with ending_well():
        web.build(console, course, output or course / "build" / "site", kernel.value)
        if serve:
            web.serve(console, output or course / "build" / "site", port)


@app.command()
def similar(
    assignment: Assignment,
    at_least: Annotated[float, typer.Option(min=0, max=1, help="How alike a pair is to be shown.")] = 0.8,
    output: Annotated[Path | None, typer.Option(help="The page.  [default: build/similar-ASSIGNMENT.html]")] = None,
    course: Root = HERE,
) -> None:
    """Write a page of submissions whose code or text is suspiciously alike, with the evidence side by side."""
    from . import similar as alike
    with ending_well():
        alike.similar(console, course, assignment, at_least, output)


@app.command()
def add(
    assignment: Assignment,
    exercise: Annotated[str, typer.Argument(help="The name of the function that students will write.")],
    notebook: Annotated[str | None, typer.Option(help="Of a new assignment: its notebook's name.")] = None,
    course: Root = HERE,
) -> None:
    """Write the skeleton of an exercise into every room, in an assignment that exists or a new one."""
    from .add import add as write
    with ending_well():
        write(console, course, assignment, exercise, notebook)


@app.command()
def missing(
    exercise: Annotated[str | None, typer.Argument(help="Only this exercise.")] = None,
    prove: Annotated[bool, typer.Option("--prove", help="Run it all as well: checks on the reference, on right and wrong answers.")] = False,
    course: Root = HERE,
) -> None:
    """Say what an exercise of source/ still lacks: reference, checks, misconceptions, right answers. Exit status: 0 nothing."""
    from . import missing as rooms
    with ending_well():
        raise typer.Exit(1 if rooms.show(console, course, exercise, prove) else 0)


@app.command(context_settings={"allow_extra_args": True, "ignore_unknown_options": True})
def lab(context: typer.Context, course: Root = HERE) -> None:
    """Start JupyterLab with formgrader on this course; options of `jupyter lab` may follow."""
    from . import lab as jupyterlab
    with ending_well():
        jupyterlab.start(console, course, context.args)


@app.command(context_settings={"allow_extra_args": True, "ignore_unknown_options": True, "allow_interspersed_args": False}, add_help_option=False)
def container(context: typer.Context) -> None:
    """Run a command of the course in a container, by default JupyterLab: for macOS, Windows, and hosts that have no sandbox."""
    from . import container as containers
    raise typer.Exit(containers.main(context.args))


@app.command()
def mistakes(
    assignment: Annotated[str | None, typer.Argument(help="The mistakes of this graded class.  [default: make docs/mistakes.md anew]",
                                                     show_default=False)] = None,
    which: Annotated[str | None, typer.Argument(help="One of them in full: a mistake's name, or a cluster's id.", show_default=False)] = None,
    name: Annotated[str | None, typer.Option(help="Name this cluster: a skeleton in tests/misconceptions/ from its shortest example.")] = None,
    tell: Annotated[bool, typer.Option("--tell", help="Write the sentence to send as a comment to all who made it; a person's own stays.")] = False,
    words: Annotated[str | None, typer.Option(help="With --tell: this comment instead of the sentence.")] = None,
    names: Annotated[bool, typer.Option("--names", help="Show students' names; without it they get numbers.")] = False,
    every: Annotated[bool, typer.Option("--all", help="List every answer that nobody else gave.")] = False,
    output: Annotated[Path | None, typer.Option(help="The page.  [default: build/mistakes-ASSIGNMENT.html]")] = None,
    course: Root = HERE,
) -> None:
    """Show which mistakes a graded class made, known and unknown, and act on one of them. Without an assignment: make docs/mistakes.md anew."""
    with ending_well():
        if assignment is None:
            from .mistakes import write
            write(console, course)
        else:
            from . import acts
            acts.run(console, course, assignment, acts.Wanted(which, name, tell, words, names, every, output))


@app.command()
def doctor(course: Root = HERE) -> None:
    """Look at what grading stands on here, and name the command that mends what is missing. Exit status: 0 it can grade."""
    from ..border import needs, surroundings
    here = surroundings.look()
    if here.isolates:
        from .doctor import diagnose_host
        findings = diagnose_host(places_of(course), gradebook_of(course))
    else:       # what that stands on could not even be loaded
        findings = [needs.elsewhere(here)]
    for finding in findings:
        word = "ok     " if finding.ok else "MISSING" if finding.needed else "better "
        tell(console, f"{word}  {finding.name}: {finding.said}")
        for line in finding.remedy.splitlines() if not finding.ok else ():
            tell(console, f"         {line}")
    raise typer.Exit(0 if all(finding.ok or not finding.needed for finding in findings) else 1)


def gradebook_of(course: Path) -> str | None:
    """The address of the gradebook; None where the course's folder has a name that no gradebook can have an address in."""
    from ..root import trouble_with_path
    from ..run.course import Course
    return None if trouble_with_path(course) else Course(course).dir.db_url


def places_of(course: Path) -> tuple[str, ...]:
    """What the course is configured with, or its own folder alone where that has such a name: a finding, not the end of the look."""
    from ..root import trouble_with_path
    from ..run.course import Course
    from ..run.paths import configured
    if trouble_with_path(course):
        return (str(course),)
    found = Course(course)
    return configured(found.config, found.execute.course_root)


term_commands.add_to(app)


def main() -> None:
    app()
