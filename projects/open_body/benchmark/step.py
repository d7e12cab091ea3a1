"""A step of the benchmark: a command, and how one knows that it is done."""

from collections.abc import Callable
from dataclasses import dataclass
from enum import Enum
from pathlib import Path


class State(Enum):
    """What is there of a step."""

    DONE = 'done'
    STOPPED = 'stopped'  # begun, and to be gone on with
    MISSING = 'missing'


@dataclass(frozen=True)
class Step:
    """One command of the pipeline, which goes on by itself where it was stopped.

    Attributes:
        name: PHASE or PHASE/WHAT.
        command: Program and arguments.
        product: File that is there when the command is done.
        is_done: Whether the product is there and whole; None: always run it.
        begun: File or folder that is there once the command has begun.
    """

    name: str
    command: tuple[str, ...]
    product: Path
    is_done: Callable[[], bool] | None
    begun: Path | None = None

    @property
    def phase(self) -> str:
        """The part of the pipeline that the step belongs to."""
        return self.name.split('/')[0]

    @property
    def state(self) -> State:
        """What is there of it now."""
        if self.is_done is not None and self.is_done():
            return State.DONE
        if self.begun is not None and self.begun.exists():
            return State.STOPPED
        return State.MISSING

    def has_succeeded(self) -> bool:
        """Whether its command, which has just ended, has made what it is for."""
        return self.product.is_file() if self.is_done is None else self.is_done()


@dataclass(frozen=True)
class Group:
    """Steps of one phase that do not need each other.

    Attributes:
        phase: Its name.
        steps: The steps.
        jobs: How many run side by side.
        threads: Threads of each process.
    """

    phase: str
    steps: tuple[Step, ...]
    jobs: int
    threads: int
