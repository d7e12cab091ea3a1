"""Shadows that people and things cast on the ground."""

import numpy as np
from synthetic.camera import Camera
from synthetic.compositing import shade_ground

from .light import Light

SHARPEST = 0.4  # least blur of a shadow, in cells


def cast_ground_shadow(
    rng: np.random.Generator,
    picture: np.ndarray,
    surfaces: list[np.ndarray],
    camera: Camera,
    light: Light,
    drop: float,
) -> np.ndarray:
    """The picture with shadows on the ground: of the sky and of the first lamp.

    Args:
        rng: Source of randomness.
        picture: (h, w, 3) float32 sRGB.
        surfaces: (V, 3) vertices of each person and thing, camera frame.
        camera: The camera.
        light: The light.
        drop: Height of the camera above the ground, metres.
    """
    up = camera.up
    casts = [(up, rng.uniform(0.15, 0.45), 2.5)]
    lamp = light.lamps[0] if light.lamps else None
    if lamp is not None and lamp.shadow and lamp.direction @ up > 0.08:
        dark = 0.65 if light.kind in ('sun', 'low_sun') else 0.35
        strength = dark * rng.uniform(0.6, 1.1)
        casts.append((lamp.direction, strength, max(0.5 * light.softness, SHARPEST)))
    return shade_ground(picture, surfaces, casts, camera, drop)
