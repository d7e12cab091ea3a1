"""Joints of annotation files, brought into the order of the keypoint set ``smpl45``."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from deforhmr_mm.structures import get_keypoint_set

from ..labels import AnnotationError
from .npz import NpzColumns

__all__ = ['in_metres', 'place_joints', 'positions_of', 'prefer', 'root_relative']

# Joints lie closer to their root than this; in millimetres, most lie farther.
FARTHEST_JOINT = 5.0


def positions_of(keypoint_set: str) -> dict[str, int]:
    """Names and positions of the joints of a keypoint set."""
    return {name: i for i, name in enumerate(get_keypoint_set(keypoint_set).names)}


def place_joints(values: np.ndarray, positions: Mapping[str, int]) -> np.ndarray:
    """Put joints to where ``smpl45`` has those of the same name.

    Args:
        values: (N, J, D), the last number of each being the confidence.
        positions: Names of joints and where among the J they are.

    Returns:
        (N, 45, D) float32; zeros, so no confidence, where there is no such name.
    """
    target = positions_of('smpl45')
    shared = [name for name in positions if name in target]
    placed = np.zeros((len(values), len(target), values.shape[-1]), dtype=np.float32)
    placed[:, [target[name] for name in shared]] = values[
        :, [positions[name] for name in shared]
    ]
    return placed


def prefer(first: np.ndarray, second: np.ndarray) -> np.ndarray:
    """Take the joints of `second` where those of `first` have no confidence."""
    return np.where(first[..., -1:] > 0, first, second)


def root_relative(joints: np.ndarray, *roots: tuple[int, ...]) -> np.ndarray:
    """Make 3D joints relative to their root.

    Args:
        joints: (N, J, 4) position and confidence.
        roots: Joints whose mean is the root, the best choice first; the first of which
            all have a confidence is taken, in each row.

    Returns:
        (N, J, 4). A row that has none of the roots is as it was.
    """
    offset = np.zeros((len(joints), 1, 3), dtype=joints.dtype)
    for root in reversed(roots):
        known = (joints[:, root, 3] > 0).all(axis=1)
        mean = joints[:, root, :3].mean(axis=1, keepdims=True)
        offset = np.where(known[:, None, None], mean, offset)
    return np.concatenate([joints[..., :3] - offset, joints[..., 3:]], axis=-1)


def in_metres(columns: NpzColumns, key: str, joints: np.ndarray) -> np.ndarray:
    """Return root-relative joints (N, J, 4) if they can be in metres.

    Raises:
        AnnotationError: If the median row has a joint that is too far from its root.
    """
    distances = np.abs(joints[..., :3]).max(axis=-1) * (joints[..., 3] > 0)
    farthest = distances.max(axis=1, initial=0)
    labelled = np.flatnonzero(farthest)
    if labelled.size and np.median(farthest[labelled]) > FARTHEST_JOINT:
        row = labelled[0]
        raise AnnotationError(
            f'{columns.path}: key {key!r} must hold joints in metres, but in row {row} '
            f'one lies {farthest[row]:g} from the root; are they in millimetres?'
        )
    return joints
