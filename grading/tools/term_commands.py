"""The commands of `course` that are about a term: class list and deadlines. `cli.py` adds them to the others."""

from pathlib import Path
from typing import Annotated

import typer

from .shared import HERE, Assignment, Root, console, ending_well, fail

classes = typer.Typer(no_args_is_help=True, help="The class list.")
platform = typer.Typer(no_args_is_help=True, help="Scores in the learning platform, over LTI 1.3.")


def add_to(app: typer.Typer) -> None:
    """Make the commands of this module commands of `app`."""
    app.add_typer(classes, name="class")
    app.add_typer(platform, name="lms")
    for command in (due, extend, collect, revise):
        app.command()(command)
    app.command("new-term")(new_term)


@classes.callback()
def class_list() -> None:
    """The class list."""


@classes.command("import")
def class_import(
    file: Annotated[Path | None, typer.Argument(help="What Canvas, Moodle, Blackboard or a spreadsheet exported: CSV, text or .xlsx.")] = None,
    lms: Annotated[bool, typer.Option("--lms", help="Ask the learning platform for its members, over LTI 1.3, in place of a file.")] = False,
    yes: Annotated[bool, typer.Option("--yes", help="Do it; without this it only says what it would change.")] = False,
    id: Annotated[str | None, typer.Option(metavar="COLUMN", help="The column that holds the id under which students hand in.  "
                                           "[default: login, else number, else e-mail]")] = None,
    system: Annotated[str | None, typer.Option(help="canvas, moodle or blackboard, if the columns do not say.")] = None,
    course: Root = HERE,
) -> None:
    """Take a class list over; ids of students who are known stay. Exit status: 0, 3 if rows were left out."""
    if lms == (file is not None) or (lms and system):
        fail("Name a file that was exported there: course class import FILE; or ask the platform itself: course class import --lms")
    with ending_well():
        if file is None:
            from .lms import import_members
            raise typer.Exit(import_members(console, course, yes, id))
        from . import classes as lists
        raise typer.Exit(lists.import_class(console, course, file, yes, id, system))


@platform.callback()
def learning_platform() -> None:
    """Scores in the learning platform, over LTI 1.3."""


@platform.command("key")
def lms_key(course: Root = HERE) -> None:
    """Make the key that this course is known by over there, and print its public half."""
    from . import lms
    with ending_well():
        lms.show_key(console, course)


@platform.command("push")
def lms_push(
    assignment: Assignment,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Say who would change, what stands there now, and what was overridden there; send nothing.")] = False,
    course: Root = HERE,
) -> None:
    """Send the scores that differ from what stands there. Exit status: 0, 3 if some could not be sent."""
    from . import lms
    with ending_well():
        raise typer.Exit(lms.push(console, course, assignment, dry_run))


def due(
    assignment: Assignment,
    when: Annotated[str | None, typer.Argument(help='For example "30 Nov 12:00", in the course\'s time zone. Without: show it.')] = None,
    none: Annotated[bool, typer.Option("--none", help="Remove the deadline.")] = False,
    course: Root = HERE,
) -> None:
    """Show or set when an assignment is due."""
    from . import deadlines
    with ending_well():
        deadlines.due(console, course, assignment, when, none)


def extend(
    assignment: Annotated[str | None, typer.Argument(help="The assignment's name. Without a student: list who has more time.")] = None,
    student: Annotated[str | None, typer.Argument(help="The student's name in nbgrader.")] = None,
    days: Annotated[int | None, typer.Option(min=0, max=3650, help="Calendar days after the deadline of all.")] = None,
    hours: Annotated[int | None, typer.Option(min=0, max=10_000, help="Hours after that.")] = None,
    new: Annotated[bool, typer.Option("--new", help="The student is new: add them.")] = False,
    course: Root = HERE,
) -> None:
    """Give one student more time; 0 days take it back. Without days and hours, or without a student: list who has more time."""
    from . import deadlines
    with ending_well():
        if assignment is None or student is None or (days is None and hours is None and not new):
            deadlines.show_extensions(console, course, assignment, student)
        else:
            deadlines.extend(console, course, assignment, student, days or 0, hours or 0, new)


def collect(
    file: Annotated[Path, typer.Argument(help="The zip in which Canvas, Moodle or Blackboard hands out submissions.")],
    assignment: Annotated[str | None, typer.Argument(help="Its assignment, if the names of the files do not say.")] = None,
    new: Annotated[bool, typer.Option("--new", help="Take names that nobody on the class list has as ids of new students.")] = False,
    course: Root = HERE,
) -> None:
    """Put the submissions of a learning platform into submitted/. Exit status: 0, 3 if some need a human."""
    from . import collecting
    with ending_well():
        raise typer.Exit(collecting.collect(console, course, file, assignment, new))


def revise(
    assignment: Assignment,
    yes: Annotated[bool, typer.Option("--yes", help="Do it; without this it only says what it would change.")] = False,
    scale: Annotated[bool, typer.Option("--scale", help="Scale the scores that people gave with the points of their cell.")] = False,
    course: Root = HERE,
) -> None:
    """Take over a source that was changed after hand-ins: points, exercises that are new or gone. What people gave is kept."""
    from . import revise as revising
    with ending_well():
        revising.revise(console, course, assignment, yes, scale)


def new_term(
    term: Annotated[str, typer.Argument(help="The name of the term that ends, for example 2026-winter.")],
    yes: Annotated[bool, typer.Option("--yes", help="Do it; without this it only says what it would move.")] = False,
    anyway: Annotated[bool, typer.Option("--anyway", help="Although something is not graded, read or returned.")] = False,
    course: Root = HERE,
) -> None:
    """Archive gradebook, submissions, feedback, exchange and reports of a term; source and checks stay."""
    from . import new_term as ending
    with ending_well():
        ending.new_term(console, course, term, yes, anyway)
