"""Whose labels a cache was made from: a digest of a data set's people."""

from __future__ import annotations

import hashlib
from dataclasses import fields
from typing import Any

import numpy as np
from torch.utils.data import Dataset

from deforhmr_mm.datasets import LabelRecord, inner_datasets

__all__ = ['people_digest']

# They say where labels come from, not what they are.
NOT_LABELS = ('path', 'family')


def people_digest(dataset: Dataset) -> str | None:
    """Return a SHA-256 of picture names, boxes and labels, of all people in order.

    No picture is read. Names are taken without the data set's folder, which differs
    between machines.

    Args:
        dataset: A data set of people, or one that holds others.

    Returns:
        64 hex digits, or None where a data set has no `LabelRecord` as ``labels``.
    """
    digest = hashlib.sha256()
    for inner in inner_datasets(dataset):
        labels = getattr(inner, 'labels', None)
        if not isinstance(labels, LabelRecord):
            return None
        folder = str(getattr(inner, 'data_root', None) or '')
        for field in fields(labels):
            value = getattr(labels, field.name)
            # What a record does not have counts for nothing, so that columns which
            # later versions add change no digest.
            if value is None or field.name in NOT_LABELS:
                continue
            if field.name == 'image_names':
                value = tuple(_without_folder(name, folder) for name in value)
            _add(digest, field.name, value)
    return digest.hexdigest()


def _without_folder(name: str, folder: str) -> str:
    return name.removeprefix(f'{folder.rstrip("/")}/') if folder else name


def _add(digest: Any, name: str, value: np.ndarray | tuple[str, ...] | str) -> None:
    """Add a column, and enough of its form that no two are the same bytes."""
    if isinstance(value, np.ndarray):
        form, content = f'{value.dtype.str} {value.shape}', np.ascontiguousarray(value)
    else:
        texts = (value,) if isinstance(value, str) else value
        form = f'text {len(texts)}'
        content = '\0'.join(texts).encode('utf-8', 'surrogateescape')
    digest.update(f'\n{name} {form}\n'.encode())
    digest.update(content)
