"""Annotation files of the SPIN family: SPIN's own, CLIFF's pseudo-labels, and ours."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from deforhmr_mm.structures import get_keypoint_set

from ..labels import AnnotationError, LabelRecord
from .boxes import read_center_scale
from .columns import labelled_rows, read_genders
from .joints import in_metres, place_joints, positions_of, prefer
from .npz import NpzColumns, open_npz

__all__ = ['read_spin_npz']


def read_spin_npz(
    path: str | Path, scale_unit: str = 'auto', bbox_padding: float = 1.0
) -> LabelRecord:
    """Read a SPIN-style annotation file.

    Keys: ``imgname`` (N,), ``center`` (N, 2) and ``scale``, (N,) or (N, 2), are
    required. Optional are ``part`` (N, 24, 3), ``openpose`` (N, 25, 3), ``pose``
    (N, 72) with ``shape`` (N, 10), ``has_smpl`` (N,) (missing: all 1 where there is a
    pose), ``S`` (N, 24, 4), metres, ``gender`` (N,), CLIFF's ``global_t`` (N, 3), the
    place of the pelvis in the full camera, and ``focal_l`` (N,), and ours, ``transl``
    (N, 3), ``principal_point`` (N, 2), ``person_id`` (N,) and ``body_fingerprint``.

    Keypoints and 3D joints are matched to ``smpl45`` by their names. A joint that both
    ``part`` and ``openpose`` have is taken from ``part``, the data set's own
    annotation, where its confidence is above zero.

    Args:
        path: The ``.npz`` file.
        scale_unit: See `read_center_scale`.
        bbox_padding: Factor on the box, on top of what ``scale`` includes.

    Returns:
        The labels.

    Raises:
        FileNotFoundError: If there is no such file.
        AnnotationError: If a key is missing, or holds the wrong shape or impossible
        values.
    """
    with open_npz(path) as columns:
        center, scale = read_center_scale(columns, scale_unit, bbox_padding)
        pose, betas, labelled = _read_smpl(columns)
        return LabelRecord(
            path=columns.path,
            image_names=columns.strings('imgname'),
            center=center,
            scale=scale,
            keypoints=_read_keypoints(columns),
            joints_3d=_read_joints_3d(columns),
            pose=pose,
            betas=betas,
            has_pose=labelled,
            has_betas=labelled,
            transl=columns.floats_or('transl', np.nan, 3),
            pelvis=columns.floats('global_t', 3) if 'global_t' in columns else None,
            focal_length=columns.floats_or('focal_l', np.nan),
            principal_point=columns.floats_or('principal_point', np.nan, 2),
            genders=read_genders(columns),
            person_ids=_read_person_ids(columns),
            family='spin',
            body_fingerprint=_read_fingerprint(columns),
        )


def _read_smpl(columns: NpzColumns) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    has_pose = 'pose' in columns
    if has_pose != ('shape' in columns):
        present, absent = ('pose', 'shape') if has_pose else ('shape', 'pose')
        raise AnnotationError(
            f'{columns.path}: there is a key {present!r} but no {absent!r}; SMPL '
            'labels need both.'
        )
    pose = columns.floats_or('pose', 0.0, 24, 3)
    betas = columns.floats_or('shape', 0.0, 10)
    has_smpl = columns.floats_or('has_smpl', float(has_pose))
    if not has_pose:
        has_smpl = np.zeros_like(has_smpl)
    pose = labelled_rows(columns, 'pose', pose, has_smpl)
    betas = labelled_rows(columns, 'shape', betas, has_smpl)
    return pose, betas, (has_smpl > 0).astype(np.float32)


def _read_keypoints(columns: NpzColumns) -> np.ndarray:
    part = _read_joints(columns, 'part', 'spin24', 3)
    return prefer(part, _read_joints(columns, 'openpose', 'openpose25', 3))


def _read_joints_3d(columns: NpzColumns) -> np.ndarray:
    return in_metres(columns, 'S', _read_joints(columns, 'S', 'spin24', 4))


def _read_joints(
    columns: NpzColumns, key: str, keypoint_set: str, numbers: int
) -> np.ndarray:
    count = len(get_keypoint_set(keypoint_set))
    values = columns.finite(key, columns.floats_or(key, 0.0, count, numbers))
    return place_joints(values, positions_of(keypoint_set))


def _read_person_ids(columns: NpzColumns) -> np.ndarray:
    if 'person_id' not in columns:
        return np.full(columns.num_rows, -1, dtype=np.int64)
    person_ids = columns.read('person_id')
    if person_ids.dtype.kind not in 'iu' or person_ids.shape != (columns.num_rows,):
        raise AnnotationError(
            f"{columns.path}: key 'person_id' must hold {columns.num_rows} integers, "
            f'but came with shape {person_ids.shape} and type {person_ids.dtype}.'
        )
    return person_ids.astype(np.int64)


def _read_fingerprint(columns: NpzColumns) -> str | None:
    if 'body_fingerprint' not in columns:
        return None
    value = columns.read('body_fingerprint')
    if value.dtype.kind not in 'SU' or value.size != 1:
        raise AnnotationError(
            f"{columns.path}: key 'body_fingerprint' must hold one string, but came "
            f'with shape {value.shape} and type {value.dtype}.'
        )
    text = value.reshape(-1)[0]
    return text.decode('utf-8') if isinstance(text, bytes) else str(text)
