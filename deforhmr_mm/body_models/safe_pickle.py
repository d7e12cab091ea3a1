"""Reading SMPL's pickle files without running what is in them.

A pickle is a program: unpickling a file from the web can do anything. SMPL's official
files need arrays, scipy's sparse matrices and chumpy's arrays, nothing else; chumpy
itself no current Python can import. This reader knows just those, takes the latter two
as plain data, and refuses the file for any other name in it.
"""

from __future__ import annotations

import pickle
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
import scipy.sparse

_MAX_DEPTH = 8
# Stands for the class, which a pickle of arrays names but never calls by itself: numpy
# would build arrays over any bytes.
_ARRAY_CLASS = object()


class UnsafePickleError(ValueError):
    """A pickle names something that a body model's file has no need for."""


class _PlainObject:
    """Stands for an object of a class that is not imported: its state, nothing more."""

    kind = ''

    def __init__(self, *args: Any) -> None:
        if args:
            raise ValueError(f'{self.kind} with constructor arguments')
        self.state: dict[str, Any] = {}

    def __setstate__(self, state: Any) -> None:
        if not isinstance(state, dict):
            raise ValueError(f'{self.kind} with a state of {type(state).__name__}')
        self.state = dict(state)


class _SparseMatrix(_PlainObject):
    """A scipy CSC or CSR matrix."""


class _ChumpyArray(_PlainObject):
    """A chumpy object."""


def _reconstructor(kind: type, base: type, state: Any) -> Any:
    """``copyreg._reconstructor`` for the classes that stand for others, only."""
    if not (isinstance(kind, type) and issubclass(kind, _PlainObject)):
        raise ValueError('copyreg._reconstructor of something else than plain data')
    if base is not object or state is not None:
        raise ValueError('copyreg._reconstructor with a base class')
    return kind()


def _encode(text: str, encoding: str = 'latin1') -> bytes:
    """``_codecs.encode`` as numpy's pickles use it: bytes written as latin-1 text."""
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


def plain_names() -> dict[tuple[str, str], Any]:
    """What pickles of numbers, text and numpy arrays name, and what it stands for.

    In the spellings of Python 2 and 3, numpy 1 and 2. For unpicklers that know nothing
    else, or little more.
    """
    names: dict[tuple[str, str], Any] = {
        ('numpy', 'ndarray'): _ARRAY_CLASS,
        ('numpy', 'dtype'): np.dtype,
        ('numpy', 'bool_'): np.bool_,
        ('_codecs', 'encode'): _encode,
    }
    # Pickle protocols below 4 have no opcode of their own for these.
    for module in ('builtins', '__builtin__'):
        for kind in (set, frozenset, bytearray, bytes):
            names[module, kind.__name__] = kind
    # Taken from what numpy itself writes: its module differs between numpy versions.
    scalar = np.float64(0).__reduce__()[0]
    for core in ('numpy.core', 'numpy._core'):
        names[f'{core}.multiarray', '_reconstruct'] = _empty_array
        names[f'{core}.multiarray', 'scalar'] = scalar
        names[f'{core}.numeric', '_frombuffer'] = _from_buffer
    return names


_NAMES: dict[tuple[str, str], Any] = {
    **plain_names(),
    ('copyreg', '_reconstructor'): _reconstructor,
    ('copy_reg', '_reconstructor'): _reconstructor,
    ('builtins', 'object'): object,
    ('__builtin__', 'object'): object,
}
_SPARSE_CLASSES = {
    f'{kind}_{noun}': kind for kind in ('csc', 'csr') for noun in ('matrix', 'array')
}
_CHUMPY_CLASSES = frozenset(
    {
        ('chumpy.ch', 'Ch'),
        ('chumpy', 'Ch'),
        ('chumpy.reordering', 'Select'),
        ('chumpy.reordering', 'Reshape'),
        ('chumpy.reordering', 'transpose'),
    }
)


class _RestrictedUnpickler(pickle.Unpickler):
    def __init__(self, file: Any, path: Path, what: str) -> None:
        super().__init__(file, encoding='latin1')
        self._path = path
        self._what = what

    def find_class(self, module: str, name: str) -> Any:
        if (module, name) in _NAMES:
            return _NAMES[module, name]
        if module.startswith('scipy.sparse.') and name in _SPARSE_CLASSES:
            return type(name, (_SparseMatrix,), {'kind': _SPARSE_CLASSES[name]})
        if (module, name) in _CHUMPY_CLASSES:
            return type(name, (_ChumpyArray,), {'kind': name})
        raise UnsafePickleError(
            f'{self._path} was not loaded: it names {module}.{name}, and {self._what} '
            'needs only numpy arrays, scipy sparse matrices and chumpy arrays. Do not '
            'trust this file; if you know that it is sound, write it anew with plain '
            'arrays under the same keys'
        )

    def persistent_load(self, pid: Any) -> Any:
        raise UnsafePickleError(
            f'{self._path} was not loaded: it refers to an object outside the file '
            f'({pid!r})'
        )


def _sparse(matrix: _SparseMatrix) -> np.ndarray:
    """Dense array of a scipy sparse matrix, its indices checked."""
    state = matrix.state
    missing = [
        key for key in ('data', 'indices', 'indptr', '_shape') if key not in state
    ]
    if missing:
        raise ValueError(f'a {matrix.kind} matrix without {missing}')
    build: Callable[..., Any] = getattr(scipy.sparse, f'{matrix.kind}_matrix')
    parts = tuple(np.asarray(state[key]) for key in ('data', 'indices', 'indptr'))
    shape = tuple(int(size) for size in state['_shape'])
    if len(shape) != 2 or parts[0].dtype.kind not in 'fiu':
        raise ValueError(f'a {matrix.kind} matrix of shape {shape}, {parts[0].dtype}')
    result = build(parts, shape=shape)
    result.check_format(full_check=True)
    return result.toarray()


def _chumpy(array: _ChumpyArray, depth: int) -> np.ndarray:
    """Value of a chumpy array, or of one that only reorders another."""
    state = array.state
    inner = 'x' if array.kind == 'Ch' else 'a'
    if inner not in state:
        raise ValueError(f'a chumpy {array.kind} without {inner!r}')
    value = np.asarray(_plain(state[inner], depth + 1))
    if array.kind == 'Select':
        value = value.ravel()[np.asarray(state['idxs'])]
        return value.reshape(state.get('preferred_shape', value.shape))
    if array.kind == 'Reshape':
        return value.reshape(state['newshape'])
    if array.kind == 'transpose':
        return np.transpose(value, state.get('axes'))
    return value


def _plain(value: Any, depth: int = 0) -> Any:
    if depth > _MAX_DEPTH:
        raise ValueError('chumpy arrays nested too deep')
    if isinstance(value, _SparseMatrix):
        return _sparse(value)
    if isinstance(value, _ChumpyArray):
        return _chumpy(value, depth)
    return value


def load_pickled_arrays(path: Path, what: str = 'a body model') -> dict[str, Any]:
    """Contents of a pickled dictionary of arrays, as plain numpy.

    Args:
        path: A file written by Python 2 or 3, any pickle protocol.
        what: What the file is to be, for messages.

    Returns:
        The dictionary; chumpy arrays and sparse matrices become dense arrays.

    Raises:
        UnsafePickleError: If the file names anything but numpy, scipy's CSC and CSR
            matrices and chumpy's arrays. Nothing of it has been run then.
        ValueError: If it is damaged, or holds no dictionary.
    """
    with _named_errors(path, what):
        content = _load(path, what)
        if not isinstance(content, dict) or not all(
            isinstance(k, str) for k in content
        ):
            raise ValueError(f'expected a dictionary, got {type(content).__name__}')
        return {str(key): _plain(value) for key, value in content.items()}


def load_pickled_array(path: Path, what: str) -> np.ndarray:
    """A pickled array, dense or sparse, as a plain numpy array.

    Args:
        path: A file written by Python 2 or 3, any pickle protocol.
        what: What the file is to be, for messages.

    Raises:
        UnsafePickleError: As `load_pickled_arrays`.
        ValueError: If it is damaged, or holds something else.
    """
    with _named_errors(path, what):
        content = _plain(_load(path, what))
        if not isinstance(content, np.ndarray):
            raise ValueError(f'expected an array, got {type(content).__name__}')
        return content


def _load(path: Path, what: str) -> Any:
    with open(path, 'rb') as file:
        return _RestrictedUnpickler(file, path, what).load()


@contextmanager
def _named_errors(path: Path, what: str) -> Iterator[None]:
    try:
        yield
    except (UnsafePickleError, OSError):
        raise
    except Exception as error:  # Damaged pickles raise nearly every kind of error.
        raise ValueError(
            f'{path} is not a readable pickle of {what}: '
            f'{type(error).__name__}: {error}'
        ) from error
