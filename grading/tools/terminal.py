"""A line for whoever types a command."""

from rich.console import Console


def tell(console: Console, line: str, style: str | None = None) -> None:
    """Print `line` as it is: nothing in it is markup, a number or a path to colour, and it is not cut into lines of the terminal."""
    console.print(line, style=style, markup=False, highlight=False, soft_wrap=True)
