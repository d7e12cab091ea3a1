"""Procedural colour: smooth lattice noise and cloth patterns, evaluated per point."""

from collections.abc import Callable
from functools import cache

import cv2
import numpy as np

Colour = np.ndarray  # (3,) sRGB in 0..1
Pattern = Callable[[np.ndarray], np.ndarray]  # (N, 3) metres -> (N, 3) sRGB

PLANE_AXES = ([0, 1], [1, 2], [2, 0])
PLANE_CELLS = 96
CELL_PIXELS = 5
PLANE_PIXELS = np.float32(PLANE_CELLS * CELL_PIXELS)
PLANE_WIDTH = 256
PLANE_GAIN = 0.75  # three planes add up to the spread of one
PLANE_SEED = 20


class LatticeNoise:
    """Smooth noise over space, values of about -1..1, three channels.

    The mean of three planar noises, one for each pair of axes: in this way OpenCV's
    resampling does the work. All instances read the same planes, each with its own
    shifts.

    Args:
        rng: Source of the shifts.
    """

    def __init__(self, rng: np.random.Generator) -> None:
        self.shifts = rng.uniform(0, 1, (3, 2)).astype(np.float32)

    def __call__(self, points: np.ndarray, wavelength: float) -> np.ndarray:
        """Noise (N, 3) float32 at points (N, 3); `wavelength` is one cell, metres."""
        count = len(points)
        if not count:
            return np.zeros((0, 3), dtype=np.float32)
        # OpenCV takes coordinates as a picture, of limited width and height.
        width = min(count, PLANE_WIDTH)
        padded = np.zeros((-(-count // width) * width, 3), dtype=np.float32)
        padded[:count] = points
        padded *= 1.0 / (wavelength * PLANE_CELLS)
        total = None
        for plane, shift, axes in zip(
            _noise_planes(), self.shifts, PLANE_AXES, strict=True
        ):
            x, y = (padded[:, axis] + s for axis, s in zip(axes, shift, strict=True))
            x, y = ((c - np.floor(c)).reshape(-1, width) * PLANE_PIXELS for c in (x, y))
            values = cv2.remap(plane, x, y, cv2.INTER_LINEAR)
            total = values if total is None else total + values
        return total.reshape(-1, 3)[:count]


@cache
def _noise_planes() -> tuple[np.ndarray, ...]:
    """Three planes (P, P, 3) float32 of smooth noise that tile seamlessly."""
    rng = np.random.default_rng(PLANE_SEED)
    planes = []
    for _ in PLANE_AXES:
        cells = rng.uniform(-1, 1, (PLANE_CELLS, PLANE_CELLS, 3)).astype(np.float32)
        # One more pixel and two more cells than needed, so that the edges match.
        cells = np.pad(cells, ((2, 2), (2, 2), (0, 0)), mode='wrap')
        side = cells.shape[0] * CELL_PIXELS
        plane = cv2.resize(cells, (side, side), interpolation=cv2.INTER_CUBIC)
        keep = slice(2 * CELL_PIXELS, (PLANE_CELLS + 2) * CELL_PIXELS + 1)
        planes.append(np.ascontiguousarray(plane[keep, keep]) * PLANE_GAIN)
    return tuple(planes)


def random_colour(rng: np.random.Generator) -> Colour:
    """A colour as clothes have them: often dull, dark or whitish, sometimes vivid."""
    kind = rng.random()
    if kind < 0.36:
        grey = rng.uniform(0.05, 0.95)
        return np.clip(grey + rng.normal(0, 0.02, 3), 0, 1)
    hue, value = rng.random(), rng.uniform(0.12, 0.95)
    saturation = rng.uniform(0.1, 0.55) if kind < 0.86 else rng.uniform(0.55, 0.95)
    return hsv_to_rgb(hue, saturation, value)


def hsv_to_rgb(hue: float, saturation: float, value: float) -> Colour:
    """Colour (3,) of a hue, saturation and value, each 0..1."""
    ramp = np.abs((hue * 6 + np.array([0.0, 4.0, 2.0])) % 6 - 3) - 1
    return value * (1 - saturation * (1 - np.clip(ramp, 0, 1)))


def _stripes(rng: np.random.Generator, first: Colour, second: Colour) -> Pattern:
    axis = rng.choice(3, p=[0.3, 0.65, 0.05])
    period, share = rng.uniform(0.015, 0.14), rng.uniform(0.2, 0.6)
    phase = rng.random()

    def pattern(points: np.ndarray) -> np.ndarray:
        on = ((points[:, axis] / period + phase) % 1.0 < share)[:, None]
        return np.where(on, second, first)

    return pattern


def _checks(rng: np.random.Generator, first: Colour, second: Colour) -> Pattern:
    period, share = rng.uniform(0.03, 0.12), rng.uniform(0.25, 0.6)

    def pattern(points: np.ndarray) -> np.ndarray:
        bands = (points / period) % 1.0 < share
        amount = (bands[:, :1] * 0.5 + bands[:, 1:2] * 0.5).astype(np.float64)
        return first * (1 - amount) + second * amount

    return pattern


def _dots(rng: np.random.Generator, first: Colour, second: Colour) -> Pattern:
    period, radius = rng.uniform(0.025, 0.09), rng.uniform(0.2, 0.4)

    def pattern(points: np.ndarray) -> np.ndarray:
        cell = points / period
        shift = 0.5 * (np.floor(cell[:, 1:2]) % 2)
        offset = (np.hstack([cell[:, :1] + shift, cell[:, 1:2]]) % 1.0) - 0.5
        on = (np.hypot(offset[:, 0], offset[:, 1]) < radius)[:, None]
        return np.where(on, second, first)

    return pattern


def _blotches(rng: np.random.Generator, first: Colour, second: Colour) -> Pattern:
    noise = LatticeNoise(rng)
    wavelength = rng.uniform(0.03, 0.2)
    third = random_colour(rng)
    sharp = rng.uniform(2, 30)

    def pattern(points: np.ndarray) -> np.ndarray:
        field = noise(points, wavelength)
        field += 0.5 * noise(points + 3.1, wavelength / 2.3)
        amount = 1 / (1 + np.exp(-sharp * field))
        colour = first + amount[:, :1] * (second - first)
        return colour + amount[:, 1:2] * (third - colour) * 0.6

    return pattern


def _blocks(rng: np.random.Generator, first: Colour, second: Colour) -> Pattern:
    height, third = rng.uniform(-0.1, 0.35), random_colour(rng)
    width = rng.uniform(0.02, 0.15)

    def pattern(points: np.ndarray) -> np.ndarray:
        y = points[:, 1:2]
        colour = np.where(y > height + width, first, second)
        return np.where((y > height) & (y < height + width), third, colour)

    return pattern


def random_pattern(rng: np.random.Generator, plain_share: float = 0.5) -> Pattern:
    """A cloth's colour as a function of the rest-pose position."""
    first, second = random_colour(rng), random_colour(rng)
    weave = LatticeNoise(rng)
    weave_size, weave_depth = rng.uniform(0.004, 0.03), rng.uniform(0.0, 0.06)
    if rng.random() < plain_share:

        def base(points: np.ndarray) -> np.ndarray:
            return np.tile(first, (len(points), 1))

    else:
        kinds = (_stripes, _checks, _dots, _blotches, _blocks)
        chosen = rng.choice(len(kinds), p=[0.32, 0.2, 0.12, 0.24, 0.12])
        base = kinds[chosen](rng, first, second)

    def pattern(points: np.ndarray) -> np.ndarray:
        return base(points) * (1 + weave_depth * weave(points, weave_size)[:, :1])

    return pattern
