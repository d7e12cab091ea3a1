"""No detector at all."""

from __future__ import annotations

import numpy as np

from .base import Detections

__all__ = ['WholeImage']


class WholeImage:
    """Takes the whole picture for one person, as fits pictures that are cut out."""

    name = 'the whole picture as one person'

    def __call__(self, image: np.ndarray) -> Detections:
        """Return the picture's border with a score of 1.

        Args:
            image: (H, W, 3) uint8 BGR.
        """
        height, width = image.shape[:2]
        return Detections(
            np.array([[0, 0, width, height]], np.float32), np.ones(1, np.float32)
        )
