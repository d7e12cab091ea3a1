"""Belts, stripes, panels, zips, soles, straps, numbers and words on clothes."""

import numpy as np

from .bank import Cloth, make_cloth
from .colours import cloth_colour, palette
from .look import Detail, Look, Print, Region
from .tiles import word_mask


def plain(rng: np.random.Generator, colour: np.ndarray | None = None) -> Cloth:
    """A plain colour, random if none is given."""
    colour = cloth_colour(rng) if colour is None else colour
    return make_cloth(rng, None, palette(rng, colour, 0.0), 1.0)


def band(axis: int, low: float, high: float) -> Region:
    """Points whose coordinate, without its sign, lies between two values."""

    def region(points: np.ndarray) -> np.ndarray:
        values = np.abs(points[:, axis]) if axis == 0 else points[:, axis]
        return (values > low) & (values < high)

    return region


def add_details(rng: np.random.Generator, look: Look, style: str) -> None:
    """Draw the details of a look; they are appended to it."""
    m = look.measures
    second, third = plain(rng), plain(rng)
    sporty = style in ('kit', 'suit_skin', 'winter', 'work')

    def add(share: float, garment: str, region: Region, cloth: Cloth = second) -> None:
        if rng.random() < share:
            look.details.append(Detail(garment, region, cloth))

    def leg_stripe(points: np.ndarray) -> np.ndarray:
        x, z = np.abs(points[:, 0]), points[:, 2]
        return (np.abs(z - 0.015) < stripe) & (x > 0.15)

    def arm_stripe(points: np.ndarray) -> np.ndarray:
        x, z, y = np.abs(points[:, 0]), points[:, 2], points[:, 1]
        return (np.abs(z - 0.03) < stripe) & (y > 0.2) & (x > m.shoulder_x * 0.6)

    def strap(points: np.ndarray) -> np.ndarray:
        return np.abs(points[:, 1] - 0.1 - lean * points[:, 0]) < 0.022

    def buttons(points: np.ndarray) -> np.ndarray:
        x, y = points[:, 0], points[:, 1]
        return np.hypot(x, (y % 0.085) - 0.04) < 0.007

    def vest(points: np.ndarray) -> np.ndarray:
        return np.abs(points[:, 0]) < m.shoulder_x * 1.02

    stripe, lean = rng.uniform(0.008, 0.035), rng.choice([-1.4, 1.4])
    if style != 'bare':
        raglan = m.shoulder_x * rng.uniform(0.75, 1.15)
        add(0.3 if sporty else 0.1, 'top', band(0, raglan, 9.0))
        add(0.2 if sporty else 0.06, 'top', band(0, rng.uniform(0.1, 0.15), raglan))
        add(0.2 if sporty else 0.06, 'top', band(1, rng.uniform(0.05, 0.2), 9.0), third)
        low = rng.uniform(-0.1, 0.12)
        wide = rng.uniform(0.03, 0.14)
        add(0.15, 'top', band(1, low, low + wide), third)
        add(0.3 if sporty else 0.05, 'top', arm_stripe)
        add(0.25, 'top', band(0, look.sleeve_x - 0.025, look.sleeve_x))
        add(0.2, 'top', band(1, look.hem_y, look.hem_y + 0.03))
        add(0.25, 'top', band(0, 0.0, 0.004), third)
        add(0.15, 'top', buttons, third)
        add(0.06, 'top', vest, plain(rng))
    if style == 'formal' and look.open_front:
        tie = rng.uniform(0.012, 0.022)
        add(0.6, 'inner', band(0, 0.0, tie), plain(rng))
    add(0.4 if sporty else 0.06, 'bottom', leg_stripe)
    belt = plain(rng, np.full(3, 0.08) if rng.random() < 0.6 else None)
    add(0.35, 'bottom', band(1, look.waist_y - 0.035, look.waist_y), belt)
    knees = m.knee_y - 0.06, m.knee_y + 0.06
    add(0.1 if sporty else 0.01, 'bottom', band(1, *knees), third)
    add(0.15, 'bottom', band(1, look.cuff_y, look.cuff_y + 0.03))
    white = plain(rng, np.full(3, 0.9))
    add(0.6, 'shoes', band(1, -9.0, m.toe_y + rng.uniform(0.01, 0.025)), white)
    add(0.4, 'shoes', band(2, 0.03, 0.07), third)
    add(0.3, 'socks', band(1, look.socks_y - 0.06, look.socks_y - 0.03), third)
    add(0.08, 'top', strap, plain(rng, rng.uniform(0.05, 0.4, 3)))


def add_prints(rng: np.random.Generator, look: Look, style: str) -> None:
    """Numbers and words on chest and back; they are appended to the look."""
    share = {'kit': 0.75, 'suit_skin': 0.7, 'casual': 0.3, 'work': 0.4, 'winter': 0.2}
    if rng.random() >= share.get(style, 0.0):
        return
    for front in (True, False):
        if rng.random() < (0.25 if front else 0.5) and style not in (
            'kit',
            'suit_skin',
        ):
            continue
        base = look.cloths['top'].colours[0]
        colour = np.full(3, 0.95 if base.mean() < 0.5 else 0.05)
        if rng.random() < 0.4:
            colour = cloth_colour(rng)
        number = style in ('kit', 'suit_skin') and rng.random() < 0.8
        word = str(rng.integers(0, 100)) if number else None
        mask = _fitted(word_mask(rng, (120, 400), np.array([20, 90]), 2.6, word))
        half = np.array([rng.uniform(0.04, 0.12), 0.0])
        half[1] = np.clip(half[0] * mask.shape[0] / mask.shape[1], 0.015, 0.13)
        y = rng.uniform(-0.02, 0.16)
        if rng.random() < 0.3:  # on a bib or a patch
            mask = np.clip(1 - mask, 0, 1)
            mask = np.pad(mask, 8, constant_values=1)
        centre = np.array([rng.normal(0, 0.01), y])
        look.prints.append(Print(front, centre, half, mask, colour))
        if number and rng.random() < 0.6:
            name = _fitted(word_mask(rng, (120, 400), np.array([20, 90]), 2.0))
            place = centre + [0, half[1] + 0.03]
            look.prints.append(
                Print(front, place, np.array([0.1, 0.018]), name, colour)
            )


def _fitted(mask: np.ndarray) -> np.ndarray:
    """A mask cut to what is written in it."""
    rows, columns = np.flatnonzero(mask.any(axis=1)), np.flatnonzero(mask.any(axis=0))
    if not len(rows):
        return mask
    return mask[rows[0] : rows[-1] + 1, columns[0] : columns[-1] + 1]
