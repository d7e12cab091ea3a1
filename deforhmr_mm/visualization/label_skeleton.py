"""Labelled joints drawn so that mistakes show: sides in colours, hidden ones hollow."""

from __future__ import annotations

import cv2
import numpy as np

from deforhmr_mm.structures import get_keypoint_set

LEFT_COLOR = (40, 220, 60)
RIGHT_COLOR = (255, 120, 0)
MIDDLE_COLOR = (60, 150, 255)
"""RGB of the person's left, right and middle."""
VISIBLE_ABOVE = 0.5
"""Joints of a confidence above 0 and up to this are drawn hollow."""
LINK_SETS = ('smpl45', 'openpose25', 'coco17')
# Bits behind the point of OpenCV's fixed-point coordinates.
_SHIFT = 4


def labelled_links(labelled: np.ndarray) -> list[tuple[int, int]]:
    """Links to draw between the joints that a data set has labelled.

    Data sets label different parts of ``smpl45``: without collars and spine its own
    links would leave arms and legs loose. So the links are those of the first set of
    `LINK_SETS` that can draw most of its links.

    Args:
        labelled: (45,) bool, in the order of ``smpl45``.

    Returns:
        Pairs of positions in ``smpl45``, both labelled.
    """
    joints = get_keypoint_set('smpl45')
    known = {name for name, here in zip(joints.names, labelled, strict=True) if here}
    choices = [
        [
            joints.indices(link)
            for link in get_keypoint_set(name).skeleton
            if set(link) <= known
        ]
        for name in LINK_SETS
    ]
    return max(choices, key=len)


def draw_labelled_joints(
    image: np.ndarray, keypoints: np.ndarray, confidence: np.ndarray
) -> None:
    """Draw labelled joints and their links, in place.

    The person's left, right and middle have the module's colours. Joints of confidence
    0 are left out, those up to `VISIBLE_ABOVE` are rings without a filling.

    Args:
        image: (H, W, 3) uint8 RGB, changed.
        keypoints: (45, 2) pixels, in the order of ``smpl45``.
        confidence: (45,).
    """
    names = get_keypoint_set('smpl45').names
    # Far-off points would overflow OpenCV's fixed-point numbers.
    limit = 8 * max(image.shape[:2])
    labelled = (confidence > 0) & np.isfinite(keypoints).all(-1)
    labelled &= (np.abs(np.nan_to_num(keypoints)) < limit).all(-1)
    points = np.rint(np.where(labelled[:, None], keypoints, 0) * 2**_SHIFT)
    points = [tuple(point) for point in points.astype(int).tolist()]
    width = max(1, round(max(image.shape[:2]) / 200))
    links = labelled_links(labelled)
    # The dark line below keeps the colours apart from the picture.
    for extra in (2, 0):
        for a, b in links:
            color = _side_color(names[a], names[b])
            color = tuple(c // 4 for c in color) if extra else color
            _line(image, points[a], points[b], color, width + extra)
    for i in np.flatnonzero(labelled):
        color = _side_color(names[i])
        dark = tuple(c // 4 for c in color)
        radius = width + 1.5
        if confidence[i] > VISIBLE_ABOVE:
            _circle(image, points[i], radius + 1, dark, -1)
            _circle(image, points[i], radius, color, -1)
        else:
            _circle(image, points[i], radius + 1, (255, 255, 255), -1)
            _circle(image, points[i], radius + 1, color, 1)


def _side_color(*names: str) -> tuple[int, int, int]:
    """Colour of a joint, or of the link of two; a link across has the middle's."""
    left = any(name.startswith('left_') for name in names)
    right = any(name.startswith('right_') for name in names)
    if left == right:
        return MIDDLE_COLOR
    return LEFT_COLOR if left else RIGHT_COLOR


def _line(image, start, end, color, width) -> None:
    cv2.line(image, start, end, color, width, cv2.LINE_AA, _SHIFT)


def _circle(image, center, radius, color, width) -> None:
    size = int(radius * 2**_SHIFT)
    cv2.circle(image, center, size, color, width, cv2.LINE_AA, _SHIFT)
