"""Photographs as backgrounds: finding them and cutting random crops."""

from functools import cache
from pathlib import Path

import cv2
import numpy as np
from mmengine.logging import MMLogger

from .camera import Camera

PHOTO_SUFFIXES = ('.jpg', '.jpeg', '.png', '.webp', '.bmp')
SMALLEST_CROP = 0.5  # of the largest crop that fits


def list_photos(folder: str | Path) -> list[Path]:
    """Photographs under a folder, sorted by name.

    Raises:
        FileNotFoundError: The folder has none.
    """
    paths = sorted(
        p for p in Path(folder).rglob('*') if p.suffix.lower() in PHOTO_SUFFIXES
    )
    if not paths:
        raise FileNotFoundError(f'{folder}: no pictures {PHOTO_SUFFIXES} here')
    return paths


def random_crop(
    rng: np.random.Generator, camera: Camera, photos: list[Path]
) -> np.ndarray | None:
    """A random crop of a random photograph, mirrored half of the time.

    Args:
        rng: Source of randomness.
        camera: The camera; the crop has its width and height.
        photos: Photographs to choose from; at least one.

    Returns:
        (h, w, 3) float32 sRGB, or None, and one warning for each file, where OpenCV
        cannot read the file.
    """
    path = photos[rng.integers(len(photos))]
    image = cv2.imread(str(path), cv2.IMREAD_COLOR)
    if image is None:
        _warn_unreadable(path)
        return None
    image = cv2.cvtColor(image, cv2.COLOR_BGR2RGB)
    height, width = image.shape[:2]
    fit = min(width / camera.width, height / camera.height)
    fit *= rng.uniform(SMALLEST_CROP, 1.0)
    w, h = max(int(camera.width * fit), 1), max(int(camera.height * fit), 1)
    x, y = rng.integers(0, width - w + 1), rng.integers(0, height - h + 1)
    crop = image[y : y + h, x : x + w]
    if rng.random() < 0.5:
        crop = crop[:, ::-1]
    crop = cv2.resize(crop, (camera.width, camera.height), interpolation=cv2.INTER_AREA)
    return crop.astype(np.float32) / 255


@cache
def _warn_unreadable(path: Path) -> None:
    MMLogger.get_instance('synthesize').warning(
        '%s: not a picture that OpenCV can read; painted backgrounds take its place',
        path,
    )
