"""Skin, face, hair and clothes: colours per point and loose cloth per vertex.

Everything is a function of the position on the mean body at rest (T-pose), so edges
of clothes and patterns are crisp at any size and the same for every shape and pose.
"""

from dataclasses import dataclass, field
from typing import NamedTuple

import numpy as np

from .body import Body, Dress
from .garments import Measures, Tube, long_hair, nearest_vertices, skirt
from .textures import LatticeNoise, Pattern, hsv_to_rgb, random_colour, random_pattern

SKIN_TONES = np.array(
    [
        [0.96, 0.82, 0.73], [0.93, 0.76, 0.65], [0.89, 0.70, 0.58], [0.83, 0.63, 0.49],
        [0.76, 0.56, 0.42], [0.66, 0.47, 0.34], [0.55, 0.38, 0.27], [0.44, 0.30, 0.22],
        [0.34, 0.23, 0.17], [0.26, 0.18, 0.14],
    ]
)  # fmt: skip
HAIR_TONES = np.array(
    [
        [0.07, 0.06, 0.05], [0.12, 0.09, 0.07], [0.20, 0.14, 0.10], [0.31, 0.21, 0.14],
        [0.45, 0.32, 0.20], [0.66, 0.52, 0.33], [0.80, 0.69, 0.48], [0.50, 0.24, 0.13],
        [0.55, 0.54, 0.53], [0.82, 0.81, 0.80],
    ]
)  # fmt: skip
BODY_TAG, SKIRT_TAG, HAIR_TAG = 0.0, 1.0, 2.0


class Surface(NamedTuple):
    """What shading needs of N points on a dressed body."""

    colour: np.ndarray  # (N, 3) sRGB
    gloss: np.ndarray  # (N,) strength of the highlight
    wrinkles: np.ndarray  # (N, 3) added to the unit normal


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
        x, y, z = np.abs(points[:, 0]), points[:, 1], points[:, 2]
        ragged = 0.008 * self.noise(points, 0.03)[:, 0]
        in_head = (y > m.neck[1] + 0.015) & (x < m.ear_x + 0.06)
        front = z > m.neck[2] - 0.01
        collar = m.neck[1] + 0.012 + 0.1 * np.maximum(0, m.neck[2] - z)
        dip = self.neckline * np.maximum(0, 1 - x / self.neckline_width)
        collar = np.where(front, collar - dip, collar)
        trunk = (y < collar) & (x < self.sleeve_x) & (y > self.hem_y)
        arm_band = x > m.shoulder_x * 1.25
        top = trunk | ((x < self.sleeve_x) & arm_band & (y > m.chest_y))
        bottom = (y < self.waist_y) & (y > self.cuff_y) & (x < m.shoulder_x * 1.6)
        hairline = self._hairline(points) + ragged
        return {
            'socks': y < self.socks_y,
            'bottom': bottom,
            'top': top,
            'inner': top & front & (x < self.open_front) & (y < m.neck[1]),
            'shoes': y < self.shoe_y,
            'hair': in_head & (y > hairline) & (not self.bald),
        }

    def _hairline(self, points: np.ndarray) -> np.ndarray:
        """Least height (N,) of hair: high over the face, low at the nape."""
        m = self.measures
        ahead = points[:, 2] - m.ear_centre[2]
        share = np.clip((ahead + 0.005) / 0.05, 0, 1)
        share = share * share * (3 - 2 * share)
        temple = 0.02 * np.clip(np.abs(points[:, 0]) / m.ear_x, 0, 1)
        return self.nape_y * (1 - share) + (self.hairline_y - temple) * share

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

    def surface(self, coordinates: np.ndarray) -> Surface:
        """Colours and wrinkles of points given by :meth:`coordinates` (N, 4)."""
        points, tag = coordinates[:, :3], np.rint(coordinates[:, 3])
        on_body = tag == BODY_TAG
        masks = {name: mask & on_body for name, mask in self.masks(points).items()}
        colour = self._skin(points)
        cloth = np.zeros(len(points), dtype=bool)
        patterns = (
            ('socks', self.inner),
            ('bottom', self.bottom),
            ('top', self.top),
            ('inner', self.inner),
            ('shoes', self.shoes),
        )
        for name, pattern in patterns:
            mask = masks[name]
            colour[mask] = pattern(points[mask])
            cloth |= mask
        self._paint_logo(colour, points, masks['top'])
        skirt_mask = tag == SKIRT_TAG
        colour[skirt_mask] = self.bottom(points[skirt_mask])
        cloth |= skirt_mask
        hair = masks['hair'] | (tag == HAIR_TAG)
        strands = self.noise(points[hair] * [1.0, 0.25, 1.0], 0.006)[:, :1]
        if self.hat is not None:
            colour[hair] = self.hat(points[hair])
        else:
            colour[hair] = self.hair * (1 + 0.3 * strands)
        gloss = np.where(cloth, self.gloss, np.where(hair, 0.12, 0.16))
        wrinkles = self.noise(points, self.crease_size) * self.crease
        wrinkles += 0.6 * self.crease * self.noise(points + 1.7, self.crease_size / 2.7)
        wrinkles[hair] = 0.25 * strands
        wrinkles[~(cloth | hair)] = 0
        return Surface(np.clip(colour, 0.01, 1), gloss, wrinkles)

    def _paint_logo(
        self, colour: np.ndarray, points: np.ndarray, top: np.ndarray
    ) -> None:
        if self.logo is None:
            return
        x, y, half_width, half_height = self.logo
        inside = top & (points[:, 2] > self.measures.neck[2])
        inside &= np.abs(points[:, 0] - x) < half_width
        inside &= np.abs(points[:, 1] - y) < half_height
        letters = self.noise(points[inside] * [1, 1, 0], half_height / 1.3)[:, 0] > -0.1
        chosen = np.flatnonzero(inside)[letters]
        colour[chosen] = self.logo_colour

    def _skin(self, points: np.ndarray) -> np.ndarray:
        m = self.measures
        mottle = 0.05 * self.noise(points, 0.06)[:, :1]
        colour = self.skin * (1 + mottle)
        face = (points[:, 2] > m.ear_centre[2] + 0.03) & (points[:, 1] > m.neck[1])
        index = np.flatnonzero(face)
        if not len(index):
            return colour
        x, y = np.abs(points[index, 0]), points[index, 1]
        dx, dy = x - m.left_eye[0], y - m.left_eye[1]
        out = colour[index]
        mouth_y = m.nose[1] - 0.042
        jaw = (y < mouth_y + 0.022) & (x < m.ear_x)
        shade = self.beard * jaw
        out += shade[:, None] * (self.hair - out)
        lips = (x / 0.024) ** 2 + ((y - mouth_y) / 0.008) ** 2 < 1
        out[lips] = self.lips
        out[lips & (np.abs(y - mouth_y) < 0.0015)] *= 0.4
        brows = (np.abs(dx - 0.002) < 0.018) & (np.abs(dy - 0.021 + 3 * dx**2) < 0.004)
        out[brows] = 0.7 * self.hair + 0.3 * out[brows]
        eyes = (dx / 0.0145) ** 2 + (dy / 0.0065) ** 2 < 1
        out[eyes] = [0.9, 0.89, 0.87]
        out[eyes & (dx**2 + dy**2 < 0.006**2)] = self.iris
        out[eyes & (dy > 0.004)] *= 0.35
        if self.glasses:
            ring = (dx / 0.024) ** 2 + (dy / 0.018) ** 2
            frame = ((ring > 0.75) & (ring < 1.2)) | ((np.abs(dy) < 0.002) & (x < 0.02))
            out[frame] = [0.05, 0.05, 0.06]
        colour[index] = out
        return colour


def sample_outfit(rng: np.random.Generator, body: Body, measures: Measures) -> Outfit:
    """Draw one person's looks."""
    m = measures
    tone = rng.uniform(0, len(SKIN_TONES) - 1)
    low = int(tone)
    high = min(low + 1, len(SKIN_TONES) - 1)
    skin = SKIN_TONES[low] + (tone - low) * (SKIN_TONES[high] - SKIN_TONES[low])
    skin = np.clip(skin * (1 + rng.normal(0, 0.03, 3)), 0.05, 1)
    hair_choice = rng.choice(len(HAIR_TONES), p=[0.2] * 2 + [0.1] * 3 + [0.06] * 5)
    hair = HAIR_TONES[hair_choice] * rng.uniform(0.8, 1.2)
    if rng.random() < 0.05:
        hair = random_colour(rng)

    sleeves = rng.choice(4, p=[0.08, 0.4, 0.1, 0.42])
    sleeve_x = (
        m.shoulder_x * rng.uniform(0.95, 1.15),
        m.shoulder_x + (m.elbow_x - m.shoulder_x) * rng.uniform(0.45, 0.9),
        m.elbow_x + (m.wrist_x - m.elbow_x) * rng.uniform(0.1, 0.6),
        m.wrist_x - rng.uniform(-0.01, 0.03),
    )[sleeves]
    leg = m.hip_y - m.ankle_y
    kind = rng.choice(3, p=[0.62, 0.23, 0.15])  # trousers, shorts, skirt or dress
    cuff_y = (
        m.ankle_y + rng.uniform(-0.03, 0.08),
        m.hip_y - leg * rng.uniform(0.22, 0.6),
        m.hip_y - leg * 0.1,
    )[kind]
    if kind == 0 and rng.random() < 0.1:
        cuff_y = m.ankle_y + rng.uniform(0.1, 0.2)
    waist_y = m.waist_y + rng.uniform(-0.05, 0.03)
    tucked = rng.random() < 0.3
    hem_y = waist_y - (0.0 if tucked else rng.uniform(0.02, 0.2))
    if rng.random() < 0.05:
        hem_y = waist_y + rng.uniform(0.05, 0.12)
    top, bottom = random_pattern(rng), random_pattern(rng, plain_share=0.78)
    if rng.random() < 0.3:  # denim and dark cloth
        blue = hsv_to_rgb(rng.uniform(0.58, 0.64), rng.uniform(0.2, 0.6), 1)
        cloth = blue * rng.uniform(0.12, 0.6)
        bottom = _plain(cloth)
    if rng.random() < 0.08:  # one piece
        bottom = top
    hat = random_pattern(rng, 0.7) if rng.random() < 0.14 else None
    long = rng.random() < 0.33
    tubes: list[tuple[Tube, float]] = []
    if kind == 2:
        if rng.random() < 0.4:
            bottom = top
        hem = m.hip_y - leg * rng.uniform(0.3, 0.9)
        flare, pleats = rng.uniform(0.01, 0.16), rng.uniform(0, 0.02)
        tubes.append((skirt(body, m, hem, flare, pleats), SKIRT_TAG))
    volume = rng.uniform(0.004, 0.022)
    if rng.random() < 0.1:
        volume = rng.uniform(0.03, 0.06)
    if long:
        length = rng.uniform(0.04, 0.38)
        tubes.append((long_hair(body, m, length, volume), HAIR_TAG))
    brightness = skin.mean()
    logo = None
    if rng.random() < 0.25:
        width = rng.uniform(0.03, 0.11)
        logo = (rng.uniform(-0.06, 0.06), m.chest_y + rng.uniform(-0.06, 0.1), width)
        logo = (*logo, width * rng.uniform(0.2, 1.0))
    return Outfit(
        measures=m,
        noise=LatticeNoise(rng),
        skin=skin,
        lips=np.clip(skin * [0.95, 0.62, 0.62] * rng.uniform(0.8, 1.05), 0, 1),
        iris=rng.uniform(0.03, 0.3) * np.array([1.0, rng.uniform(0.7, 1.3), 1.0]),
        hair=np.clip(hair, 0.02, 0.95),
        top=top,
        bottom=bottom,
        shoes=random_pattern(rng, plain_share=0.85),
        hat=hat,
        sleeve_x=sleeve_x,
        hem_y=hem_y,
        neckline=rng.choice([rng.uniform(0.0, 0.03), rng.uniform(0.04, 0.12)]),
        neckline_width=rng.uniform(0.05, 0.11),
        waist_y=waist_y,
        cuff_y=cuff_y,
        shoe_y=_shoe_height(rng, m),
        hairline_y=m.left_eye[1] + rng.uniform(0.05, 0.075),
        nape_y=m.ear_centre[1] - rng.uniform(0.03, 0.075),
        bald=bool(rng.random() < 0.05 and not long and hat is None),
        beard=rng.uniform(0.15, 0.8) if rng.random() < 0.2 and not long else 0.0,
        glasses=bool(rng.random() < 0.15),
        open_front=rng.uniform(0.02, 0.07) if rng.random() < 0.2 else 0.0,
        inner=random_pattern(rng, plain_share=0.8),
        logo=logo,
        logo_colour=random_colour(rng),
        top_loose=rng.uniform(0.003, 0.03),
        bottom_loose=rng.uniform(0.003, 0.022),
        hair_volume=volume + (0.008 if hat is not None else 0),
        gloss=rng.choice([0.02, 0.06, 0.25], p=[0.55, 0.35, 0.1]),
        crease=rng.uniform(0.05, 0.45) * (0.5 + brightness),
        crease_size=rng.uniform(0.035, 0.1),
        socks_y=m.ankle_y + rng.choice([-1.0, 0.08, 0.25], p=[0.5, 0.35, 0.15]),
        tubes=tubes,
    )


def _plain(colour: np.ndarray) -> Pattern:
    return lambda points: np.tile(colour, (len(points), 1))


def _shoe_height(rng: np.random.Generator, m: Measures) -> float:
    """Height that shoes reach: none, low, high or boots."""
    kind = rng.choice(4, p=[0.12, 0.58, 0.2, 0.1])
    heights = (
        m.toe_y - 1.0,
        m.ankle_y - rng.uniform(0.0, 0.03),
        m.ankle_y + rng.uniform(0.02, 0.08),
        m.ankle_y + rng.uniform(0.1, 0.28),
    )
    return heights[kind]
