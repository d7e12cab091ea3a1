"""Meshes of simple things: boxes, rods, balls, discs; at rest, metres."""

from typing import NamedTuple

import numpy as np
from synthetic.garments import Tube

MESH_STEP = 0.06  # metres between vertices, so that splatting finds the whole surface


class Mesh(NamedTuple):
    """A triangle mesh."""

    vertices: np.ndarray  # (V, 3)
    faces: np.ndarray  # (F, 3) int32

    def moved(self, rotation: np.ndarray, shift: np.ndarray) -> 'Mesh':
        """The mesh turned by (3, 3), then shifted by (3,)."""
        return Mesh(self.vertices @ rotation.T + shift, self.faces)


def joined(meshes: list[Mesh]) -> Mesh:
    """Several meshes as one."""
    starts = np.cumsum([0] + [len(m.vertices) for m in meshes[:-1]])
    faces = [m.faces + np.int32(s) for m, s in zip(meshes, starts, strict=True)]
    return Mesh(np.concatenate([m.vertices for m in meshes]), np.concatenate(faces))


def grid_faces(rows: int, columns: int) -> np.ndarray:
    """Triangles (F, 3) of a grid of rows x columns vertices."""
    row, column = np.meshgrid(
        np.arange(rows - 1), np.arange(columns - 1), indexing='ij'
    )
    a = (row * columns + column).ravel()
    b, c = a + columns, a + columns + 1
    first, second = np.stack([a, b, c], -1), np.stack([a, c, a + 1], -1)
    return np.concatenate([first, second]).astype(np.int32)


def box(size: np.ndarray, step: float = MESH_STEP) -> Mesh:
    """A box around the origin with edges of `size` (3,); faces have vertices apart."""
    half, sides = np.asarray(size) / 2, []
    for axis in range(3):
        u, v = (axis + 1) % 3, (axis + 2) % 3
        counts = [int(np.clip(size[i] / step, 1, 12)) + 1 for i in (u, v)]
        first, second = np.meshgrid(
            np.linspace(-half[u], half[u], counts[0]),
            np.linspace(-half[v], half[v], counts[1]),
            indexing='ij',
        )
        for sign in (-1, 1):
            vertices = np.zeros((first.size, 3))
            vertices[:, axis] = sign * half[axis]
            vertices[:, u], vertices[:, v] = first.ravel(), second.ravel()
            sides.append(Mesh(vertices, grid_faces(*counts)))
    return joined(sides)


def rod(
    start: np.ndarray, end: np.ndarray, radius: float | tuple[float, float]
) -> Mesh:
    """A round rod between two points (3,), of one radius or one for each end."""
    start, end = np.asarray(start, dtype=float), np.asarray(end, dtype=float)
    along = end - start
    length = np.linalg.norm(along)
    along = along / length
    across = np.cross(along, np.eye(3)[np.abs(along).argmin()])
    across /= np.linalg.norm(across)
    other = np.cross(along, across)
    sides, rings = 9, max(int(length / MESH_STEP), 1) + 1
    angle = np.linspace(0, 2 * np.pi, sides)
    circle = np.cos(angle)[:, None] * across + np.sin(angle)[:, None] * other
    share = np.linspace(0, 1, rings)[:, None, None]
    radii = np.broadcast_to(radius, 2)
    wide = radii[0] + (radii[1] - radii[0]) * share
    vertices = start + share * (end - start) + wide * circle
    return Mesh(vertices.reshape(-1, 3), grid_faces(rings, sides))


def ball(centre: np.ndarray, radii: np.ndarray) -> Mesh:
    """An ellipsoid with radii (3,) along the axes."""
    rows, columns = 9, 13
    polar = np.linspace(0, np.pi, rows)[:, None]
    around = np.linspace(0, 2 * np.pi, columns)
    y = np.broadcast_to(np.cos(polar), (rows, columns))
    unit = [np.sin(polar) * np.cos(around), y, np.sin(polar) * np.sin(around)]
    vertices = np.stack(unit, axis=-1).reshape(-1, 3) * radii + centre
    return Mesh(vertices, grid_faces(rows, columns))


def sector(
    centre: np.ndarray, inner: float, outer: float, half_angle: float, drop: float
) -> Mesh:
    """A brim in the plane of x and z, open to -z.

    Args:
        centre: (3,).
        inner: Radius of the inner edge.
        outer: Radius of the outer edge.
        half_angle: Radians to both sides of +z; pi is a whole ring.
        drop: How much lower the outer edge is.
    """
    rows, columns = 3, 19
    angle = np.linspace(-half_angle, half_angle, columns)
    share = np.linspace(0, 1, rows)[:, None]
    radius = inner + (outer - inner) * share
    x, z = radius * np.sin(angle), radius * np.cos(angle)
    y = np.broadcast_to(-drop * share, x.shape)
    vertices = np.stack([x, y, z], axis=-1).reshape(-1, 3) + centre
    return Mesh(vertices, grid_faces(rows, columns))


def worn(mesh: Mesh, joint: int, joints: int = 24) -> Tube:
    """A thing that moves with one joint."""
    weights = np.zeros((len(mesh.vertices), joints))
    weights[:, joint] = 1
    return Tube(mesh.vertices, weights, mesh.faces)
