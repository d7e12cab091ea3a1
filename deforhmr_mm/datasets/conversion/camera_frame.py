"""SMPL's parameters of the world's frame, taken to a camera's.

The body turns about its pelvis and not about the origin. So a turn R of the root leaves
the pelvis p of the rest pose where it is, and the camera's translation is
R (p + t) + T - p, not R t + T.
"""

from __future__ import annotations

import numpy as np
import torch
from scipy.spatial.transform import Rotation

from deforhmr_mm.body_models import SMPL

__all__ = ['move_translations', 'rest_pelvis', 'smpl_joints', 'turn_roots']


def turn_roots(cameras: np.ndarray, rotvecs: np.ndarray) -> np.ndarray:
    """Turn the root's rotations to the cameras' axes.

    Args:
        cameras: (F, 3, 3) or (F, 4, 4), from the world to the camera.
        rotvecs: (F, 3) axis-angle.

    Returns:
        (F, 3) axis-angle.
    """
    if not len(rotvecs):
        return rotvecs
    turns = Rotation.from_matrix(cameras[:, :3, :3])
    return (turns * Rotation.from_rotvec(rotvecs)).as_rotvec()


def move_translations(
    cameras: np.ndarray, transl: np.ndarray, pelvis: np.ndarray
) -> np.ndarray:
    """Translations that put a body of turned root where the camera sees it.

    Args:
        cameras: (F, 4, 4) from the world to the camera, metres.
        transl: (F, 3) metres, what is added to the posed body in the world.
        pelvis: (3,) metres, `rest_pelvis`.

    Returns:
        (F, 3) metres, what is added to the body that `turn_roots` turned.

    Example:
        >>> camera = np.diag([1.0, -1, -1, 1])[None]
        >>> move_translations(camera, np.array([[0.0, 1, -3]]), np.array([0, -0.2, 0]))
        array([[ 0. , -0.6,  3. ]])
    """
    turned = np.einsum('fij,fj->fi', cameras[:, :3, :3], transl + pelvis)
    return turned + cameras[:, :3, 3] - pelvis


def rest_pelvis(body: SMPL, betas: np.ndarray) -> np.ndarray:
    """(3,) metres: the root joint in the rest pose, of betas (10,)."""
    return smpl_joints(body, np.zeros((1, 72)), betas)[0, 0]


def smpl_joints(body: SMPL, pose: np.ndarray, betas: np.ndarray) -> np.ndarray:
    """SMPL's 24 joints of F poses of one person.

    Args:
        body: The body that the betas belong to.
        pose: (F, 72) axis-angle, root first.
        betas: (10,).

    Returns:
        (F, 24, 3) metres, without translation.
    """
    matrices = Rotation.from_rotvec(pose.reshape(-1, 3)).as_matrix()
    rotmats = torch.from_numpy(matrices).float().reshape(-1, 24, 3, 3)
    shape = torch.from_numpy(betas).float().expand(len(rotmats), -1)
    with torch.no_grad():
        joints = body.joints(rotmats[:, :1], rotmats[:, 1:], shape)
    return joints[:, :24].numpy().astype(np.float64)
