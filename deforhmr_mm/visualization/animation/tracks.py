"""A person's movement as the tracks of an animation: y up, and without jumps."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from scipy.spatial.transform import Rotation

from deforhmr_mm.structures import PersonMotion

from ..exporters import camera_to_y_up
from .rig import BodyRig


class Tracks(NamedTuple):
    """What moves a skeleton.

    Attributes:
        rotations: (T, 24, 3, 3) float64 of each joint against its parent, the root's
            against the world with y up.
        root_positions: (T, 3) float64 metres, of the root joint in that world.
    """

    rotations: np.ndarray
    root_positions: np.ndarray


def y_up_tracks(person: PersonMotion, rig: BodyRig) -> Tracks:
    """Turn a person's parameters into tracks.

    The change of axes is a rotation of the world, so that it touches the root alone:
    neither the skeleton nor its rest pose, which stands upright, knows of the camera.
    SMPL turns the body about its root joint and then adds the translation, so that the
    root joint lies at the translation plus its place in the rest pose.

    Args:
        person: The person, in the camera's frame (x right, y down, z forward).
        rig: The person's rig.
    """
    root = np.asarray(person.global_orient, np.float64)
    # The columns are the body's axes in the camera.
    root = camera_to_y_up(root.swapaxes(-1, -2)).swapaxes(-1, -2)
    body = np.asarray(person.body_pose, np.float64)
    places = np.asarray(person.transl, np.float64) + rig.joints[0]
    return Tracks(np.concatenate((root[:, None], body), axis=1), camera_to_y_up(places))


def continuous_quaternions(rotations: np.ndarray) -> np.ndarray:
    """Unit quaternions of which each is in the half space of the one before it.

    Args:
        rotations: (T, ..., 3, 3).

    Returns:
        (T, ..., 4) float64 (x, y, z, w).

    Example:
        >>> turns = Rotation.from_euler('z', [[170], [190]], degrees=True).as_matrix()
        >>> continuous_quaternions(turns).round(3)[:, 2:]
        array([[ 0.996,  0.087],
               [ 0.996, -0.087]])
    """
    rotations = np.asarray(rotations)
    flat = Rotation.from_matrix(rotations.reshape(-1, 3, 3)).as_quat()
    quaternions = flat.reshape(*rotations.shape[:-2], 4)
    turned = (quaternions[1:] * quaternions[:-1]).sum(axis=-1, keepdims=True) < 0
    signs = np.cumprod(np.where(turned, -1.0, 1.0), axis=0)
    return np.concatenate((quaternions[:1], quaternions[1:] * signs))


class Visibility(NamedTuple):
    """When a person comes and goes.

    Attributes:
        frames: (K,) int64, from which frame on.
        shown: (K,) bool, whether the person is seen from there to the next.
    """

    frames: np.ndarray
    shown: np.ndarray


def visibility(frames: np.ndarray, num_frames: int) -> Visibility:
    """Tell where in a video a person appears and disappears.

    Args:
        frames: (T,) increasing numbers of the frames in which the person is, T > 0.
        num_frames: Frames of the video.

    Returns:
        The first frame of every stretch with and without the person; one entry, at
        frame 0, if the person is always there.

    Example:
        >>> visibility(np.array([2, 3, 7]), 9)
        Visibility(frames=array([0, 2, 4, 7, 8]), shown=array([False,  True, False,  \
True, False]))
    """
    present = np.zeros(num_frames, bool)
    present[frames] = True
    changes = np.flatnonzero(np.diff(present)) + 1
    starts = np.concatenate((np.zeros(1, changes.dtype), changes))
    return Visibility(starts, present[starts])
