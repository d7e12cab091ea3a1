"""Ray casting of posed people with embree: who is seen at which pixel, and where."""

from functools import cache
from typing import NamedTuple

import cv2
import numpy as np
from embreex import rtcore, rtcore_scene
from embreex.mesh_construction import TriangleMesh

from .camera import Camera

SPLAT_STEP = 4  # pixels; people are first splatted at a coarse grid to find their rays
SHADOW_OFFSET = 0.012  # metres along the normal, so that cloth does not shade itself


@cache
def _device() -> rtcore.EmbreeDevice:
    """Embree's device of this process."""
    return rtcore.EmbreeDevice()


class Hits(NamedTuple):
    """The N pixels that show somebody."""

    rows: np.ndarray  # (N,)
    columns: np.ndarray  # (N,)
    person: np.ndarray  # (N,) index of the person
    depth: np.ndarray  # (N,) metres along z
    corners: np.ndarray  # (N, 3) surface vertices of the triangle, among the person's
    shares: np.ndarray  # (N, 3) barycentric weights of the corners


class PeopleScene:
    """Several triangle meshes in the camera frame, in one embree scene.

    Args:
        surfaces: For each person (S_i, 3) vertices, metres, camera frame.
        faces: For each person (F_i, 3) triangles.
    """

    def __init__(self, surfaces: list[np.ndarray], faces: list[np.ndarray]) -> None:
        self.surfaces = surfaces
        self.faces = faces
        self.starts = np.cumsum([0] + [len(s) for s in surfaces[:-1]])
        self.triangles = np.concatenate(
            [f + s for f, s in zip(faces, self.starts, strict=True)]
        ).astype(np.int32)
        self.vertices = np.concatenate(surfaces).astype(np.float32)
        self.owner = np.repeat(np.arange(len(faces)), [len(f) for f in faces])
        self._scene = rtcore_scene.EmbreeScene(_device())
        self._mesh = TriangleMesh(self._scene, self.vertices, self.triangles)

    def cast(self, camera: Camera, mask: np.ndarray) -> Hits:
        """Cast one ray through each pixel of the mask (h, w)."""
        rows, columns = np.nonzero(mask)
        directions = camera.ray(np.stack([columns, rows], axis=-1).astype(np.float64))
        directions = directions.astype(np.float32)
        origins = np.zeros_like(directions)
        found = self._scene.run(origins, directions, query='INTERSECT', output=1)
        hit = np.flatnonzero(found['primID'] >= 0)
        triangle = found['primID'][hit]
        person = self.owner[triangle]
        u, v = found['u'][hit], found['v'][hit]
        shares = np.stack([1 - u - v, u, v], axis=-1)
        corners = self.triangles[triangle]
        depth = (self.vertices[corners, 2] * shares).sum(axis=1)
        return Hits(rows[hit], columns[hit], person, depth, corners, shares)

    def shaded(self, points: np.ndarray, normals: np.ndarray, light: np.ndarray):
        """Whether the way from points (N, 3) towards a far light (3,) is blocked."""
        origins = (points + SHADOW_OFFSET * normals).astype(np.float32)
        directions = np.tile(light.astype(np.float32), (len(points), 1))
        return self._scene.run(origins, directions, query='OCCLUDED') == 0


def splat(camera: Camera, surface: np.ndarray) -> tuple[np.ndarray, float]:
    """Coarse silhouette of one person.

    Args:
        camera: The camera.
        surface: (S, 3) vertices in the camera frame, all in front of it.

    Returns:
        Mask (h, w) that covers the silhouette with a small margin, and the part of
        the silhouette that lies inside the picture (0..1).
    """
    step = SPLAT_STEP
    cells = np.floor(camera.project(surface) / step).astype(np.int64)
    low, high = cells.min(axis=0) - 4, cells.max(axis=0) + 5
    low, high = np.maximum(low, -2000), np.minimum(high, 2000)
    cells = cells[((cells >= low) & (cells < high)).all(axis=1)] - low
    grid = np.zeros((high - low)[::-1], dtype=np.uint8)
    grid[cells[:, 1], cells[:, 0]] = 1
    grid = cv2.morphologyEx(grid, cv2.MORPH_CLOSE, np.ones((5, 5), np.uint8))
    grid = cv2.dilate(grid, np.ones((3, 3), np.uint8))
    rows, columns = -(-camera.height // step), -(-camera.width // step)
    coarse = np.zeros((rows, columns), dtype=np.uint8)
    top, left = max(low[1], 0), max(low[0], 0)
    bottom, right = min(high[1], rows), min(high[0], columns)
    if bottom > top and right > left:
        window = grid[top - low[1] : bottom - low[1], left - low[0] : right - low[0]]
        coarse[top:bottom, left:right] = window
    mask = np.repeat(np.repeat(coarse, step, axis=0), step, axis=1)
    inside = float(coarse.sum()) / max(float(grid.sum()), 1.0)
    return mask[: camera.height, : camera.width] > 0, inside
