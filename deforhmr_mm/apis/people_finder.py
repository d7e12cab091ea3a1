"""Where people are: boxes from the caller, else from a detector."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from deforhmr_mm.geometry import validate_bboxes

from .box_source import Boxes, BoxSource
from .detectors import PersonDetector, usable_boxes
from .inputs import InputItem

# In a video, surer boxes are followed, and others fill gaps.
FOLLOWED_SCORE = 0.5


class PeopleFinder:
    """Boxes of a picture or a frame: the caller's, else the detector's.

    Args:
        boxes: The caller's; where they name no box for an input, it is the whole
            picture.
        detector: Gives the detector; not called if the caller gave boxes.
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

    @property
    def is_told(self) -> bool:
        """Whether the boxes are the caller's."""
        return not self.boxes.is_empty

    @property
    def tracking_score(self) -> float:
        """Scores from which people of a video are followed: those of its pictures."""
        return min(FOLLOWED_SCORE, self.bbox_thr)

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
            ValueError: If a box of the caller's that is not left out cannot be used;
                the message names it, and the frame. If a detector gives something else
                than boxes and their scores.
        """
        if not self.is_told:
            bboxes, scores = _detections(self.detector()(image))
            # A detector may be anybody's: one bad box is not to end a whole video.
            usable = usable_boxes(bboxes, image.shape)
            found = Boxes(bboxes[usable], scores[usable])
        elif frame is None:
            found = self.boxes.get(index, item)
        else:
            found = self.boxes.get_frame(item, frame)
        if found is None:
            height, width = image.shape[:2]
            found = Boxes(np.array([[0, 0, width, height]], np.float32))
        bboxes, scores = found.bboxes, found.scores
        if scores is None:
            scores = np.ones(len(bboxes), np.float32)
        else:
            # Before they are checked: what is left out may be of any kind.
            kept = np.asarray(scores) >= self.bbox_thr
            bboxes, scores = np.asarray(bboxes)[kept], np.asarray(scores)[kept]
        try:
            checked = validate_bboxes(bboxes, found.bbox_format, image.shape[:2])
        except ValueError as error:
            if frame is None:
                raise
            raise ValueError(f'frame {frame} (from 0): {error}') from error
        return checked, np.asarray(scores, np.float32)


def _detections(found: Any) -> tuple[np.ndarray, np.ndarray]:
    """Boxes (N, 4) and scores (N,) of a detector that may be anybody's.

    Raises:
        ValueError: If it gave something else.
    """
    try:
        bboxes, scores = (np.asarray(part, np.float64) for part in found)
        shapes = f'boxes of shape {bboxes.shape} and scores of shape {scores.shape}'
        is_good = bboxes.size == 4 * scores.size and (
            not bboxes.size or bboxes.shape[1:] == (4,)
        )
        # Of None, too, an array is made.
        is_good = is_good and found[1] is not None
    except (TypeError, ValueError):
        shapes, is_good = f'{type(found).__name__}: {found!r:.80}', False
    if not is_good:
        raise ValueError(
            "det_model is to give a picture's boxes (N, 4), left, top, right, bottom, "
            f'and their scores (N,), but gave {shapes}'
        )
    return bboxes.reshape(-1, 4), scores.reshape(-1)
