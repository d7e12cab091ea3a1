"""From our samples to the keys that mmpose's transforms for 2D keypoints read."""

from __future__ import annotations

from typing import Any

import cv2
import numpy as np
from mmcv.transforms import BaseTransform

from deforhmr_mm.registry import TRANSFORMS
from deforhmr_mm.structures import get_keypoint_set

from .affine import apply_affine

__all__ = ['ToKeypointSample']

OUR_SET = 'smpl45'


@TRANSFORMS.register_module()
class ToKeypointSample(BaseTransform):
    """Turn a cropped sample into one of mmpose's, with the joints of a keypoint set.

    After `TopdownAffine`, before mmpose's ``GenerateTarget`` and ``PackPoseInputs``: so
    an encoder is trained on 2D keypoints with the crops and the augmentation that the
    mesh is later recovered with, and on every data set that is read here.

    Required Keys:
        - keypoints: (1, 45, 2) crop pixels, keypoints_conf: (1, 45)
        - input_affine, input_center, input_scale, input_size: of `TopdownAffine`

    Modified Keys:
        - keypoints: (1, K, 2) picture pixels, as mmpose's metrics read them

    Added Keys:
        - transformed_keypoints: (1, K, 2) float32, crop pixels
        - keypoints_visible: (1, K) float32, 1 where the confidence is positive, else 0
        - bbox: (1, 4) left, top, right, bottom of the crop in the picture
        - bbox_score: (1,) ones
        - bbox_scale: (1, 2) its width and height, picture pixels
        - flip_indices: for each joint the position of its mirror image
        - id: the sample's `sample_id`

    Args:
        keypoint_set: a set that ``smpl45`` has all joints of.

    Raises:
        KeyError: if there is no such set.
        ValueError: if ``smpl45`` lacks some of its joints.

    Example:
        >>> ToKeypointSample('coco17').flip_indices[:3]
        [0, 2, 1]
    """

    def __init__(self, keypoint_set: str = 'coco17') -> None:
        wanted, ours = get_keypoint_set(keypoint_set), get_keypoint_set(OUR_SET)
        missing = sorted(set(wanted.names) - set(ours.names))
        if missing:
            raise ValueError(
                f'keypoint_set={keypoint_set!r}: {OUR_SET} has no joints {missing}'
            )
        self.source = list(ours.indices(wanted.names))
        self.flip_indices = list(wanted.flip_indices)

    def transform(self, results: dict[str, Any]) -> dict[str, Any]:
        """Select, map and rename; see the class."""
        in_crop = results['keypoints'][:, self.source].astype(np.float32)
        seen = results['keypoints_conf'][:, self.source] > 0
        to_picture = cv2.invertAffineTransform(results['input_affine'])
        center, size = results['input_center'], results['input_scale']
        results.update(
            transformed_keypoints=in_crop,
            keypoints=apply_affine(to_picture, in_crop),
            keypoints_visible=seen.astype(np.float32),
            bbox=np.concatenate([center - size / 2, center + size / 2])[None],
            bbox_score=np.ones(1, dtype=np.float32),
            bbox_scale=size[None],
            flip_indices=self.flip_indices,
            id=results['sample_id'],
        )
        return results
