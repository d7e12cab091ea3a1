"""Weights under other names: what matches, what is missing, what is left over."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import NamedTuple

from torch import Tensor

__all__ = ['Conversion', 'ConversionError', 'describe_keys', 'match_weights', 'take']

SHOWN = 4


class ConversionError(ValueError):
    """A checkpoint has another layout, or lacks a weight, or has one too many."""


class Conversion(NamedTuple):
    """A converted checkpoint.

    Attributes:
        state_dict: weights under this project's names, copies.
        layout: whose layout the source had.
        model: the part of a config that the weights fit.
        left_over: the source's keys that nothing was made of.
        notes: what else its user should know, one sentence each.
    """

    state_dict: dict[str, Tensor]
    layout: str
    model: str
    left_over: list[str]
    notes: list[str]

    def report(self, not_loaded: Sequence[str] = ()) -> list[str]:
        """What matched, what was missing and what was left over, line by line.

        Args:
            not_loaded: classes in the source whose objects were passed over.
        """
        return [
            f'layout: {self.layout}',
            f'model: {self.model}',
            f'matched: {len(self.state_dict)} weights',
            'missing: none',
            f'left over: {_by_part(self.left_over)}',
            *(f'not loaded: objects of {name}' for name in not_loaded),
            *(f'note: {note}' for note in self.notes),
        ]


def take(stored: Mapping[str, Tensor], key: str, ndim: int) -> Tensor:
    """The weight at a key from which sizes are read.

    Raises:
        ConversionError: If it is missing or has another number of dimensions.
    """
    if key not in stored:
        raise ConversionError(f'the checkpoint lacks {key}')
    if stored[key].ndim != ndim:
        raise ConversionError(
            f'{key} must have {ndim} dimensions, but has the shape '
            f'{tuple(stored[key].shape)}'
        )
    return stored[key]


def match_weights(
    stored: Mapping[str, Tensor],
    wanted: Mapping[str, Tensor],
    source_name: Callable[[str], str],
) -> dict[str, Tensor]:
    """Find every wanted weight.

    Args:
        stored: the source's weights.
        wanted: tensors of the shapes that the model has; their values do not matter.
        source_name: from a name of ours to the source's.

    Returns:
        Copies of the weights under our names.

    Raises:
        ConversionError: If one is missing or of another shape; it names the source's
            keys.
    """
    names = {name: source_name(name) for name in wanted}
    missing = [key for key in names.values() if key not in stored]
    misshapen = [
        f'{key} {tuple(stored[key].shape)}, not {tuple(wanted[name].shape)}'
        for name, key in names.items()
        if key in stored and stored[key].shape != wanted[name].shape
    ]
    if missing or misshapen:
        matched = len(names) - len(missing) - len(misshapen)
        parts = [f'{matched} of {len(names)} weights match']
        if missing:
            parts.append(f'{len(missing)} missing: {describe_keys(missing)}')
        if misshapen:
            parts.append(
                f'{len(misshapen)} of another shape: {describe_keys(misshapen)}'
            )
        raise ConversionError('; '.join(parts))
    # A copy of its own for each: a view would drag its whole storage into the file.
    return {name: stored[key].clone() for name, key in names.items()}


def describe_keys(keys: Iterable[str]) -> str:
    """The first few keys, in one line."""
    keys = list(keys)
    return ', '.join(keys[:SHOWN]) + (', ...' if len(keys) > SHOWN else '')


def _by_part(keys: list[str]) -> str:
    """Number of keys in all and by part, such as ``3: head (2), cls_token (1)``."""
    if not keys:
        return 'none'
    parts = Counter(map(_part, keys))
    listed = ', '.join(f'{part} ({count})' for part, count in parts.items())
    return f'{len(keys)}: {listed}'


def _part(key: str) -> str:
    pieces = key.split('.')
    # Experts lie in every layer of an encoder, whose name would say nothing.
    if 'experts' in pieces:
        return 'experts'
    return '.'.join(pieces[:2]) if pieces[0] == 'backbone' else pieces[0]
