"""Columns that several families of annotation files have in common."""

from __future__ import annotations

from typing import Any

import numpy as np
from mmengine.logging import MMLogger

from ..labels import AnnotationError
from .npz import NpzColumns

__all__ = [
    'check_genders',
    'labelled_rows',
    'log_smplx',
    'read_genders',
    'read_intrinsics',
    'unknown_columns',
]

GENDERS = {'m': 'male', 'f': 'female', 'male': 'male', 'female': 'female'}


def unknown_columns(num_rows: int) -> dict[str, Any]:
    """Columns of a `LabelRecord` of which nothing is known, for readers to update.

    Args:
        num_rows: Number of people.

    Returns:
        All columns of labels and camera by their names; those of the picture's name and
        the box are not among them.
    """
    nan = np.float32(np.nan)
    zeros = np.zeros(num_rows, dtype=np.float32)
    return dict(
        keypoints=np.zeros((num_rows, 45, 3), dtype=np.float32),
        joints_3d=np.zeros((num_rows, 45, 4), dtype=np.float32),
        pose=np.zeros((num_rows, 24, 3), dtype=np.float32),
        betas=np.zeros((num_rows, 10), dtype=np.float32),
        has_pose=zeros,
        has_betas=zeros,
        transl=np.full((num_rows, 3), nan),
        focal_length=np.full(num_rows, nan),
        principal_point=np.full((num_rows, 2), nan),
        genders=('neutral',) * num_rows,
        person_ids=np.full(num_rows, -1, dtype=np.int64),
    )


def labelled_rows(
    columns: NpzColumns, key: str, values: np.ndarray, labelled: np.ndarray
) -> np.ndarray:
    """Return `values` (N, ...) of a key, zero in rows that are not `labelled` (N,).

    Raises:
        AnnotationError: If a row that is labelled has a NaN or infinity.
    """
    mask = (labelled > 0).reshape(-1, *(1,) * (values.ndim - 1))
    return columns.finite(key, np.where(mask, values, 0).astype(np.float32))


def read_genders(columns: NpzColumns) -> tuple[str, ...]:
    """Read ``gender`` (N,), 'neutral' where it is missing; see `check_genders`."""
    if 'gender' not in columns:
        return ('neutral',) * columns.num_rows
    return check_genders(columns, columns.strings('gender'))


def check_genders(columns: NpzColumns, values: tuple[str, ...]) -> tuple[str, ...]:
    """Spell genders out; warn where all of them are the same."""
    genders = tuple(GENDERS.get(value.strip().lower(), 'neutral') for value in values)
    if len(genders) > 1 and set(genders) in ({'male'}, {'female'}):
        MMLogger.get_current_instance().warning(
            f"{columns.path}: 'gender' is {genders[0]} in all {len(genders)} rows; "
            'files with a wrong gender column are in circulation.'
        )
    return genders


def read_intrinsics(columns: NpzColumns) -> tuple[np.ndarray, np.ndarray]:
    """Read ``cam_int``, (N, 3, 3) or (N, 4, 4).

    Returns:
        Focal length (N,), the mean of both axes, and principal point (N, 2), float32,
        pixels; NaN where there is no such key.

    Raises:
        AnnotationError: If the matrices are not finite, or a focal length not positive.
    """
    if 'cam_int' not in columns:
        unknown = unknown_columns(columns.num_rows)
        return unknown['focal_length'], unknown['principal_point']
    stored = columns.read('cam_int')
    side = 4 if stored.shape[-2:] == (4, 4) else 3
    matrices = columns.as_floats('cam_int', stored, side, side)
    matrices = columns.finite('cam_int', matrices)
    focal_lengths = matrices[:, (0, 1), (0, 1)]
    bad = np.flatnonzero((focal_lengths <= 0).any(axis=1))
    if bad.size:
        raise AnnotationError(
            f"{columns.path}: key 'cam_int' must have positive focal lengths, but has "
            f'{focal_lengths[bad[0]].tolist()} in row {bad[0]}.'
        )
    return focal_lengths.mean(axis=1), matrices[:, :2, 2].copy()


def log_smplx(columns: NpzColumns, remedy: str) -> None:
    """Say that the file's parameters are SMPL-X's, and how to get those of SMPL."""
    MMLogger.get_current_instance().info(
        f'{columns.path}: pose and shape are for SMPL-X, so they are no labels of SMPL '
        f'and are not used; what else the file gives is. {remedy}'
    )
