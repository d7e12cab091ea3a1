"""Annotation files of the SPIN family: SPIN's own, CLIFF's pseudo-labels, and ours."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from mmengine.logging import MMLogger

from deforhmr_mm.geometry.boxes import CROP_ASPECT
from deforhmr_mm.structures import get_keypoint_set

from ..labels import AnnotationError, LabelRecord
from .npz import NpzColumns, open_npz

__all__ = ['read_spin_npz']


GENDERS = {'m': 'male', 'f': 'female', 'male': 'male', 'female': 'female'}
# A person's box in pixels is larger than this, its size over 200 is smaller.
LARGEST_SCALE_OVER_200 = 20.0


def read_spin_npz(
    path: str | Path, scale_unit: str = 'auto', bbox_padding: float = 1.0
) -> LabelRecord:
    """Read a SPIN-style annotation file.

    Keys: ``imgname`` (N,), ``center`` (N, 2) and ``scale`` (N,) are required. Optional
    are ``part`` (N, 24, 3), ``openpose`` (N, 25, 3), ``pose`` (N, 72) with ``shape``
    (N, 10), ``has_smpl`` (N,) (missing: all 1 where there is a pose), ``S`` (N, 24, 4),
    ``gender`` (N,), CLIFF's ``global_t`` (N, 3) and ``focal_l`` (N,), and ours,
    ``principal_point`` (N, 2), ``person_id`` (N,) and ``body_fingerprint``.

    Keypoints and 3D joints are matched to ``smpl45`` by their names. A joint that both
    ``part`` and ``openpose`` have is taken from ``part``, the data set's own
    annotation, where its confidence is above zero.

    Args:
        path: The ``.npz`` file.
        scale_unit: '200px' if ``scale`` is the box side over 200, 'px' if it is in
            pixels, 'auto' to tell by its median; what was taken is logged.
        bbox_padding: Factor on the box side, on top of what ``scale`` includes.

    Returns:
        The labels. A square box of side b becomes the crop's box (0.75 b, b).

    Raises:
        FileNotFoundError: If there is no such file.
        AnnotationError: If a key is missing, or holds the wrong shape or impossible
        values.
    """
    with open_npz(path) as columns:
        pose, betas, labelled = _read_smpl(columns)
        return LabelRecord(
            path=columns.path,
            image_names=columns.strings('imgname'),
            center=_finite(columns, 'center', columns.floats('center', 2)),
            scale=_read_box_size(columns, scale_unit, bbox_padding),
            keypoints=_read_keypoints(columns),
            joints_3d=_read_joints_3d(columns),
            pose=pose,
            betas=betas,
            has_pose=labelled,
            has_betas=labelled,
            transl=columns.floats_or('global_t', np.nan, 3),
            focal_length=columns.floats_or('focal_l', np.nan),
            principal_point=columns.floats_or('principal_point', np.nan, 2),
            genders=_read_genders(columns),
            person_ids=_read_person_ids(columns),
            body_fingerprint=_read_fingerprint(columns),
        )


def _finite(columns: NpzColumns, key: str, values: np.ndarray) -> np.ndarray:
    bad = np.flatnonzero(~np.isfinite(values).reshape(len(values), -1).all(axis=1))
    if bad.size:
        raise AnnotationError(
            f'{columns.path}: key {key!r} must be finite, but is not in {bad.size} '
            f'rows, the first of them row {bad[0]}.'
        )
    return values


def _read_box_size(
    columns: NpzColumns, scale_unit: str, bbox_padding: float
) -> np.ndarray:
    scale = _finite(columns, 'scale', columns.floats('scale'))
    if scale.size and scale.min() <= 0:
        raise AnnotationError(
            f"{columns.path}: key 'scale' must be positive, but is {scale.min()} in "
            f'row {scale.argmin()}.'
        )
    if scale_unit == 'auto':
        over_200 = not scale.size or np.median(scale) < LARGEST_SCALE_OVER_200
        scale_unit = '200px' if over_200 else 'px'
        MMLogger.get_current_instance().info(
            f"{columns.path}: 'scale' taken as the box side "
            f'{"over 200" if over_200 else "in pixels"}.'
        )
    units = {'200px': 200.0, 'px': 1.0}
    if scale_unit not in units:
        raise ValueError(
            f"scale_unit must be 'auto', '200px' or 'px', but is {scale_unit!r}."
        )
    side = scale * units[scale_unit] * bbox_padding
    return np.stack([CROP_ASPECT * side, side], axis=-1).astype(np.float32)


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
    labelled = has_smpl > 0
    pose = np.where(labelled[:, None, None], pose, 0).astype(np.float32)
    betas = np.where(labelled[:, None], betas, 0).astype(np.float32)
    _finite(columns, 'pose', pose)
    _finite(columns, 'shape', betas)
    return pose, betas, labelled.astype(np.float32)


def _read_keypoints(columns: NpzColumns) -> np.ndarray:
    target = get_keypoint_set('smpl45')
    keypoints = np.zeros((columns.num_rows, len(target.names), 3), dtype=np.float32)
    # In rising order of trust.
    for key, source_name in (('openpose', 'openpose25'), ('part', 'spin24')):
        if key not in columns:
            continue
        source = get_keypoint_set(source_name)
        values = _finite(columns, key, columns.floats(key, len(source.names), 3))
        source_index, target_index = source.map_to(target)
        known = values[:, source_index]
        keypoints[:, target_index] = np.where(
            known[..., 2:] > 0, known, keypoints[:, target_index]
        )
    return keypoints


def _read_joints_3d(columns: NpzColumns) -> np.ndarray:
    source, target = get_keypoint_set('spin24'), get_keypoint_set('smpl45')
    joints = np.zeros((columns.num_rows, len(target.names), 4), dtype=np.float32)
    if 'S' in columns:
        values = _finite(columns, 'S', columns.floats('S', len(source.names), 4))
        source_index, target_index = source.map_to(target)
        joints[:, target_index] = values[:, source_index]
    return joints


def _read_genders(columns: NpzColumns) -> tuple[str, ...]:
    if 'gender' not in columns:
        return ('neutral',) * columns.num_rows
    genders = tuple(
        GENDERS.get(value.strip().lower(), 'neutral')
        for value in columns.strings('gender')
    )
    if len(genders) > 1 and set(genders) in ({'male'}, {'female'}):
        MMLogger.get_current_instance().warning(
            f"{columns.path}: 'gender' is {genders[0]} in all {len(genders)} rows; "
            'files with a wrong gender column are in circulation.'
        )
    return genders


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
