"""Ten shape components: principal axes of adults in the T-pose, unit variance."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from .rest_pose import mean_rotations, shape_rotations, unpose
from .skeleton import JOINT_NAMES, joint_index, mirror_joint_name
from .source import AnnySource

#: Where SMPL's pelvis lies in its template, metres (so that ours is like it).
PELVIS = np.array([0.0, -0.223, 0.028])
_FLIP = np.array([-1.0, 1.0, 1.0])
_CHUNK = 50


@dataclass(frozen=True)
class TPosedBodies:
    """Bodies in the T-pose, pelvis at `PELVIS`, exactly mirror-symmetric.

    Attributes:
        vertices: (B, V, 3) metres, SMPL's axes.
        joints: (B, 24, 3) metres.
    """

    vertices: np.ndarray
    joints: np.ndarray


class TPoser:
    """Takes anny's blend shape coefficients to bodies in the T-pose.

    The twists of the limbs are those of one mean body; other shapes add the smallest
    rotation that points their limbs in the same directions.

    Args:
        source: The anny model.
        mean_coefficients: (K,) coefficients of the mean body.
    """

    def __init__(self, source: AnnySource, mean_coefficients: np.ndarray) -> None:
        self.source = source
        self.mirror = source.mirror()
        names = (mirror_joint_name(name) for name in JOINT_NAMES)
        self.mirror_joints = np.array([joint_index(name) for name in names])
        mean = mean_coefficients[None]
        _, heads = source.rest(mean)
        knuckles = source.bone_heads(mean, ('finger2-1.L', 'finger5-1.L'))
        self.rotations = mean_rotations(heads[0], knuckles[0])

    def symmetrized(
        self, vertices: np.ndarray, joints: np.ndarray
    ) -> tuple[np.ndarray, np.ndarray]:
        """Average of each body and its mirror image (they differ by up to 0.05 mm)."""
        return (
            (vertices + vertices[:, self.mirror] * _FLIP) / 2,
            (joints + joints[:, self.mirror_joints] * _FLIP) / 2,
        )

    def __call__(self, coefficients: np.ndarray) -> TPosedBodies:
        """T-pose bodies of (B, K) coefficients."""
        parts = []
        for start in range(0, len(coefficients), _CHUNK):
            vertices, heads = self.source.rest(coefficients[start : start + _CHUNK])
            vertices, heads = self.symmetrized(vertices, heads)
            rotations = shape_rotations(heads, self.rotations)
            vertices, joints = unpose(vertices, heads, rotations, self.source.weights)
            shift = PELVIS - joints[:, :1]
            parts.append(self.symmetrized(vertices + shift, joints + shift))
        return TPosedBodies(
            *(np.concatenate(part) for part in zip(*parts, strict=True))
        )


@dataclass(frozen=True)
class ShapeSpace:
    """Principal axes of a population.

    Attributes:
        shapedirs: (V, 3, num) metres for one unit of each component.
        joint_dirs: (24, 3, num) how the bone heads move with the components.
        explained: (num,) share of the (area-weighted) variance of each component.
    """

    shapedirs: np.ndarray
    joint_dirs: np.ndarray
    explained: np.ndarray


def vertex_areas(vertices: np.ndarray, faces: np.ndarray) -> np.ndarray:
    """(V,) a third of the area of the triangles around each vertex, square metres."""
    corners = vertices[faces]
    cross = np.cross(corners[:, 1] - corners[:, 0], corners[:, 2] - corners[:, 0])
    share = np.linalg.norm(cross, axis=-1) / 6
    return np.bincount(faces.ravel(), np.repeat(share, 3), minlength=len(vertices))


def fit_shape_space(bodies: TPosedBodies, areas: np.ndarray, num: int) -> ShapeSpace:
    """Principal components with vertices weighted by area, scaled to unit variance.

    Most of the mesh is hands, feet and face; weighting by area keeps the components
    about the body. Signs: the largest coordinate change of a component is positive.
    """
    count = len(bodies.vertices)
    vertices = bodies.vertices - bodies.vertices.mean(0)
    joints = bodies.joints - bodies.joints.mean(0)
    weighted = (vertices * np.sqrt(areas / areas.sum())[:, None]).reshape(count, -1)
    values, vectors = np.linalg.eigh(weighted @ weighted.T)
    order = np.argsort(values)[::-1][:num]
    betas = vectors[:, order] * np.sqrt(count - 1)
    shapedirs = np.einsum('bvc,bk->vck', vertices, betas) / (count - 1)
    peak = np.abs(shapedirs).reshape(-1, num).argmax(0)
    sign = np.sign(shapedirs.reshape(-1, num)[peak, np.arange(num)])
    joint_dirs = np.einsum('bjc,bk->jck', joints, betas) / (count - 1)
    return ShapeSpace(
        shapedirs * sign, joint_dirs * sign, values[order] / values.clip(0).sum()
    )


def project(
    vertices: np.ndarray, template: np.ndarray, dirs: np.ndarray, areas: np.ndarray
) -> np.ndarray:
    """Betas (B, num) of the nearest bodies in the shape space, by weighted distance."""
    root = np.sqrt(areas / areas.sum())[:, None]
    basis = (dirs * root[..., None]).reshape(-1, dirs.shape[-1])
    offsets = ((vertices - template) * root).reshape(len(vertices), -1)
    return np.linalg.lstsq(basis, offsets.T, rcond=None)[0].T
