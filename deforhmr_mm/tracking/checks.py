"""What may be called detected boxes, and times."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike

Array = np.ndarray


def check_detections(
    bboxes: ArrayLike, scores: ArrayLike, where: str = ''
) -> tuple[Array, Array]:
    """Check one frame's boxes, as detectors and users give them.

    Args:
        bboxes: (N, 4) pixels (left, top, right, bottom); N may be 0.
        scores: (N,).
        where: What the message starts with, such as 'frame 3: '.

    Returns:
        Boxes (N, 4) and scores (N,), float64 copies.

    Raises:
        ValueError: If a shape is wrong, a number is not finite, or a box has no width
            or height; the message names the row.

    Example:
        >>> check_detections([[0, 0, 0, 9]], [0.5], 'frame 3: ')
        Traceback (most recent call last):
        ...
        ValueError: frame 3: bboxes[0] = [0.0, 0.0, 0.0, 9.0]: width and height must \
be positive, got 0 x 9 px
    """
    boxes, marks = np.array(bboxes, float), np.array(scores, float)
    if boxes.size == 0 and marks.size == 0:
        return np.zeros((0, 4)), np.zeros(0)
    if boxes.ndim != 2 or boxes.shape[1] != 4:
        raise ValueError(f'{where}bboxes: expected shape (N, 4), got {boxes.shape}')
    if marks.shape != boxes.shape[:1]:
        raise ValueError(
            f'{where}scores: expected shape ({len(boxes)},), one for each box, got '
            f'{marks.shape}'
        )
    for row, (box, mark) in enumerate(zip(boxes, marks, strict=True)):
        label = f'{where}bboxes[{row}] = {box.tolist()}'
        if not np.isfinite(box).all():
            raise ValueError(f'{label}: all four numbers must be finite')
        width, height = box[2:] - box[:2]
        if width <= 0 or height <= 0:
            raise ValueError(
                f'{label}: width and height must be positive, got '
                f'{width:g} x {height:g} px'
            )
        if not np.isfinite(mark):
            raise ValueError(f'{where}scores[{row}] must be finite, got {mark}')
    return boxes, marks


def check_positive(name: str, value: float, zero: bool = False) -> None:
    """Refuse a number that is not finite and positive, or 0 where that is allowed.

    Raises:
        ValueError: The message names the argument.
    """
    if not (np.isfinite(value) and (value > 0 or (zero and value == 0))):
        kind = 'a positive number or 0' if zero else 'a positive number'
        raise ValueError(f'{name} must be {kind}, got {value}')
