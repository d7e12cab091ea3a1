"""Running a conversion part by part, and telling what came out."""

from __future__ import annotations

import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, NamedTuple

from mmengine.utils import track_iter_progress

from ..labels import AnnotationError
from .columns import Columns, check_columns, concatenate
from .files import PartStore, expect_pictures, input_key, write_npz

__all__ = ['Expected', 'Part', 'convert']


class Expected(NamedTuple):
    """A published number of people, and where it is published."""

    count: int
    source: str


@dataclass(frozen=True)
class Part:
    """A piece of a data set that is converted by itself.

    Attributes:
        name: Unique name, also of its file.
        inputs: The files that it is made from.
        make: Makes its columns; no people are fine.
        settings: What else it depends on.
    """

    name: str
    inputs: Sequence[Path]
    make: Callable[[], Columns]
    settings: dict[str, Any] = field(default_factory=dict)


def convert(
    parts: Sequence[Part],
    out: Path,
    expected: Expected | None = None,
    pictures: Path | None = None,
) -> list[str]:
    """Convert the parts of a data set into one annotation file.

    With more than one part, finished ones are kept in ``<out>.parts`` until the result
    is written; a run that was stopped goes on from there. A part is made anew if its
    inputs or settings have changed.

    Args:
        parts: The parts, in the order of the rows.
        out: The ``.npz`` file to write.
        expected: How many people there should be; a difference is told, no error.
        pictures: Folder that the picture names are relative to, to check that they are
            there.

    Returns:
        Lines to show: the number of people, and what to look at.

    Raises:
        AnnotationError: If a part is not as it must be, nobody came out, or pictures
            are missing. Nothing is written to `out` then.
        FileNotFoundError: If a part's input is not there.
    """
    if out.suffix != '.npz':
        raise ValueError(f'the file to write must end with .npz, got {out}')
    if not parts:
        raise ValueError('there is nothing to convert')
    store = PartStore(out) if len(parts) > 1 else None
    made, reused = _make(parts, store)
    people = concatenate(made)
    count = len(people['imgname'])
    if not count:
        raise AnnotationError(f'nobody came out of {len(parts)} parts')
    if pictures is not None:
        expect_pictures(pictures, people['imgname'])
    write_npz(out, people)
    if store:
        store.clear()
    lines = [f'{out}: {count} people in {len(set(people["imgname"]))} pictures']
    if reused:
        lines.append(f'{reused} of {len(parts)} parts were there from an earlier run')
    return lines + _compare(count, expected)


def _make(parts: Sequence[Part], store: PartStore | None) -> tuple[list[Columns], int]:
    """The columns of all parts, and how many of them were there already."""
    made, reused = [], 0
    finished = False
    try:
        for part in track_iter_progress(list(parts), file=sys.stdout):
            key = input_key(part.inputs, part.settings)
            columns = store.load(part.name, key) if store else None
            reused += columns is not None
            if columns is None:
                columns = check_columns(part.make(), part.name)
                if store:
                    store.save(part.name, key, columns)
            made.append(columns)
        finished = True
    finally:
        if not finished:
            # Ends the progress bar's line; the error's text comes after it.
            sys.stdout.write('\n')
    return made, reused


def _compare(count: int, expected: Expected | None) -> list[str]:
    if expected is None:
        return ['there is no published number to compare it with']
    if count == expected.count:
        return [f'{count} people, as {expected.source} has it']
    return [
        f'warning: {count} people came out, but {expected.source} has {expected.count}'
    ]
