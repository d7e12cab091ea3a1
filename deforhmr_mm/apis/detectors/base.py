"""What every detector gives, and how raw boxes become that."""

from __future__ import annotations

from typing import NamedTuple, Protocol, runtime_checkable

import cv2
import numpy as np

__all__ = ['Detections', 'PersonDetector', 'tidy_detections', 'usable_boxes']

# Boxes with a shorter side hold nothing that a network could see.
MIN_SIDE_PX = 2.0


class Detections(NamedTuple):
    """People that were found, the surest first.

    Attributes:
        bboxes: (N, 4) float32, left, top, right, bottom in pixels, inside the picture.
        scores: (N,) float32 in [0, 1], how sure each is.
    """

    bboxes: np.ndarray
    scores: np.ndarray


@runtime_checkable
class PersonDetector(Protocol):
    """Anything that finds people.

    Attributes:
        name: What it is called in logs and results.
    """

    name: str

    def __call__(self, image: np.ndarray) -> Detections:
        """Find people in a picture, (H, W, 3) uint8 BGR."""
        ...


def usable_boxes(bboxes: np.ndarray, img_shape: tuple[int, ...]) -> np.ndarray:
    """Tell which boxes show something of a picture.

    Args:
        bboxes: (N, 4) left, top, right, bottom in pixels.
        img_shape: The picture's, height and width first.

    Returns:
        (N,) False where a box is not finite, or its part in the picture is thinner than
        2 px.

    Example:
        >>> boxes = np.array([[0, 0, 9, 9], [5, 5, 5, 9], [40, 0, 50, 9]])
        >>> usable_boxes(boxes, (20, 30))
        array([ True, False, False])
    """
    bboxes = np.asarray(bboxes, np.float64).reshape(-1, 4)
    clipped = _clip(bboxes, img_shape)
    sides = clipped[:, 2:] - clipped[:, :2]
    # A picture that is thinner itself may have boxes as thin as it is.
    thick = (sides >= np.minimum(MIN_SIDE_PX, img_shape[1::-1])).all(1)
    return np.isfinite(bboxes).all(1) & thick


def tidy_detections(
    bboxes: np.ndarray,
    scores: np.ndarray,
    img_shape: tuple[int, ...],
    score_thr: float = 0.0,
    nms_iou: float | None = None,
) -> Detections:
    """Bring raw boxes into the picture and drop those that are of no use.

    Args:
        bboxes: (N, 4) left, top, right, bottom in pixels.
        scores: (N,).
        img_shape: The picture's, height and width first.
        score_thr: Lower scores are dropped.
        nms_iou: Of two boxes that overlap more (intersection over union), the less sure
            one is dropped; None keeps both.

    Returns:
        The rest, the surest first; boxes that are not finite, or whose part in the
        picture is thinner than 2 px, are gone.

    Example:
        >>> boxes = np.array([[0, 0, 9, 9], [1, 0, 9, 9], [-4, 2, 4, 90]])
        >>> tidy_detections(boxes, np.array([0.5, 0.9, 0.7]), (20, 30), nms_iou=0.5)
        Detections(bboxes=array([[ 1.,  0.,  9.,  9.],
               [ 0.,  2.,  4., 20.]], dtype=float32), scores=array([0.9, 0.7], \
dtype=float32))
    """
    bboxes = np.asarray(bboxes, np.float64).reshape(-1, 4)
    scores = np.asarray(scores, np.float64).reshape(-1)
    clipped = _clip(bboxes, img_shape)
    is_good = usable_boxes(bboxes, img_shape)
    is_good &= np.isfinite(scores) & (scores >= score_thr)
    order = np.argsort(-scores, kind='stable')
    order = order[is_good[order]]
    if nms_iou is not None and len(order):
        corners = clipped[order]
        low, high = corners[:, :2], corners[:, 2:]
        rectangles = np.concatenate([low, high - low], 1)
        # Ranks for scores: OpenCV drops scores of 0, and keeps the order of equals.
        ranks = np.arange(len(order), 0, -1, dtype=float)
        kept = cv2.dnn.NMSBoxes(rectangles.tolist(), ranks.tolist(), 0.0, nms_iou)
        order = order[np.sort(np.asarray(kept, int).reshape(-1))]
    return Detections(
        clipped[order].astype(np.float32), scores[order].astype(np.float32)
    )


def _clip(bboxes: np.ndarray, img_shape: tuple[int, ...]) -> np.ndarray:
    """Boxes (N, 4), without what lies outside of the picture."""
    height, width = img_shape[:2]
    return np.clip(bboxes, 0, [width, height, width, height])
