"""One picture: draw a scene from a seed, render it, label it."""

from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

import cv2
import numpy as np

from .appearance import paint
from .backgrounds import paint_background, random_polygon
from .base_poses import BASE_POSES, GROUP_SHARES
from .body import Body
from .camera import Camera, sample_camera
from .compositing import composite, shade_ground
from .finish import encode_jpeg, finish
from .garments import measure
from .labels import Labels, label_person
from .lighting import Lighting, sample_lighting, shade
from .people import Person, place_beside, place_first, sample_person
from .poses import PoseSampler
from .raycast import Hits, PeopleScene, splat
from .textures import random_pattern

PEOPLE_SHARES = (0.5, 0.38, 0.12)  # one, two, three people
OCCLUDER_SHARE = 0.15
SHADOW_SHARE = 0.85
OCCLUSION_RANGE = 0.12  # metres that a pixel lies behind its surroundings


class Picture(NamedTuple):
    """A rendered picture and the labels of the people in it."""

    jpeg: bytes
    labels: list[Labels]


@dataclass(frozen=True)
class SceneMaker:
    """Makes pictures of one body.

    Attributes:
        body: The body.
        photos: Photographs for backgrounds; may be empty.
    """

    body: Body
    photos: tuple[Path, ...] = ()

    def __post_init__(self) -> None:
        """Measure the body once."""
        body = self.body
        object.__setattr__(self, 'measures', measure(body))
        poses = PoseSampler(BASE_POSES, GROUP_SHARES, body.rest_joints, body.parents)
        object.__setattr__(self, 'poses', poses)

    def make(self, seed: np.random.SeedSequence) -> Picture:
        """Make the picture of a seed."""
        streams = [np.random.default_rng(s) for s in seed.spawn(7)]
        camera_rng, people_rng, light_rng, back_rng, front_rng, last_rng, _ = streams
        camera = sample_camera(camera_rng)
        people, drop = self._populate(people_rng, camera)
        lighting = sample_lighting(light_rng, camera.rotation)
        depth = float(np.mean([p.joints[0, 2] for p in people]))
        picture = paint_background(back_rng, camera, drop, depth, list(self.photos))
        if light_rng.random() < SHADOW_SHARE:
            picture = cast_ground_shadow(
                light_rng, picture, people, camera, lighting, drop
            )
        picture, owner = render_people(people, camera, lighting, picture)
        if front_rng.random() < OCCLUDER_SHARE:
            picture, owner = add_occluders(front_rng, picture, owner, people, camera)
        labels = [
            label_person(p, self.body, camera, owner == i) for i, p in enumerate(people)
        ]
        jpeg = encode_jpeg(last_rng, finish(last_rng, picture))
        return Picture(jpeg, [label for label in labels if label is not None])

    def _populate(
        self, rng: np.random.Generator, camera: Camera
    ) -> tuple[list[Person], float]:
        """People placed in the picture, and the camera's height above their ground."""
        first = sample_person(rng, self.body, self.measures, self.poses, camera)
        drop = place_first(rng, first, camera)
        people = [first]
        for _ in range(rng.choice(len(PEOPLE_SHARES), p=PEOPLE_SHARES)):
            other = sample_person(rng, self.body, self.measures, self.poses, camera)
            if place_beside(rng, other, people, camera, drop):
                people.append(other)
        return people, drop


def render_people(
    people: list[Person], camera: Camera, lighting: Lighting, picture: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """Draw people over a picture.

    Args:
        people: Who to draw.
        camera: The camera.
        lighting: The lights.
        picture: (h, w, 3) float32 sRGB, not changed.

    Returns:
        The picture with the people, and the index of the person (h, w) that each
        pixel shows, -1 for none.
    """
    surfaces = [p.surface for p in people]
    scene = PeopleScene(surfaces, [p.faces for p in people])
    mask = np.zeros(picture.shape[:2], dtype=bool)
    for surface in surfaces:
        mask |= splat(camera, surface)[0]
    hits = scene.cast(camera, mask)
    owner = np.full(picture.shape[:2], -1, dtype=np.int8)
    owner[hits.rows, hits.columns] = hits.person
    colours = _shade_hits(people, scene, hits, camera, lighting, picture.shape[:2])
    return composite(picture, hits, colours), owner


def _shade_hits(
    people: list[Person],
    scene: PeopleScene,
    hits: Hits,
    camera: Camera,
    lighting: Lighting,
    shape: tuple[int, int],
) -> np.ndarray:
    """(N, 3) sRGB of the hits."""
    normals_all = np.concatenate([p.posed.normals for p in people]).astype(np.float32)
    coordinates_all = np.concatenate([p.coordinates for p in people])
    coordinates_all = coordinates_all.astype(np.float32)
    shares = hits.shares[:, :, None]
    normals = (normals_all[hits.corners] * shares).sum(axis=1)
    normals /= np.maximum(np.linalg.norm(normals, axis=1, keepdims=True), 1e-9)
    coordinates = (coordinates_all[hits.corners] * shares).sum(axis=1)
    pixels = np.stack([hits.columns, hits.rows], axis=-1).astype(np.float64)
    rays = camera.ray(pixels).astype(np.float32)
    points = rays * hits.depth[:, None]
    view = rays / np.linalg.norm(rays, axis=1, keepdims=True)
    occlusion = _sky_share(hits, shape, camera)
    key = lighting.lights[0]
    shadow = np.zeros(len(points), dtype=bool)
    if key.casts_shadow:
        facing = np.where((normals * view).sum(axis=1, keepdims=True) > 0, -1, 1)
        lit = np.flatnonzero((normals * facing) @ key.direction > 0)
        shadow[lit] = scene.shaded(points[lit], (normals * facing)[lit], key.direction)
    colours = np.empty((len(points), 3), dtype=np.float32)
    for index, person in enumerate(people):
        own = hits.person == index
        surface = paint(person.outfit, coordinates[own])
        colours[own] = shade(
            surface, normals[own], view[own], lighting, shadow[own], occlusion[own]
        )
    return colours


def _sky_share(hits: Hits, shape: tuple[int, int], camera: Camera) -> np.ndarray:
    """Share (N,) of the sky that points see, from how deep they lie in the picture."""
    depth = np.zeros(shape, dtype=np.float32)
    weight = np.zeros(shape, dtype=np.float32)
    depth[hits.rows, hits.columns] = hits.depth
    weight[hits.rows, hits.columns] = 1
    sigma = max(0.06 * camera.focal / float(hits.depth.mean()), 1.0)
    size = (int(2 * sigma) | 1, int(2 * sigma) | 1)
    mean = cv2.blur(depth, size) / np.maximum(cv2.blur(weight, size), 1e-6)
    behind = hits.depth - mean[hits.rows, hits.columns]
    return 1 - 0.6 * np.clip(behind / OCCLUSION_RANGE, 0, 1)


def cast_ground_shadow(
    rng: np.random.Generator,
    picture: np.ndarray,
    people: list[Person],
    camera: Camera,
    lighting: Lighting,
    drop: float,
) -> np.ndarray:
    """The picture with soft shadows on the ground: of the sky and the first light."""
    up = camera.up
    casts = [(up, rng.uniform(0.15, 0.4), 3.0)]
    key = lighting.lights[0]
    if key.casts_shadow and key.direction @ up > 0.2:
        casts.append((key.direction, rng.uniform(0.15, 0.5), rng.uniform(0.6, 2.0)))
    surfaces = [person.surface for person in people]
    return shade_ground(picture, surfaces, casts, camera, drop)


def add_occluders(
    rng: np.random.Generator,
    picture: np.ndarray,
    owner: np.ndarray,
    people: list[Person],
    camera: Camera,
) -> tuple[np.ndarray, np.ndarray]:
    """Textured shapes in front of people; `owner` becomes -1 where they cover it."""
    picture, owner = picture.copy(), owner.copy()
    for _ in range(rng.integers(1, 4)):
        pixels = camera.project(people[rng.integers(len(people))].joints)
        size = np.ptp(pixels, axis=0).max()
        centre = pixels[rng.integers(len(pixels))] + rng.normal(0, 0.12 * size, 2)
        polygon = random_polygon(rng, centre, rng.uniform(0.1, 0.35) * size)
        if rng.random() < 0.3:  # something that stands in front, such as a table
            low, high = polygon.min(axis=0), polygon.max(axis=0)
            bottom = max(camera.height, int(high[1]))
            polygon = np.array(
                [
                    [low[0], low[1]],
                    [high[0], low[1]],
                    [high[0], bottom],
                    [low[0], bottom],
                ]
            )
        cover = np.zeros(owner.shape, dtype=np.uint8)
        cv2.fillPoly(cover, [polygon.astype(np.int32)], 1)
        rows, columns = np.nonzero(cover)
        if not len(rows):
            continue
        points = np.stack([columns, rows, 0 * rows], axis=-1) / size
        fall = 1 + rng.uniform(-0.6, 0.6) * (points[:, 1] - points[:, 1].mean())
        colour = random_pattern(rng, 0.4)(points) * fall[:, None]
        picture[rows, columns] = colour * rng.uniform(0.6, 1.1)
        owner[rows, columns] = -1
    return picture, owner
