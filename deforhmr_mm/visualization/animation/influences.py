"""Skinning with few joints a vertex, as glTF stores it, and what that costs."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from .rig import BodyRig, pose_features

FRAMES_AT_ONCE = 64
"""Frames of which the vertices are in memory at a time."""


class Influences(NamedTuple):
    """The joints that move each vertex, the strongest first, in sets of four.

    Attributes:
        joints: (S, V, 4) uint8 indices, 0 where the weight is 0.
        weights: (S, V, 4) float32 of sum 1 over all sets.
    """

    joints: np.ndarray
    weights: np.ndarray


def strongest_influences(blend_weights: np.ndarray, count: int) -> Influences:
    """Keep the strongest joints of each vertex.

    Args:
        blend_weights: (V, J), J <= 256.
        count: Joints to keep, a multiple of four. Sets that no vertex needs are left
            out.

    Example:
        >>> strongest_influences(np.array([[0.1, 0.6, 0, 0.3]]), 8)
        Influences(joints=array([[[1, 3, 0, 0]]], dtype=uint8), weights=array([[[0.6, \
0.3, 0.1, 0. ]]], dtype=float32))
    """
    needed = int((blend_weights > 0).sum(axis=1).max())
    count = min(count, 4 * -(-needed // 4))
    joints = _strongest(blend_weights, count)
    weights = np.take_along_axis(blend_weights, joints, axis=1)
    weights = (weights / weights.sum(axis=1, keepdims=True)).astype(np.float32)
    joints = np.where(weights > 0, joints, 0).astype(np.uint8)
    shape = (len(blend_weights), -1, 4)
    return Influences(
        *(
            np.ascontiguousarray(part.reshape(shape).swapaxes(0, 1))
            for part in (joints, weights)
        )
    )


def influence_residual(rig: BodyRig, rotations: np.ndarray, count: int) -> float:
    """How far skinning with the strongest joints alone takes vertices off.

    Args:
        rig: The body.
        rotations: (T, 24, 3, 3) of each joint against its parent.
        count: Joints kept for each vertex.

    Returns:
        Metres, the largest distance over all vertices and frames; 0 if no vertex has
        more joints.
    """
    weights = rig.blend_weights
    more = np.flatnonzero((weights > 0).sum(axis=1) > count)
    if len(more) == 0:
        return 0.0
    strongest, lost = _strongest(weights[more], count), weights[more].copy()
    kept = np.take_along_axis(lost, strongest, axis=1)
    kept = kept - kept / kept.sum(axis=1, keepdims=True)
    np.put_along_axis(lost, strongest, kept, axis=1)
    largest = 0.0
    for start in range(0, len(rotations), FRAMES_AT_ONCE):
        part = rotations[start : start + FRAMES_AT_ONCE]
        transforms = rig.skinning_transforms(part)
        blended = np.einsum('vj,tjrc->tvrc', lost, transforms, optimize=True)
        points = rig.vertices[more]
        if rig.posedirs is not None:
            offsets = np.tensordot(pose_features(part), rig.posedirs[:, more], axes=1)
            points = points + offsets
        moved = (blended[..., :3] @ points[..., None])[..., 0] + blended[..., 3]
        largest = max(largest, float(np.linalg.norm(moved, axis=-1).max()))
    return largest


def _strongest(blend_weights: np.ndarray, count: int) -> np.ndarray:
    """(V, count) joints of each vertex by falling weight."""
    return np.argsort(-blend_weights, axis=1, kind='stable')[:, :count]
