"""Checked access to the arrays of an ``.npz`` annotation file."""

from __future__ import annotations

import zipfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO, NoReturn

import numpy as np

from ..labels import AnnotationError
from .npy_objects import load_plain_objects, read_header

__all__ = ['NpzColumns', 'npz_keys', 'open_npz']


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
        self.num_rows = len(np.atleast_1d(self._read_any(row_key)))

    def __contains__(self, key: str) -> bool:
        """Whether the file has a key."""
        return key in self._arrays.files

    @property
    def keys(self) -> tuple[str, ...]:
        """The keys of the file."""
        return tuple(self._arrays.files)

    def read(self, key: str) -> np.ndarray:
        """Return the array under a key as it is stored.

        Raises:
            AnnotationError: If the key is missing, or its array cannot be read safely.
        """
        if key not in self:
            self._raise_missing(key)
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

    def objects(self, key: str) -> np.ndarray:
        """Return an array of Python objects, read by `load_plain_objects`.

        Raises:
            AnnotationError: If the key is missing, or its pickle has more in it than
                plain data.
        """
        with self._member(key) as file:
            return load_plain_objects(file, f'{self.path}: key {key!r}')

    def shape(self, key: str) -> tuple[int, ...]:
        """Return the shape of the array under a key, without reading the array.

        Raises:
            AnnotationError: If the key is missing, or no array.
        """
        with self._member(key) as file:
            try:
                return read_header(file)[0]
            except (ValueError, zipfile.BadZipFile, EOFError, OSError) as error:
                raise AnnotationError(
                    f'{self.path}: key {key!r} cannot be read: {error}'
                ) from error

    def _member(self, key: str) -> IO[bytes]:
        if key not in self:
            self._raise_missing(key)
        members = self._arrays.zip.NameToInfo
        return self._arrays.zip.open(f'{key}.npy' if f'{key}.npy' in members else key)

    def _raise_missing(self, key: str) -> NoReturn:
        raise AnnotationError(
            f'{self.path}: there is no key {key!r}. The file has: '
            f'{", ".join(sorted(self._arrays.files)) or "nothing"}.'
        )

    def _read_any(self, key: str) -> np.ndarray:
        try:
            return self.read(key)
        except AnnotationError as error:
            if not isinstance(error.__cause__, ValueError):
                raise
            return self.objects(key)

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
        return self.as_floats(key, self.read(key), *row_shape)

    def as_floats(self, key: str, array: np.ndarray, *row_shape: int) -> np.ndarray:
        """Check and return an array as `floats` does; `key` is for messages."""
        expected = (self.num_rows, *row_shape)
        wanted = f'{self.path}: key {key!r} must hold numbers of shape {expected}'
        if array.dtype.kind not in 'biuf':
            raise AnnotationError(f'{wanted}, but holds {array.dtype} values.')
        same_rows = array.shape[:1] == (self.num_rows,) or self.num_rows == 1
        if not same_rows or array.size != np.prod(expected):
            raise AnnotationError(f'{wanted}, but came with shape {array.shape}.')
        return np.ascontiguousarray(array.reshape(expected), dtype=np.float32)

    def integers(self, key: str) -> np.ndarray:
        """Return a column of whole numbers, which may be stored as floats.

        Returns:
            (N,) int64.

        Raises:
            AnnotationError: If the key is missing, or not N whole numbers.
        """
        array = self.read(key)
        is_whole = array.dtype.kind in 'iu' or (
            array.dtype.kind == 'f' and bool((array == np.floor(array)).all())
        )
        if not is_whole or array.shape != (self.num_rows,):
            raise AnnotationError(
                f'{self.path}: key {key!r} must hold {self.num_rows} integers, but '
                f'came with shape {array.shape} and type {array.dtype}.'
            )
        return array.astype(np.int64)

    def floats_or(self, key: str, fill: float, *row_shape: int) -> np.ndarray:
        """Return a numeric column, or one of `fill` where the file has none."""
        if key in self:
            return self.floats(key, *row_shape)
        return np.full((self.num_rows, *row_shape), fill, dtype=np.float32)

    def finite(self, key: str, values: np.ndarray) -> np.ndarray:
        """Return `values`, the column `key`, if no row has a NaN or infinity.

        Raises:
            AnnotationError: If one has; it names the first such row.
        """
        good = np.isfinite(values).reshape(len(values), -1).all(axis=1)
        bad = np.flatnonzero(~good)
        if bad.size:
            raise AnnotationError(
                f'{self.path}: key {key!r} must be finite, but is not in {bad.size} '
                f'rows, the first of them row {bad[0]}.'
            )
        return values

    def strings(self, key: str) -> tuple[str, ...]:
        """Return a column of strings; bytes are decoded as UTF-8.

        Raises:
            AnnotationError: If the key is missing, or not N strings.
        """
        return self.as_strings(key, self._read_any(key))

    def as_strings(self, key: str, array: np.ndarray) -> tuple[str, ...]:
        """Check and return an array as `strings` does; `key` is for messages."""
        array = np.atleast_1d(array)
        values = array.tolist()
        is_text = all(isinstance(value, str | bytes) for value in values)
        if not is_text or array.shape != (self.num_rows,):
            raise AnnotationError(
                f'{self.path}: key {key!r} must hold {self.num_rows} strings, but came '
                f'with shape {array.shape} and type {array.dtype}.'
            )
        return tuple(
            value.decode('utf-8') if isinstance(value, bytes) else value
            for value in values
        )


def npz_keys(path: str | Path) -> tuple[str, ...]:
    """Return the keys of an annotation file; errors are those of `open_npz`."""
    with _open(path) as arrays:
        return tuple(arrays.files)


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
    with _open(path) as arrays:
        yield NpzColumns(str(path), arrays, row_key)


def _open(path: str | Path) -> np.lib.npyio.NpzFile:
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
    return arrays
