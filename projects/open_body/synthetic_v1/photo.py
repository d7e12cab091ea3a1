"""From a clean picture to a photograph: exposure, colour, blur, noise, JPEG."""

import cv2
import numpy as np
from synthetic.finish import grain, motion_blur

JPEG_QUALITIES = (45, 95)
LEVELS = 2048  # of the tone curve's table
BRIGHTEST = 2.5  # value that the table reaches to
GREY_SHARE = 0.07


def finish(rng: np.random.Generator, picture: np.ndarray) -> np.ndarray:
    """Take a photograph.

    Args:
        rng: Source of randomness.
        picture: (h, w, 3) float32 sRGB, may exceed 1.

    Returns:
        (h, w, 3) uint8 BGR.
    """
    picture = _tones(rng, picture)
    if rng.random() < 0.1:  # light in the lens, mist
        amount = rng.uniform(0.05, 0.35)
        colour = rng.normal(0.75, 0.12) + rng.normal(0, 0.03, 3)
        colour = np.float32(np.clip(colour, 0.3, 1))
        picture = picture + amount * (colour - picture)
    if rng.random() < 0.3:
        picture = picture * _vignette(rng, picture.shape[:2])
    kind = rng.random()
    if kind < 0.2:
        picture = cv2.GaussianBlur(picture, (0, 0), rng.uniform(0.4, 1.2))
    elif kind < 0.26:
        picture = motion_blur(rng, picture, longest=8)
    elif kind < 0.46:
        soft = cv2.GaussianBlur(picture, (0, 0), rng.uniform(0.7, 1.5))
        picture = picture + rng.uniform(0.3, 1.2) * (picture - soft)
    elif kind < 0.54:
        picture = _coarse(rng, picture)
    if rng.random() < 0.45:
        strength = np.exp(rng.uniform(*np.log([0.003, 0.028])))
        picture = picture + strength * grain(rng, picture.shape[:2])
    if rng.random() < GREY_SHARE:
        grey = picture @ np.float32([0.3, 0.59, 0.11])
        tint = 1 + rng.uniform(0, 0.12) * np.float32([1, 0, -1]) * (rng.random() < 0.3)
        picture = grey[..., None] * tint
    return (np.clip(picture[..., ::-1], 0, 1) * 255 + 0.5).astype(np.uint8)


def _tones(rng: np.random.Generator, picture: np.ndarray) -> np.ndarray:
    """Exposure, white balance, contrast and saturation."""
    typical = float(np.median(picture[::4, ::4].mean(axis=-1)))
    wanted = np.exp(rng.normal(np.log(0.5), 0.22))
    automatic = np.clip(wanted / max(typical, 0.05), 0.6, 2.2) ** rng.uniform(0.4, 1)
    exposure = automatic * np.exp(rng.normal(0, 0.06, 3))
    gamma, contrast = np.exp(rng.normal(0, 0.15)), np.exp(rng.normal(0.15, 0.15))
    level = np.linspace(0, BRIGHTEST, LEVELS)
    index = np.clip(picture * ((LEVELS - 1) / BRIGHTEST), 0, LEVELS - 1)
    index = index.astype(np.uint16)
    out = np.empty_like(picture)
    black = rng.normal(0, 0.03)
    for channel in range(3):
        value = level * exposure[channel]
        # A soft shoulder instead of hard clipping of the highlights.
        value = np.where(value > 0.8, 1 - 0.2 * np.exp(4 - 5 * value), value)
        value = (value**gamma - 0.45) * contrast + 0.45 + black
        out[..., channel] = np.clip(value, 0, 1).astype(np.float32)[index[..., channel]]
    colourful = np.float32(np.clip(rng.normal(1.0, 0.2), 0.2, 1.5))
    grey = out.mean(axis=-1, keepdims=True)
    return grey + colourful * (out - grey)


def _vignette(rng: np.random.Generator, shape: tuple[int, int]) -> np.ndarray:
    y, x = np.ogrid[-1 : 1 : shape[0] * 1j, -1 : 1 : shape[1] * 1j]
    return np.float32(1 - rng.uniform(0.1, 0.4) * (x**2 + y**2) / 2)[..., None]


def _coarse(rng: np.random.Generator, picture: np.ndarray) -> np.ndarray:
    """As if enlarged from fewer pixels."""
    height, width = picture.shape[:2]
    share = rng.uniform(0.4, 0.85)
    size = (max(int(width * share), 8), max(int(height * share), 8))
    small = cv2.resize(picture, size, interpolation=cv2.INTER_AREA)
    way = (cv2.INTER_LINEAR, cv2.INTER_CUBIC, cv2.INTER_NEAREST)[
        rng.choice(3, p=[0.5, 0.4, 0.1])
    ]
    return cv2.resize(small, (width, height), interpolation=way)
