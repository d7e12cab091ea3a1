"""Files that are there whole or not at all.

Standard library only. What is written gets its name when it is finished, so that a full
disk, an error or a killed process leaves what was there before.
"""

from __future__ import annotations

import json
import os
import secrets
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

__all__ = ['whole_file', 'write_bytes', 'write_json', 'write_text']


@contextmanager
def whole_file(path: str | os.PathLike) -> Iterator[Path]:
    """Give a name to write to, which becomes `path` where the block ends well.

    Missing folders are made. After an error nothing is left of what was written. The
    name ends with ``.part``, so what tells a format by the suffix has to be told it.

    Args:
        path: The file, replaced if it is there.

    Yields:
        A name beside it that no other thread or process has.

    Example:
        >>> from tempfile import TemporaryDirectory
        >>> with TemporaryDirectory() as folder:
        ...     with whole_file(f'{folder}/deep/means.txt') as part:
        ...         _ = part.write_text('whole')
        ...     print(os.listdir(f'{folder}/deep'))
        ['means.txt']
    """
    path = Path(path)
    path.parent.mkdir(parents=True, exist_ok=True)
    # Not by tempfile, whose files others cannot read.
    part = path.with_name(f'.{path.name}.{secrets.token_hex(8)}.part')
    try:
        yield part
        os.replace(part, path)
    finally:
        part.unlink(missing_ok=True)


def write_bytes(path: str | os.PathLike, data: bytes) -> None:
    """Write a file, see `whole_file`."""
    with whole_file(path) as part:
        part.write_bytes(data)


def write_text(path: str | os.PathLike, text: str) -> None:
    """Write a text file as UTF-8, see `whole_file`."""
    with whole_file(path) as part:
        part.write_text(text, encoding='utf-8')


def write_json(path: str | os.PathLike, content: Any) -> None:
    """Write a JSON file, a value a line, see `whole_file`."""
    write_text(path, json.dumps(content, indent=1) + '\n')
