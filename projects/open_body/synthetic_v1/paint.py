"""Painting a person: colour, gloss and relief of points on skin, hair and clothes."""

from typing import NamedTuple

import numpy as np

from .bank import sample_plane
from .look import Look

GARMENTS = ('socks', 'bottom', 'top', 'inner', 'gloves', 'shoes')
GARMENT_STEP = 0.004  # metres that a garment's edge stands out


class Surface(NamedTuple):
    """What shading needs of N points."""

    colour: np.ndarray  # (N, 3) sRGB
    gloss: np.ndarray  # (N,) strength of the highlight
    height: np.ndarray  # (N,) metres, relief that bends the light


def paint(look: Look, coordinates: np.ndarray, footprint: float) -> Surface:
    """Colours and relief of points on a dressed body.

    Args:
        look: The looks.
        coordinates: (N, 4) as :meth:`.Look.coordinates`, or blends within a triangle.
        footprint: Metres that a pixel spans on the person.
    """
    points, tag = coordinates[:, :3], np.rint(coordinates[:, 3]).astype(np.int64)
    colour = np.empty((len(points), 3), dtype=np.float32)
    gloss = np.full(len(points), 0.14, dtype=np.float32)
    height = np.zeros(len(points), dtype=np.float32)
    body = np.flatnonzero(tag == 0)
    if len(body):
        colour[body], gloss[body], height[body] = _body(look, points[body], footprint)
    for number, piece in enumerate(look.pieces, 1):
        own = np.flatnonzero(tag == number)
        if not len(own):
            continue
        at = points[own]
        if piece.hair:
            strands = _strands(look, at)
            colour[own], height[own] = (
                look.hair * (1 + 0.35 * strands),
                0.002 * strands[:, 0],
            )
        else:
            places = np.column_stack([at[:, 0] + 0.8 * at[:, 2], at[:, 1]])
            colour[own] = piece.cloth(places, footprint)
            height[own] = 0.6 * _folds(look, at)
        gloss[own] = piece.gloss
    return Surface(np.clip(colour, 0.01, 1), gloss, height)


def unwrap(look: Look, points: np.ndarray) -> np.ndarray:
    """Places (N, 2), metres: round the trunk, the arm or the leg, and along it."""
    m = look.measures
    x, y, z = points.T
    arm = (np.abs(x) > m.shoulder_x * 1.15) & (y > m.waist_y)
    leg = (y < m.hip_y - 0.03) & ~arm
    axis_x = np.where(leg, np.sign(x) * 0.13, 0.0)
    round_trunk = np.arctan2(x - axis_x, z) * np.where(leg, 0.08, 0.15)
    round_arm = np.arctan2(y - 0.212, z - 0.03) * 0.05
    across = np.where(arm, round_arm, round_trunk)
    return np.column_stack([across, np.where(arm, 0.6 - np.abs(x), y)])


def _folds(look: Look, points: np.ndarray) -> np.ndarray:
    """Height (N,) of the folds of cloth: ridges round limbs, more near joints."""
    m = look.measures
    x, y = np.abs(points[:, 0]), points[:, 1]
    arm = (x > m.shoulder_x * 1.1)[:, None]
    stretched = points * np.where(arm, [1.4, 0.35, 0.35], [0.5, 1.2, 0.5])
    slanted = stretched + 0.35 * points[:, [1, 0, 2]]
    size = look.crease_size
    broad = look.noise(slanted, size)
    fine = look.noise(slanted + 1.7, size / 2.6)
    ridges = 1 - 2 * np.abs(broad[:, 0]) + 0.45 * (1 - 2 * np.abs(fine[:, 1]))
    near = np.zeros(len(points))
    for place in (m.knee_y, m.ankle_y + 0.08, m.hip_y, m.waist_y):
        near = np.maximum(near, np.exp(-(((y - place) / 0.09) ** 2)) * (x < 0.3))
    for place in (m.elbow_x, m.shoulder_x):
        near = np.maximum(near, np.exp(-(((x - place) / 0.08) ** 2)))
    amount = look.crease * (0.4 + 0.9 * near + 0.3 * broad[:, 2])
    return (amount * ridges).astype(np.float32)


def _strands(look: Look, points: np.ndarray) -> np.ndarray:
    """(N, 1) about -1..1, long in the direction of the hair."""
    fine = look.noise(points * [1.0, 0.2, 1.0], 0.006)[:, :1]
    return fine + 0.7 * look.noise(points * [1.0, 0.3, 1.0], 0.025)[:, 1:2]


def _body(look: Look, points: np.ndarray, footprint: float):
    """Colour, gloss and height of points on the body's own surface."""
    masks = look.masks(points)
    colour = _skin(look, points)
    gloss = np.full(len(points), 0.14)
    places = unwrap(look, points)
    folds = _folds(look, points)
    height = 0.12 * folds
    for level, name in enumerate(GARMENTS, 1):
        index = np.flatnonzero(masks[name])
        if not len(index):
            continue
        colour[index] = look.cloths[name](places[index], footprint)
        gloss[index] = look.gloss if name != 'shoes' else 0.2
        stiff = 0.3 if name in ('shoes', 'gloves', 'socks') else 1.0
        height[index] = stiff * folds[index] + GARMENT_STEP * level
    for detail in look.details:
        index = np.flatnonzero(masks[detail.garment])
        index = index[detail.region(points[index])]
        if len(index):
            colour[index] = detail.cloth(places[index], footprint)
            height[index] += 0.002
    for printed in look.prints:
        _print(printed, colour, points, masks['top'] & ~masks['inner'])
    hair = masks['hair']
    strands = _strands(look, points[hair])
    colour[hair] = look.hair * (1 + 0.35 * strands)
    height[hair] = 0.003 * strands[:, 0] + 0.01
    gloss[hair] = 0.12
    hat = masks['hat']
    if hat.any():
        colour[hat] = look.cloths['hat'](places[hat], footprint)
        hard = look.hat == 'helmet'
        gloss[hat] = 0.5 if hard else look.gloss
        height[hat] = 0.02 + (0 if hard else 0.5) * folds[hat]
    return colour, gloss, height


def _print(printed, colour: np.ndarray, points: np.ndarray, top: np.ndarray) -> None:
    """Put a print on the top's colours, in place."""
    z = points[:, 2]
    chosen = top & ((z > 0.03) if printed.front else (z < 0.0))
    index = np.flatnonzero(chosen)
    at = points[index, :2]
    # Letters read from left to right: on the front x rises to the viewer's right.
    across = at[:, 0] - printed.centre[0]
    across = across if printed.front else -across
    u = 0.5 + 0.5 * across / printed.half[0]
    v = 0.5 - 0.5 * (at[:, 1] - printed.centre[1]) / printed.half[1]
    inside = (u >= 0) & (u < 1) & (v >= 0) & (v < 1)
    index, uv = index[inside], np.column_stack([u, v])[inside]
    amount = sample_plane(printed.mask[..., None], uv)
    colour[index] += amount * (printed.colour - colour[index])


def _skin(look: Look, points: np.ndarray) -> np.ndarray:
    """(N, 3) sRGB of bare skin at points (N, 3), with the face's features."""
    m = look.measures
    mottle = 0.06 * look.noise(points, 0.06)[:, :1]
    red = look.noise(points + 0.5, 0.15)[:, :1]
    colour = look.skin * (1 + mottle + 0.04 * red * [1.0, -0.6, -0.6])
    face = (points[:, 2] > m.ear_centre[2] + 0.03) & (points[:, 1] > m.neck[1])
    index = np.flatnonzero(face)
    if not len(index):
        return colour
    x, y = np.abs(points[index, 0]), points[index, 1]
    dx, dy = x - m.left_eye[0], y - m.left_eye[1]
    out = colour[index]
    mouth_y = m.nose[1] - 0.042
    blush = np.exp(-(((x - 0.045) / 0.02) ** 2) - ((y - m.nose[1]) / 0.02) ** 2)
    out *= 1 + 0.08 * blush[:, None] * [1.0, -1.2, -1.0]
    socket = np.exp(-((dx / 0.022) ** 2) - ((dy - 0.004) / 0.014) ** 2)
    out *= 1 - 0.22 * socket[:, None]
    jaw = (y < mouth_y + 0.022) & (x < m.ear_x)
    shade = look.beard * jaw
    out += shade[:, None] * (look.hair - out)
    lips = (x / 0.024) ** 2 + ((y - mouth_y) / 0.008) ** 2 < 1
    out[lips] = look.lips
    out[lips & (np.abs(y - mouth_y) < 0.0015)] *= 0.4
    nostril = np.hypot(x - 0.009, y - m.nose[1] + 0.012) < 0.005
    out[nostril] *= 0.5
    brows = (np.abs(dx - 0.002) < 0.018) & (np.abs(dy - 0.021 + 3 * dx**2) < 0.004)
    out[brows] = 0.7 * look.hair + 0.3 * out[brows]
    eyes = (dx / 0.0145) ** 2 + (dy / 0.0065) ** 2 < 1
    out[eyes] = [0.85, 0.83, 0.8]
    out[eyes & (dx**2 + dy**2 < 0.0065**2)] = look.iris
    out[eyes & (dy > 0.003)] *= 0.3
    if look.mask:
        out[(y < m.nose[1] + 0.005) & (y > mouth_y - 0.045)] = look.cloths[
            'inner'
        ].colours[0]
    _eyewear(look, out, x, dx, dy)
    colour[index] = out
    return colour


def _eyewear(look: Look, out: np.ndarray, x, dx, dy) -> None:
    """Glasses, dark glasses or goggles, in place."""
    if look.eyewear is None:
        return
    ring = (dx / 0.024) ** 2 + (dy / 0.018) ** 2
    if look.eyewear == 'goggles':
        band = (np.abs(dy) < 0.028) & (x < 0.085)
        out[band] = look.cloths['hat'].colours[2]
        out[band & (np.abs(dy) < 0.02) & (x < 0.07)] = look.iris
        return
    frame = ((ring > 0.75) & (ring < 1.2)) | ((np.abs(dy) < 0.002) & (x < 0.02))
    if look.eyewear == 'dark':
        frame |= ring < 1.2
    out[frame] = [0.05, 0.05, 0.06]
