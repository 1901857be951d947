"""A bar of progress for a command that walks through a class; nothing where nobody watches."""

from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from typing import Any

from rich.console import Console
from rich.markup import escape
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TimeElapsedColumn, TimeRemainingColumn


Walk = Callable[..., Iterable[Any]]     # what `watched` yields; `iter` where nobody watches


@contextmanager
def watched(console: Console, words: str) -> Iterator[Walk]:
    """Yields a function that wraps a list, or an iterator and how many it will give: they are counted on the terminal."""
    with Progress("{task.description}", BarColumn(), MofNCompleteColumn(), TimeElapsedColumn(), TimeRemainingColumn(),
                  console=console, disable=not console.is_terminal, transient=True) as bar:
        yield lambda things, total=None: bar.track(things, total=len(things) if total is None else total, description=escape(words))
