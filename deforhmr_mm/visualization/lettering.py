"""Text in pictures, in a font that ships with matplotlib."""

from __future__ import annotations

from functools import lru_cache

import numpy as np

INK = (38, 42, 50)
"""RGB of text on a light ground."""
# Any number of dots per inch: sizes are given in pixels.
_DPI = 72


@lru_cache(maxsize=256)
def text_mask(text: str, size: float, bold: bool = False) -> np.ndarray:
    """Return the shape of one line of text.

    Args:
        text: One line, any characters that the font has.
        size: Pixels; the line is 1.4 times as high.
        bold: Whether it is bold.

    Returns:
        (h, w) float32 in [0, 1], the share of each pixel that is ink; read-only. The
        first and last columns have some, the baseline is always at the same height.
    """
    # Matplotlib is slow to import, and most who import this package write no text.
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    height = int(np.ceil(1.4 * size))
    width = int(1.2 * size * (len(text) + 2))
    figure = Figure(figsize=(width / _DPI, height / _DPI), dpi=_DPI, facecolor='white')
    canvas = FigureCanvasAgg(figure)
    figure.text(
        size / width,
        0.27,
        text,
        fontsize=size,
        fontweight='bold' if bold else 'normal',
        family='DejaVu Sans',
        color='black',
        va='baseline',
        parse_math=False,
    )
    canvas.draw()
    mask = 1 - np.asarray(canvas.buffer_rgba())[..., 0].astype(np.float32) / 255
    used = np.flatnonzero(mask.any(axis=0))
    mask = mask[:, used[0] : used[-1] + 1] if len(used) else mask[:, :1]
    mask.flags.writeable = False
    return mask


def put_text(
    image: np.ndarray,
    text: str,
    position: tuple[float, float],
    size: float = 14,
    color: tuple[int, int, int] = INK,
    anchor: tuple[float, float] = (0, 0),
    bold: bool = False,
) -> None:
    """Write one line into a picture, in place; what lies outside is cut off.

    Args:
        image: (H, W, 3) uint8 RGB, changed.
        text: See `text_mask`.
        position: (x, y) pixels.
        size: Pixels.
        color: RGB.
        anchor: Which point of the text is at the position, (0, 0) its top left corner
            and (1, 1) the bottom right one.
        bold: Whether it is bold.
    """
    mask = text_mask(text, size, bold)
    height, width = mask.shape
    left = round(position[0] - anchor[0] * width)
    top = round(position[1] - anchor[1] * height)
    x0, y0 = max(left, 0), max(top, 0)
    x1 = max(min(left + width, image.shape[1]), x0)
    y1 = max(min(top + height, image.shape[0]), y0)
    weight = mask[y0 - top : y1 - top, x0 - left : x1 - left, None]
    part = image[y0:y1, x0:x1]
    image[y0:y1, x0:x1] = np.rint(part * (1 - weight) + weight * np.array(color))
