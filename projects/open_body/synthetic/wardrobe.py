"""Drawing people's looks: skin, hair and clothes in the mixture that people wear."""

import numpy as np

from .body import Body
from .garments import Measures, Tube, long_hair, skirt
from .outfit import HAIR_TAG, SKIRT_TAG, Outfit
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
