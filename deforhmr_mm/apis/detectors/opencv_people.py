"""The people detector that comes with OpenCV; it needs no download."""

from __future__ import annotations

import cv2
import numpy as np

from .base import Detections, tidy_detections

__all__ = ['OpenCVPeopleDetector']

# The picture's longer side while people are looked for, in pixels. The smallest person
# that can be found is 96 px tall then; larger pictures would cost time.
SEARCH_SIDE = 800
WINDOW = (64, 128)
# The window that the detector was trained on has 16 px around the person on all sides
# (Dalal and Triggs, Histograms of Oriented Gradients for Human Detection, CVPR 2005,
# section 4: "our 64x128 detection window includes about 16 pixels of margin around the
# person on all four sides").
MARGIN = 16
STRIDE = (8, 8)
PADDING = (16, 16)
PYRAMID_STEP = 1.05
# How many windows have to agree.
GROUP_THRESHOLD = 2
NMS_IOU = 0.4


class OpenCVPeopleDetector:
    """Histograms of oriented gradients and a linear SVM (Dalal and Triggs, CVPR 2005).

    It is good for whole people who stand or walk upright with nothing before them and
    are at least an eighth of the picture's longer side tall, and for little else: of
    the 14 people in four pictures of COCO's it finds 2, with 2 false boxes (IoU 0.5).

    Scores are the logistic function of the distance from the SVM's boundary: from 0.5
    up, and not calibrated.

    Args:
        score_thr: Lower scores are dropped.

    Raises:
        ImportError: If the installed OpenCV has no such detector.
    """

    name = "OpenCV's people detector (HOG)"

    def __init__(self, score_thr: float = 0.0) -> None:
        if not self.is_available():
            raise ImportError(
                f'OpenCV {cv2.__version__} comes without its people detector: install '
                'opencv-contrib-python-headless in its place, or OpenCV 4'
            )
        self.score_thr = score_thr
        self._hog = cv2.HOGDescriptor()
        self._hog.setSVMDetector(cv2.HOGDescriptor_getDefaultPeopleDetector())

    @staticmethod
    def is_available() -> bool:
        """Say whether the installed OpenCV has the detector: 4, or 5 with contrib."""
        return hasattr(cv2, 'HOGDescriptor')

    def __call__(self, image: np.ndarray) -> Detections:
        """Find people in a picture.

        Args:
            image: (H, W, 3) uint8 BGR.
        """
        height, width = image.shape[:2]
        scale = SEARCH_SIDE / max(height, width)
        size = max(1, round(width * scale)), max(1, round(height * scale))
        if size[0] < WINDOW[0] or size[1] < WINDOW[1]:
            return tidy_detections(np.zeros((0, 4)), np.zeros(0), image.shape)
        smaller = cv2.INTER_AREA if scale < 1 else cv2.INTER_LINEAR
        windows, distances = self._hog.detectMultiScale(
            cv2.resize(image, size, interpolation=smaller),
            0.0,
            STRIDE,
            PADDING,
            PYRAMID_STEP,
            GROUP_THRESHOLD,
        )
        windows = np.asarray(windows, float).reshape(-1, 4)
        # Pixels of the picture over those that were searched, which are rounded.
        ratio = np.array([width / size[0], height / size[1]])
        margin = MARGIN * windows[:, 2:] / WINDOW
        low = (windows[:, :2] + margin) * ratio
        high = (windows[:, :2] + windows[:, 2:] - margin) * ratio
        scores = 1 / (1 + np.exp(-np.asarray(distances, float).reshape(-1)))
        return tidy_detections(
            np.concatenate([low, high], 1), scores, image.shape, self.score_thr, NMS_IOU
        )
