"""Put people over a background, and their shadows on its ground."""

import cv2
import numpy as np

from .camera import Camera
from .raycast import Hits

SHADOW_STEP = 4  # pixels a cell


def composite(picture: np.ndarray, hits: Hits, colours: np.ndarray) -> np.ndarray:
    """Put the hits over the picture, with soft edges."""
    out = picture.copy()
    if not len(hits.rows):
        return out
    top, left = max(hits.rows.min() - 2, 0), max(hits.columns.min() - 2, 0)
    window = np.s_[top : hits.rows.max() + 3, left : hits.columns.max() + 3]
    rows, columns = hits.rows - top, hits.columns - left
    behind = picture[window]
    cover = np.zeros(behind.shape[:2], dtype=np.float32)
    cover[rows, columns] = 1
    people = np.zeros_like(behind)
    people[rows, columns] = colours
    soft = cv2.GaussianBlur(cover, (3, 3), 0.6)
    spread = cv2.GaussianBlur(people, (3, 3), 0.6)
    edge = (soft > 0) & (soft < 0.999)
    out[hits.rows, hits.columns] = colours
    out[window][edge] = spread[edge] + (1 - soft[edge])[:, None] * behind[edge]
    return out


def shade_ground(
    picture: np.ndarray,
    surfaces: list[np.ndarray],
    casts: list[tuple[np.ndarray, float, float]],
    camera: Camera,
    drop: float,
) -> np.ndarray:
    """The picture with soft shadows on the ground.

    Args:
        picture: (h, w, 3) float32 sRGB.
        surfaces: (V, 3) vertices of each person and thing, camera frame.
        casts: For each light its direction (3,), how much it darkens, and the blur of
            its shadow in cells.
        camera: The camera.
        drop: Height of the camera above the ground, metres.
    """
    up = camera.up
    height, width = picture.shape[:2]
    shape = (-(-height // SHADOW_STEP), -(-width // SHADOW_STEP))
    dimming = np.ones(shape, dtype=np.float32)
    for direction, strength, softness in casts:
        grid = np.zeros(shape, dtype=np.float32)
        for points in surfaces:
            above = points @ up + drop
            points = points - (above / (direction @ up))[:, None] * direction
            points = points[points[:, 2] > 0.1]
            cells = np.floor(camera.project(points) / SHADOW_STEP)
            inside = ((cells >= 0) & (cells < shape[::-1])).all(axis=1)
            cells = cells[inside].astype(np.int64)
            grid[cells[:, 1], cells[:, 0]] = 1
        grid = cv2.morphologyEx(grid, cv2.MORPH_CLOSE, np.ones((5, 5), np.uint8))
        dimming *= 1 - strength * cv2.GaussianBlur(grid, (0, 0), softness)
    dimming = cv2.resize(dimming, (width, height), interpolation=cv2.INTER_LINEAR)
    return picture * dimming[..., None]
