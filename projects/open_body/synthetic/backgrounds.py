"""Backgrounds: procedural rooms, landscapes and patterns, or crops of photographs."""

from pathlib import Path

import cv2
import numpy as np

from .camera import Camera
from .photos import random_crop
from .textures import LatticeNoise, hsv_to_rgb, random_colour, random_pattern

PHOTO_SHARE = 0.8  # where photographs are given
COARSE = 2  # planes and skies are painted at this many pixels a cell
HORIZON_LIMIT = 60.0  # metres; the ground fades into haze beyond


def paint_background(
    rng: np.random.Generator,
    camera: Camera,
    drop: float,
    distance: float,
    photos: list[Path],
) -> np.ndarray:
    """Paint what is behind the people.

    Args:
        rng: Source of randomness.
        camera: The camera.
        drop: Height of the camera above the ground, metres; may be negative.
        distance: Depth of the people, metres.
        photos: Photographs to take crops of; may be empty. Where one cannot be read,
            a painted background takes its place.

    Returns:
        (h, w, 3) float32 sRGB.
    """
    if photos and rng.random() < PHOTO_SHARE:
        photo = random_crop(rng, camera, photos)
        if photo is not None:
            return photo
    kind = rng.choice(4, p=[0.38, 0.3, 0.14, 0.18])
    if kind == 0:
        picture = _room(rng, camera, drop, distance)
    elif kind == 1:
        picture = _landscape(rng, camera, drop, distance)
    else:
        picture = _noise_field(rng, camera) if kind == 2 else _gradient(rng, camera)
        picture = clutter(rng, picture, rng.integers(0, 40))
    # Most places are duller than their paints.
    colourful = np.float32(rng.uniform(0.35, 1.0))
    grey = picture.mean(axis=2, keepdims=True)
    return grey + colourful * (picture - grey)


def _rays(camera: Camera) -> tuple[np.ndarray, tuple[int, int]]:
    """Directions (N, 3) in the levelled world on a coarse grid, and its shape."""
    columns = np.arange(0, camera.width, COARSE) + 0.5
    rows = np.arange(0, camera.height, COARSE) + 0.5
    grid = np.stack(np.meshgrid(columns, rows), axis=-1)
    world = camera.ray(grid.reshape(-1, 2)) @ camera.rotation
    return world.astype(np.float32), (len(rows), len(columns))


def _enlarge(flat: np.ndarray, shape: tuple[int, int], camera: Camera) -> np.ndarray:
    picture = np.clip(flat, 0, 1).astype(np.float32).reshape(*shape, 3)
    size = (camera.width, camera.height)
    return cv2.resize(picture, size, interpolation=cv2.INTER_LINEAR)


def _ground_hits(rays: np.ndarray, drop: float) -> np.ndarray:
    """Distance factors (N,) at which rays meet the ground, inf where they do not."""
    down = -rays[:, 1]
    with np.errstate(divide='ignore', invalid='ignore'):
        factor = drop / down
    return np.where((factor > 0) & np.isfinite(factor), factor, np.inf)


def _room(
    rng: np.random.Generator, camera: Camera, drop: float, distance: float
) -> np.ndarray:
    rays, shape = _rays(camera)
    turn = rng.uniform(-0.8, 0.8)
    turned = np.column_stack(
        [
            np.cos(turn) * rays[:, 0] + np.sin(turn) * rays[:, 2],
            rays[:, 1],
            -np.sin(turn) * rays[:, 0] + np.cos(turn) * rays[:, 2],
        ]
    )
    # The levelled camera looks along -z; walls behind and at the sides, and a ceiling.
    depth = distance * rng.uniform(1.25, 2.2) + 0.6
    half = rng.uniform(1.5, 6.0) + 0.3 * distance
    ceiling = max(rng.uniform(2.3, 3.6) - drop, 0.4)
    with np.errstate(divide='ignore', invalid='ignore'):
        hits = np.stack(
            [
                _ground_hits(turned, drop),
                -depth / turned[:, 2],
                half / turned[:, 0],
                -half / turned[:, 0],
                ceiling / turned[:, 1],
            ]
        )
    hits[~(hits > 0)] = np.inf
    surface = hits.argmin(axis=0)
    nearest = np.minimum(hits.min(axis=0), 100.0)
    points = turned * nearest[:, None]
    flat = np.zeros((len(rays), 3))
    wall = random_pattern(rng, 0.6)
    scale = rng.uniform(0.1, 0.6)
    patterns = (random_pattern(rng, 0.45), wall, wall, wall, random_pattern(rng, 0.9))
    swaps = ([0, 2, 1], [0, 1, 2], [2, 1, 0], [2, 1, 0], [0, 2, 1])
    for index, (pattern, swap) in enumerate(zip(patterns, swaps, strict=True)):
        mask = surface == index
        colour = pattern(points[mask][:, swap] * scale)
        flat[mask] = colour * (1.0, 0.95, 0.82, 0.88, 1.05)[index]
    stain = LatticeNoise(rng)(points, rng.uniform(0.3, 2.0))[:, :1]
    fall = rng.uniform(0.0, 0.5) * np.linalg.norm(points, axis=1) / (depth + half)
    flat = flat * (1 + 0.12 * stain) * (1.1 - fall[:, None])
    picture = _enlarge(flat, shape, camera)
    for _ in range(rng.integers(0, 7)):
        _furniture(rng, picture, camera, drop, distance, depth)
    return picture


def _furniture(
    rng: np.random.Generator,
    picture: np.ndarray,
    camera: Camera,
    drop: float,
    distance: float,
    depth: float,
) -> None:
    """Draw a box that stands on the ground, or hangs on high, behind the people."""
    size = rng.uniform([0.3, 0.3, 0.3], [1.8, 2.0, 0.9])
    away = rng.uniform(distance + 0.7, max(depth, distance + 1.0))
    across = rng.uniform(-0.7, 0.7) * camera.width / camera.focal * away
    base = -drop if rng.random() < 0.75 else -drop + rng.uniform(0.8, 2.0)
    yaw = rng.uniform(0, np.pi)
    corners = np.array([[x, y, z] for x in (-1, 1) for y in (0, 2) for z in (-1, 1)])
    corners = corners * size / 2
    turn = np.array(
        [[np.cos(yaw), 0, np.sin(yaw)], [0, 1, 0], [-np.sin(yaw), 0, np.cos(yaw)]]
    )
    world = corners @ turn.T + [across, base, -away]
    points = world @ camera.rotation.T
    if points[:, 2].min() < 0.2:
        return
    pixels = camera.project(points)
    colour = random_colour(rng)
    sides = ((0, 1, 3, 2), (4, 5, 7, 6), (0, 1, 5, 4), (2, 3, 7, 6), (0, 2, 6, 4),
             (1, 3, 7, 5))  # fmt: skip
    order = sorted(sides, key=lambda side: -points[list(side), 2].mean())
    for side in order[3:]:
        polygon = np.rint(pixels[list(side)]).astype(np.int32)
        tone = np.clip(colour * rng.uniform(0.6, 1.1), 0, 1)
        cv2.fillConvexPoly(picture, polygon, tone.tolist(), cv2.LINE_AA)
        if rng.random() < 0.4:
            edge = np.clip(tone * rng.uniform(0.3, 1.3), 0, 1).tolist()
            cv2.polylines(picture, [polygon], True, edge, 1, cv2.LINE_AA)


def _landscape(
    rng: np.random.Generator, camera: Camera, drop: float, distance: float
) -> np.ndarray:
    rays, shape = _rays(camera)
    rays = rays / np.linalg.norm(rays, axis=1, keepdims=True)
    noise = LatticeNoise(rng)
    zenith = hsv_to_rgb(rng.uniform(0.52, 0.66), rng.uniform(0.05, 0.6), 0.9)
    haze = np.clip(rng.uniform(0.6, 0.95) + rng.normal(0, 0.04, 3), 0, 1)
    high = np.clip(rays[:, 1:2] * 2.5, 0, 1)
    sky = haze * (1 - high) + zenith * high
    cloud = noise(rays * [1, 2.5, 1], 0.2) + 0.5 * noise(rays * [1, 2.5, 1], 0.07)
    cloud = np.clip(cloud[:, :1] * rng.uniform(0.5, 2) + rng.uniform(-0.7, 0.2), 0, 1)
    sky += cloud * (0.95 - sky)
    # A ragged skyline of trees or houses in front of the sky.
    bearing = np.arctan2(rays[:, 0], -rays[:, 2])
    around = np.column_stack([np.sin(bearing), np.cos(bearing), 0 * bearing])
    if rng.random() < 0.4:
        around = np.round(around / 0.05) * 0.05
    skyline = rng.uniform(0.0, 0.15) + 0.12 * noise(around, 0.13)[:, 0]
    green = hsv_to_rgb(rng.uniform(0.18, 0.42), rng.uniform(0.1, 0.6), 0.5)
    far = green if rng.random() < 0.6 else random_colour(rng)
    leaves = noise(rays, 0.025)[:, 1:2] + 0.7 * noise(rays, 0.011)[:, 2:]
    far = far * (0.8 + 0.3 * leaves) * rng.uniform(0.5, 1.2)
    flat = np.where((rays[:, 1] < skyline)[:, None], far, sky)

    factor = _ground_hits(rays, drop)
    mask = np.isfinite(factor)
    reach = np.minimum(factor[mask], HORIZON_LIMIT)
    points = rays[mask] * reach[:, None]
    kind = rng.random()
    ground = random_pattern(rng, 0.4)
    if kind < 0.6:
        earth = hsv_to_rgb(rng.uniform(0.06, 0.35), rng.uniform(0.05, 0.55), 0.55)
        colour = np.tile(earth, (len(points), 1))
    else:
        colour = ground(points[:, [0, 2, 1]] * rng.uniform(0.05, 0.4))
    rough = noise(points, 0.9)[:, :1] + 0.7 * noise(points, 0.17)[:, 1:2]
    rough += 0.7 * noise(points, 0.04)[:, 2:] * np.exp(-reach / 6)[:, None]
    colour = colour * (1 + rng.uniform(0.05, 0.25) * rough)
    fade = 1 - np.exp(-reach / HORIZON_LIMIT)[:, None]
    flat[mask] = colour * (1 - fade) + haze * fade * 0.9
    picture = _enlarge(flat, shape, camera)
    for _ in range(rng.integers(0, 5)):
        _furniture(rng, picture, camera, drop, distance, 4 * distance)
    return picture


def _noise_field(rng: np.random.Generator, camera: Camera) -> np.ndarray:
    """Colour noise of several octaves, as blurred or textured surfaces have it."""
    size = (camera.width, camera.height)
    picture = np.zeros((camera.height, camera.width, 3), dtype=np.float32)
    roughness, cells, strength = rng.uniform(0.4, 0.8), 3, 0.5
    while cells < 160:
        grid = rng.normal(0, 1, (cells, cells, 3)).astype(np.float32)
        grey = grid.mean(axis=-1, keepdims=True)
        grid = grey + rng.uniform(0.2, 0.9) * (grid - grey)
        picture += strength * cv2.resize(grid, size, interpolation=cv2.INTER_CUBIC)
        cells, strength = cells * 2, strength * roughness
    picture = picture * rng.uniform(0.1, 0.35) + random_colour(rng).astype(np.float32)
    return np.clip(picture, 0, 1)


def _gradient(rng: np.random.Generator, camera: Camera) -> np.ndarray:
    corners = np.stack([random_colour(rng) for _ in range(4)]).reshape(2, 2, 3)
    corners += rng.uniform(0.2, 1) * (corners.mean(axis=(0, 1)) - corners)
    size = (camera.width, camera.height)
    return cv2.resize(corners.astype(np.float32), size, interpolation=cv2.INTER_LINEAR)


def random_polygon(
    rng: np.random.Generator, centre: np.ndarray, radius: float
) -> np.ndarray:
    """Pixels (K, 2) int32 of a box, an ellipse or a star-shaped polygon."""
    kind = rng.choice(3, p=[0.45, 0.25, 0.3])
    stretch = rng.uniform(0.3, 1.0, 2) * radius
    if kind == 0:
        points = np.array([[-1.0, -1], [1, -1], [1, 1], [-1, 1]])
    else:
        count = 24 if kind == 1 else rng.integers(3, 9)
        angle = np.sort(rng.uniform(0, 2 * np.pi, count))
        if kind == 1:
            angle = np.linspace(0, 2 * np.pi, count, endpoint=False)
        points = np.column_stack([np.cos(angle), np.sin(angle)])
        if kind == 2:
            points *= rng.uniform(0.4, 1.0, (count, 1))
    turn = rng.choice([0.0, rng.uniform(0, np.pi)])
    rotation = np.array([[np.cos(turn), -np.sin(turn)], [np.sin(turn), np.cos(turn)]])
    return np.rint((points * stretch) @ rotation.T + centre).astype(np.int32)


def clutter(rng: np.random.Generator, picture: np.ndarray, count: int) -> np.ndarray:
    """The picture (h, w, 3) with random shapes and lines drawn on it."""
    picture = picture.copy()
    height, width = picture.shape[:2]
    for _ in range(count):
        centre = rng.uniform(0, 1, 2) * [width, height]
        colour = random_colour(rng).tolist()
        if rng.random() < 0.25:
            end = centre + rng.normal(0, 0.4, 2) * [width, height]
            ends = [tuple(int(v) for v in point) for point in (centre, end)]
            cv2.line(picture, *ends, colour, int(rng.integers(1, 12)), cv2.LINE_AA)
        else:
            radius = rng.uniform(0.02, 0.25) * width
            polygon = random_polygon(rng, centre, radius)
            cv2.fillPoly(picture, [polygon], colour, cv2.LINE_AA)
    if rng.random() < 0.5:
        picture = cv2.GaussianBlur(picture, (0, 0), rng.uniform(0.5, 4.0))
    return picture
