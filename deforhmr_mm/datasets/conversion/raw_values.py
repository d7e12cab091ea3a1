"""Checks of what raw files hold, with errors that name the file and the value."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from ..labels import AnnotationError

__all__ = ['expect_array', 'expect_gender', 'expect_keys']


def expect_keys(
    path: Path, content: Mapping[str, Any], keys: Sequence[str], where: str = 'the file'
) -> None:
    """Check that keys are there.

    Args:
        path: The file, for messages.
        content: What was read.
        keys: Those that must be there.
        where: What `content` is, for messages.

    Raises:
        AnnotationError: If one is not.
    """
    missing = [key for key in keys if key not in content]
    if missing:
        raise AnnotationError(
            f'{path}: there is no {", ".join(missing)}; {where} has '
            f'{", ".join(sorted(content))}.'
        )


def expect_array(path: Path, name: str, value: Any, *shape: int | None) -> np.ndarray:
    """Check an array of numbers.

    Args:
        path: The file, for messages.
        name: What the value is called there.
        value: Anything.
        shape: What it must have; None is any size.

    Returns:
        The value as an array.

    Raises:
        AnnotationError: If it has another shape, or is no numbers.

    Example:
        >>> expect_array(Path('a.pkl'), 'trans', [[1, 2, 3]], None, 3).shape
        (1, 3)
    """
    array = np.asarray(value)
    fits = array.ndim == len(shape) and all(
        want in (None, have) for want, have in zip(shape, array.shape, strict=True)
    )
    if not fits or array.dtype.kind not in 'biuf':
        wanted = ', '.join('any' if size is None else str(size) for size in shape)
        raise AnnotationError(
            f'{path}: {name} must be numbers of shape ({wanted}), but is '
            f'{array.dtype} of shape {array.shape}.'
        )
    return array


def expect_gender(path: Path, value: Any, genders: Sequence[str]) -> str:
    """The first letter of a gender.

    Args:
        path: The file, for messages.
        value: What stands for the gender; its first letter counts.
        genders: Those that there are, as the file spells them.

    Returns:
        'm', 'f' or 'n'.

    Raises:
        AnnotationError: If it is none of them.

    Example:
        >>> expect_gender(Path('a.pkl'), 'Female', ('male', 'female'))
        'f'
    """
    letter = str(value).strip().lower()[:1]
    if letter not in {gender[0] for gender in genders}:
        *first, last = (repr(gender) for gender in genders)
        raise AnnotationError(
            f'{path}: a gender must be {", ".join(first)} or {last}, but is {value!r}.'
        )
    return letter
