"""A line for whoever types a command."""

from rich.console import Console
from rich.markup import escape


def terminal(stderr: bool = False) -> Console:
    """The terminal of whoever types a command. No name that holds :x: is shown as a picture of a cross."""
    return Console(stderr=stderr, emoji=False)


def tell(console: Console, line: str, style: str | None = None) -> None:
    """Print `line` as it is: nothing in it is markup, a number or a path to colour, and it is not cut into lines of the terminal.

    What others wrote in it went through `printable`; should something not have, no sign of it steers the terminal.
    """
    line = "".join(c if c.isprintable() or c == "\n" else "?" for c in line)
    console.print(line, style=style, markup=False, highlight=False, soft_wrap=True)


def complain(why: object) -> None:
    """Say on standard error why a command cannot do what it was asked."""
    terminal(stderr=True).print(f"[bold red]course:[/] {escape(str(why))}", highlight=False, soft_wrap=True)
