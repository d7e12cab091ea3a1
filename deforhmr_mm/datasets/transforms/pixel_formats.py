"""Pictures with alpha, with 16 bits or with one channel, as (H, W, 3) uint8."""

from __future__ import annotations

import io
import warnings

import numpy as np
from PIL import Image, ImageOps

__all__ = ['composite_on_black', 'decode_by_pillow', 'to_bgr']

# Formats that not every build of OpenCV reads.
NOT_OPENCVS = ('AVIF', 'GIF')


def composite_on_black(color: np.ndarray, alpha: np.ndarray) -> np.ndarray:
    """Show a picture with an alpha channel before black.

    Black is also what a crop shows outside of a picture. An alpha channel that is the
    same everywhere cuts nothing out; it is taken for one that was never filled, and
    left out.

    Args:
        color: (H, W, 3) uint8, not multiplied by alpha.
        alpha: (H, W) uint8.

    Returns:
        (H, W, 3) uint8.

    Example:
        >>> color = np.full((1, 2, 3), 200, np.uint8)
        >>> composite_on_black(color, np.array([[0, 255]], np.uint8))[0, :, 0]
        array([  0, 200], dtype=uint8)
        >>> composite_on_black(color, np.array([[7, 7]], np.uint8))[0, :, 0]
        array([200, 200], dtype=uint8)
    """
    if alpha.min() == alpha.max():
        return np.ascontiguousarray(color)
    scaled = color.astype(np.uint16) * alpha[..., None]
    return ((scaled + 127) // 255).astype(np.uint8)


def to_bgr(image: np.ndarray) -> np.ndarray:
    """Return an array of pixels as (H, W, 3) uint8.

    Args:
        image: (H, W), (H, W, 1), (H, W, 3) BGR or (H, W, 4) BGRA; uint8, or uint16
            that uses the range up to 65535. Not changed, and returned as it is if it
            has the form already.

    Returns:
        Grey is repeated over the channels, alpha goes as in `composite_on_black`, and
        of 16 bits the upper 8 are kept.

    Raises:
        ValueError: If the array has another shape or type, or no pixels.
    """
    channels = 1 if image.ndim == 2 else image.shape[-1]
    if image.ndim not in (2, 3) or channels not in (1, 3, 4) or not image.size:
        raise ValueError(
            'img must be (H, W, 3) BGR, (H, W, 4) BGRA, (H, W, 1) or (H, W) with at '
            f'least one pixel, got {image.dtype} of shape {image.shape}'
        )
    if image.dtype not in (np.uint8, np.uint16):
        raise ValueError(
            f'img must be uint8 or uint16, got {image.dtype} of shape {image.shape}: '
            'its range is not known; scale it to 0 ... 255 and convert it to uint8'
        )
    if image.dtype == np.uint16:
        image = (image >> 8).astype(np.uint8)
    if channels == 4:
        return composite_on_black(image[..., :3], image[..., 3])
    if channels == 1:
        return np.repeat(image.reshape(*image.shape[:2], 1), 3, axis=2)
    return image


def decode_by_pillow(data: bytes) -> np.ndarray | None:
    """Decode what OpenCV does not decode well; only look at the header otherwise.

    Of transparent pixels, OpenCV gives the colours behind them (whatever they are), or
    with some formats those multiplied by alpha. GIF and AVIF only some builds read.

    Args:
        data: The bytes of the file.

    Returns:
        (H, W, 3) uint8, BGR, upright and before black; of an animation the first frame.
        None if nothing is transparent and OpenCV knows the format, or Pillow does not.

    Raises:
        OSError: If the file is damaged.
        PIL.Image.DecompressionBombError: If it is larger than Pillow allows.
    """
    with warnings.catch_warnings():
        # A large picture is no mistake of the caller's.
        warnings.simplefilter('ignore', Image.DecompressionBombWarning)
        try:
            image = Image.open(io.BytesIO(data))
        except Image.UnidentifiedImageError:
            return None
    with image:
        if not image.has_transparency_data and image.format not in NOT_OPENCVS:
            return None
        if image.mode.startswith(('I', 'F')):
            return None  # of these modes Pillow's conversion clips the values
        pixels = np.asarray(ImageOps.exif_transpose(image).convert('RGBA'))
    return composite_on_black(pixels[..., 2::-1], pixels[..., 3])
