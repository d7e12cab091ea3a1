"""The person's box, in the forms that annotation files give it."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from mmengine.logging import MMLogger

from deforhmr_mm.geometry.boxes import (
    CROP_ASPECT,
    bbox_to_center_scale,
    bbox_xywh_to_xyxy,
    fit_aspect,
)

from ..labels import AnnotationError
from .npz import NpzColumns, npz_keys, open_npz

__all__ = [
    'fit_wide_people',
    'has_longer_sides',
    'read_bbox',
    'read_center_scale',
]

# A person's box in pixels is larger than this, its size over 200 is smaller.
LARGEST_SCALE_OVER_200 = 20.0
# A body ends so much of its longer side beyond its outermost joints: the median of the
# people that `fit_wide_people` tells of.
BEYOND_JOINTS = 0.02
UNITS = {'200px': 200.0, 'px': 1.0}


def read_center_scale(
    columns: NpzColumns, scale_unit: str, bbox_padding: float
) -> tuple[np.ndarray, np.ndarray]:
    """Read ``center`` (N, 2) and ``scale``, (N,) or (N, 2).

    A ``scale`` of one number b gives the crop (0.75 b, b). That is what inference cuts
    out for people who are taller than wide, whose longer side SPIN's files have there;
    of people wider than 0.9 of their height it lacks the sides, as such a file does not
    say who they are (`fit_wide_people` guesses it). Two numbers are a width and a
    height, and the box grows to the crop's aspect, so that they fit in whole.

    Args:
        columns: The file.
        scale_unit: '200px' if ``scale`` is in units of 200 pixels, 'px' if it is in
            pixels, 'auto' to tell by its median; what was taken is logged.
        bbox_padding: Factor on the box, on top of what ``scale`` includes.

    Returns:
        Centre (N, 2), width and height (N, 2), float32, pixels.

    Raises:
        AnnotationError: If a key is missing, not finite, or a size is not positive.
        ValueError: If there is no such `scale_unit`.
    """
    center = columns.finite('center', columns.floats('center', 2))
    stored = columns.read('scale')
    has_sides = stored.shape[-1:] == (2,) and stored.size == 2 * columns.num_rows
    size = columns.as_floats('scale', stored, *((2,) if has_sides else ()))
    _positive(columns, 'scale', columns.finite('scale', size))
    if scale_unit == 'auto':
        over_200 = not size.size or np.median(size) < LARGEST_SCALE_OVER_200
        scale_unit = '200px' if over_200 else 'px'
        MMLogger.get_current_instance().info(
            f"{columns.path}: 'scale' taken as the box "
            f'{"width and height" if has_sides else "side"} '
            f'{"over 200" if over_200 else "in pixels"}.'
        )
    if scale_unit not in UNITS:
        raise ValueError(
            f"scale_unit must be 'auto', '200px' or 'px', but is {scale_unit!r}."
        )
    if has_sides:
        size = fit_aspect(size)
    else:
        size = np.stack([CROP_ASPECT * size, size], axis=-1)
    return center, (size * (UNITS[scale_unit] * bbox_padding)).astype(np.float32)


def has_longer_sides(path: str | Path) -> bool:
    """Whether the boxes of an ``.npz`` file are one number each, not two sides."""
    if 'scale' not in npz_keys(path):
        return False
    with open_npz(path) as columns:
        return columns.shape('scale')[1:] != (2,)


def fit_wide_people(
    center: np.ndarray, scale: np.ndarray, keypoints: np.ndarray, padding: float
) -> np.ndarray:
    """Grow the crops of people whose box is wider than 3/4 of its height.

    Of boxes of which only the longer side is known. Whether that is the width, and how
    wide the others are, is told by how far the labelled joints lie from the centre. Of
    400 people of the open body's data set v1, 98 % of the longer sides are told right;
    the others have nearly square boxes.

    Args:
        center: (N, 2) centres of tight boxes, pixels.
        scale: (N, 2) width and height, pixels, of crops whose height is the padded
            longer side.
        keypoints: (N, K, 3) x, y and confidence; 0 is not labelled, or outside.
        padding: How many times the tight box `scale` is.

    Returns:
        (N, 2) float32, width and height at the crop's aspect, not smaller than `scale`.

    Example:
        >>> lying = np.array([[[10.0, 50.0, 1.0], [90.0, 60.0, 1.0]]])
        >>> center, scale = np.array([[50.0, 55.0]]), np.array([[90.0, 120.0]])
        >>> fit_wide_people(center, scale, lying, padding=1.2).tolist()
        [[120.0, 160.0]]
    """
    away = np.abs(keypoints[..., :2] - center[:, None])
    away = np.where(keypoints[..., 2:] > 0, away, 0).max(axis=1, initial=0)
    longer = scale[:, 1]
    width = np.minimum(padding * 2 * away[:, 0] + BEYOND_JOINTS * longer, longer)
    width = np.where(away[:, 0] > away[:, 1], longer, width)
    return fit_aspect(np.stack([width, longer], axis=-1)).astype(np.float32)


def read_bbox(
    columns: NpzColumns, key: str, bbox_padding: float
) -> tuple[np.ndarray, np.ndarray]:
    """Read ``bbox_xywh`` or ``bbox_xyxy``, (N, 4) or, with a confidence, (N, 5) pixels.

    Args:
        columns: The file.
        key: One of the two keys.
        bbox_padding: Factor on the box, after it grew to the crop's aspect.

    Returns:
        Centre (N, 2), width and height (N, 2), float32, pixels.

    Raises:
        AnnotationError: If the key is missing, not finite, or a box has no size.
    """
    stored = columns.read(key)
    numbers = 5 if stored.shape[-1:] == (5,) else 4
    boxes = columns.as_floats(key, stored, numbers)[:, :4]
    boxes = columns.finite(key, boxes)
    if key == 'bbox_xywh':
        boxes = bbox_xywh_to_xyxy(boxes)
    _positive(columns, key, boxes[:, 2:] - boxes[:, :2])
    center, scale = bbox_to_center_scale(boxes, bbox_padding)
    return center.astype(np.float32), scale.astype(np.float32)


def _positive(columns: NpzColumns, key: str, sizes: np.ndarray) -> None:
    least = sizes.reshape(len(sizes), -1).min(axis=1, initial=np.inf)
    if least.size and least.min() <= 0:
        raise AnnotationError(
            f'{columns.path}: the box size of key {key!r} must be positive, but is '
            f'{least.min():g} in row {least.argmin()}.'
        )
