"""Marks on pictures of people: joints, boxes and labels."""

from __future__ import annotations

from collections.abc import Sequence

import cv2
import numpy as np

from deforhmr_mm.structures import get_keypoint_set

from .lettering import INK, put_text, text_mask


def draw_skeleton(
    image: np.ndarray,
    keypoints: np.ndarray,
    color: Sequence[float],
    keypoint_set: str = 'smpl45',
) -> None:
    """Draw joints and their links into a picture, in place.

    Args:
        image: (H, W, 3) uint8 RGB, changed.
        keypoints: (K, 2) pixels; joints that are not finite are left out.
        color: RGB in [0, 1] of the links.
        keypoint_set: Name of the set that the joints are of.
    """
    joints = get_keypoint_set(keypoint_set)
    # Sub-pixel positions in OpenCV's fixed point; far-off points would overflow it.
    shift = 4
    limit = 4 * max(image.shape[:2])
    usable = np.isfinite(keypoints).all(-1) & (np.abs(keypoints) < limit).all(-1)
    points = np.rint(np.where(usable[:, None], keypoints, 0) * 2**shift).astype(int)
    points = [tuple(p) for p in points.tolist()]
    extent = np.ptp(keypoints[usable], axis=0).max() if usable.any() else 0
    width = max(1, int(extent / 160))
    link_color = [int(255 * c) for c in color]
    dark = [int(70 * c) for c in color]
    links = [(a, b) for a, b in joints.links if usable[a] and usable[b]]
    for paint, thickness in ((dark, width + 2), (link_color, width)):
        for a, b in links:
            cv2.line(image, points[a], points[b], paint, thickness, cv2.LINE_AA, shift)
    for i in np.nonzero(usable)[0]:
        for paint, radius in ((dark, width + 1.5), (link_color, width + 0.5)):
            size = int(radius * 2**shift)
            cv2.circle(image, points[i], size, paint, -1, cv2.LINE_AA, shift)


def draw_box(image: np.ndarray, bbox: np.ndarray, color: Sequence[float]) -> None:
    """Draw the outline of a box into a picture, in place.

    Args:
        image: (H, W, 3) uint8 RGB, changed.
        bbox: (4,) left, top, right, bottom in pixels; not drawn if not finite.
        color: RGB in [0, 1].
    """
    if not np.isfinite(bbox).all():
        return
    height, width = image.shape[:2]
    # Far-off corners would overflow OpenCV's fixed point; beyond the picture is enough.
    low = np.clip(bbox[:2], -10, (width + 10, height + 10))
    high = np.clip(bbox[2:], -10, (width + 10, height + 10))
    corners = [tuple(np.rint(16 * c).astype(int).tolist()) for c in (low, high)]
    thickness = max(1, round(max(height, width) / 400))
    for share, extra in ((70, 2), (255, 0)):
        paint = [int(share * c) for c in color]
        cv2.rectangle(image, *corners, paint, thickness + extra, cv2.LINE_AA, 4)


def draw_label(
    image: np.ndarray,
    text: str,
    position: Sequence[float],
    color: Sequence[float],
) -> None:
    """Write a tag above a point of a picture, in place, moved so far as to fit in.

    Args:
        image: (H, W, 3) uint8 RGB, changed.
        text: One line.
        position: (x, y) pixels of the tag's lower left corner.
        color: RGB in [0, 1] of the tag.
    """
    size = int(np.clip(max(image.shape[:2]) / 40, 11, 40))
    height, width = text_mask(text, size, bold=True).shape
    pad = round(0.4 * size)
    width += 2 * pad
    limits = np.maximum(np.array(image.shape[1::-1]) - (width, height), 0)
    left, top = np.clip(np.array(position) - (0, height), 0, limits).round().astype(int)
    image[top : top + height, left : left + width] = [int(255 * c) for c in color]
    put_text(image, text, (left + pad, top), size, INK, bold=True)
