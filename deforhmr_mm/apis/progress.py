"""Progress bars that keep out of the way of what is printed."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import TypeVar

from rich.console import Console
from rich.progress import track

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
    return iter(
        track(values, description, total=total, console=console, transient=True)
    )
