"""Decoding of a picture only what a crop shows of it, and not larger than it needs."""

from __future__ import annotations

from math import ceil

import numpy as np

from .reading import EncodedJPEG

__all__ = ['decode_for_crop']

# A decoded picture stays this much finer than the crop: it is sampled once more, which
# at equal sizes would blur.
FINER = 1.1
FACTORS = (8, 4, 2)
# Rows below the crop's last that sampling and the interpolation of chroma can ask for.
SPARE_ROWS = 8


def decode_for_crop(
    encoded: EncodedJPEG, affine: np.ndarray, size: tuple[int, int]
) -> tuple[np.ndarray, np.ndarray]:
    """Decode what a warp to a crop needs.

    Rows below the crop are not decoded: without a reduction the crop's pixels are the
    same as with the whole picture. From 2.2-fold shrinking on (twice 1.1) the picture
    is decoded at 1/2, from 4.4-fold on at 1/4 and from 8.8-fold on at 1/8 of its size.

    Args:
        encoded: The picture file.
        affine: (2, 3), from the picture's pixels to the crop's.
        size: The crop's width and height.

    Returns:
        The upper part of the picture, (h, w, 3) uint8, and (2, 3) float64, the map from
        its pixels to the crop's.

    Raises:
        ImageReadError: If the file is damaged.
    """
    linear = np.asarray(affine, dtype=np.float64)[:, :2]
    offset = np.asarray(affine, dtype=np.float64)[:, 2]
    # A crop turns the picture and scales along its own axes: those are the rows.
    shrink = 1 / np.hypot(linear[:, 0], linear[:, 1])
    factor = next((f for f in FACTORS if shrink.min() >= FINER * f), 1)
    width, height = size
    corners = np.array([[0, 0], [width, 0], [0, height], [width, height]]) - 0.5
    lowest = ((corners - offset) @ np.linalg.inv(linear)[1]).max()
    rows = ceil(lowest + 2 * shrink.max()) + SPARE_ROWS
    rows = min(max(rows, SPARE_ROWS), encoded.layout.height)
    image = encoded.decode(factor, rows)
    # Pixel j of the reduced picture is centred on factor * j + (factor - 1) / 2.
    origin = np.full(2, (factor - 1) / 2)
    return image, np.column_stack([linear * factor, linear @ origin + offset])
