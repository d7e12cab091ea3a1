"""Python objects in ``.npz`` files, read without running what is in them.

They hold the dictionaries of annotation files (mmhuman3d's ``smpl`` and ``meta``).
"""

from __future__ import annotations

from typing import IO

import numpy as np
from numpy.lib import format as npy_format

from ..labels import AnnotationError
from .plain_pickle import PlainUnpickler

__all__ = ['load_plain_objects', 'read_header']


def read_header(file: IO[bytes]) -> tuple[tuple[int, ...], np.dtype]:
    """Read the shape and type of the array in an ``.npy`` file, and stop behind them.

    Raises:
        ValueError: If it is no such file.
    """
    if npy_format.read_magic(file) == (1, 0):
        shape, _, dtype = npy_format.read_array_header_1_0(file)
    else:
        shape, _, dtype = npy_format.read_array_header_2_0(file)
    return shape, dtype


def load_plain_objects(file: IO[bytes], label: str) -> np.ndarray:
    """Read an ``.npy`` file of Python objects that are plain data.

    Args:
        file: The opened ``.npy`` file.
        label: What it is, for messages, as "people.npz: key 'smpl'".

    Returns:
        The array of objects, of no dimension for a dictionary.

    Raises:
        AnnotationError: If the pickle names anything but containers, text, numbers and
            numpy's arrays (nothing of it has been run then), or is damaged.
    """
    try:
        _, dtype = read_header(file)
        if not dtype.hasobject:
            raise ValueError(f'it holds {dtype} values, not Python objects')
        content = PlainUnpickler(file, label).load()
        if not isinstance(content, np.ndarray):
            raise ValueError(f'it holds a {type(content).__name__}, not an array')
    except AnnotationError:
        raise
    except Exception as error:  # Damaged pickles raise nearly every kind of error.
        raise AnnotationError(
            f'{label} cannot be read: {type(error).__name__}: {error}'
        ) from error
    return content
