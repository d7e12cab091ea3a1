"""From a clean picture to a photograph: exposure, colour, blur, noise, JPEG."""

import cv2
import numpy as np

JPEG_QUALITY_RANGE = (78, 95)
LEVELS = 2048  # of the tone curve's table
BRIGHTEST = 2.0  # value that the table reaches to


def finish(rng: np.random.Generator, picture: np.ndarray) -> np.ndarray:
    """Photometric finishing.

    Args:
        rng: Source of randomness.
        picture: (h, w, 3) float32 sRGB, may exceed 1.

    Returns:
        (h, w, 3) uint8 BGR.
    """
    exposure = np.exp(rng.normal(0, 0.2)) * np.exp(rng.normal(0, 0.07, 3))
    gamma, contrast = np.exp(rng.normal(0, 0.15)), np.exp(rng.normal(0, 0.12))
    haze = rng.normal(0, 0.03)
    level = np.linspace(0, BRIGHTEST, LEVELS)
    index = np.clip(picture * ((LEVELS - 1) / BRIGHTEST), 0, LEVELS - 1)
    index = index.astype(np.uint16)
    picture = np.empty_like(picture)
    for channel in range(3):
        value = level * exposure[channel]
        # A soft shoulder instead of hard clipping of the highlights.
        value = np.where(value > 0.8, 1 - 0.2 * np.exp(4 - 5 * value), value)
        value = (value**gamma - 0.5) * contrast + 0.5 + haze
        table = np.clip(value, 0, 1).astype(np.float32)
        picture[..., channel] = table[index[..., channel]]
    kind = rng.random()
    if kind < 0.35:
        picture = cv2.GaussianBlur(picture, (0, 0), rng.uniform(0.4, 1.3))
    elif kind < 0.42:
        picture = motion_blur(rng, picture, longest=7)
    elif kind < 0.5:
        soft = cv2.GaussianBlur(picture, (0, 0), 1.2)
        picture = picture + rng.uniform(0.3, 0.9) * (picture - soft)
    if rng.random() < 0.6:
        picture = picture + rng.uniform(0.003, 0.03) * grain(rng, picture.shape[:2])
    if rng.random() < 0.04:
        picture = np.repeat(picture.mean(axis=2, keepdims=True), 3, axis=2)
    return (np.clip(picture[..., ::-1], 0, 1) * 255 + 0.5).astype(np.uint8)


def grain(rng: np.random.Generator, shape: tuple[int, int]) -> np.ndarray:
    """Sensor noise (h, w, 3) of about unit variance: fine grey and coarse colour."""
    height, width = shape
    grey = rng.standard_normal((height, width, 1), dtype=np.float32)
    half = (-(-height // 2), -(-width // 2), 3)
    colour = 0.5 * rng.standard_normal(half, dtype=np.float32)
    colour = cv2.resize(colour, (width, height), interpolation=cv2.INTER_NEAREST)
    return grey + colour


def motion_blur(
    rng: np.random.Generator, picture: np.ndarray, longest: int
) -> np.ndarray:
    """Smear a picture (h, w, 3) along a line of 3 to `longest` pixels."""
    size = int(rng.integers(3, longest + 1))
    kernel = np.zeros((size, size), dtype=np.float32)
    angle = rng.uniform(0, np.pi)
    step = np.array([np.cos(angle), np.sin(angle)]) * (size - 1) / 2
    centre = np.full(2, (size - 1) / 2)
    ends = [tuple(int(round(v)) for v in centre + s * step) for s in (-1, 1)]
    cv2.line(kernel, *ends, 1.0)
    return cv2.filter2D(picture, -1, kernel / kernel.sum())


def encode_jpeg(
    rng: np.random.Generator,
    picture: np.ndarray,
    qualities: tuple[int, int] = JPEG_QUALITY_RANGE,
) -> bytes:
    """JPEG bytes of a picture (h, w, 3) uint8 BGR, at a random quality of a range."""
    low, high = qualities
    quality = [cv2.IMWRITE_JPEG_QUALITY, int(rng.integers(low, high + 1))]
    done, data = cv2.imencode('.jpg', picture, quality)
    assert done, 'OpenCV could not encode the picture'
    return data.tobytes()
