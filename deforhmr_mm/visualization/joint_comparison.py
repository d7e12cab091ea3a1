"""Recovered joints over labelled ones, in a photograph."""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np

from deforhmr_mm.structures import get_keypoint_set

from .figure_grid import resize
from .label_skeleton import draw_labelled_joints
from .marks import draw_skeleton

RECOVERED_COLOR = (1.0, 0.2, 0.9)
"""RGB in [0, 1]; none of those of the labels' sides."""


def draw_joint_comparison(
    image: np.ndarray,
    labelled: Iterable[tuple[np.ndarray, np.ndarray]],
    recovered: Iterable[np.ndarray],
    zoom: float = 1.0,
) -> np.ndarray:
    """Draw people's labelled joints, and over them those that were recovered.

    Labels are drawn as by `draw_labelled_joints`: the person's left green and right
    orange, rings where joints are hidden. Recovered joints have one colour for all.

    Args:
        image: (H, W, 3) uint8 RGB; not changed.
        labelled: For each person (17, 2) pixels in the order of ``coco17``, and (17,)
            0 for joints without a label, 1 for hidden and 2 for visible ones.
        recovered: For each person (17, 2) pixels.
        zoom: Factor that the picture is enlarged by, for joints lie close together.

    Returns:
        (zoom H, zoom W, 3) uint8 RGB.
    """
    names = get_keypoint_set('smpl45')
    places = list(names.indices(get_keypoint_set('coco17').names))

    def enlarge(points: np.ndarray) -> np.ndarray:
        # The outer corner of the first pixel stays where it is.
        return (points + 0.5) * zoom - 0.5

    drawn = resize(image, zoom).copy()
    for keypoints, visibility in labelled:
        points, confidence = np.zeros((len(names), 2)), np.zeros(len(names))
        points[places] = enlarge(keypoints)
        confidence[places] = visibility / 2
        draw_labelled_joints(drawn, points, confidence)
    for keypoints in recovered:
        draw_skeleton(drawn, enlarge(keypoints), RECOVERED_COLOR, 'coco17')
    return drawn
