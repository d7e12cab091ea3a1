"""Rendering: cast rays at people and things, paint them, light them, put them in."""

from typing import NamedTuple

import cv2
import numpy as np
from synthetic.camera import Camera
from synthetic.compositing import composite
from synthetic.people import Person
from synthetic.raycast import Hits, PeopleScene, splat

from .bank import Cloth
from .light import Light, shade
from .look import Look
from .paint import Surface, paint
from .things import Mesh

OCCLUSION_RANGE = 0.12  # metres that a pixel lies behind its surroundings
STEEPEST = 1.0  # slope that relief may have


class Actor(NamedTuple):
    """A person in a picture and what the person looks like."""

    person: Person
    look: Look


class Thing(NamedTuple):
    """A thing in a picture, in the camera frame."""

    mesh: Mesh
    places: np.ndarray  # (V, 3) metres, before it was put there
    cloth: Cloth
    gloss: float


class Rendered(NamedTuple):
    """A picture with its people."""

    picture: np.ndarray  # (h, w, 3) float32 sRGB
    owner: np.ndarray  # (h, w) int8, index of the person, -1 for all else
    depth: np.ndarray  # (h, w) metres of people and things, inf for all else


def render(
    actors: list[Actor],
    things: list[Thing],
    camera: Camera,
    light: Light,
    picture: np.ndarray,
) -> Rendered:
    """Draw people and things over a picture (h, w, 3) sRGB, which is not changed."""
    people = [a.person for a in actors]
    surfaces = [p.surface for p in people] + [t.mesh.vertices for t in things]
    faces = [p.faces for p in people] + [t.mesh.faces for t in things]
    scene = PeopleScene(surfaces, faces)
    mask = np.zeros(picture.shape[:2], dtype=bool)
    for surface in surfaces[: len(people)]:
        mask |= splat(camera, surface)[0]
    for thing in things:
        mask |= _hull(camera, thing.mesh.vertices)
    hits = scene.cast(camera, mask)
    normals = [p.posed.normals for p in people]
    normals += [mesh_normals(t.mesh) for t in things]
    coordinates = [p.coordinates for p in people]
    coordinates += [np.column_stack([t.places, 0 * t.places[:, 0]]) for t in things]
    colours = _shade(
        actors, things, scene, hits, camera, light, normals, coordinates, mask.shape
    )
    owner = np.full(mask.shape, -1, dtype=np.int8)
    depth = np.full(mask.shape, np.inf)
    person = np.where(hits.person < len(people), hits.person, -1)
    owner[hits.rows, hits.columns] = person
    depth[hits.rows, hits.columns] = hits.depth
    return Rendered(composite(picture, hits, colours), owner, depth)


def mesh_normals(mesh: Mesh) -> np.ndarray:
    """(V, 3) unit normals of a mesh."""
    corners = mesh.vertices[mesh.faces]
    face = np.cross(corners[:, 1] - corners[:, 0], corners[:, 2] - corners[:, 0])
    sums = np.zeros_like(mesh.vertices)
    for corner in range(3):
        np.add.at(sums, mesh.faces[:, corner], face)
    return sums / np.maximum(np.linalg.norm(sums, axis=1, keepdims=True), 1e-12)


def _hull(camera: Camera, vertices: np.ndarray) -> np.ndarray:
    """Mask (h, w) of the convex hull of points in front of the camera."""
    pixels = np.clip(camera.project(vertices), -4000, 4000).astype(np.float32)
    hull = cv2.convexHull(pixels)
    mask = np.zeros((camera.height, camera.width), dtype=np.uint8)
    cv2.fillConvexPoly(mask, np.rint(hull).astype(np.int32), 1)
    return cv2.dilate(mask, np.ones((3, 3), np.uint8)) > 0


def _shade(
    actors, things, scene: PeopleScene, hits: Hits, camera: Camera, light: Light,
    normals: list[np.ndarray], coordinates: list[np.ndarray], shape: tuple[int, int],
) -> np.ndarray:  # fmt: skip
    """(N, 3) sRGB of the hits."""
    shares = hits.shares[:, :, None].astype(np.float32)
    corner_normals = np.concatenate(normals).astype(np.float32)[hits.corners]
    normal = _unit((corner_normals * shares).sum(axis=1))
    at = np.concatenate(coordinates).astype(np.float32)[hits.corners]
    at = (at * shares).sum(axis=1)
    pixels = np.stack([hits.columns, hits.rows], axis=-1).astype(np.float32)
    rays = camera.ray(pixels).astype(np.float32)
    points = rays * hits.depth[:, None].astype(np.float32)
    view = _unit(rays)
    normal *= np.where((normal * view).sum(axis=1, keepdims=True) > 0, -1, 1)

    surface = _paint(actors, things, hits, camera, at)
    bent = _bend(normal, surface.height, hits, camera, shape)
    lit = np.ones(len(points), dtype=np.float32)
    if light.lamps and light.lamps[0].shadow:
        direction = light.lamps[0].direction.astype(np.float32)
        towards = np.flatnonzero(normal @ direction > 0)
        lit[towards] = ~scene.shaded(points[towards], normal[towards], direction)
        lit = _soften(lit, hits, shape, light.softness)
    occlusion = _sky_share(hits, shape, camera).astype(np.float32)
    return shade(surface.colour, surface.gloss, bent, view, light, lit, occlusion)


def _unit(vectors: np.ndarray) -> np.ndarray:
    norm = np.sqrt(np.einsum('ij,ij->i', vectors, vectors))
    return vectors / np.maximum(norm, 1e-9)[:, None]


def _paint(actors, things, hits: Hits, camera: Camera, at: np.ndarray) -> Surface:
    """The painted surface at the hits."""
    colour = np.zeros((len(at), 3), dtype=np.float32)
    gloss, height = np.zeros((2, len(at)), dtype=np.float32)
    for index in np.unique(hits.person):
        own = np.flatnonzero(hits.person == index)
        footprint = float(np.median(hits.depth[own])) / camera.focal
        if index < len(actors):
            painted = paint(actors[index].look, at[own], footprint)
            colour[own], gloss[own], height[own] = painted
        else:
            thing = things[index - len(actors)]
            places = np.column_stack(
                [at[own, 0] + at[own, 2], at[own, 1] + 0.4 * at[own, 2]]
            )
            colour[own] = thing.cloth(places, footprint)
            gloss[own] = thing.gloss
    return Surface(colour, gloss, height)


def _window(hits: Hits, shape: tuple[int, int], margin: int):
    """The window of a picture around the hits, and the hits' places in it."""
    top, left = max(hits.rows.min() - margin, 0), max(hits.columns.min() - margin, 0)
    bottom = min(hits.rows.max() + margin + 1, shape[0])
    right = min(hits.columns.max() + margin + 1, shape[1])
    window = np.s_[top:bottom, left:right]
    return window, hits.rows - top, hits.columns - left, (bottom - top, right - left)


def _bend(
    normal: np.ndarray, height: np.ndarray, hits: Hits, camera: Camera, shape
) -> np.ndarray:
    """Normals (N, 3) of a surface with relief, from how it changes over the picture."""
    if not len(height):
        return normal
    _, rows, columns, size = _window(hits, shape, 1)
    relief = np.zeros(size, dtype=np.float32)
    owner = np.full(size, -1, dtype=np.int16)
    relief[rows, columns], owner[rows, columns] = height, hits.person
    per_metre = (camera.focal / hits.depth).astype(np.float32)
    out = normal.copy()
    for axis in (0, 1):
        step = np.zeros(size, dtype=np.float32)
        ahead = [slice(None), slice(None)]
        behind = [slice(None), slice(None)]
        ahead[1 - axis], behind[1 - axis] = slice(1, None), slice(None, -1)
        ahead, behind = tuple(ahead), tuple(behind)
        same = owner[ahead] == owner[behind]
        step[behind] = (relief[ahead] - relief[behind]) * same
        slope = step[rows, columns] * per_metre
        out[:, axis] -= np.clip(slope, -STEEPEST, STEEPEST)
    return _unit(out)


def _soften(lit: np.ndarray, hits: Hits, shape, softness: float) -> np.ndarray:
    """Light (N,) with soft edges of the shadows within the people."""
    if softness < 0.4 or not len(lit):
        return lit
    _, rows, columns, size = _window(hits, shape, 3)
    value, weight = np.zeros((2, *size), dtype=np.float32)
    value[rows, columns], weight[rows, columns] = lit, 1
    value = cv2.GaussianBlur(value, (0, 0), softness)
    weight = cv2.GaussianBlur(weight, (0, 0), softness)
    return value[rows, columns] / np.maximum(weight[rows, columns], 1e-3)


def _sky_share(hits: Hits, shape: tuple[int, int], camera: Camera) -> np.ndarray:
    """Share (N,) of the sky that points see, from how deep they lie in the picture."""
    if not len(hits.rows):
        return np.zeros(0)
    _, rows, columns, size = _window(hits, shape, 3)
    depth, weight = np.zeros((2, *size), dtype=np.float32)
    depth[rows, columns], weight[rows, columns] = hits.depth, 1
    total = np.zeros(len(rows), dtype=np.float32)
    for reach, strength in ((0.03, 0.35), (0.09, 0.45)):
        sigma = max(reach * camera.focal / float(hits.depth.mean()), 1.0)
        side = (int(2 * sigma) | 1, int(2 * sigma) | 1)
        mean = cv2.blur(depth, side) / np.maximum(cv2.blur(weight, side), 1e-6)
        behind = hits.depth - mean[rows, columns]
        total += strength * np.clip(behind / (1.5 * reach), 0, 1)
    return 1 - total
