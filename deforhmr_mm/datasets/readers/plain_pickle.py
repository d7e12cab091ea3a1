"""Reading pickled labels without running what is in them.

A pickle is a program, and annotation files come from the web. Labels are numbers, text
and numpy arrays in lists and dictionaries; this reader knows the few names that a
pickle of those has, and refuses the file for any other one.
"""

from __future__ import annotations

import io
import pickle
from typing import IO, Any

from deforhmr_mm.body_models.safe_pickle import plain_names

from ..labels import AnnotationError

__all__ = ['PlainUnpickler', 'load_plain_pickle']


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


_KNOWN_NAMES = plain_names()


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
