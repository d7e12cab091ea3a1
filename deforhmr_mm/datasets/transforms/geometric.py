"""Augmentations that move the person; labels, box and camera move with the picture.

Neither touches a pixel: they extend ``image_affine``, and `TopdownAffine` warps once.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from mmcv.transforms import BaseTransform

from deforhmr_mm.registry import TRANSFORMS
from deforhmr_mm.structures import flip_smpl_pose, get_keypoint_set

from .affine import apply_affine, compose_affine

__all__ = ['RandomBBoxTransform', 'RandomFlip']


@TRANSFORMS.register_module()
class RandomFlip(BaseTransform):
    """Mirror picture and person left to right.

    The mirrored person is again an SMPL person: left and right joints change places,
    and every rotation is mirrored. This holds as far as the body is symmetric (the open
    body is; SMPL's is to a few millimetres). ``betas`` stay.

    Required Keys:
        - ori_shape, flip, image_affine, bbox_center, principal_point

    Modified Keys:
        - the required ones but ori_shape
        - keypoints, keypoints_conf, joints_3d, joints_3d_conf, global_orient,
          body_pose, transl, rest_pelvis (each where present)

    Args:
        prob: Probability of mirroring.
    """

    def __init__(self, prob: float = 0.5) -> None:
        if not 0 <= prob <= 1:
            raise ValueError(f'prob must be in [0, 1], but is {prob}.')
        self.prob = prob

    def transform(self, results: dict[str, Any]) -> dict[str, Any]:
        """Mirror `results` or leave it; see the class."""
        if np.random.random() >= self.prob:
            return results
        last_column = results['ori_shape'][1] - 1
        mirror = np.array([[-1, 0, last_column], [0, 1, 0]], dtype=np.float32)
        results['image_affine'] = compose_affine(mirror, results['image_affine'])
        results['flip'] = not results['flip']
        for key in ('bbox_center', 'principal_point', 'keypoints'):
            if key in results:
                results[key] = apply_affine(mirror, results[key])
        for key in ('transl', 'rest_pelvis', 'joints_3d'):
            if key in results:
                results[key] = results[key] * np.array([-1, 1, 1], dtype=np.float32)
        order = np.asarray(get_keypoint_set('smpl45').flip_indices)
        for key in ('keypoints', 'keypoints_conf', 'joints_3d', 'joints_3d_conf'):
            if key in results:
                results[key] = results[key][:, order]
        if 'global_orient' in results:
            pose = np.concatenate(
                [results['global_orient'], results['body_pose']], axis=1
            )
            pose = flip_smpl_pose(pose)
            results['global_orient'], results['body_pose'] = pose[:, :1], pose[:, 1:]
        return results


@TRANSFORMS.register_module()
class RandomBBoxTransform(BaseTransform):
    """Rotate the picture about the box centre, resize the box, and shift it.

    Rotating a picture about a point c is turning the camera about its optical axis and
    moving its principal point p to R (p - c) + c. With both, the labels stay exact for
    the full perspective camera: ``global_orient``, ``joints_3d`` and ``transl`` turn
    about the camera's z axis, and ``principal_point`` about c. (``transl`` is what is
    added to the vertices, and the body turns about its pelvis, not about the body
    frame's origin: the turned ``transl`` depends on ``rest_pelvis``. Without that key
    it becomes NaN, unknown, where the picture is rotated.)

    Positive angles turn the picture clockwise as seen (x right, y down).

    Required Keys:
        - image_affine, bbox_center, bbox_scale, principal_point

    Modified Keys:
        - the required ones
        - keypoints, joints_3d, global_orient, transl (each where present)

    Args:
        rotate_prob: Probability of a rotation; 4D-Humans' 0.6.
        rotate_std: Standard deviation of the angle, degrees.
        rotate_max: Largest angle, degrees; others are clipped to it.
        scale_range: The box size is multiplied by a normal number of mean 1 and this
            standard deviation, clipped at one standard deviation.
        shift_range: The box centre moves by up to this fraction of the box, in x and y.
    """

    def __init__(
        self,
        rotate_prob: float = 0.6,
        rotate_std: float = 30.0,
        rotate_max: float = 60.0,
        scale_range: float = 0.25,
        shift_range: float = 0.02,
    ) -> None:
        if not 0 <= rotate_prob <= 1:
            raise ValueError(f'rotate_prob must be in [0, 1], but is {rotate_prob}.')
        if not 0 <= scale_range < 1:
            raise ValueError(f'scale_range must be in [0, 1), but is {scale_range}.')
        self.rotate_prob = rotate_prob
        self.rotate_std = rotate_std
        self.rotate_max = rotate_max
        self.scale_range = scale_range
        self.shift_range = shift_range

    def transform(self, results: dict[str, Any]) -> dict[str, Any]:
        """Rotate, resize and shift the box of `results`; see the class."""
        # All numbers are drawn always, so that a switched-off part leaves the others
        # alone.
        turn, angle, size = np.random.random(), *np.random.standard_normal(2)
        shift = np.random.uniform(-1, 1, 2)
        if turn < self.rotate_prob:
            degrees = np.clip(
                angle * self.rotate_std, -self.rotate_max, self.rotate_max
            )
            self._rotate(results, np.deg2rad(degrees))
        shift = self.shift_range * shift * results['bbox_scale']
        factor = 1 + self.scale_range * np.clip(size, -1, 1)
        results['bbox_center'] = (results['bbox_center'] + shift).astype(np.float32)
        results['bbox_scale'] = (results['bbox_scale'] * factor).astype(np.float32)
        return results

    @staticmethod
    def _rotate(results: dict[str, Any], angle: float) -> None:
        """Turn picture, labels and camera by `angle` radians about the box centre."""
        cos, sin = np.cos(angle), np.sin(angle)
        rotation = np.array([[cos, -sin, 0], [sin, cos, 0], [0, 0, 1]], np.float32)
        linear, center = rotation[:2, :2], results['bbox_center']
        turn = np.column_stack([linear, center - linear @ center])
        results['image_affine'] = compose_affine(turn, results['image_affine'])
        for key in ('principal_point', 'keypoints'):
            if key in results:
                results[key] = apply_affine(turn, results[key])
        if 'joints_3d' in results:
            results['joints_3d'] = results['joints_3d'] @ rotation.T
        if 'global_orient' in results:
            results['global_orient'] = rotation @ results['global_orient']
        if 'transl' in results:
            pelvis = results.get('rest_pelvis', np.float32(np.nan))
            turned = (results['transl'] + pelvis) @ rotation.T - pelvis
            results['transl'] = turned.astype(np.float32)
