"""Shadows that people and things cast on the ground."""

import cv2
import numpy as np
from synthetic.camera import Camera

from .light import Light

STEP = 4  # pixels a cell


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
        casts.append((lamp.direction, strength, 0.5 * light.softness))
    height, width = picture.shape[:2]
    shape = (-(-height // STEP), -(-width // STEP))
    dimming = np.ones(shape, dtype=np.float32)
    for direction, strength, softness in casts:
        grid = np.zeros(shape, dtype=np.float32)
        for points in surfaces:
            above = points @ up + drop
            points = points - (above / (direction @ up))[:, None] * direction
            points = points[points[:, 2] > 0.1]
            cells = np.floor(camera.project(points) / STEP)
            inside = ((cells >= 0) & (cells < shape[::-1])).all(axis=1)
            cells = cells[inside].astype(np.int64)
            grid[cells[:, 1], cells[:, 0]] = 1
        grid = cv2.morphologyEx(grid, cv2.MORPH_CLOSE, np.ones((5, 5), np.uint8))
        dimming *= 1 - strength * cv2.GaussianBlur(grid, (0, 0), max(softness, 0.4))
    dimming = cv2.resize(dimming, (width, height), interpolation=cv2.INTER_LINEAR)
    return picture * dimming[..., None]
