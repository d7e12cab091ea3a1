"""Drawing people's looks: skin, face, hair and clothes in the mixtures people wear."""

import numpy as np
from synthetic.body import Body
from synthetic.garments import Measures, skirt
from synthetic.textures import LatticeNoise
from synthetic.wardrobe import HAIR_TONES, SKIN_TONES

from .bank import Cloth, make_cloth
from .colours import cloth_colour, hsv, palette
from .details import add_details, add_prints
from .look import Look, Piece
from .worn_things import add_carried, add_hair, add_hat, add_held

STYLES = {
    'casual': 0.38, 'kit': 0.2, 'suit_skin': 0.06, 'winter': 0.12, 'formal': 0.07,
    'dress': 0.07, 'work': 0.05, 'bare': 0.05,
}  # fmt: skip
CLOTH_KINDS = {
    'stripes': 0.2, 'plaid': 0.16, 'scattered': 0.14, 'blotches': 0.12, 'letters': 0.1,
    'knit': 0.16, 'clutter': 0.05, 'plaster': 0.07,
}  # fmt: skip


def draw(rng: np.random.Generator, shares: dict[str, float]) -> str:
    """A key, drawn by its share."""
    values = np.array(list(shares.values()))
    return list(shares)[rng.choice(len(values), p=values / values.sum())]


def garment(
    rng: np.random.Generator, plain: float, colour: np.ndarray | None = None
) -> Cloth:
    """Cloth for a garment; `plain` is the share without a pattern."""
    colour = cloth_colour(rng) if colour is None else colour
    if rng.random() < plain:
        shades = palette(rng, colour, 0.0)
        kind = draw(rng, {'knit': 0.4, 'plaster': 0.4, 'grass': 0.2})
        relief = rng.uniform(0.1, 0.6)
        shades[1:] = colour + 0.25 * (shades[1:] - colour)
        return make_cloth(rng, kind, shades, rng.uniform(0.15, 0.6), relief=relief)
    shades = palette(rng, colour, rng.uniform(0.3, 1.0))
    size = np.exp(rng.uniform(*np.log([0.12, 0.7])))
    return make_cloth(rng, draw(rng, CLOTH_KINDS), shades, size)


def sample_look(rng: np.random.Generator, body: Body, measures: Measures) -> Look:
    """Draw one person's looks."""
    style = draw(rng, STYLES)
    look = _body_and_head(rng, measures)
    _top_and_bottom(rng, look, style)
    _feet_and_hands(rng, look, style)
    add_hat(rng, look, body, style)
    if look.hat not in ('hood', 'scarf'):
        add_hair(rng, look, body)
    _skirts(rng, look, body, style)
    add_details(rng, look, style)
    add_prints(rng, look, style)
    add_carried(rng, look, body)
    add_held(rng, look, body, style)
    return look


def _body_and_head(rng: np.random.Generator, m: Measures) -> Look:
    """Skin, face and hair; clothes are filled in later."""
    tone = rng.uniform(0, len(SKIN_TONES) - 1)
    low = min(int(tone), len(SKIN_TONES) - 2)
    skin = SKIN_TONES[low] + (tone - low) * (SKIN_TONES[low + 1] - SKIN_TONES[low])
    skin = np.clip(skin * (1 + rng.normal(0, 0.04, 3)), 0.05, 1)
    choice = rng.choice(len(HAIR_TONES), p=[0.2] * 2 + [0.1] * 3 + [0.06] * 5)
    hair = HAIR_TONES[choice] * rng.uniform(0.8, 1.2)
    if rng.random() < 0.04:
        hair = cloth_colour(rng)
    eyewear = draw(rng, {'none': 0.74, 'glasses': 0.13, 'dark': 0.1, 'goggles': 0.03})
    return Look(
        measures=m,
        noise=LatticeNoise(rng),
        skin=skin,
        lips=np.clip(skin * [0.95, 0.62, 0.62] * rng.uniform(0.8, 1.05), 0, 1),
        iris=rng.uniform(0.03, 0.3) * np.array([1.0, rng.uniform(0.7, 1.3), 1.0]),
        hair=np.clip(hair, 0.02, 0.95),
        cloths={},
        sleeve_x=0.0,
        hem_y=0.0,
        neckline=float(rng.choice([rng.uniform(0.0, 0.03), rng.uniform(0.04, 0.12)])),
        neckline_width=rng.uniform(0.05, 0.11),
        waist_y=0.0,
        cuff_y=0.0,
        shoe_y=0.0,
        socks_y=m.toe_y - 1,
        glove_x=9.0,
        hairline_y=m.left_eye[1] + rng.uniform(0.05, 0.075),
        nape_y=m.ear_centre[1] - rng.uniform(0.03, 0.075),
        bald=bool(rng.random() < 0.06),
        hat=None,
        beard=rng.uniform(0.15, 0.85) if rng.random() < 0.2 else 0.0,
        eyewear=None if eyewear == 'none' else eyewear,
        mask=bool(rng.random() < 0.02),
        open_front=0.0,
        top_loose=0.0,
        bottom_loose=0.0,
        cuff_flare=1.0,
        rings=0.0,
        hair_volume=rng.uniform(0.004, 0.022),
        curls=rng.uniform(0.02, 0.07),
        gloss=float(rng.choice([0.02, 0.06, 0.25], p=[0.6, 0.3, 0.1])),
        crease=rng.uniform(0.001, 0.007),
        crease_size=rng.uniform(0.05, 0.16),
    )


def _top_and_bottom(rng: np.random.Generator, look: Look, style: str) -> None:
    """Sleeves, hems, legs, how loose they are, and their cloth."""
    m = look.measures
    sleeves = {
        'casual': [0.08, 0.42, 0.12, 0.38], 'kit': [0.2, 0.55, 0.05, 0.2],
        'dress': [0.4, 0.3, 0.1, 0.2], 'bare': [0.8, 0.2, 0, 0],
        'work': [0.1, 0.4, 0.1, 0.4],
    }.get(style, [0, 0, 0, 1])  # fmt: skip
    look.sleeve_x = (
        m.shoulder_x * rng.uniform(0.8, 1.15),
        m.shoulder_x + (m.elbow_x - m.shoulder_x) * rng.uniform(0.45, 0.95),
        m.elbow_x + (m.wrist_x - m.elbow_x) * rng.uniform(0.05, 0.6),
        m.wrist_x - rng.uniform(-0.01, 0.03),
    )[rng.choice(4, p=sleeves)]
    leg = m.hip_y - m.ankle_y
    long_y = m.ankle_y + rng.uniform(-0.04, 0.08)
    cropped_y = m.ankle_y + rng.uniform(0.08, 0.25)
    short_y = m.hip_y - leg * rng.uniform(0.12, 0.58)
    lengths = {
        'casual': [0.66, 0.1, 0.24], 'kit': [0.4, 0.15, 0.45], 'dress': [0.05, 0, 0.95],
        'bare': [0.1, 0.1, 0.8], 'work': [0.85, 0, 0.15],
    }.get(style, [0.95, 0.05, 0])  # fmt: skip
    look.cuff_y = (long_y, cropped_y, short_y)[rng.choice(3, p=lengths)]
    look.waist_y = m.waist_y + rng.uniform(-0.06, 0.03)
    look.hem_y = look.waist_y - (0.0 if rng.random() < 0.3 else rng.uniform(0.02, 0.2))
    if rng.random() < 0.06 and style in ('casual', 'kit', 'bare'):
        look.hem_y = look.waist_y + rng.uniform(0.05, 0.14)  # bare belly

    loose = {'kit': (0.004, 0.03), 'suit_skin': (0.001, 0.005), 'winter': (0.015, 0.05)}
    look.top_loose = rng.uniform(*loose.get(style, (0.003, 0.032)))
    look.bottom_loose = rng.uniform(*loose.get(style, (0.002, 0.03)))
    if style in ('casual', 'kit') and rng.random() < 0.2:
        look.bottom_loose = rng.uniform(0.001, 0.004)  # leggings
    look.cuff_flare = rng.uniform(0.4, 1.6)
    if rng.random() < 0.08:
        look.cuff_flare = rng.uniform(1.6, 3.0)
    if style == 'winter' and rng.random() < 0.4:
        look.rings = rng.uniform(0.006, 0.018)
    if style in ('formal', 'winter') or (style == 'casual' and rng.random() < 0.2):
        look.open_front = rng.uniform(0.015, 0.08) if rng.random() < 0.6 else 0.0
    _cloths(rng, look, style)


def _cloths(rng: np.random.Generator, look: Look, style: str) -> None:
    """Choose the garments' cloths."""
    top = garment(rng, {'kit': 0.6, 'casual': 0.6, 'dress': 0.4}.get(style, 0.8))
    if style == 'kit' and rng.random() < 0.5:  # the team's colours
        colour = hsv(rng.random(), rng.uniform(0.6, 0.98), rng.uniform(0.3, 0.95))
        top = garment(rng, 0.75, colour)
    bottom = garment(rng, 0.82)
    if style in ('casual', 'work') and rng.random() < 0.4:  # denim
        blue = hsv(rng.uniform(0.58, 0.63), rng.uniform(0.25, 0.65), 1)
        bottom = garment(rng, 1.0, blue * rng.uniform(0.15, 0.75))
    if style == 'formal':
        dark = hsv(rng.uniform(0.55, 0.7), rng.uniform(0, 0.3), rng.uniform(0.05, 0.4))
        top = bottom = garment(rng, 0.9, dark)
    if style == 'suit_skin' or rng.random() < {'dress': 0.6, 'kit': 0.15}.get(
        style, 0.05
    ):
        bottom = top
    if style == 'bare':
        shade = look.skin[None].repeat(3, axis=0)
        if rng.random() < 0.6:
            top = make_cloth(rng, None, shade, 1.0)
            look.top_loose = look.crease = 0.0
    white = np.full(3, rng.uniform(0.85, 0.97))
    inner = garment(rng, 0.85, white if rng.random() < 0.4 else None)
    look.cloths.update(top=top, bottom=bottom, inner=inner, hat=garment(rng, 0.7))
    look.cloths['socks'] = garment(rng, 0.7, white if rng.random() < 0.4 else None)
    look.cloths['shoes'] = garment(rng, 0.7)
    look.cloths['gloves'] = garment(rng, 0.8)


def _feet_and_hands(rng: np.random.Generator, look: Look, style: str) -> None:
    m = look.measures
    kinds = {'bare': [0.7, 0.2, 0.1, 0.0], 'winter': [0, 0.3, 0.3, 0.4]}
    shares = kinds.get(style, [0.07, 0.6, 0.22, 0.11])
    look.shoe_y = (
        m.toe_y - 1.0,
        m.ankle_y - rng.uniform(0.0, 0.03),
        m.ankle_y + rng.uniform(0.02, 0.08),
        m.ankle_y + rng.uniform(0.1, 0.3),
    )[rng.choice(4, p=shares)]
    if rng.random() < (0.75 if style == 'kit' else 0.5):
        look.socks_y = m.ankle_y + rng.choice([0.06, 0.12, 0.28, 0.36])
    gloves = {'winter': 0.6, 'suit_skin': 0.6, 'kit': 0.2, 'work': 0.3}
    if rng.random() < gloves.get(style, 0.03):
        look.glove_x = m.wrist_x + rng.uniform(-0.06, 0.03)


def _skirts(rng: np.random.Generator, look: Look, body: Body, style: str) -> None:
    """Skirts, coats, and shirts that hang over the trousers."""
    m = look.measures
    leg = m.hip_y - m.ankle_y

    def hang(low: float, high: float, flare: float, cloth: Cloth) -> None:
        hem = m.hip_y - leg * rng.uniform(low, high)
        folds = rng.uniform(0, 0.02)
        tube = skirt(body, m, hem, rng.uniform(0.0, flare), folds)
        look.pieces.append(Piece(tube, cloth, look.gloss))

    if style == 'dress' or (style == 'casual' and rng.random() < 0.08):
        cloth = look.cloths['top'] if rng.random() < 0.6 else look.cloths['bottom']
        hang(0.15, 0.92, 0.2, cloth)
    elif style in ('winter', 'formal') and rng.random() < 0.25:
        hang(0.1, 0.6, 0.07, look.cloths['top'])
    elif style in ('casual', 'kit', 'work', 'winter') and rng.random() < 0.3:
        hang(-0.02, 0.12, 0.04, look.cloths['top'])
