"""What an exporter needs of a body: its rest pose and its skinning, as numpy."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch

from deforhmr_mm.body_models import SMPL
from deforhmr_mm.geometry.kinematics import chain_rotations
from deforhmr_mm.structures import get_keypoint_set


@dataclass(frozen=True)
class BodyRig:
    """One person's body in its rest pose (T-pose; y up, facing +z), metres.

    Attributes:
        vertices: (V, 3) float64.
        joints: (24, 3) float64; the root's is not at the origin.
        faces: (F, 3) int32.
        parents: (24,) int64, -1 for the root.
        blend_weights: (V, 24) float64, rows of sum 1.
        joint_names: Those of `smpl24`.
        posedirs: (207, V, 3) float32 offsets of the vertices for `pose_features`, or
            None where the body has no pose blend shapes.
        body_name: The body's name.
        fingerprint: The body's fingerprint.
    """

    vertices: np.ndarray
    joints: np.ndarray
    faces: np.ndarray
    parents: np.ndarray
    blend_weights: np.ndarray
    joint_names: tuple[str, ...]
    posedirs: np.ndarray | None
    body_name: str
    fingerprint: str

    def joint_offsets(self) -> np.ndarray:
        """(24, 3) metres from each joint's parent to it; zero for the root."""
        offsets = self.joints - self.joints[self.parents]
        offsets[self.parents < 0] = 0
        return offsets

    def skinning_transforms(self, rotations: np.ndarray) -> np.ndarray:
        """Where each joint takes what hangs on it, the root joint staying in place.

        Args:
            rotations: (T, 24, 3, 3) of each joint against its parent.

        Returns:
            (T, 24, 3, 4) float64: (rotation | translation) of points in the rest pose.
        """
        rotations = torch.from_numpy(np.asarray(rotations, np.float64))
        chained = chain_rotations(rotations, self.parents.tolist()).numpy()
        offsets = self.joint_offsets()
        places = np.empty((*chained.shape[:2], 3))
        for joint, parent in enumerate(self.parents):
            if parent < 0:
                places[:, joint] = self.joints[joint]
            else:
                step = chained[:, parent] @ offsets[joint]
                places[:, joint] = places[:, parent] + step
        moved = places - np.einsum('tjrc,jc->tjr', chained, self.joints)
        return np.concatenate((chained, moved[..., None]), axis=-1)


def rig_from_body(body: SMPL, betas: np.ndarray) -> BodyRig:
    """Take a person's rig out of a body.

    Args:
        body: The body.
        betas: (num_betas,) the person's shape.

    Raises:
        ValueError: If the body has another number of shape components.
    """
    betas = np.asarray(betas, np.float64)
    if betas.shape != (body.num_betas,):
        raise ValueError(
            f'betas must have the shape ({body.num_betas},) for the body '
            f'{body.body_name}, got {betas.shape}'
        )
    shaped = _numpy(body.v_template) + _numpy(body.shapedirs) @ betas
    weights = _numpy(body.blend_weights)
    posedirs = None
    # A body without pose blend shapes keeps one zero offset for all vertices.
    if body.posedirs.shape[1] == shaped.size:
        posedirs = body.posedirs.detach().cpu().float().numpy()
        posedirs = posedirs.reshape(-1, *shaped.shape)
    return BodyRig(
        vertices=shaped,
        joints=_numpy(body.joint_regressor) @ shaped,
        faces=np.asarray(body.faces, np.int32),
        parents=np.asarray(body.parents, np.int64),
        blend_weights=weights / weights.sum(axis=1, keepdims=True),
        joint_names=get_keypoint_set('smpl24').names,
        posedirs=posedirs,
        body_name=body.body_name,
        fingerprint=body.fingerprint,
    )


def pose_features(rotations: np.ndarray) -> np.ndarray:
    """What the pose blend shapes are weighted with, (T, 207).

    The rotations of all joints but the root, less the identity, row by row (SMPL,
    equation 9).

    Args:
        rotations: (T, 24, 3, 3) of each joint against its parent.
    """
    turned = np.asarray(rotations, np.float64)[:, 1:] - np.eye(3)
    return turned.reshape(len(turned), -1)


def _numpy(buffer: torch.Tensor) -> np.ndarray:
    return buffer.detach().cpu().double().numpy()
