"""The command line: `course`, also `python -m grading`. Each command is a few lines; the work is done elsewhere."""

from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console

app = typer.Typer(add_completion=False, no_args_is_help=True, pretty_exceptions_enable=False,
                  help="Run the course: release, grade, report. Every command explains itself with --help.")
console = Console()
ROOT = Path(__file__).parents[1]


@app.callback()
def course():
    """Run the course: release, grade, report."""


@app.command()
def demo():
    """Take the demonstration class through nbgrader, in build/demo."""
    from . import demo as demonstration
    try:
        demonstration.run(console)
    except demonstration.DemoFailed as error:
        fail(error)


@app.command()
def release():
    """Make release/ anew from source/, as nbgrader generate_assignment does."""
    from .release import regenerate
    for name in regenerate(ROOT / "release"):
        console.print(f"release/{name} is up to date")


def fail(message, code=1):
    """Say why on standard error and end with `code`."""
    Console(stderr=True).print(f"[bold red]course:[/] {message}", highlight=False)
    raise typer.Exit(code)


def main():
    app()
