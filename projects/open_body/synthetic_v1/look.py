"""What a person looks like: regions of the body at rest, layers, worn things.

Everything is a function of the position on the mean body at rest (T-pose), so edges
of clothes and patterns are crisp at any size and the same for every shape and pose.
"""

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import NamedTuple

import numpy as np
from synthetic.body import Body, Dress
from synthetic.garments import Measures, Tube, nearest_vertices
from synthetic.textures import LatticeNoise
from synthetic.zones import hairline, zones

from .bank import Cloth

Region = Callable[[np.ndarray], np.ndarray]  # (N, 3) points at rest -> (N,) bool


class Detail(NamedTuple):
    """A part of a garment in a colour of its own: belt, stripe, panel, zip."""

    garment: str  # key of `Look.masks`
    region: Region
    cloth: Cloth


class Print(NamedTuple):
    """A number, a word or a picture on the chest or the back."""

    front: bool
    centre: np.ndarray  # (2,) x and y at rest
    half: np.ndarray  # (2,) half width and half height
    mask: np.ndarray  # (h, w) 0..1
    colour: np.ndarray  # (3,)


class Piece(NamedTuple):
    """Something worn that is not the body's own surface."""

    tube: Tube
    cloth: Cloth
    gloss: float
    hair: bool = False


@dataclass
class Look:
    """One person's looks; heights and lengths in metres on the mean body at rest."""

    measures: Measures
    noise: LatticeNoise
    skin: np.ndarray
    lips: np.ndarray
    iris: np.ndarray
    hair: np.ndarray
    cloths: dict[str, Cloth]  # socks, bottom, top, inner, shoes, gloves, hat
    sleeve_x: float
    hem_y: float
    neckline: float
    neckline_width: float
    waist_y: float
    cuff_y: float
    shoe_y: float
    socks_y: float
    glove_x: float
    hairline_y: float
    nape_y: float
    bald: bool
    hat: str | None  # cap, helmet, hood or scarf
    beard: float
    eyewear: str | None  # glasses, dark or goggles
    mask: bool
    open_front: float  # half width of an open jacket's gap, 0 where closed
    top_loose: float
    bottom_loose: float
    cuff_flare: float  # looseness at the cuff over that at the hip
    rings: float  # depth of a padded jacket's rings
    hair_volume: float
    curls: float  # size of the bumps of hair, metres
    gloss: float
    crease: float  # depth of folds
    crease_size: float
    details: list[Detail] = field(default_factory=list)
    prints: list[Print] = field(default_factory=list)
    pieces: list[Piece] = field(default_factory=list)

    def masks(self, points: np.ndarray) -> dict[str, np.ndarray]:
        """Which of the points (N, 3) each garment covers; later ones lie on top."""
        m = self.measures
        x, y, z = np.abs(points[:, 0]), points[:, 1], points[:, 2]
        ragged = 0.008 * self.noise(points, 0.03)[:, 0]
        in_head, front, top, bottom = zones(self, points)
        above = y > hairline(self, points) + ragged
        hat = np.zeros(len(points), dtype=bool)
        if self.hat in ('cap', 'helmet'):
            hat = in_head & (y > self._brim(points))
        elif self.hat in ('hood', 'scarf'):
            oval = np.hypot(x / 0.075, (y - m.nose[1] - 0.015) / 0.1) < 1
            hat = (y > m.neck[1] - 0.03) & (x < m.ear_x + 0.06)
            hat &= ~(oval & (z > m.ear_centre[2]))
        return {
            'socks': y < self.socks_y,
            'bottom': bottom,
            'top': top,
            'inner': top & front & (x < self.open_front) & (y < m.neck[1]),
            'gloves': x > self.glove_x,
            'shoes': y < self.shoe_y,
            'hair': in_head & above & (not self.bald),
            'hat': hat,
        }

    def _brim(self, points: np.ndarray) -> np.ndarray:
        """Least height (N,) of a hat, on the forehead and round the head."""
        m = self.measures
        low = 0.055 if self.hat == 'helmet' else 0.0
        ahead = np.clip((points[:, 2] - m.ear_centre[2]) / 0.08, -1, 1)
        return m.left_eye[1] + 0.035 + 0.012 * ahead - low * (ahead < 0.35)

    def thickness(self, points: np.ndarray) -> np.ndarray:
        """How far clothes and hair stand off the body's points (N, 3), metres."""
        m, masks = self.measures, self.masks(points)
        x, y = np.abs(points[:, 0]), points[:, 1]
        thick = np.zeros(len(points))
        leg = np.clip((m.hip_y - y) / (m.hip_y - min(self.cuff_y, m.knee_y)), 0, 1)
        legs = self.bottom_loose * (1 + (self.cuff_flare - 1) * leg)
        thick[masks['bottom']] = legs[masks['bottom']]
        along = np.where(x > m.shoulder_x * 1.25, x, y)
        top = self.top_loose + self.rings * np.abs(np.sin(np.pi * along / 0.075))
        thick[masks['top']] = top[masks['top']]
        thick[masks['inner']] = 0.3 * self.top_loose
        thick[masks['gloves']] = 0.005
        # Hands and feet have no room for thick cloth.
        thick *= 0.25 + 0.75 * (y > m.ankle_y + 0.03)
        thick *= 1 + 0.6 * self.noise(points, 0.13)[:, 0]
        thick[masks['shoes']] = 0.009
        volume = self.hair_volume * (1 + 0.5 * self.noise(points, self.curls)[:, 1])
        thick[masks['hair']] = volume[masks['hair']]
        if self.hat is not None:
            thick[masks['hair']] = np.minimum(thick[masks['hair']], 0.012)
            over = {'helmet': 0.038, 'cap': 0.018, 'hood': 0.03, 'scarf': 0.022}
            thick[masks['hat']] = over[self.hat]
        return thick

    def dress(self, body: Body) -> Dress:
        """The clothes' surface for the body."""
        offsets = body.template_normals * self.thickness(body.template)[:, None]
        tubes = [piece.tube for piece in self.pieces]
        start = np.cumsum([0] + [len(tube.vertices) for tube in tubes])
        extra = np.concatenate([np.zeros((0, 3))] + [t.vertices for t in tubes])
        weights = [np.zeros((0, body.weights.shape[1]))] + [t.weights for t in tubes]
        faces = [np.zeros((0, 3), np.int32)]
        faces += [t.faces + np.int32(s) for t, s in zip(tubes, start, strict=False)]
        anchors = nearest_vertices(body, extra) if tubes else np.zeros(0, np.int64)
        everything = np.concatenate(weights), np.concatenate(faces)
        return Dress(offsets, anchors, extra, *everything)

    def coordinates(self, body: Body) -> np.ndarray:
        """(V + E, 4) rest position and tag of every vertex: 0 body, else the piece."""
        parts = [body.template] + [piece.tube.vertices for piece in self.pieces]
        return np.concatenate(
            [np.column_stack([p, np.full(len(p), i)]) for i, p in enumerate(parts)]
        )
