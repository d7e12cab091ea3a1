"""The body in numpy: shaping, posing and normals, fast enough for rendering.

The same formulas as linear blend skinning in `deforhmr_mm.body_models.SMPL`; a test
holds the two together. Pose blend shapes are not applied: the open body has none.
"""

from typing import NamedTuple

import numpy as np
from scipy import sparse

from deforhmr_mm.structures import get_keypoint_set


class Posed(NamedTuple):
    """A posed body, metres, without translation."""

    vertices: np.ndarray  # (V, 3) bare body: what labels refer to
    joints: np.ndarray  # (45, 3) in the order of smpl45
    surface: np.ndarray  # (V + E, 3) dressed: with loose cloth, then extra vertices
    normals: np.ndarray  # (V + E, 3) unit, of the surface


class Dress(NamedTuple):
    """What is worn over the body, at rest in the mean shape, metres."""

    offsets: np.ndarray  # (V, 3) displacement of the body's own vertices
    anchors: np.ndarray  # (E,) body vertex that each extra vertex moves with in shaping
    extra: np.ndarray  # (E, 3) positions of the extra vertices
    weights: np.ndarray  # (E, 24) their blend weights
    faces: np.ndarray  # (G, 3) their triangles, counted from 0


class Body:
    """Template, skinning and landmarks of an SMPL file, on a coarser mesh.

    Most vertices of the open body are in hands, feet and head, finer than a pixel. A
    subset of them is kept, at their places, so joints and landmarks stay exact.

    Args:
        data: What `deforhmr_mm.body_models.load_smpl_file` read.
        detail: Vertices nearer than about this are merged, metres; 0 keeps them all.

    Raises:
        ValueError: The body has no landmark vertex ids, or it has pose blend shapes,
            which the pictures would lack.
    """

    def __init__(self, data, detail: float = 0.016) -> None:
        if data.landmark_ids is None:
            raise ValueError('the body has no landmark vertex ids; build it anew')
        if data.posedirs is not None and np.abs(data.posedirs).max() > 0:
            raise ValueError('bodies with pose blend shapes are not supported here')
        template = np.asarray(data.v_template, dtype=np.float64)
        shapedirs = np.asarray(data.shapedirs, dtype=np.float64)[..., :10]
        regressor = sparse.csr_matrix(data.joint_regressor)
        self.rest_joints = regressor @ template
        self.joint_shapedirs = np.stack(
            [regressor @ shapedirs[..., i] for i in range(shapedirs.shape[-1])], axis=-1
        )
        self.parents = np.asarray(data.parents, dtype=np.int64).copy()
        self.parents[0] = -1
        joint_set = get_keypoint_set('smpl45')
        self.joint_names = joint_set.names
        landmarks = joint_set.names[len(self.rest_joints) :]
        landmark_ids = np.array([data.landmark_ids[name] for name in landmarks])

        weights = np.asarray(data.weights, dtype=np.float64)
        kept, faces = merge_vertices(
            template, np.asarray(data.faces), weights, landmark_ids, detail
        )
        self.kept = kept
        self.faces = faces
        self.template = template[kept]
        self.shapedirs = shapedirs[kept]
        self.weights = weights[kept]
        self.landmark_ids = np.searchsorted(kept, landmark_ids)
        self._face_sums = _face_sum_matrix(self.faces, len(self.template))
        self.vertex_areas = _vertex_areas(self.template, self.faces)
        self.template_normals = _vertex_normals(
            self.template, self.faces, self._face_sums
        )

    def rest_joint(self, name: str) -> np.ndarray:
        """(3,) rest position of one of the 45 joints in the mean shape, metres."""
        index = self.joint_names.index(name)
        if index < len(self.rest_joints):
            return self.rest_joints[index]
        return self.template[self.landmark_ids[index - len(self.rest_joints)]]

    def pose(self, rotations: np.ndarray, betas: np.ndarray, dress: Dress) -> Posed:
        """Shape, dress and pose the body.

        Args:
            rotations: (24, 3, 3), the first the global orientation.
            betas: (10,).
            dress: What is worn.
        """
        shaping = self.shapedirs @ betas
        shaped = self.template + shaping
        rest = self.rest_joints + self.joint_shapedirs @ betas
        world = np.tile(np.eye(4), (len(rest), 1, 1))
        for i, parent in enumerate(self.parents):
            local = np.eye(4)
            local[:3, :3] = rotations[i]
            local[:3, 3] = rest[i] - (rest[parent] if parent >= 0 else 0)
            world[i] = local if parent < 0 else world[parent] @ local
        joints = world[:, :3, 3].copy()
        world[:, :3, 3] -= np.einsum('nij,nj->ni', world[:, :3, :3], rest)

        blended = self.blend(self.weights, world)
        vertices = np.einsum('vij,vj->vi', blended[..., :3], shaped) + blended[..., 3]
        surface = vertices + np.einsum('vij,vj->vi', blended[..., :3], dress.offsets)
        blended = self.blend(dress.weights, world)
        extra = dress.extra + shaping[dress.anchors]
        extra = np.einsum('vij,vj->vi', blended[..., :3], extra) + blended[..., 3]

        normals = _vertex_normals(surface, self.faces, self._face_sums)
        if len(extra):
            sums = _face_sum_matrix(dress.faces, len(extra))
            extra_normals = _vertex_normals(extra, dress.faces, sums)
            normals = np.concatenate([normals, extra_normals])
        return Posed(
            vertices,
            np.concatenate([joints, vertices[self.landmark_ids]]),
            np.concatenate([surface, extra]),
            normals,
        )

    @staticmethod
    def blend(weights: np.ndarray, world: np.ndarray) -> np.ndarray:
        """Blended transforms (N, 3, 4) of weights (N, 24) and transforms (24, 4, 4)."""
        return (weights @ world[:, :3].reshape(len(world), 12)).reshape(-1, 3, 4)


def _vertex_normals(
    vertices: np.ndarray, faces: np.ndarray, face_sums: sparse.csr_matrix
) -> np.ndarray:
    """(V, 3) unit normals, weighted by the faces' areas."""
    corners = vertices[faces]
    first, second = corners[:, 1] - corners[:, 0], corners[:, 2] - corners[:, 0]
    sums = face_sums @ np.cross(first, second)
    return sums / np.maximum(np.linalg.norm(sums, axis=1, keepdims=True), 1e-12)


def _face_sum_matrix(faces: np.ndarray, num_vertices: int) -> sparse.csr_matrix:
    """(V, F) matrix of ones where a face touches a vertex."""
    columns = np.repeat(np.arange(len(faces)), faces.shape[1])
    ones = np.ones(faces.size)
    shape = (num_vertices, len(faces))
    return sparse.csr_matrix((ones, (faces.ravel(), columns)), shape=shape)


def _vertex_areas(vertices: np.ndarray, faces: np.ndarray) -> np.ndarray:
    """(V,) a third of the areas of the faces around each vertex, square metres."""
    corners = vertices[faces]
    first, second = corners[:, 1] - corners[:, 0], corners[:, 2] - corners[:, 0]
    areas = np.linalg.norm(np.cross(first, second), axis=1) / 6
    return np.bincount(faces.ravel(), np.repeat(areas, 3), minlength=len(vertices))


def merge_vertices(
    vertices: np.ndarray,
    faces: np.ndarray,
    weights: np.ndarray,
    keep: np.ndarray,
    detail: float,
) -> tuple[np.ndarray, np.ndarray]:
    """Coarsen a mesh by letting one vertex stand for those in its grid cell.

    Args:
        vertices: (V, 3) metres.
        faces: (F, 3).
        weights: (V, 24) blend weights; vertices of different joints stay apart.
        keep: Vertices that must stay.
        detail: Side of a grid cell in metres; 0 merges nothing.

    Returns:
        The kept vertices (K,) in rising order, and the faces (G, 3) among them.
    """
    count = len(vertices)
    if detail <= 0:
        return np.arange(count), np.ascontiguousarray(faces, dtype=np.int32)
    sums = _face_sum_matrix(faces, count)
    # Surfaces that face different ways (lips, fingers side by side) stay apart.
    octant = (_vertex_normals(vertices, faces, sums) > 0) @ [1, 2, 4]
    cells = np.floor(vertices / detail).astype(np.int64)
    key = np.column_stack([cells, octant, weights.argmax(axis=1)])
    _, cell = np.unique(key, axis=0, return_inverse=True)
    cell = cell.reshape(-1)
    size = np.bincount(cell)
    centres = np.stack([np.bincount(cell, x) for x in vertices.T], axis=-1)
    away = np.linalg.norm(vertices - (centres / size[:, None])[cell], axis=1)
    away[keep] = -1.0
    order = np.lexsort((away, cell))
    first = order[np.r_[True, np.diff(cell[order]) > 0]]
    chosen = first[cell]
    chosen[keep] = keep
    merged = chosen[faces]
    a, b, c = merged.T
    merged = merged[(a != b) & (b != c) & (c != a)]
    kept = np.union1d(merged.ravel(), keep)
    return kept, np.searchsorted(kept, merged).astype(np.int32)
