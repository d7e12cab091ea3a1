"""Pictures side by side, each row under its caption."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import cv2
import numpy as np

GAP = 6
"""Pixels between pictures."""
LINE = 22
"""Height of a line of text, pixels."""
_GROUND = (28, 30, 34)
_INK = (225, 228, 232)
_FONT = cv2.FONT_HERSHEY_SIMPLEX
_FONT_SCALE = 0.46


@dataclass(frozen=True)
class SheetRow:
    """One row of a sheet: groups of pictures, with a caption over each group.

    Attributes:
        groups: Pictures (h, w, 3) uint8 RGB of each group.
        captions: As many texts.
    """

    groups: Sequence[Sequence[np.ndarray]]
    captions: Sequence[str]


def contact_sheet(rows: Sequence[SheetRow], title: str) -> np.ndarray:
    """Lay rows out below each other.

    Args:
        rows: At least one.
        title: Text on top.

    Returns:
        (H, W, 3) uint8 RGB. The pictures of a row lie side by side, `GAP` pixels apart
        and three times that between groups, `LINE` pixels below the row's top.
    """
    strips = [_draw_row(row) for row in rows]
    width = max(strip.shape[1] for strip in strips)
    strips.insert(0, text_tile((width, LINE + GAP), title, centered=False))
    padded = [
        cv2.copyMakeBorder(
            strip, 0, 0, 0, width - strip.shape[1], cv2.BORDER_CONSTANT, value=_GROUND
        )
        for strip in strips
    ]
    return np.vstack(padded)


def text_tile(size: tuple[int, int], text: str, centered: bool = True) -> np.ndarray:
    """Return a dark picture with lines of text, shrunk where they would not fit.

    Args:
        size: Width and height in pixels.
        text: ASCII; lines end with a newline character.
        centered: Whether the text is in the middle, or begins at the left.

    Returns:
        (height, width, 3) uint8 RGB.
    """
    width, height = size
    tile = np.full((height, width, 3), _GROUND, np.uint8)
    lines = text.split('\n')
    top = (height - LINE * len(lines)) / 2
    for number, line in enumerate(lines):
        length = cv2.getTextSize(line, _FONT, _FONT_SCALE, 1)[0][0]
        shrink = min(1.0, (width - 2 * GAP) / max(length, 1))
        x = (width - shrink * length) / 2 if centered else GAP
        y = top + LINE * (number + 0.7)
        cv2.putText(
            tile,
            line,
            (round(x), round(y)),
            _FONT,
            shrink * _FONT_SCALE,
            _INK,
            1,
            cv2.LINE_AA,
        )
    return tile


def _draw_row(row: SheetRow) -> np.ndarray:
    """Draw captions and pictures of one row."""
    height = max(image.shape[0] for group in row.groups for image in group)
    blocks = []
    for caption, group in zip(row.captions, row.groups, strict=True):
        width = sum(image.shape[1] for image in group) + GAP * (len(group) - 1)
        block = np.full((LINE + height + GAP, width, 3), _GROUND, np.uint8)
        block[:LINE] = text_tile((width, LINE), caption, centered=False)
        left = 0
        for image in group:
            h, w = image.shape[:2]
            block[LINE : LINE + h, left : left + w] = image
            left += w + GAP
        if blocks:
            blocks.append(np.full((len(block), 3 * GAP, 3), _GROUND, np.uint8))
        blocks.append(block)
    return np.hstack(blocks)
