"""Painting skin, face, hair and clothes: colours, gloss and wrinkles per point."""

from typing import NamedTuple

import numpy as np

from .outfit import BODY_TAG, HAIR_TAG, SKIRT_TAG, Outfit


class Surface(NamedTuple):
    """What shading needs of N points on a dressed body."""

    colour: np.ndarray  # (N, 3) sRGB
    gloss: np.ndarray  # (N,) strength of the highlight
    wrinkles: np.ndarray  # (N, 3) added to the unit normal


def paint(outfit: Outfit, coordinates: np.ndarray) -> Surface:
    """Colours and wrinkles of points on a dressed body.

    Args:
        outfit: The looks.
        coordinates: (N, 4) points as :meth:`.Outfit.coordinates` gives them for
            vertices, or blends of these within a triangle.
    """
    points, tag = coordinates[:, :3], np.rint(coordinates[:, 3])
    on_body = tag == BODY_TAG
    masks = {name: mask & on_body for name, mask in outfit.masks(points).items()}
    colour = _skin(outfit, points)
    cloth = np.zeros(len(points), dtype=bool)
    patterns = (
        ('socks', outfit.inner),
        ('bottom', outfit.bottom),
        ('top', outfit.top),
        ('inner', outfit.inner),
        ('shoes', outfit.shoes),
    )
    for name, pattern in patterns:
        mask = masks[name]
        colour[mask] = pattern(points[mask])
        cloth |= mask
    _paint_logo(outfit, colour, points, masks['top'])
    skirt_mask = tag == SKIRT_TAG
    colour[skirt_mask] = outfit.bottom(points[skirt_mask])
    cloth |= skirt_mask
    hair = masks['hair'] | (tag == HAIR_TAG)
    strands = outfit.noise(points[hair] * [1.0, 0.25, 1.0], 0.006)[:, :1]
    if outfit.hat is not None:
        colour[hair] = outfit.hat(points[hair])
    else:
        colour[hair] = outfit.hair * (1 + 0.3 * strands)
    gloss = np.where(cloth, outfit.gloss, np.where(hair, 0.12, 0.16))
    depth, size = outfit.crease, outfit.crease_size
    wrinkles = outfit.noise(points, size) * depth
    wrinkles += 0.6 * depth * outfit.noise(points + 1.7, size / 2.7)
    wrinkles[hair] = 0.25 * strands
    wrinkles[~(cloth | hair)] = 0
    return Surface(np.clip(colour, 0.01, 1), gloss, wrinkles)


def _paint_logo(
    outfit: Outfit, colour: np.ndarray, points: np.ndarray, top: np.ndarray
) -> None:
    """Letters on the chest, in place, where the top is seen."""
    if outfit.logo is None:
        return
    x, y, half_width, half_height = outfit.logo
    inside = top & (points[:, 2] > outfit.measures.neck[2])
    inside &= np.abs(points[:, 0] - x) < half_width
    inside &= np.abs(points[:, 1] - y) < half_height
    letters = outfit.noise(points[inside] * [1, 1, 0], half_height / 1.3)[:, 0] > -0.1
    chosen = np.flatnonzero(inside)[letters]
    colour[chosen] = outfit.logo_colour


def _skin(outfit: Outfit, points: np.ndarray) -> np.ndarray:
    """(N, 3) sRGB of bare skin at points (N, 3), with the face's features."""
    m = outfit.measures
    mottle = 0.05 * outfit.noise(points, 0.06)[:, :1]
    colour = outfit.skin * (1 + mottle)
    face = (points[:, 2] > m.ear_centre[2] + 0.03) & (points[:, 1] > m.neck[1])
    index = np.flatnonzero(face)
    if not len(index):
        return colour
    x, y = np.abs(points[index, 0]), points[index, 1]
    dx, dy = x - m.left_eye[0], y - m.left_eye[1]
    out = colour[index]
    mouth_y = m.nose[1] - 0.042
    jaw = (y < mouth_y + 0.022) & (x < m.ear_x)
    shade = outfit.beard * jaw
    out += shade[:, None] * (outfit.hair - out)
    lips = (x / 0.024) ** 2 + ((y - mouth_y) / 0.008) ** 2 < 1
    out[lips] = outfit.lips
    out[lips & (np.abs(y - mouth_y) < 0.0015)] *= 0.4
    brows = (np.abs(dx - 0.002) < 0.018) & (np.abs(dy - 0.021 + 3 * dx**2) < 0.004)
    out[brows] = 0.7 * outfit.hair + 0.3 * out[brows]
    eyes = (dx / 0.0145) ** 2 + (dy / 0.0065) ** 2 < 1
    out[eyes] = [0.9, 0.89, 0.87]
    out[eyes & (dx**2 + dy**2 < 0.006**2)] = outfit.iris
    out[eyes & (dy > 0.004)] *= 0.35
    if outfit.glasses:
        ring = (dx / 0.024) ** 2 + (dy / 0.018) ** 2
        frame = ((ring > 0.75) & (ring < 1.2)) | ((np.abs(dy) < 0.002) & (x < 0.02))
        out[frame] = [0.05, 0.05, 0.06]
    colour[index] = out
    return colour
