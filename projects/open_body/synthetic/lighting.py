"""Light: a sky, a sun and sometimes a lamp, and the shading of people's surfaces."""

from dataclasses import dataclass

import numpy as np

from .appearance import Surface

GAMMA = 2.2
WRAP = 0.15  # how far light reaches past the terminator


@dataclass(frozen=True)
class Light:
    """A far light: unit direction towards it in the camera frame, and its colour."""

    direction: np.ndarray
    colour: np.ndarray
    casts_shadow: bool


@dataclass(frozen=True)
class Lighting:
    """What lights a scene; colours are linear RGB."""

    lights: tuple[Light, ...]
    sky: np.ndarray
    ground: np.ndarray
    up: np.ndarray  # (3,) in the camera frame


def _tint(rng: np.random.Generator, strength: float) -> np.ndarray:
    warm = rng.normal(0, strength)
    return np.array([1 + warm, 1 + rng.normal(0, 0.15 * strength), 1 - warm])


def sample_lighting(rng: np.random.Generator, rotation: np.ndarray) -> Lighting:
    """Draw lights.

    Args:
        rng: Source of randomness.
        rotation: (3, 3) from the levelled world to the camera frame.
    """
    ambient = rng.uniform(0.32, 0.85)
    sky = ambient * np.clip(_tint(rng, 0.08), 0.5, 1.5)
    ground = sky * rng.uniform(0.3, 0.8) * np.clip(_tint(rng, 0.06), 0.6, 1.4)
    lights = []
    for i in range(rng.choice([1, 2, 3], p=[0.5, 0.35, 0.15])):
        azimuth = rng.uniform(0, 2 * np.pi)
        height = np.radians(rng.uniform(15, 80) if i == 0 else rng.uniform(-10, 70))
        direction = np.array(
            [
                np.cos(height) * np.sin(azimuth),
                np.sin(height),
                np.cos(height) * np.cos(azimuth),
            ]
        )
        strength = rng.uniform(0.35, 1.3) * (1.0 if i == 0 else 0.45)
        colour = strength * np.clip(_tint(rng, 0.12), 0.5, 1.5)
        shadow = i == 0 and rng.random() < 0.7
        lights.append(Light(rotation @ direction, colour, bool(shadow)))
    return Lighting(tuple(lights), sky, ground, rotation[:, 1])


def shade(
    surface: Surface,
    normals: np.ndarray,
    view: np.ndarray,
    lighting: Lighting,
    shadow: np.ndarray,
    occlusion: np.ndarray,
) -> np.ndarray:
    """Shade N points.

    Args:
        surface: Colours, gloss and wrinkles.
        normals: (N, 3) unit, camera frame, either side.
        view: (N, 3) unit, from the camera to the points.
        lighting: The lights.
        shadow: (N,) whether the first light is blocked.
        occlusion: (N,) share of the sky that is seen, 0..1.

    Returns:
        (N, 3) sRGB; bright points exceed 1.
    """
    facing = np.where((normals * view).sum(axis=1, keepdims=True) > 0, -1.0, 1.0)
    normals = normals * facing + surface.wrinkles
    normals /= np.maximum(np.linalg.norm(normals, axis=1, keepdims=True), 1e-6)
    albedo = surface.colour**GAMMA
    height = 0.5 + 0.5 * (normals @ lighting.up)[:, None]
    sky_light = lighting.ground * (1 - height) + lighting.sky * height
    diffuse = sky_light * occlusion[:, None]
    highlight = np.zeros_like(albedo)
    for light in lighting.lights:
        cosine = normals @ light.direction
        amount = np.clip((cosine + WRAP) / (1 + WRAP), 0, None)
        half = light.direction - view
        half /= np.maximum(np.linalg.norm(half, axis=1, keepdims=True), 1e-6)
        shine = np.clip((normals * half).sum(axis=1), 0, 1) ** 24 * (cosine > 0)
        if light.casts_shadow:
            amount = amount * ~shadow
            shine = shine * ~shadow
        occluded = 0.5 + 0.5 * occlusion
        diffuse = diffuse + (amount * occluded)[:, None] * light.colour
        highlight += (shine * surface.gloss)[:, None] * light.colour
    linear = albedo * diffuse + highlight
    return np.clip(linear, 0, None) ** (1 / GAMMA)
