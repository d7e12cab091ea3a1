"""Meshes drawn by casting rays on the CPU: no OpenGL, no display.

The camera is the full camera of the results: x right, y down, z forward, metres; pixel
(0, 0) has its centre at (0, 0).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from .shading import PALETTE, Shading, shade, vertex_normals, vertex_openness

# Rays of one call to embree: bounds the memory that a large picture takes.
_RAYS_PER_CALL = 1 << 20
_NEAR = 1e-3


@dataclass(frozen=True)
class RenderedMeshes:
    """What `MeshRenderer.render` saw, within the pixels that the meshes can cover.

    Attributes:
        image_size: Height and width of the whole picture in pixels.
        box: (x0, y0, x1, y1), the part of the picture that the arrays below show;
            x1 and y1 are exclusive. Empty (all 0) when nothing is in view.
        color: (h, w, 3) float32 RGB in [0, 1]; 0 where nothing was hit.
        coverage: (h, w) float32 in [0, 1], the share of the pixel that is covered.
        depth: (h, w) float32, metres along z at the pixel's centre; inf where empty.
        person: (h, w) int32, index of the nearest mesh at the pixel's centre; -1 where
            empty.
    """

    image_size: tuple[int, int]
    box: tuple[int, int, int, int]
    color: np.ndarray
    coverage: np.ndarray
    depth: np.ndarray
    person: np.ndarray

    def overlay(self, image: np.ndarray, alpha: float = 0.85) -> np.ndarray:
        """Blend the meshes over a picture.

        Args:
            image: (H, W, 3) uint8 RGB of this rendering's `image_size`; not changed.
            alpha: Opacity of the meshes in [0, 1].

        Returns:
            (H, W, 3) uint8 RGB.
        """
        if image.shape != (*self.image_size, 3) or image.dtype != np.uint8:
            raise ValueError(
                f'image must be uint8 of shape {(*self.image_size, 3)}, got '
                f'{image.dtype} of shape {image.shape}'
            )
        out = image.copy()
        x0, y0, x1, y1 = self.box
        weight = alpha * self.coverage[..., None]
        part = out[y0:y1, x0:x1]
        blended = part * (1 - weight) + 255 * weight * self.color
        out[y0:y1, x0:x1] = np.rint(blended).astype(np.uint8)
        return out

    def rgba(self) -> np.ndarray:
        """Return the rendering as a (H, W, 4) uint8 RGBA picture of the whole size."""
        out = np.zeros((*self.image_size, 4), np.uint8)
        x0, y0, x1, y1 = self.box
        layers = np.concatenate([self.color, self.coverage[..., None]], axis=-1)
        out[y0:y1, x0:x1] = np.rint(255 * layers).astype(np.uint8)
        return out

    def full_depth(self) -> np.ndarray:
        """Return the depth as a (H, W) float32 picture of the whole size, metres."""
        out = np.full(self.image_size, np.inf, np.float32)
        x0, y0, x1, y1 = self.box
        out[y0:y1, x0:x1] = self.depth
        return out


class MeshRenderer:
    """Draws people's meshes as a perspective camera sees them, nearest first.

    One ray a pixel finds what is seen; pixels on an outline get `edge_samples` squared
    more, so that edges are smooth while the rest stays cheap.

    Args:
        edge_samples: Samples along each side of a pixel on an outline.
        occlusion: Whether creases (armpits, fingers) are darkened by rays cast from the
            vertices; costs about as much again as the picture itself.
        shading: Strengths of the lights.
    """

    def __init__(
        self,
        edge_samples: int = 3,
        occlusion: bool = True,
        shading: Shading | None = None,
    ) -> None:
        if edge_samples < 1:
            raise ValueError(f'edge_samples must be at least 1, got {edge_samples}')
        self.edge_samples = edge_samples
        self.occlusion = occlusion
        self.shading = shading or Shading()

    def render(
        self,
        vertices: np.ndarray | Sequence[np.ndarray],
        faces: np.ndarray,
        focal_length: float,
        principal_point: Sequence[float],
        image_size: tuple[int, int],
        colors: Sequence[Sequence[float]] | None = None,
    ) -> RenderedMeshes:
        """Cast the picture of one or several people.

        Args:
            vertices: (V, 3) or (P, V, 3), or a list of (V, 3): metres in the camera
                frame, translation included.
            faces: (F, 3) vertex indices, shared by all people.
            focal_length: Pixels.
            principal_point: (cx, cy) pixels.
            image_size: Height and width in pixels.
            colors: RGB in [0, 1] of each person; the palette's by default.

        Returns:
            The rendering, restricted to the box that the meshes project to.

        Raises:
            ValueError: For vertices, faces or a camera that cannot be drawn.
        """
        meshes = _as_meshes(vertices)
        faces = np.ascontiguousarray(faces, dtype=np.int32)
        camera = _check_camera(focal_length, principal_point, image_size)
        _check_faces(faces, meshes)
        box = projected_box(meshes, *camera)
        if box[2] <= box[0] or box[3] <= box[1]:
            return _empty(camera[2])
        if colors is None:
            colors = [PALETTE[i % len(PALETTE)] for i in range(len(meshes))]
        if len(colors) != len(meshes):
            raise ValueError(f'{len(meshes)} meshes need as many colors: {len(colors)}')
        scene = _Scene(meshes, faces, np.asarray(colors, np.float32), self.occlusion)
        return self._cast(scene, box, *camera)

    def _cast(self, scene, box, focal_length, principal_point, image_size):
        x0, y0, x1, y1 = box
        width, height = x1 - x0, y1 - y0
        color = np.zeros((height, width, 3), np.float32)
        coverage = np.zeros((height, width), np.float32)
        depth = np.full((height, width), np.inf, np.float32)
        person = np.full((height, width), -1, np.int32)
        rows = max(1, _RAYS_PER_CALL // width)
        for top in range(0, height, rows):
            part = slice(top, min(top + rows, height))
            ys, xs = np.mgrid[y0 + part.start : y0 + part.stop, x0:x1]
            rays = _rays(xs, ys, focal_length, principal_point)
            seen = scene.look(rays, self.shading)
            shape = xs.shape
            color[part] = seen.color.reshape(*shape, 3)
            depth[part] = seen.depth.reshape(shape)
            person[part] = seen.person.reshape(shape)
        coverage[:] = person >= 0
        rows, cols = np.nonzero(_outline(depth, person))
        for start in range(0, len(rows), _RAYS_PER_CALL // self.edge_samples**2):
            part = slice(start, start + _RAYS_PER_CALL // self.edge_samples**2)
            r, c = rows[part], cols[part]
            step = (np.arange(self.edge_samples) + 0.5) / self.edge_samples - 0.5
            dy, dx = np.meshgrid(step, step, indexing='ij')
            xs = (c + x0)[:, None] + dx.reshape(1, -1)
            ys = (r + y0)[:, None] + dy.reshape(1, -1)
            seen = scene.look(
                _rays(xs, ys, focal_length, principal_point), self.shading
            )
            hit = (seen.person >= 0).reshape(xs.shape)
            count = hit.sum(1)
            total = (seen.color.reshape(*xs.shape, 3) * hit[..., None]).sum(1)
            color[r, c] = total / np.maximum(count, 1)[:, None]
            coverage[r, c] = count / hit.shape[1]
        return RenderedMeshes(image_size, box, color, coverage, depth, person)


@dataclass(frozen=True)
class _Seen:
    """What each of N rays met: colour (N, 3), depth (N,) and mesh index (N,)."""

    color: np.ndarray
    depth: np.ndarray
    person: np.ndarray


class _Scene:
    """All meshes of a picture in one embree scene, with what shading them needs."""

    def __init__(
        self,
        meshes: list[np.ndarray],
        faces: np.ndarray,
        colors: np.ndarray,
        occlusion: bool,
    ) -> None:
        from embreex.mesh_construction import TriangleMesh
        from embreex.rtcore_scene import EmbreeScene

        self.embree = EmbreeScene(robust=True)
        for mesh in meshes:
            TriangleMesh(self.embree, mesh, faces)
        self.colors = colors
        self.vertices = np.concatenate(meshes)
        self.normals = np.concatenate([vertex_normals(m, faces) for m in meshes])
        # How open to the surroundings each vertex is; NaN until a ray meets it.
        self.openness = np.full(
            len(self.vertices), np.nan if occlusion else 1, np.float32
        )
        self.faces = faces
        self.num_vertices = len(meshes[0])

    def _measure_openness(self, corners: np.ndarray) -> None:
        """Find it for those of these vertices of which it is not known.

        It takes many rays, so vertices that nothing shows go without: most of them.
        """
        new = np.unique(corners[np.isnan(self.openness[corners])])
        if len(new):
            self.openness[new] = vertex_openness(
                self.embree, self.vertices[new], self.normals[new]
            )

    def look(self, rays: np.ndarray, shading: Shading) -> _Seen:
        """Return what rays (N, 3) from the camera's centre, z = 1, meet first."""
        hits = self.embree.run(
            np.zeros_like(rays), rays, query='INTERSECT', output=True
        )
        found = np.nonzero(hits['primID'] >= 0)[0]
        color = np.zeros((len(rays), 3), np.float32)
        depth = np.full(len(rays), np.inf, np.float32)
        person = np.full(len(rays), -1, np.int32)
        if len(found):
            person[found] = hits['geomID'][found]
            depth[found] = hits['tfar'][found]
            corners = self.faces[hits['primID'][found]]
            corners = corners + (person[found] * self.num_vertices)[:, None]
            self._measure_openness(corners)
            u, v = hits['u'][found], hits['v'][found]
            weights = np.stack([1 - u - v, u, v], axis=-1)
            normals = np.einsum('nk,nkc->nc', weights, self.normals[corners])
            openness = np.einsum('nk,nk->n', weights, self.openness[corners])
            color[found] = shade(
                normals, rays[found], self.colors[person[found]], openness, shading
            )
        return _Seen(color, depth, person)


def projected_box(
    meshes: Sequence[np.ndarray],
    focal_length: float,
    principal_point: Sequence[float],
    image_size: tuple[int, int],
) -> tuple[int, int, int, int]:
    """Return the pixels (x0, y0, x1, y1; ends exclusive) that meshes can cover.

    A mesh that reaches behind the camera can cover the whole picture. Nothing in view
    gives (0, 0, 0, 0).
    """
    height, width = image_size
    x0, y0, x1, y1 = width, height, 0, 0
    for mesh in meshes:
        z = mesh[:, 2]
        if z.max() <= _NEAR:
            continue
        if z.min() <= _NEAR:
            return 0, 0, width, height
        pixels = focal_length * mesh[:, :2] / z[:, None] + principal_point
        low = np.clip(np.floor(pixels.min(0)) - 1, 0, (width, height)).astype(int)
        high = np.clip(np.ceil(pixels.max(0)) + 2, 0, (width, height)).astype(int)
        if (high > low).all():
            x0, y0 = min(x0, low[0]), min(y0, low[1])
            x1, y1 = max(x1, high[0]), max(y1, high[1])
    if x1 <= x0 or y1 <= y0:
        return 0, 0, 0, 0
    return int(x0), int(y0), int(x1), int(y1)


def _outline(depth: np.ndarray, person: np.ndarray) -> np.ndarray:
    """Mark pixels beside another person, the background or a jump in depth."""
    safe = np.where(np.isfinite(depth), depth, 0)
    edge = np.zeros(depth.shape, bool)
    for axis in (0, 1):
        ahead = [slice(None)] * 2
        behind = [slice(None)] * 2
        ahead[axis], behind[axis] = slice(1, None), slice(None, -1)
        ahead, behind = tuple(ahead), tuple(behind)
        differs = person[ahead] != person[behind]
        differs |= np.abs(safe[ahead] - safe[behind]) > 0.02 * safe[ahead]
        edge[ahead] |= differs
        edge[behind] |= differs
    # A limb thinner than a pixel may be met by no centre ray; the frame has no
    # neighbour outside: neither is worth rays of its own.
    return edge


def _rays(xs, ys, focal_length, principal_point) -> np.ndarray:
    rays = np.empty((xs.size, 3), np.float32)
    rays[:, 0] = ((xs - principal_point[0]) / focal_length).reshape(-1)
    rays[:, 1] = ((ys - principal_point[1]) / focal_length).reshape(-1)
    rays[:, 2] = 1
    return rays


def _as_meshes(vertices) -> list[np.ndarray]:
    if isinstance(vertices, np.ndarray) and vertices.ndim == 2:
        vertices = [vertices]
    meshes = [np.ascontiguousarray(v, dtype=np.float32) for v in vertices]
    for i, mesh in enumerate(meshes):
        if mesh.ndim != 2 or mesh.shape[1] != 3 or mesh.shape != meshes[0].shape:
            raise ValueError(
                'vertices must be (V, 3) for each person, the same V for all; mesh '
                f'{i} has shape {mesh.shape}'
            )
        if not np.isfinite(mesh).all():
            raise ValueError(f'vertices of mesh {i} hold NaN or infinity')
    return meshes


def _check_faces(faces: np.ndarray, meshes: list[np.ndarray]) -> None:
    if faces.ndim != 2 or faces.shape[1] != 3:
        raise ValueError(f'faces must be (F, 3), got shape {faces.shape}')
    if meshes and faces.size and not 0 <= faces.min() <= faces.max() < len(meshes[0]):
        raise ValueError(
            f'faces must index the {len(meshes[0])} vertices, got indices '
            f'{faces.min()} to {faces.max()}'
        )


def _check_camera(focal_length, principal_point, image_size):
    focal = float(focal_length)
    point = tuple(float(p) for p in principal_point)
    size = tuple(int(s) for s in image_size)
    if not (np.isfinite(focal) and focal > 0):
        raise ValueError(f'focal_length must be positive pixels, got {focal_length}')
    if len(point) != 2 or not np.isfinite(point).all():
        raise ValueError(f'principal_point must be (x, y) pixels: {principal_point}')
    if len(size) != 2 or min(size) <= 0:
        raise ValueError(f'image_size must be (height, width), got {image_size}')
    return focal, point, size


def _empty(image_size: tuple[int, int]) -> RenderedMeshes:
    none = np.zeros((0, 0), np.float32)
    return RenderedMeshes(
        image_size,
        (0, 0, 0, 0),
        np.zeros((0, 0, 3), np.float32),
        none,
        none.copy(),
        np.zeros((0, 0), np.int32),
    )
