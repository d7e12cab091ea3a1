"""Progress bars that keep out of the way of what is printed."""

from __future__ import annotations

import sys
from collections.abc import Iterable, Iterator
from typing import TypeVar

from rich.console import Console
from rich.progress import Progress

T = TypeVar('T')


def tracked(
    values: Iterable[T], description: str, show: bool, total: int | None = None
) -> Iterator[T]:
    """Go through values with a progress bar on stderr, in a terminal.

    Args:
        values: What is gone through.
        description: What the bar says.
        show: Whether there is a bar.
        total: How many values there are, if they do not know it.
    """
    console = Console(stderr=True)
    if not (show and console.is_terminal):
        return iter(values)
    return _with_bar(values, description, total, console)


def _with_bar(
    values: Iterable[T], description: str, total: int | None, console: Console
) -> Iterator[T]:
    # What is printed to a terminal goes above the bar; to a file, where it belongs.
    progress = Progress(
        console=console, transient=True, redirect_stdout=sys.stdout.isatty()
    )
    with progress:
        yield from progress.track(values, total=total, description=description)
