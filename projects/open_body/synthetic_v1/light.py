"""Light: sun and sky, clouds, lamps, flash; and the shading of points."""

from dataclasses import dataclass

import numpy as np

GAMMA = 2.2
KINDS = {'sun': 0.36, 'cloudy': 0.22, 'room': 0.27, 'flash': 0.07, 'low_sun': 0.08}
OUTDOORS = ('sun', 'cloudy', 'low_sun')


@dataclass(frozen=True)
class Lamp:
    """A far light: unit direction towards it in the camera frame, linear colour."""

    direction: np.ndarray
    colour: np.ndarray
    wrap: float  # how far it reaches past the terminator, 0 for a small lamp
    shadow: bool


@dataclass(frozen=True)
class Light:
    """What lights a scene; colours are linear RGB."""

    kind: str
    lamps: tuple[Lamp, ...]  # only the first casts shadows
    sky: np.ndarray
    ground: np.ndarray
    up: np.ndarray  # (3,) in the camera frame
    softness: float  # of shadows, pixels

    @property
    def outdoors(self) -> bool:
        """Whether there is a sky."""
        return self.kind in OUTDOORS

    def on(self, normal: np.ndarray, lit: np.ndarray | float = 1.0) -> np.ndarray:
        """Light (..., 3) on surfaces with normals (..., 3), the first lamp dimmed."""
        height = 0.5 + 0.5 * (normal @ self.up)[..., None]
        total = self.ground * (1 - height) + self.sky * height
        for number, lamp in enumerate(self.lamps):
            amount = (normal @ lamp.direction + lamp.wrap) / (1 + lamp.wrap)
            amount = np.clip(amount, 0, None)
            if number == 0:
                amount = amount * lit
            total = total + amount[..., None] * lamp.colour
        return total


def _tint(rng: np.random.Generator, warmth: float, spread: float) -> np.ndarray:
    warm = rng.normal(warmth, spread)
    tint = np.array([1 + warm, 1 + rng.normal(0, 0.15 * spread), 1 - warm])
    return np.clip(tint, 0.4, 1.6)


def _towards(rng: np.random.Generator, low: float, high: float) -> np.ndarray:
    """Direction in the levelled world, at a height between two angles in degrees."""
    azimuth = rng.uniform(0, 2 * np.pi)
    height = np.radians(rng.uniform(low, high))
    flat = np.cos(height)
    return np.array([flat * np.sin(azimuth), np.sin(height), flat * np.cos(azimuth)])


def sample_light(rng: np.random.Generator, rotation: np.ndarray) -> Light:
    """Draw the light of a scene.

    Args:
        rng: Source of randomness.
        rotation: (3, 3) from the levelled world to the camera frame.
    """
    kind = list(KINDS)[rng.choice(len(KINDS), p=list(KINDS.values()))]
    shadow, softness = bool(rng.random() < 0.85), rng.uniform(0.3, 1.5)
    lamps = []
    if kind in ('sun', 'low_sun'):
        heights = (25, 80) if kind == 'sun' else (4, 25)
        strength = rng.uniform(0.7, 1.5)
        colour = strength * _tint(rng, 0.04 if kind == 'sun' else 0.2, 0.05)
        direction = rotation @ _towards(rng, *heights)
        lamps.append(Lamp(direction, colour, 0.05, shadow))
        sky = rng.uniform(0.3, 0.65) * _tint(rng, -0.08, 0.05)
    elif kind == 'cloudy':
        direction = rotation @ _towards(rng, 30, 85)
        colour = rng.uniform(0.05, 0.4) * _tint(rng, 0.0, 0.04)
        lamps.append(Lamp(direction, colour, 0.5, shadow))
        sky, softness = rng.uniform(0.6, 1.0) * _tint(rng, -0.03, 0.05), 5.0
    elif kind == 'room':
        for _ in range(rng.integers(1, 4)):
            direction = rotation @ _towards(rng, 5, 85)
            colour = rng.uniform(0.2, 0.8) * _tint(rng, 0.06, 0.12)
            lamps.append(Lamp(direction, colour, rng.uniform(0.0, 0.5), shadow))
        sky = rng.uniform(0.3, 0.75) * _tint(rng, 0.05, 0.1)
        softness = rng.uniform(1.0, 5.0)
    else:
        beside = np.array([rng.normal(0, 0.15), -rng.uniform(0, 0.3), -1.0])
        colour = rng.uniform(0.8, 1.3) * _tint(rng, 0.0, 0.04)
        lamps.append(Lamp(beside / np.linalg.norm(beside), colour, 0.0, shadow))
        sky = rng.uniform(0.08, 0.3) * _tint(rng, 0.1, 0.1)
    ground = sky * rng.uniform(0.4, 0.95) * _tint(rng, 0.03, 0.06)
    return Light(kind, tuple(lamps), sky, ground, rotation[:, 1], softness)


def shade(
    colour: np.ndarray,
    gloss: np.ndarray,
    normals: np.ndarray,
    view: np.ndarray,
    light: Light,
    lit: np.ndarray,
    occlusion: np.ndarray,
) -> np.ndarray:
    """Shade N points.

    Args:
        colour: (N, 3) sRGB.
        gloss: (N,) strength of the highlight.
        normals: (N, 3) unit, camera frame, towards the camera.
        view: (N, 3) unit, from the camera to the points.
        light: The lights.
        lit: (N,) 0 where the first lamp is blocked, 1 where it is seen.
        occlusion: (N,) share of the sky that is seen, 0..1.

    Returns:
        (N, 3) sRGB; bright points exceed 1.
    """
    height = 0.5 + 0.5 * (normals @ light.up)[:, None]
    total = (light.ground * (1 - height) + light.sky * height) * occlusion[:, None]
    highlight = np.zeros_like(total)
    for number, lamp in enumerate(light.lamps):
        cosine = normals @ lamp.direction.astype(np.float32)
        amount = np.clip((cosine + lamp.wrap) / (1 + lamp.wrap), 0, None)
        half = lamp.direction.astype(np.float32) - view
        half /= np.maximum(np.linalg.norm(half, axis=1, keepdims=True), 1e-6)
        shine = np.clip((normals * half).sum(axis=1), 0, 1) ** 24 * (cosine > 0)
        if number == 0:
            amount, shine = amount * lit, shine * lit
        amount = amount * (0.5 + 0.5 * occlusion)
        total = total + amount[:, None] * lamp.colour
        highlight = highlight + (shine * gloss)[:, None] * lamp.colour
    # Grazing surfaces reflect the sky.
    grazing = (1 - np.clip(-(normals * view).sum(axis=1), 0, 1)) ** 4
    highlight = highlight + (0.35 * gloss * grazing)[:, None] * light.sky
    linear = np.clip(colour, 0, 1) ** GAMMA * total + highlight
    return np.clip(linear, 0, None) ** (1 / GAMMA)
