"""Figures: pictures in rows and columns on white, with a title over each column."""

from __future__ import annotations

from collections.abc import Sequence

import cv2
import numpy as np

from .lettering import put_text, text_mask

GAP = 8
"""Pixels around every picture."""
TITLE_SIZE = 15
_TITLE_HEIGHT = 26


def figure_grid(
    rows: Sequence[Sequence[np.ndarray | None]],
    titles: Sequence[str] | None = None,
    height: int | None = None,
) -> np.ndarray:
    """Lay pictures out in a grid.

    The pictures of a row are brought to one height; each is centred in its column.

    Args:
        rows: At least one row of (h, w, 3) uint8 RGB pictures, the same number in each;
            None leaves a place empty.
        titles: A text for each column; None for no titles.
        height: Pixels of each row; by default that of its highest picture.

    Returns:
        (H, W, 3) uint8 RGB.

    Raises:
        ValueError: If the rows differ in length, one has no picture, or the titles are
            not as many as the columns.
    """
    count = len(rows[0])
    if any(len(row) != count for row in rows):
        raise ValueError(f'rows must be equally long, got {[len(r) for r in rows]}')
    if titles is not None and len(titles) != count:
        raise ValueError(f'{count} columns need as many titles, got {len(titles)}')
    scaled = [_same_height(row, height) for row in rows]
    widths = [
        max(
            (row[column].shape[1] for row in scaled if row[column] is not None),
            default=1,
        )
        for column in range(count)
    ]
    if titles is not None:
        # A narrow picture's column is as wide as its title.
        titled = [text_mask(text, TITLE_SIZE).shape[1] for text in titles]
        widths = [max(pair) for pair in zip(widths, titled, strict=True)]
    total = sum(widths) + GAP * (count + 1)
    strips = [] if titles is None else [_title_strip(titles, widths, total)]
    for row in scaled:
        tall = next(image.shape[0] for image in row if image is not None)
        strip = np.full((tall + GAP, total, 3), 255, np.uint8)
        left = GAP
        for image, width in zip(row, widths, strict=True):
            if image is not None:
                start = left + (width - image.shape[1]) // 2
                strip[:tall, start : start + image.shape[1]] = image
            left += width + GAP
        strips.append(strip)
    if titles is None:
        strips.insert(0, np.full((GAP, total, 3), 255, np.uint8))
    return np.vstack(strips)


def resize(image: np.ndarray, factor: float) -> np.ndarray:
    """Return a picture at another size, anti-aliased where it shrinks.

    Args:
        image: (H, W, 3) uint8.
        factor: New size over old; 1 gives the picture itself.
    """
    if factor == 1:
        return image
    size = [max(1, round(factor * side)) for side in image.shape[1::-1]]
    method = cv2.INTER_AREA if factor < 1 else cv2.INTER_CUBIC
    return cv2.resize(image, size, interpolation=method)


def shrink(image: np.ndarray, max_size: int) -> np.ndarray:
    """Return a picture whose longer side has at most `max_size` pixels.

    Args:
        image: (H, W, 3) uint8.
        max_size: Pixels.
    """
    return resize(image, min(1.0, max_size / max(image.shape[:2])))


def _same_height(
    row: Sequence[np.ndarray | None], height: int | None
) -> list[np.ndarray | None]:
    heights = [image.shape[0] for image in row if image is not None]
    if not heights:
        raise ValueError('every row needs a picture')
    height = height or max(heights)
    return [
        None if image is None else resize(image, height / image.shape[0])
        for image in row
    ]


def _title_strip(
    titles: Sequence[str], widths: Sequence[int], total: int
) -> np.ndarray:
    strip = np.full((_TITLE_HEIGHT + GAP // 2, total, 3), 255, np.uint8)
    left = GAP
    for text, width in zip(titles, widths, strict=True):
        middle = (left + width / 2, len(strip) / 2)
        put_text(strip, text, middle, TITLE_SIZE, anchor=(0.5, 0.5))
        left += width + GAP
    return strip
