"""Reading body models in SMPL's file format, ``.npz`` or ``.pkl``."""

from __future__ import annotations

import os
import zipfile
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from .safe_pickle import UnsafePickleError, load_pickled_array, load_pickled_arrays

NUM_JOINTS = 24
OPEN_BODY_PATH = Path(__file__).parent / 'assets' / 'open_body.npz'
"""The licence-free body that the package carries."""

_POSE_FEATURES = 9 * (NUM_JOINTS - 1)
_META = ('body_name', 'body_version', 'licence', 'provenance')


class BodyFileError(ValueError):
    """A body model's file lacks something, or holds something of the wrong shape."""


@dataclass(frozen=True)
class SMPLData:
    """A body in SMPL's terms, float64, metres, y up, facing +z, x = the person's left.

    Attributes:
        v_template: (V, 3) mean shape in the T-pose.
        faces: (F, 3) int64 triangles.
        joint_regressor: (24, V) from T-pose vertices to joints.
        weights: (V, 24) blend weights.
        shapedirs: (V, 3, num_betas) shape components.
        posedirs: (V, 3, 207) pose blend shapes, None where they are all zero.
        parents: (24,) int64 parent of every joint, -1 for the root.
        landmark_ids: Landmark vertices by name, where the file has them.
        h36m_regressor: (17, V) to Human3.6M's joints, where the file has it.
        meta: ``body_name`` and, where the file has them, ``body_version``, ``licence``
            and ``provenance``.
    """

    v_template: np.ndarray
    faces: np.ndarray
    joint_regressor: np.ndarray
    weights: np.ndarray
    shapedirs: np.ndarray
    posedirs: np.ndarray | None
    parents: np.ndarray
    landmark_ids: dict[str, int] | None = None
    h36m_regressor: np.ndarray | None = None
    meta: dict[str, str] = field(default_factory=dict)


def load_smpl_file(path: str | os.PathLike[str]) -> SMPLData:
    """Load a body model with SMPL's keys and 24 joints, any number of vertices.

    Official ``.pkl`` files are read without chumpy and without running anything in them
    (see `safe_pickle`).

    Args:
        path: An ``.npz`` or ``.pkl`` file.

    Raises:
        FileNotFoundError: If there is no such file.
        UnsafePickleError: If a pickle names something that it has no need for.
        BodyFileError: If a key is missing or its array has another shape or type.
    """
    path = Path(path)
    if not path.is_file():
        raise FileNotFoundError(
            f'no body model at {path}; give model_path an SMPL file (.npz or .pkl), or '
            'None for the open body'
        )
    if path.suffix == '.npz':
        content = _read_npz(path)
    elif path.suffix == '.pkl':
        try:
            content = load_pickled_arrays(path)
        except RecursionError as error:
            raise BodyFileError(f'{path} is nested too deep') from error
    else:
        raise BodyFileError(
            f'{path}: expected a .npz or .pkl file, got {path.suffix!r}'
        )
    return _parse(path, content)


def load_joint_regressor(
    path: str | os.PathLike[str], num_joints: int, num_vertices: int
) -> np.ndarray:
    """Read weights from vertices to joints.

    Such as SPIN's ``J_regressor_h36m.npy`` (17 joints, the keypoint set ``h36m17``) and
    HMR2.0's ``SMPL_to_J19.pkl`` (19 joints, ``hmr2_extra19``).

    Args:
        path: A ``.npy`` file, or a ``.pkl`` file that holds one array.
        num_joints: J.
        num_vertices: V of the body that it is for.

    Returns:
        (J, V) float64 weights.

    Raises:
        FileNotFoundError: If there is no such file.
        BodyFileError: If the file is no array, or of another shape.
        UnsafePickleError: If a pickle names more than arrays.
    """
    path = Path(path)
    if not path.is_file():
        raise FileNotFoundError(f'the joint regressor {path} does not exist')
    if path.suffix == '.pkl':
        try:
            regressor = load_pickled_array(path, 'a joint regressor')
        except UnsafePickleError:
            raise
        except ValueError as error:
            raise BodyFileError(str(error)) from error
    else:
        try:
            regressor = np.load(path, allow_pickle=False)
        except (ValueError, EOFError) as error:
            raise BodyFileError(
                f'{path} is not a readable .npy file: {error}'
            ) from error
    if regressor.shape != (num_joints, num_vertices):
        raise BodyFileError(
            f'{path}: expected the shape ({num_joints}, {num_vertices}) of the body, '
            f'got {regressor.shape}'
        )
    return regressor.astype(np.float64)


def _read_npz(path: Path) -> dict[str, Any]:
    try:
        with np.load(path, allow_pickle=False) as archive:
            return {key: archive[key] for key in archive.files}
    except (ValueError, OSError, EOFError, zipfile.BadZipFile) as error:
        raise BodyFileError(
            f'{path} is not a readable .npz of plain arrays: {error}'
        ) from error


class _Reader:
    """Takes arrays out of a file's content, or says what is wrong with them."""

    def __init__(self, path: Path, content: Mapping[str, Any]) -> None:
        self.path = path
        self.content = content

    def fail(self, key: str, expected: str, came: str) -> BodyFileError:
        return BodyFileError(f'{self.path}: {key!r} must be {expected}, got {came}')

    def array(
        self, key: str, shape: tuple[int | str, ...], kinds: str = 'fiu'
    ) -> np.ndarray:
        """The array at a key, checked; letters in ``shape`` stand for any size."""
        expected = f'an array of shape ({", ".join(map(str, shape))})'
        if key not in self.content:
            known = ', '.join(sorted(self.content))
            raise self.fail(key, expected, f'no such key; the file has: {known}')
        value = np.asarray(self.content[key])
        fits = value.ndim == len(shape) and all(
            isinstance(want, str) or want == have
            for want, have in zip(shape, value.shape, strict=False)
        )
        if not fits:
            raise self.fail(key, expected, f'shape {value.shape}')
        if value.dtype.kind not in kinds:
            raise self.fail(key, expected + ' of numbers', f'type {value.dtype}')
        if value.dtype.kind == 'f' and not np.isfinite(value).all():
            raise self.fail(key, expected, 'values that are not finite')
        if 0 in value.shape:
            raise self.fail(key, expected, f'the empty shape {value.shape}')
        return value


def _parse(path: Path, content: Mapping[str, Any]) -> SMPLData:
    read = _Reader(path, content)
    template = read.array('v_template', ('V', 3)).astype(np.float64)
    count = len(template)
    posedirs = None
    if 'posedirs' in content:
        stored = read.array('posedirs', (count, 3, _POSE_FEATURES))
        posedirs = stored.astype(np.float64) if stored.any() else None
    h36m = None
    if 'J_regressor_h36m' in content:
        h36m = read.array('J_regressor_h36m', (17, count)).astype(np.float64)
    meta = {key: str(content[key]) for key in _META if key in content}
    meta.setdefault('body_name', path.stem)
    return SMPLData(
        v_template=template,
        faces=_faces(read, count),
        joint_regressor=_regressor(read, count),
        weights=read.array('weights', (count, NUM_JOINTS)).astype(np.float64),
        shapedirs=read.array('shapedirs', (count, 3, 'num_betas')).astype(np.float64),
        posedirs=posedirs,
        parents=_parents(read),
        landmark_ids=_landmarks(read),
        h36m_regressor=h36m,
        meta=meta,
    )


def _regressor(read: _Reader, count: int) -> np.ndarray:
    return read.array('J_regressor', (NUM_JOINTS, count)).astype(np.float64)


def _faces(read: _Reader, count: int) -> np.ndarray:
    faces = read.array('f', ('F', 3), kinds='iu').astype(np.int64)
    if faces.min() < 0 or faces.max() >= count:
        raise read.fail(
            'f', f'vertices 0 to {count - 1}', f'{faces.min()} to {faces.max()}'
        )
    return faces


def _parents(read: _Reader) -> np.ndarray:
    """Parents from SMPL's table, whose root is -1 or, unsigned, 4294967295."""
    table = read.array('kintree_table', (2, NUM_JOINTS), kinds='iu').astype(np.int64)
    parents = table[0].copy()
    parents[0] = -1
    order = np.arange(NUM_JOINTS)
    if (parents[1:] < 0).any() or (parents >= order).any():
        raise read.fail(
            'kintree_table',
            'a tree with parents before children',
            str(table[0].tolist()),
        )
    return parents


def _landmarks(read: _Reader) -> dict[str, int] | None:
    if 'landmark_ids' not in read.content:
        return None
    ids = read.array('landmark_ids', ('N',), kinds='iu')
    names = read.array('landmark_names', (len(ids),), kinds='U')
    return {str(n): int(i) for n, i in zip(names, ids, strict=True)}
