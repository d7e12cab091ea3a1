"""Annotation files that HMR2.0 (4D-Humans) is evaluated and trained with."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from ..labels import LabelRecord
from .boxes import read_center_scale
from .columns import labelled_rows, read_genders, unknown_columns
from .joints import in_metres, place_joints, positions_of, prefer, root_relative
from .npz import NpzColumns, open_npz

__all__ = ['in_smpl45', 'read_hmr2_npz']

BODY = positions_of('openpose25')
EXTRA = positions_of('hmr2_extra19')
# HMR2.0's own loader gives these joints of the body no confidence in 3D.
DOUBTED_IN_3D = slice(BODY['neck'], BODY['left_ankle'] + 1)
# Where the roots are in body and extra joints together.
ROOTS = tuple(
    tuple(len(BODY) + EXTRA[name] for name in names)
    for names in (('pelvis_mpii',), ('left_hip', 'right_hip'))
)


def read_hmr2_npz(
    path: str | Path, scale_unit: str = 'auto', bbox_padding: float = 1.0
) -> LabelRecord:
    """Read an annotation file of HMR2.0.

    Keys: ``imgname`` (N,), ``center`` (N, 2) and ``scale``, (N,) or (N, 2), mostly in
    pixels, are required. Optional are ``body_pose`` (N, 72), the root included, with
    ``has_body_pose`` (N,), ``betas`` (N, 10) with ``has_betas`` (N,) (a missing flag is
    1 where there are labels), ``body_keypoints_2d`` (N, 25, 3) in OpenPose's order,
    ``extra_keypoints_2d`` (N, 19, 3), ``body_keypoints_3d`` (N, 25, 4),
    ``extra_keypoints_3d`` (N, 19, 4) and ``gender`` (N,).

    A joint that both groups have is taken from the extra ones where their confidence is
    above zero. 3D joints are made relative to the extra pelvis, or to the middle of the
    extra hips. As in HMR2.0's loader, joints 1 to 14 of ``body_keypoints_3d`` count for
    nothing.

    HMR2.0's loader takes a ``scale`` of one number as width and as height, which makes
    the crop 4/3 of what it is here and in files of SPIN; `bbox_padding` 4/3 gives it.

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
        labels = unknown_columns(columns.num_rows)
        labels['pose'], labels['has_pose'] = _read_labelled(
            columns, 'body_pose', 'has_body_pose', 24, 3
        )
        labels['betas'], labels['has_betas'] = _read_labelled(
            columns, 'betas', 'has_betas', 10
        )
        labels.update(
            keypoints=in_smpl45(_read_joints(columns, '2d', 3)),
            joints_3d=_read_joints_3d(columns),
            genders=read_genders(columns),
        )
        return LabelRecord(
            path=columns.path,
            image_names=columns.strings('imgname'),
            center=center,
            scale=scale,
            family='hmr2',
            **labels,
        )


def _read_labelled(
    columns: NpzColumns, key: str, flag_key: str, *row_shape: int
) -> tuple[np.ndarray, np.ndarray]:
    """Return labels and their flags, both zero where the file has no labels."""
    values = columns.floats_or(key, 0.0, *row_shape)
    if key not in columns:
        return values, np.zeros(columns.num_rows, dtype=np.float32)
    labelled = columns.floats_or(flag_key, 1.0)
    values = labelled_rows(columns, key, values, labelled)
    return values, (labelled > 0).astype(np.float32)


def _read_joints(columns: NpzColumns, suffix: str, numbers: int) -> np.ndarray:
    """Return the 25 body and the 19 extra joints, (N, 44, numbers)."""
    parts = []
    for group, positions in (('body', BODY), ('extra', EXTRA)):
        key = f'{group}_keypoints_{suffix}'
        values = columns.floats_or(key, 0.0, len(positions), numbers)
        parts.append(columns.finite(key, values))
    return np.concatenate(parts, axis=1)


def _read_joints_3d(columns: NpzColumns) -> np.ndarray:
    joints = _read_joints(columns, '3d', 4)
    joints[:, DOUBTED_IN_3D, 3] = 0
    joints = root_relative(joints, *ROOTS)
    return in_metres(columns, '*_keypoints_3d', in_smpl45(joints))


def in_smpl45(joints: np.ndarray) -> np.ndarray:
    """Place OpenPose's 25 joints and HMR2.0's 19 extra ones in the order of smpl45.

    Args:
        joints: (N, 44, 2 or 3 and a confidence).

    Returns:
        (N, 45, 2 or 3 and a confidence), 0 for joints that neither group has.
    """
    body, extra = joints[:, : len(BODY)], joints[:, len(BODY) :]
    return prefer(place_joints(extra, EXTRA), place_joints(body, BODY))
