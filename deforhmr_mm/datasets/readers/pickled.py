"""Python objects in ``.npz`` files, read without running what is in them.

A pickle is a program: unpickling a file from the web can do anything. The dictionaries
that annotation files hold (mmhuman3d's ``smpl`` and ``meta``) need containers, text,
numbers and numpy's arrays, nothing else. This reader knows just those, and refuses the
array for any other name in its pickle.
"""

from __future__ import annotations

import pickle
from typing import IO, Any

import numpy as np
from numpy.lib import format as npy_format

from ..labels import AnnotationError

__all__ = ['load_plain_objects', 'read_header']


# Stands for the class, which a pickle of arrays names but never calls by itself: numpy
# would build arrays over any bytes.
_ARRAY_CLASS = object()


def _encode(text: str, encoding: str = 'latin1') -> bytes:
    """``_codecs.encode`` as pickles of bytes use it."""
    if not isinstance(text, str) or encoding not in ('latin1', 'latin-1'):
        raise ValueError('_codecs.encode with another encoding than latin1')
    return text.encode('latin1')


def _from_buffer(buffer: Any, dtype: Any, shape: Any, order: str) -> np.ndarray:
    """The way numpy writes arrays with pickle protocol 5."""
    return np.frombuffer(buffer, dtype=dtype).reshape(shape, order=order)


def _empty_array(kind: Any, shape: Any, type_code: Any) -> np.ndarray:
    """The way numpy writes arrays with the other protocols; a state follows."""
    del shape, type_code
    if kind is not _ARRAY_CLASS:
        raise ValueError('_reconstruct of something else than a numpy array')
    return np.empty(0, dtype=np.int8)


def _allowed_names() -> dict[tuple[str, str], Any]:
    # Taken from what numpy pickles itself: the module that it is in has another name in
    # numpy 1 than in numpy 2.
    scalar = np.float64(0).__reduce__()[0]
    names: dict[tuple[str, str], Any] = {
        ('numpy', 'ndarray'): _ARRAY_CLASS,
        ('numpy', 'dtype'): np.dtype,
        ('_codecs', 'encode'): _encode,
    }
    for core in ('numpy.core', 'numpy._core'):
        names[f'{core}.multiarray', '_reconstruct'] = _empty_array
        names[f'{core}.multiarray', 'scalar'] = scalar
        names[f'{core}.numeric', '_frombuffer'] = _from_buffer
    return names


_ALLOWED = _allowed_names()


class _PlainUnpickler(pickle.Unpickler):
    def __init__(self, file: IO[bytes], label: str) -> None:
        super().__init__(file, encoding='latin1')
        self._label = label

    def find_class(self, module: str, name: str) -> Any:
        if (module, name) in _ALLOWED:
            return _ALLOWED[module, name]
        raise AnnotationError(
            f'{self._label} was not loaded: its pickle names {module}.{name}, and '
            'labels need only numbers, text, lists, dictionaries and numpy arrays. Do '
            'not trust this file; if you know that it is sound, save the key again as '
            'these.'
        )

    def persistent_load(self, pid: Any) -> Any:
        raise AnnotationError(
            f'{self._label} was not loaded: it refers to an object outside the file '
            f'({pid!r}).'
        )


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
        content = _PlainUnpickler(file, label).load()
        if not isinstance(content, np.ndarray):
            raise ValueError(f'it holds a {type(content).__name__}, not an array')
    except AnnotationError:
        raise
    except Exception as error:  # Damaged pickles raise nearly every kind of error.
        raise AnnotationError(
            f'{label} cannot be read: {type(error).__name__}: {error}'
        ) from error
    return content
