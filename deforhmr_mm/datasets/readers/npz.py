"""Checked access to the arrays of an ``.npz`` annotation file."""

from __future__ import annotations

import zipfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import numpy as np

from ..labels import AnnotationError

__all__ = ['NpzColumns', 'open_npz']


class NpzColumns:
    """Arrays of one annotation file, read with errors that name file and key.

    Args:
        path: Path of the file, for messages.
        arrays: The opened file.
        row_key: Key whose length is the number of people.
    """

    def __init__(self, path: str, arrays: np.lib.npyio.NpzFile, row_key: str) -> None:
        self.path = path
        self._arrays = arrays
        self.num_rows = len(np.atleast_1d(self.read(row_key)))

    def __contains__(self, key: str) -> bool:
        """Whether the file has a key."""
        return key in self._arrays.files

    def read(self, key: str) -> np.ndarray:
        """Return the array under a key as it is stored.

        Raises:
            AnnotationError: If the key is missing, or its array cannot be read safely.
        """
        if key not in self:
            raise AnnotationError(
                f'{self.path}: there is no key {key!r}. The file has: '
                f'{", ".join(sorted(self._arrays.files)) or "nothing"}.'
            )
        try:
            return self._arrays[key]
        except ValueError as error:
            if 'allow_pickle' not in str(error) and 'Object arrays' not in str(error):
                raise AnnotationError(
                    f'{self.path}: key {key!r} cannot be read: {error}'
                ) from error
            raise AnnotationError(
                f'{self.path}: key {key!r} holds pickled Python objects, which are not '
                'loaded because they can run code. Save it again as a plain array of '
                'numbers or strings.'
            ) from error
        except (zipfile.BadZipFile, EOFError, OSError) as error:
            raise AnnotationError(
                f'{self.path}: key {key!r} cannot be read, the file is damaged: {error}'
            ) from error

    def floats(self, key: str, *row_shape: int) -> np.ndarray:
        """Return a numeric column.

        Args:
            key: Name of the column.
            row_shape: Shape of one row. A stored array that has the same numbers in
                another grouping, as (N, 24, 3) for (N, 72), is reshaped.

        Returns:
            (N, row_shape...) float32.

        Raises:
            AnnotationError: If the key is missing, not numeric, or of another shape.
        """
        array = self.read(key)
        expected = (self.num_rows, *row_shape)
        wanted = f'{self.path}: key {key!r} must hold numbers of shape {expected}'
        if array.dtype.kind not in 'biuf':
            raise AnnotationError(f'{wanted}, but holds {array.dtype} values.')
        same_rows = array.shape[:1] == (self.num_rows,) or self.num_rows == 1
        if not same_rows or array.size != np.prod(expected):
            raise AnnotationError(f'{wanted}, but came with shape {array.shape}.')
        return np.ascontiguousarray(array.reshape(expected), dtype=np.float32)

    def floats_or(self, key: str, fill: float, *row_shape: int) -> np.ndarray:
        """Return a numeric column, or one of `fill` where the file has none."""
        if key in self:
            return self.floats(key, *row_shape)
        return np.full((self.num_rows, *row_shape), fill, dtype=np.float32)

    def strings(self, key: str) -> tuple[str, ...]:
        """Return a column of strings; bytes are decoded as UTF-8.

        Raises:
            AnnotationError: If the key is missing, or not N strings.
        """
        array = np.atleast_1d(self.read(key))
        if array.dtype.kind not in 'SU' or array.shape != (self.num_rows,):
            raise AnnotationError(
                f'{self.path}: key {key!r} must hold {self.num_rows} strings, but came '
                f'with shape {array.shape} and type {array.dtype}.'
            )
        if array.dtype.kind == 'S':
            return tuple(value.decode('utf-8') for value in array.tolist())
        return tuple(array.tolist())


@contextmanager
def open_npz(path: str | Path, row_key: str = 'imgname') -> Iterator[NpzColumns]:
    """Open an annotation file.

    Args:
        path: Path of an ``.npz`` file.
        row_key: Key whose length is the number of people.

    Raises:
        FileNotFoundError: If there is no such file; the message says how to get one.
        AnnotationError: If the file is not a readable ``.npz``.
    """
    path = str(path)
    if not Path(path).is_file():
        raise FileNotFoundError(
            f'The annotation file {path} does not exist. Synthetic people are made by '
            'python projects/open_body/synthesize.py --out data/open_body '
            '--train 12000 --val 500 --test 1000; for other data sets set data_root '
            'and ann_file in the config, or with --cfg-options, to where they lie.'
        )
    try:
        arrays = np.load(path, allow_pickle=False)
    except (zipfile.BadZipFile, EOFError, ValueError, OSError) as error:
        raise AnnotationError(
            f'{path} is not a readable .npz file: it is damaged, or of another format '
            f'({error}).'
        ) from error
    if not isinstance(arrays, np.lib.npyio.NpzFile):
        raise AnnotationError(f'{path} holds a single array; an .npz file is expected.')
    with arrays:
        yield NpzColumns(path, arrays, row_key)
