"""How far boxes overlap."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike

Array = np.ndarray


def box_iou(first: ArrayLike, second: ArrayLike) -> Array:
    """Intersection over union of boxes, pair by pair with broadcasting.

    Args:
        first: (..., 4) pixels (left, top, right, bottom).
        second: (..., 4) pixels.

    Returns:
        (...) from 0 to 1; boxes without area overlap nothing.

    Example:
        >>> box_iou([[0.0, 0.0, 2.0, 2.0], [5.0, 5.0, 6.0, 6.0]], [1.0, 0.0, 3.0, 2.0])
        array([0.33333333, 0.        ])
    """
    first, second = np.asarray(first, float), np.asarray(second, float)
    low = np.maximum(first[..., :2], second[..., :2])
    high = np.minimum(first[..., 2:], second[..., 2:])
    both = (high - low).clip(min=0).prod(-1)
    either = _area(first) + _area(second) - both
    return np.divide(both, either, out=np.zeros_like(both), where=either > 0)


def without_duplicates(bboxes: Array, scores: Array, max_iou: float) -> Array:
    """Rows of the boxes that stay when each person is to have one box.

    The box with the higher score stays where two overlap by more than `max_iou`; the
    earlier one where the scores are equal.

    Args:
        bboxes: (N, 4) pixels (left, top, right, bottom).
        scores: (N,).
        max_iou: From 0 to 1.

    Returns:
        Indices (M,) int64, increasing.

    Example:
        >>> boxes = np.array([[0.0, 0, 10, 20], [0, 0, 10, 21], [30, 0, 40, 20]])
        >>> without_duplicates(boxes, np.array([0.8, 0.9, 0.7]), max_iou=0.7)
        array([1, 2])
    """
    overlap = box_iou(bboxes[:, None], bboxes[None])
    kept: list[int] = []
    for row in np.argsort(-scores, kind='stable'):
        if not (overlap[row, kept] > max_iou).any():
            kept.append(row)
    return np.array(sorted(kept), dtype=np.int64)


def _area(boxes: Array) -> Array:
    return (boxes[..., 2:] - boxes[..., :2]).clip(min=0).prod(-1)
