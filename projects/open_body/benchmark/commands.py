"""Command lines of the repository's tools."""

import os
import shlex
import sys
from collections.abc import Sequence
from pathlib import Path

ROOT = Path(__file__).resolve().parents[3]


def in_repository(file: str) -> str:
    """A file of the repository, as seen from the current folder."""
    return os.path.relpath(ROOT / file)


def tool(script: str, *arguments: object) -> tuple[str, ...]:
    """A python script of the repository in one process."""
    return (sys.executable, in_repository(script), *map(str, arguments))


def launched(script: str, processes: int, *arguments: object) -> tuple[str, ...]:
    """A script that knows ``--launcher``, in several processes of this machine."""
    if processes == 1:
        return tool(script, *arguments)
    return (
        sys.executable,
        *('-m', 'torch.distributed.run', '--standalone'),
        f'--nproc_per_node={processes}',
        in_repository(script),
        *map(str, arguments),
        *('--launcher', 'pytorch'),
    )


def as_typed(command: Sequence[str]) -> str:
    """A command as one would type it, with ``python`` for this interpreter."""
    words = ['python' if word == sys.executable else word for word in command]
    return shlex.join(words)
