"""Places: rooms, streets, fields and walls behind people, painted plane by plane."""

from typing import NamedTuple

import cv2
import numpy as np
from synthetic.camera import Camera

from .bank import Cloth, bank, make_cloth, sample_plane
from .colours import hsv, palette, thing_colour
from .light import GAMMA, Light

FAR = 80.0  # metres


class Plane(NamedTuple):
    """A surface of the levelled world, whose origin is the camera."""

    normal: np.ndarray  # (3,) towards the camera
    distance: float  # metres from the camera
    top: float  # its points lie lower than this, metres
    cloth: Cloth


def _draw_cloth(
    rng: np.random.Generator,
    kinds: dict[str, float],
    low: float,
    high: float,
    first: np.ndarray | None = None,
) -> Cloth:
    """A surface of one of several kinds, a tile of it `low` to `high` metres large."""
    names = list(kinds)
    shares = np.array(list(kinds.values()))
    kind = names[rng.choice(len(names), p=shares / shares.sum())]
    spread = {'shelves': 1.0, 'letters': 1.0, 'clutter': 0.7, 'spectators': 0.8}
    first = thing_colour(rng) if first is None else first
    colours = palette(rng, first, spread.get(kind, rng.uniform(0, 0.3)))
    if kind in ('windows',):
        colours[2] = hsv(rng.uniform(0.5, 0.65), rng.uniform(0, 0.4), 0.4)
    if kind in ('foliage', 'grass') and rng.random() < 0.8:
        green = hsv(
            rng.uniform(0.13, 0.33), rng.uniform(0.15, 0.6), rng.uniform(0.3, 0.75)
        )
        colours = palette(rng, green, 0.1)
    size = np.exp(rng.uniform(np.log(low), np.log(high)))
    return make_cloth(rng, kind, colours, size)


def _earth(rng: np.random.Generator) -> np.ndarray:
    """A colour of the ground: grey, brown, more seldom green."""
    kind = rng.choice(3, p=[0.5, 0.35, 0.15])
    hue, most = ((0.1, 0.12), (0.09, 0.45), (0.24, 0.5))[kind]
    return hsv(hue + rng.normal(0, 0.02), rng.uniform(0, most), rng.uniform(0.2, 0.85))


def ground_cloth(rng: np.random.Generator, outdoors: bool) -> Cloth:
    """What people stand on."""
    if not outdoors:
        kinds = {'wood': 0.35, 'bricks': 0.25, 'grass': 0.12, 'plaster': 0.2}
        return _draw_cloth(rng, {**kinds, 'plaid': 0.04, 'blotches': 0.04}, 0.5, 3.0)
    kinds = {'grass': 0.4, 'plaster': 0.28, 'bricks': 0.15, 'stones': 0.07}
    cloth = _draw_cloth(rng, {**kinds, 'blotches': 0.1}, 1.0, 5.0, _earth(rng))
    kind = rng.random()
    if kind < 0.18:  # snow, sand
        pale = hsv(*((0.6, 0.04, 0.95) if rng.random() < 0.6 else (0.1, 0.3, 0.8)))
        tiles = rng.choice(['plaster', 'blotches'])
        shades = pale * rng.uniform(0.88, 1.0, (3, 1))
        cloth = make_cloth(rng, str(tiles), shades, 3.0, relief=rng.uniform(0.2, 0.6))
    return cloth


def wall_cloth(rng: np.random.Generator, outdoors: bool) -> Cloth:
    """What stands behind people."""
    if outdoors:
        kinds = {'windows': 0.3, 'bricks': 0.25, 'foliage': 0.22, 'plaster': 0.1}
        kinds |= {'letters': 0.06, 'spectators': 0.07}
        return _draw_cloth(rng, kinds, 2.0, 9.0)
    kinds = {'plaster': 0.45, 'shelves': 0.15, 'bricks': 0.14, 'wood': 0.1}
    kinds |= {'letters': 0.05, 'stripes': 0.04, 'scattered': 0.04, 'clutter': 0.03}
    return _draw_cloth(rng, kinds, 0.8, 4.0)


def _wall(angle: float, distance: float, top: float, cloth: Cloth) -> Plane:
    """A wall whose normal is turned by an angle from facing the camera."""
    normal = np.array([np.sin(angle), 0.0, np.cos(angle)])
    return Plane(normal, distance, top, cloth)


def sample_planes(
    rng: np.random.Generator, light: Light, drop: float, depth: float
) -> list[Plane]:
    """The ground and the walls of a place.

    Args:
        rng: Source of randomness.
        light: The light; it tells rooms from the open air.
        drop: Height of the camera above the ground, metres.
        depth: How far away the people are, metres.
    """
    up = np.array([0.0, 1.0, 0.0])
    planes = [Plane(up, drop, np.inf, ground_cloth(rng, light.outdoors))]
    turn = rng.normal(0, 0.5)
    if light.outdoors:
        for _ in range(rng.choice(3, p=[0.35, 0.45, 0.2])):
            away = depth + np.exp(rng.uniform(np.log(0.8), np.log(25)))
            top = np.exp(rng.uniform(np.log(0.8), np.log(15))) - drop
            angle = turn + rng.choice([0.0, 0.0, 1.2, -1.2])
            planes.append(_wall(angle, away, top, wall_cloth(rng, True)))
        return planes
    away = depth + np.exp(rng.uniform(np.log(0.4), np.log(6)))
    half, ceiling = rng.uniform(1.2, 6) + 0.3 * depth, rng.uniform(2.3, 4.5) - drop
    wall = wall_cloth(rng, False)
    planes.append(_wall(turn, away, np.inf, wall_cloth(rng, False)))
    for side in (-1, 1):
        planes.append(_wall(turn + side * np.pi / 2, half, np.inf, wall))
    roof = _draw_cloth(rng, {'plaster': 0.8, 'bricks': 0.2}, 1.0, 3.0)
    planes.append(Plane(-up, max(ceiling, 0.4), np.inf, roof))
    return planes


def paint_place(
    rng: np.random.Generator, camera: Camera, light: Light, planes: list[Plane]
) -> np.ndarray:
    """The place as the camera sees it, (h, w, 3) float32 sRGB."""
    columns, rows = np.meshgrid(np.arange(camera.width), np.arange(camera.height))
    pixels = np.stack([columns.ravel(), rows.ravel()], axis=-1)
    rays = (camera.ray(pixels.astype(np.float32)) @ camera.rotation).astype(np.float32)
    rays /= np.linalg.norm(rays, axis=1, keepdims=True)
    nearest = np.full(len(rays), np.inf, dtype=np.float32)
    seen = np.full(len(rays), -1, dtype=np.int8)
    for number, plane in enumerate(planes):
        towards = -(rays @ plane.normal.astype(np.float32))
        with np.errstate(divide='ignore', invalid='ignore'):
            reach = np.float32(plane.distance) / towards
        good = (towards > 1e-4) & (reach > 0) & (reach < nearest) & (reach < 400)
        if np.isfinite(plane.top):
            good &= reach * rays[:, 1] < plane.top
        nearest[good], seen[good] = reach[good], number
    flat = np.empty((len(rays), 3), dtype=np.float32)
    sky = seen < 0
    haze = np.clip(rng.uniform(0.6, 0.95) + rng.normal(0, 0.03, 3), 0, 1)
    flat[sky] = _sky(rng, rays[sky], light, haze)
    fade = rng.uniform(0.0, 1.0) if light.outdoors else 0.0
    for number, plane in enumerate(planes):
        index = np.flatnonzero(seen == number)
        if not len(index):
            continue
        reach = nearest[index]
        points = rays[index] * reach[:, None]
        tangent = np.cross([0, 1.0, 0], plane.normal)
        upright = np.abs(plane.normal[1]) < 0.5
        u = points @ tangent if upright else points[:, 0]
        v = -points[:, 1] if upright else points[:, 2]
        slant = np.abs(rays[index] @ plane.normal.astype(np.float32))
        footprint = reach / camera.focal / np.maximum(slant, 0.03) ** 0.8
        colour = plane.cloth(np.column_stack([u, v]), footprint)
        normal = camera.rotation @ plane.normal
        amount = light.on(normal) * _falloff(rng, points, light)[:, None]
        colour = (np.clip(colour, 0, 1) ** GAMMA * amount) ** (1 / GAMMA)
        far = (1 - np.exp(-fade * reach / FAR))[:, None]
        flat[index] = colour * (1 - far) + haze * far
    return flat.reshape(camera.height, camera.width, 3)


def _falloff(rng: np.random.Generator, points: np.ndarray, light: Light) -> np.ndarray:
    """Uneven light (N,): lamps, stains, and the shade of leaves and buildings."""
    tile = bank()['plaster'][rng.integers(12)][2][..., 2:]
    places = points[:, [0, 2]] + 0.7 * points[:, 1:2]
    noise = sample_plane(tile, places / rng.uniform(2, 12))[:, 0] - 1
    amount = 1 + rng.uniform(0.0, 0.6) * noise
    if light.outdoors and light.kind != 'cloudy' and rng.random() < 0.3:
        leaves = bank()['blotches'][rng.integers(10)][1][..., :1]
        dark = sample_plane(leaves, places / rng.uniform(3, 12))[:, 0]
        amount = amount * (1 - rng.uniform(0.3, 0.7) * dark)
    if not light.outdoors:
        reach = np.linalg.norm(points, axis=1)
        amount = amount * np.exp(-rng.uniform(0, 0.9) * reach / reach.max())
    if light.kind == 'flash':
        amount = amount * np.clip(rng.uniform(1, 3) / points.std(), 0.1, 1)
    return np.clip(amount, 0.05, 2.5).astype(np.float32)


def _sky(
    rng: np.random.Generator, rays: np.ndarray, light: Light, haze: np.ndarray
) -> np.ndarray:
    """(N, 3) sky with clouds, and a far line of trees, hills or houses."""
    if not light.outdoors:
        return np.tile(haze * 0.5, (len(rays), 1))
    blue = rng.uniform(0.2, 0.7) if light.kind != 'cloudy' else rng.uniform(0, 0.15)
    zenith = hsv(rng.uniform(0.54, 0.64), blue, rng.uniform(0.6, 0.95))
    high = np.clip(rays[:, 1:2] * 2, 0, 1)
    sky = haze * (1 - high) + zenith * high
    if light.kind == 'low_sun' and rng.random() < 0.6:
        sky = sky * (1 - (1 - high) * [0.0, 0.25, 0.5])
    above = np.maximum(rays[:, 1:2], 0.06)
    tile = bank()['blotches'][rng.integers(10)][1][..., :2]
    cloud = sample_plane(tile, rays[:, [0, 2]] / above / rng.uniform(3, 12))
    amount = rng.uniform(0, 0.9) * cloud.mean(axis=1, keepdims=True)
    sky = sky + amount * (rng.uniform(0.8, 1.0) - sky)
    bearing = np.arctan2(rays[:, 0], -rays[:, 2])
    outline = bank()['plaster'][rng.integers(12)][rng.integers(3)][..., 2:]
    around = np.column_stack([bearing * rng.uniform(0.3, 2), 0 * bearing])
    level = sample_plane(outline, around)[:, 0] - 1
    if rng.random() < 0.35:  # houses
        level = np.round(level * 12) / 12
    skyline = rng.uniform(-0.02, 0.16) + rng.uniform(0.05, 0.4) * level
    below = np.flatnonzero(rays[:, 1] < skyline)
    far = _draw_cloth(rng, {'foliage': 0.5, 'windows': 0.2, 'plaster': 0.3}, 0.1, 0.5)
    colour = far(np.column_stack([bearing, -rays[:, 1]])[below], 0.004)
    amount = light.on(light.up) * rng.uniform(0.3, 0.9)
    colour = (np.clip(colour, 0, 1) ** GAMMA * amount) ** (1 / GAMMA)
    share = rng.uniform(0.0, 0.7)
    sky[below] = colour * (1 - share) + haze * share
    return sky


def blurred(rng: np.random.Generator, picture: np.ndarray, share: float) -> np.ndarray:
    """The picture, out of focus in a share of the cases."""
    if rng.random() >= share:
        return picture
    return cv2.GaussianBlur(picture, (0, 0), np.exp(rng.uniform(*np.log([0.5, 6]))))
