"""Extreme crops: boxes that show a part of the person alone."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from mmcv.transforms import BaseTransform

from deforhmr_mm.geometry import bbox_to_center_scale
from deforhmr_mm.registry import TRANSFORMS
from deforhmr_mm.structures import get_keypoint_set

__all__ = ['BODY_PARTS', 'RandomTruncation']

HEAD = ('head', 'neck', 'nose', 'left_eye', 'right_eye', 'left_ear', 'right_ear')
SHOULDERS = ('left_shoulder', 'right_shoulder')
HIPS = ('left_hip', 'right_hip')
LEFT_ARM = ('left_shoulder', 'left_elbow', 'left_wrist')
RIGHT_ARM = ('right_shoulder', 'right_elbow', 'right_wrist')
LEFT_LEG = ('left_hip', 'left_knee', 'left_ankle')
RIGHT_LEG = ('right_hip', 'right_knee', 'right_ankle')
BODY_PARTS = {
    'above_hips': HEAD + LEFT_ARM + RIGHT_ARM + HIPS,
    'above_chest': HEAD + SHOULDERS,
    'torso': SHOULDERS + HIPS,
    'above_knees': (*SHOULDERS, *HIPS, 'left_knee', 'right_knee', *HEAD),
    'legs': LEFT_LEG + RIGHT_LEG,
    'left_side': LEFT_ARM + LEFT_LEG,
    'right_side': RIGHT_ARM + RIGHT_LEG,
    'left_arm': LEFT_ARM,
    'right_arm': RIGHT_ARM,
}
"""What a truncated crop shows: names of parts, and their joints in `smpl45`."""


@TRANSFORMS.register_module()
class RandomTruncation(BaseTransform):
    """Shrink the box to a part of the person, as where people come close to a camera.

    The box becomes that of a part's labelled keypoints, padded. Its aspect stays, and
    so do all labels and the camera: the picture does not move, and keypoints outside of
    the crop keep their confidence. The box never grows beyond the person's own.

    The idea is 4D-Humans' extreme cropping; parts, padding and limits are ours.

    Samples without keypoints of any part stay as they are. Put it before
    `RandomBBoxTransform`, which resizes and shifts the box that it leaves.

    Required Keys:
        - bbox_center, bbox_scale, keypoints, keypoints_conf

    Modified Keys:
        - bbox_center, bbox_scale

    Args:
        prob: Probability of a truncation; 4D-Humans' 0.1.
        parts: Weight of each part, names of `BODY_PARTS`; all alike by default.
        padding: Smallest and largest factor on the part's box.
        min_scale: Smallest size of the box, as a fraction of the person's own.
        min_keypoints: Keypoints that a part must have, at least 2.

    Raises:
        ValueError: If an argument is out of its range or names no part.
    """

    def __init__(
        self,
        prob: float = 0.1,
        parts: Mapping[str, float] | None = None,
        padding: Sequence[float] = (1.1, 1.6),
        min_scale: float = 0.25,
        min_keypoints: int = 3,
    ) -> None:
        if not 0 <= prob <= 1:
            raise ValueError(f'prob must be in [0, 1], but is {prob}.')
        parts = dict.fromkeys(BODY_PARTS, 1.0) if parts is None else dict(parts)
        unknown = sorted(set(parts) - set(BODY_PARTS))
        if unknown:
            raise ValueError(
                f'parts must be of {sorted(BODY_PARTS)}, but has {unknown}.'
            )
        if not parts or min(parts.values()) <= 0:
            raise ValueError(f'parts must have positive weights, but is {parts}.')
        if len(padding) != 2 or not 0 < padding[0] <= padding[1]:
            raise ValueError(
                f'padding must be 0 < smallest <= largest, but is {padding}.'
            )
        if not 0 < min_scale <= 1:
            raise ValueError(f'min_scale must be in (0, 1], but is {min_scale}.')
        if min_keypoints < 2:
            raise ValueError(
                f'min_keypoints must be at least 2, but is {min_keypoints}.'
            )
        self.prob = prob
        self.padding = tuple(padding)
        self.min_scale = min_scale
        self.min_keypoints = min_keypoints
        self._weights = np.array(list(parts.values()), dtype=np.float64)
        keypoint_set = get_keypoint_set('smpl45')
        self._joints = [list(keypoint_set.indices(BODY_PARTS[part])) for part in parts]

    def transform(self, results: dict[str, Any]) -> dict[str, Any]:
        """Shrink the box of `results` or leave it; see the class."""
        # All numbers are drawn always, so that a switched-off part leaves the others
        # alone.
        happens, which = np.random.random(2)
        padding = np.random.uniform(*self.padding)
        if happens >= self.prob:
            return results
        known = results['keypoints_conf'][0] > 0
        seen = [[joint for joint in part if known[joint]] for part in self._joints]
        weights = self._weights * [len(part) >= self.min_keypoints for part in seen]
        if not weights.any():
            return results
        limits = np.cumsum(weights)
        part = seen[np.searchsorted(limits / limits[-1], which, side='right')]
        points = results['keypoints'][0, part]
        own = results['bbox_scale']
        corners = np.concatenate([points.min(axis=0), points.max(axis=0)])
        center, scale = bbox_to_center_scale(corners, padding, own[0] / own[1])
        share = np.clip(scale[0] / own[0], self.min_scale, 1)
        results['bbox_center'] = center.astype(np.float32)
        results['bbox_scale'] = (share * own).astype(np.float32)
        return results
