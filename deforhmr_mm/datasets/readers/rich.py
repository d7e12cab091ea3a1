"""The annotation file of RICH that circulates."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from ..labels import AnnotationError, LabelRecord
from .boxes import read_bbox, read_center_scale
from .columns import log_smplx, read_genders, read_intrinsics, unknown_columns
from .npz import NpzColumns, open_npz

__all__ = ['read_rich_npz']

BBOX_KEYS = ('bbox_xywh', 'bbox_xyxy')


def read_rich_npz(
    path: str | Path, scale_unit: str = 'auto', bbox_padding: float = 1.0
) -> LabelRecord:
    """Read RICH's annotation file, whose parameters are for gendered SMPL-X.

    Keys: ``imgname`` (N,) and a box are required; the box is ``center`` (N, 2) with
    ``scale``, (N,) or (N, 2), or ``bbox_xywh`` or ``bbox_xyxy`` (N, 4), pixels.
    Optional are ``cam_int`` (N, 3, 3) and ``gender`` (N,). The parameters
    (``smplx_grot``, ``smplx_pose``, ``smplx_betas``, ``smplx_trans``) are SMPL-X's, not
    SMPL's; they are left out, ``smplx_trans`` too, since it is added to vertices of
    another model.

    Args:
        path: The ``.npz`` file.
        scale_unit: See `read_center_scale`.
        bbox_padding: Factor on the box, on top of what it includes.

    Returns:
        The labels.

    Raises:
        FileNotFoundError: If there is no such file.
        AnnotationError: If there is no box, a key is missing, or it holds the wrong
        shape or impossible values.
    """
    with open_npz(path) as columns:
        center, scale = _read_box(columns, scale_unit, bbox_padding)
        labels = unknown_columns(columns.num_rows)
        focal_length, principal_point = read_intrinsics(columns)
        labels.update(
            focal_length=focal_length,
            principal_point=principal_point,
            genders=read_genders(columns),
        )
        log_smplx(
            columns,
            "SMPL's vertices are smplx2smpl.pkl['matrix'] @ SMPL-X's; fit SMPL to "
            'them and save pose and shape with the keys of SPIN.',
        )
        return LabelRecord(
            path=columns.path,
            image_names=columns.strings('imgname'),
            center=center,
            scale=scale,
            family='rich',
            body_type='smplx',
            **labels,
        )


def _read_box(
    columns: NpzColumns, scale_unit: str, bbox_padding: float
) -> tuple[np.ndarray, np.ndarray]:
    if 'center' in columns and 'scale' in columns:
        return read_center_scale(columns, scale_unit, bbox_padding)
    for key in BBOX_KEYS:
        if key in columns:
            return read_bbox(columns, key, bbox_padding)
    missing = ' and '.join(repr(k) for k in ('center', 'scale') if k not in columns)
    raise AnnotationError(
        f'{columns.path}: there are no boxes of the people: {missing} is missing, and '
        f'so are {" and ".join(map(repr, BBOX_KEYS))}. Add one of them, as the box of '
        f'the projected joints. The file has: {", ".join(sorted(columns.keys))}.'
    )
