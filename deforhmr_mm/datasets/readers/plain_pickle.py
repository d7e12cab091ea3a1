"""Reading pickled labels without running what is in them.

A pickle is a program, and annotation files come from the web. Labels are numbers, text
and numpy arrays in lists and dictionaries; this reader knows the few names that a
pickle of those has, and refuses the file for any other one.
"""

from __future__ import annotations

import io
import pickle
from typing import IO, Any

import numpy as np

from ..labels import AnnotationError

__all__ = ['PlainUnpickler', 'load_plain_pickle']

# Stands for the class, which a pickle of arrays names but never calls by itself: numpy
# would build arrays over any bytes.
_ARRAY_CLASS = object()


def load_plain_pickle(data: bytes, name: str) -> Any:
    """Unpickle dictionaries, lists, tuples, sets, text, numbers and numpy arrays.

    Args:
        data: The pickle, of any protocol; Python 2's text is taken as latin-1.
        name: Name of the file, for messages.

    Returns:
        What was pickled.

    Raises:
        AnnotationError: If the pickle names anything else than numpy's arrays, scalars
            and dtypes (nothing of it is called then), or if it is damaged.
    """
    try:
        return PlainUnpickler(io.BytesIO(data), name).load()
    except AnnotationError:
        raise
    except Exception as error:  # Damaged pickles raise nearly every kind of error.
        raise AnnotationError(
            f'{name} is not a readable pickle: {type(error).__name__}: {error}'
        ) from error


def _encode(text: str, encoding: str = 'latin1') -> bytes:
    """``_codecs.encode`` as old pickles use it: bytes written as latin-1 text."""
    if not isinstance(text, str) or encoding not in ('latin1', 'latin-1'):
        raise ValueError('_codecs.encode with another encoding than latin1')
    return text.encode('latin1')


def _from_buffer(buffer: Any, dtype: Any, shape: Any, order: str) -> np.ndarray:
    """The way in which numpy writes arrays with pickle protocol 5."""
    return np.frombuffer(buffer, dtype=dtype).reshape(shape, order=order)


def _empty_array(kind: Any, shape: Any, type_code: Any) -> np.ndarray:
    """The way numpy writes arrays with the other protocols; a state follows."""
    del shape, type_code
    if kind is not _ARRAY_CLASS:
        raise ValueError('_reconstruct of something else than a numpy array')
    return np.empty(0, dtype=np.int8)


def _known_names() -> dict[tuple[str, str], Any]:
    names: dict[tuple[str, str], Any] = {
        ('numpy', 'ndarray'): _ARRAY_CLASS,
        ('numpy', 'dtype'): np.dtype,
        ('_codecs', 'encode'): _encode,
    }
    # Python 3 and 2; protocols below 4 have no opcode of their own for these.
    for module in ('builtins', '__builtin__'):
        names[module, 'set'] = set
        names[module, 'frozenset'] = frozenset
        names[module, 'bytearray'] = bytearray
        names[module, 'bytes'] = bytes
    # numpy 1 and 2. The function is taken from what numpy itself would write, since its
    # module differs between the versions.
    for core in ('numpy.core', 'numpy._core'):
        names[f'{core}.multiarray', '_reconstruct'] = _empty_array
        names[f'{core}.multiarray', 'scalar'] = np.float64(0).__reduce__()[0]
        names[f'{core}.numeric', '_frombuffer'] = _from_buffer
    return names


_KNOWN_NAMES = _known_names()


class PlainUnpickler(pickle.Unpickler):
    """Reads a pickle of plain data from a file; see `load_plain_pickle`.

    Args:
        file: Opened where the pickle begins.
        name: Name of the file, for messages.
    """

    def __init__(self, file: IO[bytes], name: str) -> None:
        super().__init__(file, encoding='latin1')
        self._name = name

    def find_class(self, module: str, name: str) -> Any:
        """Give what a known name stands for, and refuse any other."""
        if (module, name) not in _KNOWN_NAMES:
            raise AnnotationError(
                f'{self._name} was not loaded: its pickle names {module}.{name}, and '
                'labels need only numbers, text, lists, dictionaries and numpy arrays. '
                'Do not trust this file; if you know that it is sound, save it again '
                'as these.'
            )
        return _KNOWN_NAMES[module, name]

    def persistent_load(self, pid: Any) -> Any:
        """Refuse an object outside the file."""
        raise AnnotationError(
            f'{self._name} was not loaded: it refers to an object outside the file '
            f'({pid!r}).'
        )
