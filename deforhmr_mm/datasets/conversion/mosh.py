"""MoSh's SMPL parameters of Human3.6M, checked against its joints.

Files that circulate have the root in a frame that is the camera's, or the camera's
turned by half a turn about x. Which of the two, and whether the file is of this camera
at all, is seen from the joints: the body's x axis points from the right hip to the left
one, its y axis up the spine.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np
from scipy.spatial.transform import Rotation

from deforhmr_mm.body_models.safe_pickle import load_pickled_arrays

from ..labels import AnnotationError
from .raw_values import expect_keys

__all__ = ['MOSH_STEP', 'read_mosh', 'turn_to_camera']

MOSH_STEP = 5
"""MoSh's poses are at 10 Hz, the pictures at 50."""

# Mean cosine between the body's axes and the joints'; a wrong camera is near 0 or less.
_AGREES = 0.7


def read_mosh(path: Path, num_frames: int) -> tuple[np.ndarray, np.ndarray]:
    """Read a sequence's ``.pkl`` of `new_poses` and `betas`, running nothing in it.

    Args:
        path: The file.
        num_frames: Frames of the video.

    Returns:
        Poses (M, 72) of frames 0, 5, 10, ... and betas (10,).

    Raises:
        UnsafePickleError: If the file names anything but arrays.
        AnnotationError: If it lacks something, or is of another length.
    """
    content = load_pickled_arrays(path, "a file of MoSh's")
    expect_keys(path, content, ('new_poses', 'betas'))
    poses = np.asarray(content['new_poses'])
    betas = np.asarray(content['betas']).ravel()
    if poses.ndim != 2 or poses.shape[1] != 72 or len(betas) < 10:
        raise AnnotationError(
            f'{path}: expected new_poses (M, 72) and 10 betas, but came '
            f'{poses.shape} and {betas.shape}.'
        )
    expected = -(-num_frames // MOSH_STEP)
    # The last ones may be missing; more than that is another sequence.
    if abs(len(poses) - expected) > 2:
        raise AnnotationError(
            f'{path}: {num_frames} frames need {expected} poses at a fifth of the '
            f'rate, but there are {len(poses)}.'
        )
    return poses[:expected].astype(np.float64), betas[:10].astype(np.float64)


def turn_to_camera(
    poses: np.ndarray, left_hip: np.ndarray, right_hip: np.ndarray, up: np.ndarray
) -> np.ndarray:
    """Poses with the root in the camera's frame.

    Args:
        poses: (M, 72) axis-angle.
        left_hip: (M, 3) in the camera's frame.
        right_hip: (M, 3).
        up: (M, 3) from the pelvis to the neck.

    Returns:
        (M, 72), the root as it was or turned by half a turn about the camera's x.

    Raises:
        AnnotationError: If neither agrees with the joints.
    """
    root = Rotation.from_rotvec(poses[:, :3])
    axes = [(np.array([1.0, 0, 0]), left_hip - right_hip), (np.array([0, 1.0, 0]), up)]
    best = None
    for turn in (Rotation.identity(), Rotation.from_rotvec([np.pi, 0, 0])):
        turned = turn * root
        cosines = [np.sum(turned.apply(axis) * _unit(v), axis=-1) for axis, v in axes]
        score = float(np.mean(cosines))
        if best is None or score > best[0]:
            best = score, turned
    score, turned = best
    if score < _AGREES:
        raise AnnotationError(
            f"the roots of MoSh's poses do not fit the joints (mean cosine "
            f'{score:.2f}); the file is of another camera or sequence'
        )
    return np.concatenate([turned.as_rotvec(), poses[:, 3:]], axis=1)


def _unit(vectors: np.ndarray) -> np.ndarray:
    return vectors / np.linalg.norm(vectors, axis=-1, keepdims=True).clip(1e-9)
