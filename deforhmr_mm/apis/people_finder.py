"""Where people are: boxes from the caller, else from a detector."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from deforhmr_mm.geometry import validate_bboxes

from .detectors import PersonDetector
from .inputs import BoxSource, InputItem


class PeopleFinder:
    """Boxes of a picture or a frame: the caller's, else the detector's.

    Args:
        boxes: The caller's.
        detector: Gives the detector; not called where the caller gave boxes.
        bbox_thr: Boxes with a lower score are left out.
    """

    def __init__(
        self,
        boxes: BoxSource,
        detector: Callable[[], PersonDetector],
        bbox_thr: float = 0.3,
    ) -> None:
        self.boxes = boxes
        self.detector = detector
        self.bbox_thr = bbox_thr

    def __call__(
        self, index: int, item: InputItem, image: np.ndarray, frame: int | None = None
    ) -> tuple[np.ndarray, np.ndarray]:
        """Find the people of one picture.

        Args:
            index: Number of the input.
            item: The input.
            image: (H, W, 3) uint8 BGR.
            frame: Number of the frame; None for a picture.

        Returns:
            Boxes (N, 4), left, top, right, bottom in pixels, and scores (N,).

        Raises:
            ValueError: If a box cannot be used; the message names it.
        """
        if frame is None:
            given = self.boxes.get(index, item)
        else:
            given = self.boxes.get_frame(index, item, frame)
        if given is None:
            bboxes, scores = self.detector()(image)
            bbox_format = 'xyxy'
        else:
            bboxes, scores, bbox_format = given
        bboxes = validate_bboxes(bboxes, bbox_format, image.shape[:2])
        scores = np.asarray(scores, np.float32)
        kept = scores >= self.bbox_thr
        return bboxes[kept], scores[kept]
