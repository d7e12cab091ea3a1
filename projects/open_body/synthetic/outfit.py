"""What a person wears: which points of the body it covers, and its loose cloth.

Everything is a function of the position on the mean body at rest (T-pose), so edges
of clothes and patterns are crisp at any size and the same for every shape and pose.
"""

from dataclasses import dataclass, field

import numpy as np

from .body import Body, Dress
from .garments import Measures, Tube, nearest_vertices
from .textures import LatticeNoise, Pattern
from .zones import hairline, zones

# Tags tell apart the surfaces that a point of rest space may lie on.
BODY_TAG, SKIRT_TAG, HAIR_TAG = 0.0, 1.0, 2.0


@dataclass
class Outfit:
    """One person's looks; heights and lengths in metres on the mean body at rest."""

    measures: Measures
    noise: LatticeNoise  # 3 channels
    skin: np.ndarray
    lips: np.ndarray
    iris: np.ndarray
    hair: np.ndarray
    top: Pattern
    bottom: Pattern
    shoes: Pattern
    hat: Pattern | None
    sleeve_x: float
    hem_y: float
    neckline: float
    neckline_width: float
    waist_y: float
    cuff_y: float
    shoe_y: float
    hairline_y: float
    nape_y: float
    bald: bool
    beard: float
    glasses: bool
    open_front: float  # half width of an open jacket's gap, 0 where closed
    inner: Pattern
    logo: tuple[float, float, float, float] | None  # x, y, half width, half height
    logo_colour: np.ndarray
    top_loose: float
    bottom_loose: float
    hair_volume: float
    gloss: float
    crease: float
    crease_size: float
    socks_y: float
    tubes: list[tuple[Tube, float]] = field(default_factory=list)

    def masks(self, points: np.ndarray) -> dict[str, np.ndarray]:
        """Which of the points (N, 3) each thing covers; later ones lie on top."""
        m = self.measures
        x, y = np.abs(points[:, 0]), points[:, 1]
        ragged = 0.008 * self.noise(points, 0.03)[:, 0]
        in_head, front, top, bottom = zones(self, points)
        above = y > hairline(self, points) + ragged
        return {
            'socks': y < self.socks_y,
            'bottom': bottom,
            'top': top,
            'inner': top & front & (x < self.open_front) & (y < m.neck[1]),
            'shoes': y < self.shoe_y,
            'hair': in_head & above & (not self.bald),
        }

    def dress(self, body: Body) -> Dress:
        """Loose cloth, hair volume, skirt and long hair for the body."""
        points = body.template
        masks = self.masks(points)
        bumps = self.noise(points, 0.13)[:, 0]
        thick = np.zeros(len(points))
        thick[masks['bottom']] = self.bottom_loose
        thick[masks['top']] = self.top_loose
        thick[masks['shoes']] = 0.006
        # Hands and feet have no room for thick cloth.
        thick *= 0.25 + 0.75 * (points[:, 1] > self.measures.ankle_y + 0.03)
        thick *= 1 + 0.6 * bumps
        volume = self.hair_volume * (1 + 0.5 * self.noise(points, 0.05)[:, 1])
        thick[masks['hair']] = volume[masks['hair']]
        offsets = body.template_normals * thick[:, None]
        tubes = [tube for tube, _ in self.tubes]
        start = np.cumsum([0] + [len(tube.vertices) for tube in tubes])
        extra = np.concatenate([np.zeros((0, 3))] + [t.vertices for t in tubes])
        weights = [np.zeros((0, body.weights.shape[1]))] + [t.weights for t in tubes]
        faces = [np.zeros((0, 3), np.int32)]
        faces += [t.faces + np.int32(s) for t, s in zip(tubes, start, strict=False)]
        return Dress(
            offsets,
            nearest_vertices(body, extra) if tubes else np.zeros(0, np.int64),
            extra,
            np.concatenate(weights),
            np.concatenate(faces),
        )

    def coordinates(self, body: Body) -> np.ndarray:
        """(V + E, 4) rest position and tag of every surface vertex, for `surface`."""
        parts = [(body.template, BODY_TAG)]
        parts += [(tube.vertices, tag) for tube, tag in self.tubes]
        return np.concatenate(
            [np.column_stack([p, np.full(len(p), tag)]) for p, tag in parts]
        )
