"""Flat pictures of trees, signs, cars, fences: put behind or before the people."""

from typing import NamedTuple

import cv2
import numpy as np
from synthetic.camera import Camera

from .bank import bank, make_cloth
from .colours import cloth_colour, hsv, palette, thing_colour
from .light import GAMMA, Light

SIDE = 128  # pixels of a sprite


class Sprite(NamedTuple):
    """A flat thing standing upright."""

    picture: np.ndarray  # (h, w, 4) float32 sRGB and cover
    width: float  # metres
    height: float


def _grid(width: float, height: float) -> np.ndarray:
    x = np.linspace(0, width, SIDE, dtype=np.float32)
    y = np.linspace(0, height, SIDE, dtype=np.float32)
    return np.stack(np.meshgrid(x, y), axis=-1).reshape(-1, 2)


def _painted(rng, kind: str, colours, width: float, height: float, size: float):
    """(SIDE, SIDE, 4) of a tile in three colours, covering all."""
    cloth = make_cloth(rng, kind, colours, size)
    colour = cloth(_grid(width, height), height / SIDE).reshape(SIDE, SIDE, 3)
    cover = np.ones((SIDE, SIDE, 1), dtype=np.float32)
    return np.concatenate([colour.astype(np.float32), cover], axis=-1)


def plant(rng: np.random.Generator) -> Sprite:
    """A tree with a trunk, or a bush."""
    bush = rng.random() < 0.4
    height = rng.uniform(0.4, 2.0) if bush else rng.uniform(2.5, 9)
    width = height * rng.uniform(0.5, 1.3)
    green = hsv(rng.uniform(0.1, 0.36), rng.uniform(0.1, 0.6), rng.uniform(0.2, 0.75))
    picture = _painted(rng, 'foliage', palette(rng, green, 0.1), width, height, 2.0)
    y, x = np.mgrid[:SIDE, :SIDE] / SIDE
    top = 0.5 if bush else rng.uniform(0.3, 0.45)
    envelope = 1 - np.hypot((x - 0.5) / 0.5, (y - top) / max(top, 0.55 * bush))
    ragged = bank()['blotches'][rng.integers(10)][1][..., 0]
    ragged = cv2.resize(ragged, (SIDE, SIDE)) - 0.5
    leaves = bank()['foliage'][rng.integers(8)][1][..., 2]
    leaves = cv2.resize(leaves, (SIDE, SIDE)) - 0.6
    cover = (envelope + 0.5 * ragged + 0.35 * leaves > 0.12).astype(np.float32)
    if not bush:
        trunk = np.abs(x - 0.5 - 0.04 * np.sin(6 * y)) < rng.uniform(0.02, 0.05)
        trunk &= (y > top) & (cover == 0)
        picture[trunk, :3] = hsv(0.07, 0.4, rng.uniform(0.15, 0.45))
        cover[trunk] = 1
    picture[..., 3] = cover
    return Sprite(picture, width, height)


def panel(rng: np.random.Generator) -> Sprite:
    """A sign, a picture, a door, a shelf, a window, a wall."""
    kinds = ('letters', 'shelves', 'windows', 'wood', 'bricks', 'clutter', 'stripes')
    kind = kinds[rng.integers(len(kinds))]
    width, height = np.exp(rng.uniform(np.log(0.4), np.log(3.0), 2))
    spread = 1.0 if kind in ('letters', 'shelves', 'clutter') else 0.3
    colours = palette(rng, thing_colour(rng), spread)
    size = max(width, height) * rng.uniform(0.7, 1.5)
    picture = _painted(rng, kind, colours, width, height, size)
    if rng.random() < 0.6:
        edge = int(rng.integers(1, 7))
        frame = thing_colour(rng)
        for part in (np.s_[:edge], np.s_[-edge:], np.s_[:, :edge], np.s_[:, -edge:]):
            picture[part][..., :3] = frame
    return Sprite(picture, width, height)


def post(rng: np.random.Generator) -> Sprite:
    """A post, a lamp, a trunk, the edge of a door."""
    width, height = rng.uniform(0.04, 0.3), rng.uniform(0.8, 6)
    colours = palette(rng, thing_colour(rng), 0.3)
    kind = rng.choice(['plaster', 'wood', 'stripes'])
    picture = _painted(rng, str(kind), colours, width, height, 0.5)
    bright = 1 - np.abs(np.linspace(-1, 1, SIDE)) ** 2 * 0.6
    picture[..., :3] *= bright[None, :, None].astype(np.float32)
    return Sprite(picture, width, height)


def fence(rng: np.random.Generator) -> Sprite:
    """A fence, a railing, a net, a grid."""
    width, height = rng.uniform(2, 8), rng.uniform(0.7, 2.5)
    picture = _painted(
        rng, 'wood', palette(rng, thing_colour(rng), 0.2), width, height, 2
    )
    cover = np.zeros((SIDE, SIDE), dtype=np.uint8)
    step, thick = int(rng.integers(5, 20)), int(rng.integers(1, 4))
    slanted = rng.random() < 0.4
    for at in range(-SIDE, 2 * SIDE, step):
        if slanted:
            cv2.line(cover, (at, 0), (at + SIDE, SIDE), 1, thick)
            cv2.line(cover, (at, 0), (at - SIDE, SIDE), 1, thick)
        else:
            cv2.line(cover, (at, 0), (at, SIDE), 1, thick)
    for y in rng.integers(2, SIDE - 2, 2):
        cv2.line(cover, (0, int(y)), (SIDE, int(y)), 1, thick + 1)
    picture[..., 3] = cover
    return Sprite(picture, width, height)


def car(rng: np.random.Generator) -> Sprite:
    """A car, a van or a cart from the side."""
    width, height = rng.uniform(3.0, 5.5), rng.uniform(1.3, 2.3)
    colour = cloth_colour(rng)
    picture = np.zeros((SIDE, SIDE, 4), dtype=np.float32)
    body = np.array([[2, 104], [2, 62], [22, 56], [40, 14], [96, 14], [110, 58],
                     [126, 66], [126, 104]])  # fmt: skip
    body = body + rng.integers(-4, 5, body.shape)
    cv2.fillPoly(picture, [body.astype(np.int32)], (*colour.tolist(), 1.0))
    glass = np.array([[34, 54], [46, 22], [90, 22], [102, 54]])
    shade = hsv(0.58, 0.2, rng.uniform(0.1, 0.5)).tolist()
    cv2.fillPoly(picture, [glass.astype(np.int32)], (*shade, 1.0))
    cv2.line(picture, (66, 22), (66, 100), (*(0.6 * colour).tolist(), 1.0), 2)
    for x in (30, 100):
        cv2.ellipse(picture, (x, 106), (11, 20), 0, 0, 360, (0.06, 0.06, 0.06, 1.0), -1)
        cv2.ellipse(picture, (x, 106), (6, 11), 0, 0, 360, (0.5, 0.5, 0.5, 1.0), -1)
    light = (1.15 - 0.5 * np.linspace(0, 1, SIDE) ** 2)[:, None, None]
    picture[..., :3] *= light.astype(np.float32)
    return Sprite(picture, width, height)


OUTSIDE = {plant: 0.38, panel: 0.14, post: 0.18, fence: 0.14, car: 0.16}
INSIDE = {panel: 0.65, post: 0.15, plant: 0.12, fence: 0.08}


def draw_sprite(rng: np.random.Generator, outdoors: bool) -> Sprite:
    """A random thing that fits outdoors or indoors."""
    shares = OUTSIDE if outdoors else INSIDE
    draw = list(shares)[rng.choice(len(shares), p=list(shares.values()))]
    return draw(rng)


def paste(picture: np.ndarray, sprite: np.ndarray, corners: np.ndarray) -> np.ndarray:
    """Put a sprite on a picture, in place.

    Args:
        picture: (h, w, 3) float32.
        sprite: (a, b, 4) float32, the last the cover.
        corners: (4, 2) pixels of its top left, top right, bottom right, bottom left.

    Returns:
        How much of each pixel (h, w) it covers.
    """
    height, width = picture.shape[:2]
    cover = np.zeros((height, width), dtype=np.float32)
    low = np.maximum(np.floor(corners.min(axis=0)).astype(int), 0)
    high = np.minimum(np.ceil(corners.max(axis=0)).astype(int) + 1, [width, height])
    if (high <= low).any() or np.abs(corners).max() > 8000:
        return cover
    a, b = sprite.shape[:2]
    shrink = max(np.ptp(corners[:, 1]), 1) / a
    if shrink < 0.6:  # so that far things do not flicker
        size = (max(int(b * shrink * 1.3), 2), max(int(a * shrink * 1.3), 2))
        sprite = cv2.resize(sprite, size, interpolation=cv2.INTER_AREA)
        a, b = sprite.shape[:2]
    source = np.float32([[0, 0], [b - 1, 0], [b - 1, a - 1], [0, a - 1]])
    matrix = cv2.getPerspectiveTransform(source, np.float32(corners - low))
    size = tuple(int(v) for v in high - low)
    premultiplied = sprite.copy()
    premultiplied[..., :3] *= sprite[..., 3:]
    placed = cv2.warpPerspective(premultiplied, matrix, size)
    window = np.s_[low[1] : high[1], low[0] : high[0]]
    picture[window] = placed[..., :3] + (1 - placed[..., 3:]) * picture[window]
    cover[window] = placed[..., 3]
    return cover


def upright_corners(
    camera: Camera, foot: np.ndarray, width: float, height: float
) -> np.ndarray | None:
    """Pixels (4, 2) of an upright rectangle on a point (3,) of the camera frame.

    None where it reaches behind the camera.
    """
    across = np.cross(camera.up, foot)
    across /= max(np.linalg.norm(across), 1e-9)
    across *= np.sign(across[0]) or 1.0
    top = foot + height * camera.up
    half = 0.5 * width * across
    points = np.stack([top - half, top + half, foot + half, foot - half])
    if points[:, 2].min() < 0.15:
        return None
    return camera.project(points)


def lit(picture: np.ndarray, light: Light, strength: float) -> np.ndarray:
    """A sprite (h, w, 4) under the light of the scene."""
    front = np.array([0.0, 0.0, -1.0])
    amount = strength * (0.5 * light.on(front) + 0.5 * light.on(light.up))
    out = picture.copy()
    colour = np.clip(picture[..., :3], 0, 1) ** np.float32(GAMMA)
    out[..., :3] = (colour * amount.astype(np.float32)) ** np.float32(1 / GAMMA)
    return out
