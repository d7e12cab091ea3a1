"""Where attention lands: sampled positions on a picture, coloured by their weight."""

from __future__ import annotations

import cv2
import numpy as np

from .lettering import put_text, text_mask

COLORMAP = 'plasma'
"""Of the weights, matplotlib's name; without its dark end."""
_FIRST_COLOR = 0.3
# The picture below is mixed with this much grey, and darkened to this share.
_GREY, _LIGHT = 0.7, 0.7
# Bits behind the point of OpenCV's fixed-point coordinates.
_SHIFT = 4


def draw_attention(
    image: np.ndarray,
    positions: np.ndarray,
    values: np.ndarray,
    threshold: float = 0.25,
    top: float | None = None,
    origins: np.ndarray | None = None,
    radius: float | None = None,
) -> np.ndarray:
    """Mark the positions whose attention is above a threshold (the paper's Fig. 5).

    The picture is faded, so that the marks stand out. A thin line leads to each mark
    from its origin, the centre of the cell that was moved there.

    Args:
        image: (H, W, 3) uint8 RGB; not changed.
        positions: (N, 2) pixels (x, y) of the picture.
        values: (N,) attention, summed over the queries.
        threshold: Positions of a value above it are marked.
        top: Value of the colour map's end; the largest value by default.
        origins: (N, 2) pixels, where the positions came from; None draws no lines.
        radius: Of the marks, pixels; by default a sixtieth of the picture's height.

    Returns:
        (H, W, 3) uint8 RGB.

    Raises:
        ValueError: If the arrays are not of these shapes.
    """
    positions, values = np.asarray(positions, float), np.asarray(values, float)
    if positions.shape != (len(values), 2) or values.ndim != 1:
        raise ValueError(
            'positions must be (N, 2) and values (N,), got '
            f'{positions.shape} and {values.shape}'
        )
    if origins is not None and np.shape(origins) != positions.shape:
        raise ValueError(
            f'origins must be {positions.shape} as positions, got {np.shape(origins)}'
        )
    drawn = fade(image)
    marked = np.flatnonzero(values > threshold)
    # The strongest last, on top.
    marked = marked[np.argsort(values[marked], kind='stable')]
    if not len(marked):
        return drawn
    colors = _colors(values, threshold, values.max() if top is None else top)
    radius = max(2.0, image.shape[0] / 60) if radius is None else radius
    # Far-off points would overflow OpenCV's fixed-point numbers.
    limit = 8 * max(image.shape[:2])
    marked = marked[(np.abs(positions[marked]) < limit).all(-1)]
    if origins is not None:
        width = max(1, round(radius / 5))
        for index in marked:
            ends = [_fixed(points[index]) for points in (origins, positions)]
            cv2.line(drawn, *ends, colors[index], width, cv2.LINE_AA, _SHIFT)
    for index in marked:
        center = _fixed(positions[index])
        for paint, size in (((20, 20, 24), radius + 1), (colors[index], radius)):
            cv2.circle(
                drawn, center, round(size * 2**_SHIFT), paint, -1, cv2.LINE_AA, _SHIFT
            )
    return drawn


def attention_legend(height: int, threshold: float, top: float) -> np.ndarray:
    """Draw the colour bar of `draw_attention`, on white.

    Args:
        height: Pixels.
        threshold: Value of the bar's lower end.
        top: Value of its upper end.

    Returns:
        (height, w, 3) uint8 RGB.
    """
    size, bar = 12, 14
    margin = size
    shares = np.linspace(1, 0, 5)
    levels = threshold + shares**2 * (top - threshold)
    texts = [f'{level:.2f}' for level in levels]
    width = bar + 10 + max(text_mask(text, size).shape[1] for text in texts)
    legend = np.full((height, width, 3), 255, np.uint8)
    span = height - 2 * margin
    ramp = threshold + np.linspace(1, 0, span) ** 2 * (top - threshold)
    ramp = _colors(ramp, threshold, top)
    legend[margin : margin + span, :bar] = np.array(ramp, np.uint8)[:, None]
    for place, text in zip(np.linspace(0, span - 1, 5), texts, strict=True):
        y = margin + place
        legend[round(y), bar : bar + 4] = (90, 94, 102)
        put_text(legend, text, (bar + 7, y), size, anchor=(0, 0.5))
    return legend


def fade(image: np.ndarray) -> np.ndarray:
    """Return a picture with less colour and light: a ground for marks."""
    grey = cv2.cvtColor(image, cv2.COLOR_RGB2GRAY)[..., None]
    mixed = _LIGHT * ((1 - _GREY) * image + _GREY * grey)
    return np.rint(mixed).astype(np.uint8)


def _colors(
    values: np.ndarray, threshold: float, top: float
) -> list[tuple[int, int, int]]:
    """RGB of values, the threshold's and the top's being the colour map's ends.

    By the square root: a few positions may have most of the attention.
    """
    # Matplotlib is slow to import, and most who import this package draw no attention.
    from matplotlib import colormaps

    share = np.clip((values - threshold) / max(top - threshold, 1e-12), 0, 1)
    mapped = colormaps[COLORMAP](_FIRST_COLOR + (1 - _FIRST_COLOR) * np.sqrt(share))
    return [tuple(color) for color in np.rint(255 * mapped[:, :3]).astype(int).tolist()]


def _fixed(point: np.ndarray) -> tuple[int, int]:
    return tuple(np.rint(np.asarray(point) * 2**_SHIFT).astype(int).tolist())
