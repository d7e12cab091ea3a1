"""BEDLAM's annotation files."""

from __future__ import annotations

import math
from pathlib import Path
from typing import Any

import numpy as np

from deforhmr_mm.structures import get_keypoint_set

from ..labels import AnnotationError, LabelRecord
from .boxes import read_center_scale
from .columns import log_smplx, read_genders, read_intrinsics, unknown_columns
from .hmr2 import in_smpl45
from .joints import place_joints, positions_of
from .npz import NpzColumns, open_npz

__all__ = ['read_bedlam_npz']

SMPL_NUMBERS, SMPLX_NUMBERS = 72, 66
SMPLX_BODY_JOINTS = 22
# The library smplx puts SMPL-X's landmarks behind its 55 posed joints, in SMPL's order.
SMPLX_POSED_JOINTS = 55
SMPLX_JOINTS = 127
# OpenPose's 25 joints and HMR2.0's 19 extra ones: alone in files with SMPL labels, and
# before SMPL-X's in those of BEDLAM2.
HMR2_JOINTS = 44
STORED_TURNED = 'closeup'


def read_bedlam_npz(
    path: str | Path, scale_unit: str = 'auto', bbox_padding: float = 1.0
) -> LabelRecord:
    """Read an annotation file of BEDLAM.

    Keys: ``imgname`` (N,), ``center`` (N, 2), ``scale`` (N,) and ``pose_cam`` are
    required. Optional are ``shape``, ``gtkps`` (N, J, 2 or 3), ``cam_int`` (N, 3, 3),
    ``cam_ext`` (N, 4, 4), ``trans_cam`` (N, 3), ``gender`` (N,) and ``sub`` (N,), which
    become numbers in ``person_ids``.

    ``pose_cam`` of 72 numbers is a pose of SMPL (BEDLAM has such files, too); the first
    10 numbers of ``shape`` are its betas, and ``trans_cam`` plus the translation in
    ``cam_ext`` is ``transl``. ``pose_cam`` of 66 and more numbers (165 in the files
    that BEDLAM offers first) is a pose of SMPL-X. Then pose, shape and translation are
    another model's and left out: adding the translation to SMPL's vertices would put
    them elsewhere.

    ``gtkps`` are all of the model's joints projected, also hidden ones, so that their
    confidence is 1 where the file has none: SMPL's 45 or 24, or SMPL-X's, of which the
    first 22 have SMPL's names and the 21 from number 55 on are the landmarks (as in the
    library smplx). Files with SMPL labels may have HMR2.0's 44 joints instead, and
    those of BEDLAM2 have 44 others before SMPL-X's 127, which are passed over.

    The pictures of scenes with 'closeup' in their name are stored turned by 90 degrees;
    the labels are in the upright frame. Where that is in the name of the picture or of
    the file, ``image_turns`` is 1, and `LoadImage` acts on it.

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
        names = columns.strings('imgname')
        center, scale = read_center_scale(columns, scale_unit, bbox_padding)
        labels = unknown_columns(columns.num_rows)
        pose_shape = columns.shape('pose_cam')
        pose_numbers = math.prod(pose_shape[1:])
        is_smpl = pose_numbers == SMPL_NUMBERS
        if is_smpl:
            labels.update(_read_smpl(columns))
        elif pose_numbers < SMPLX_NUMBERS:
            raise AnnotationError(
                f"{columns.path}: key 'pose_cam' must have {SMPL_NUMBERS} numbers a "
                f'row for SMPL, {SMPLX_NUMBERS} or more for SMPL-X, but came with '
                f'shape {pose_shape}.'
            )
        else:
            log_smplx(
                columns,
                'BEDLAM offers files with SMPL labels, too (72 numbers in pose_cam).',
            )
        focal_length, principal_point = read_intrinsics(columns)
        labels.update(
            keypoints=_read_keypoints(columns, is_smpl),
            focal_length=focal_length,
            principal_point=principal_point,
            genders=read_genders(columns),
        )
        if 'sub' in columns:
            _, ids = np.unique(columns.strings('sub'), return_inverse=True)
            labels['person_ids'] = ids.reshape(-1).astype(np.int64)
        return LabelRecord(
            path=columns.path,
            image_names=names,
            center=center,
            scale=scale,
            family='bedlam',
            body_type='smpl' if is_smpl else 'smplx',
            image_turns=_image_turns(columns.path, names),
            **labels,
        )


def _read_smpl(columns: NpzColumns) -> dict[str, Any]:
    ones = np.ones(columns.num_rows, dtype=np.float32)
    pose = columns.floats('pose_cam', 24, 3)
    labels = dict(pose=columns.finite('pose_cam', pose), has_pose=ones)
    if 'shape' in columns:
        numbers = max(10, *columns.shape('shape')[1:])
        betas = columns.floats('shape', numbers)[:, :10]
        labels['betas'] = columns.finite('shape', betas)
        labels['has_betas'] = ones
    if 'trans_cam' in columns and 'cam_ext' in columns:
        transl = columns.floats('trans_cam', 3)
        transl = transl + columns.floats('cam_ext', 4, 4)[:, :3, 3]
        labels['transl'] = columns.finite('trans_cam + cam_ext', transl)
    return labels


def _read_keypoints(columns: NpzColumns, is_smpl: bool) -> np.ndarray:
    smpl45 = get_keypoint_set('smpl45').names
    body, landmarks = smpl45[:SMPLX_BODY_JOINTS], smpl45[24:]
    if 'gtkps' not in columns:
        return unknown_columns(columns.num_rows)['keypoints']
    stored = columns.read('gtkps')
    count = stored.shape[1] if stored.ndim == 3 else 0
    if count < SMPLX_BODY_JOINTS or stored.shape[-1] not in (2, 3):
        raise AnnotationError(
            f"{columns.path}: key 'gtkps' must have shape ({columns.num_rows}, "
            f'{SMPLX_BODY_JOINTS} or more, 2 or 3), but came with {stored.shape}.'
        )
    points = columns.as_floats('gtkps', stored, *stored.shape[1:])
    points = columns.finite('gtkps', points)
    if points.shape[-1] == 2:
        ones = np.ones((*points.shape[:-1], 1), dtype=np.float32)
        points = np.concatenate([points, ones], axis=-1)
    if is_smpl:
        return _smpl_keypoints(columns, points)
    if count == HMR2_JOINTS + SMPLX_JOINTS:
        points = points[:, HMR2_JOINTS:]
        count = SMPLX_JOINTS
    positions = {name: index for index, name in enumerate(body)}
    if count >= SMPLX_POSED_JOINTS + len(landmarks):
        positions |= {n: SMPLX_POSED_JOINTS + i for i, n in enumerate(landmarks)}
    return place_joints(points, positions)


def _smpl_keypoints(columns: NpzColumns, points: np.ndarray) -> np.ndarray:
    count = points.shape[1]
    if count == HMR2_JOINTS:
        return in_smpl45(points)
    if count not in (24, 45):
        raise AnnotationError(
            f"{columns.path}: key 'gtkps' must hold SMPL's 24 or 45 joints, or "
            f"HMR2.0's {HMR2_JOINTS}, beside SMPL labels, but came with {count}."
        )
    positions = positions_of('smpl45')
    return place_joints(points, {n: i for n, i in positions.items() if i < count})


def _image_turns(path: str, names: tuple[str, ...]) -> np.ndarray | None:
    in_all = STORED_TURNED in Path(path).name
    turned = np.array([in_all or STORED_TURNED in name for name in names], dtype=bool)
    return turned.astype(np.int8) if turned.any() else None
