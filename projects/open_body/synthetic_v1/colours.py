"""Colours as the world has them: mostly dull, a few vivid ones, in families."""

import numpy as np

Colour = np.ndarray  # (3,) sRGB in 0..1


def hsv(hue: float, saturation: float, value: float) -> Colour:
    """sRGB (3,) of a hue, saturation and value, each 0..1."""
    ramp = np.abs((hue * 6 + np.array([0.0, 4.0, 2.0])) % 6 - 3) - 1
    return value * (1 - saturation * (1 - np.clip(ramp, 0, 1)))


def cloth_colour(rng: np.random.Generator) -> Colour:
    """A colour of clothes: black, white, grey, blue and earth more than all others."""
    kind = rng.choice(6, p=[0.2, 0.15, 0.12, 0.2, 0.13, 0.2])
    tint = rng.normal(0, 0.012, 3)
    if kind == 0:
        colour = rng.uniform(0.03, 0.2) + tint
    elif kind == 1:
        colour = rng.uniform(0.75, 0.97) + tint
    elif kind == 2:
        colour = rng.uniform(0.2, 0.75) + tint
    elif kind == 3:
        colour = hsv(rng.normal(0.61, 0.03), rng.uniform(0.2, 0.85), rng.random())
    elif kind == 4:
        colour = hsv(rng.uniform(0.03, 0.15), rng.uniform(0.15, 0.6), rng.random())
    else:
        colour = hsv(rng.random(), rng.uniform(0.4, 0.98), rng.uniform(0.3, 0.98))
    return np.clip(colour, 0.02, 0.98)


def thing_colour(rng: np.random.Generator) -> Colour:
    """A colour of walls and things: duller than clothes."""
    if rng.random() < 0.1:
        return cloth_colour(rng)
    hue = rng.normal(0.09, 0.08) if rng.random() < 0.6 else rng.random()
    return hsv(hue % 1.0, rng.beta(1.2, 4), np.clip(rng.normal(0.55, 0.25), 0.05, 0.95))


def palette(rng: np.random.Generator, first: Colour, spread: float) -> np.ndarray:
    """Three colours (3, 3): the first, one near it or far from it, and another.

    Args:
        rng: Source of randomness.
        first: The first colour.
        spread: 0 shades of the first alone, 1 colours of their own.
    """
    colours = [first]
    for _ in range(2):
        other = first * rng.uniform(0.45, 1.5) + rng.normal(0, 0.02, 3)
        free = cloth_colour(rng)
        amount = spread * rng.random() ** 0.5
        colours.append(np.clip(other + amount * (free - other), 0.02, 0.98))
    return np.stack(colours)
