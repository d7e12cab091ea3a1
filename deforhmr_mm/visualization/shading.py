"""Colours and light of rendered meshes: pure functions on numpy arrays."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

# Pastels that stay apart from one another and from skin, grass, sky and asphalt; RGB.
PALETTE: tuple[tuple[float, float, float], ...] = (
    (0.62, 0.76, 0.96),
    (0.98, 0.86, 0.55),
    (0.66, 0.90, 0.72),
    (0.83, 0.71, 0.97),
    (0.97, 0.66, 0.80),
    (0.55, 0.88, 0.88),
    (0.82, 0.84, 0.88),
)


def linear_color(color: Sequence[float]) -> np.ndarray:
    """Return an sRGB colour as the linear one that glTF's materials are given by.

    Args:
        color: (3,) in [0, 1], as pictures have it.

    Example:
        >>> linear_color((1.0, 0.5, 0.0)).round(4)
        array([1.   , 0.214, 0.   ])
    """
    color = np.asarray(color, dtype=np.float64)
    return np.where(color <= 0.04045, color / 12.92, ((color + 0.055) / 1.055) ** 2.4)


@dataclass(frozen=True)
class Shading:
    """Strengths of the lights, all in the camera frame (x right, y down, z forward).

    Attributes:
        ambient: Light from everywhere.
        key: Light from `key_direction`, wrapped softly around the surface.
        head: Light from the camera.
        rim: Brightening of surfaces seen edge-on, towards white.
        key_direction: Points from the surface to the key light.
    """

    ambient: float = 0.30
    key: float = 0.52
    head: float = 0.35
    rim: float = 0.28
    key_direction: tuple[float, float, float] = (-0.45, -0.80, -0.40)


def vertex_normals(vertices: np.ndarray, faces: np.ndarray) -> np.ndarray:
    """Return unit normals (V, 3) of a mesh, faces weighted by their area.

    Args:
        vertices: (V, 3) metres.
        faces: (F, 3) vertex indices; a vertex that no face uses gets a zero normal.
    """
    corners = vertices[faces]
    face_normals = np.cross(
        corners[:, 1] - corners[:, 0], corners[:, 2] - corners[:, 0]
    )
    flat = faces.reshape(-1)
    normals = np.stack(
        [
            np.bincount(flat, np.repeat(face_normals[:, axis], 3), len(vertices))
            for axis in range(3)
        ],
        axis=-1,
    )
    length = np.linalg.norm(normals, axis=-1, keepdims=True)
    return (normals / np.maximum(length, 1e-12)).astype(np.float32)


def vertex_openness(
    embree,
    vertices: np.ndarray,
    normals: np.ndarray,
    rays: int = 12,
    reach: float = 0.3,
) -> np.ndarray:
    """Return how open to its surroundings each vertex is, (V,) in [0, 1].

    `rays` rays leave each vertex over a fixed cosine-weighted hemisphere; one that
    meets a surface at distance d < `reach` metres counts as 1 - d / reach closed.

    Args:
        embree: The embree scene that holds the meshes.
        vertices: (V, 3) metres, of all meshes of the scene.
        normals: (V, 3) unit normals.
        rays: Rays per vertex.
        reach: Metres.
    """
    # Fibonacci points on the disc, lifted to the hemisphere: cosine-weighted (Malley).
    order = np.arange(rays) + 0.5
    radius = np.sqrt(order / rays)
    angle = np.pi * (1 + np.sqrt(5)) * order
    local = np.stack(
        [radius * np.cos(angle), radius * np.sin(angle), np.sqrt(1 - radius**2)], -1
    )
    helper = np.where(np.abs(normals[:, :1]) > 0.9, [[0.0, 1, 0]], [[1.0, 0, 0]])
    tangent = np.cross(normals, helper)
    tangent /= np.maximum(np.linalg.norm(tangent, axis=-1, keepdims=True), 1e-12)
    frame = np.stack([tangent, np.cross(normals, tangent), normals], axis=1)
    directions = np.einsum('rk,nkc->nrc', local, frame).reshape(-1, 3)
    origins = np.repeat(vertices + 2e-3 * normals, rays, axis=0)
    hits = embree.run(
        origins.astype(np.float32),
        directions.astype(np.float32),
        query='INTERSECT',
        output=True,
    )
    near = np.where(hits['primID'] >= 0, hits['tfar'], reach)
    closed = np.clip(1 - near / reach, 0, 1).reshape(len(vertices), rays)
    return (1 - closed.mean(1)).astype(np.float32)


def shade(
    normals: np.ndarray,
    view: np.ndarray,
    base: np.ndarray,
    openness: np.ndarray,
    shading: Shading,
) -> np.ndarray:
    """Return the colour of lit surface points.

    Args:
        normals: (N, 3) in the camera frame, of any length.
        view: (N, 3) directions from the camera to the points, of any length.
        base: (N, 3) RGB in [0, 1].
        openness: (N,) in [0, 1], see `vertex_openness`.
        shading: The lights.

    Returns:
        (N, 3) float32 RGB in [0, 1].
    """
    normals = normals / np.maximum(np.linalg.norm(normals, axis=-1), 1e-12)[:, None]
    view = -view / np.linalg.norm(view, axis=-1, keepdims=True)
    facing = np.einsum('nc,nc->n', normals, view)
    normals = np.where(facing[:, None] < 0, -normals, normals)
    facing = np.abs(facing)
    light = np.asarray(shading.key_direction) / np.linalg.norm(shading.key_direction)
    wrapped = 0.5 + 0.5 * (normals @ light)
    creases = openness
    lit = (
        shading.ambient * creases
        + shading.key * wrapped**1.5 * (0.4 + 0.6 * creases)
        + shading.head * facing
    )
    rim = shading.rim * (1 - facing) ** 3 * creases
    color = base * lit[:, None]
    return np.clip(color + rim[:, None] * (1 - color), 0, 1).astype(np.float32)
