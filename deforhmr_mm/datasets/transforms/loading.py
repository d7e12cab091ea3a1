"""Reading pictures, with one clear error for each way in which a file can be bad."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import cv2
import numpy as np
from mmcv.transforms import BaseTransform

from deforhmr_mm.geometry import default_focal_length, image_center
from deforhmr_mm.registry import TRANSFORMS

from .jpeg import JPEG_START, JPEGLayout, first_rows, read_jpeg_layout

__all__ = ['EncodedJPEG', 'ImageReadError', 'LoadImage', 'decode_image', 'read_image']

PNG_START = b'\x89PNG\r\n\x1a\n'
# OpenCV's flags for decoding at a whole fraction of the size.
REDUCED = {
    1: cv2.IMREAD_COLOR,
    2: cv2.IMREAD_REDUCED_COLOR_2,
    4: cv2.IMREAD_REDUCED_COLOR_4,
    8: cv2.IMREAD_REDUCED_COLOR_8,
}


class ImageReadError(ValueError):
    """A picture file is empty, cut off, or not a picture."""


@dataclass(frozen=True)
class EncodedJPEG:
    """A whole JPEG file in memory whose picture is stored upright.

    Attributes:
        data: The bytes of the file.
        name: Name for messages.
        layout: Size of the picture, and what its segments allow.
    """

    data: bytes
    name: str
    layout: JPEGLayout

    def decode(self, factor: int = 1, rows: int | None = None) -> np.ndarray:
        """Decode the picture, or less of it.

        Args:
            factor: 1, 2, 4 or 8: how much smaller the result is. Pixel j of it covers
                the pixels factor * j ... factor * j + factor - 1 of the picture.
                libjpeg takes the low frequencies of each block, so nothing aliases.
            rows: Number of rows (of the full size) that are needed, at least 1; the
                result may have more. The last two of them need not be exact.

        Returns:
            (ceil(rows / factor), ceil(width / factor), 3) uint8, BGR.

        Raises:
            ImageReadError: If the file is damaged.
        """
        data = self.data
        if rows is not None:
            data = first_rows(data, self.layout, rows)
        flags = REDUCED[factor] | cv2.IMREAD_IGNORE_ORIENTATION
        return _decode(data, self.name, flags)


def _decode(data: bytes | bytearray, name: str, flags: int) -> np.ndarray:
    """Decode with OpenCV; (H, W, 3) uint8, BGR."""
    try:
        image = cv2.imdecode(np.frombuffer(data, dtype=np.uint8), flags)
    except cv2.error as error:
        raise ImageReadError(
            f'The picture {name} cannot be decoded: {error.err}.'
        ) from error
    if image is None:
        raise ImageReadError(
            f'The picture {name} cannot be decoded: it is damaged, or not a picture.'
        )
    return image


def _layout_of_whole(data: bytes, name: str) -> JPEGLayout | None:
    """Check that a file is not cut off; return a JPEG's layout, None for others."""
    if not data:
        raise ImageReadError(f'The picture {name} is empty (0 bytes).')
    is_jpeg = data.startswith(JPEG_START)
    layout = read_jpeg_layout(data) if is_jpeg else None
    if (is_jpeg and layout is None) or (
        data.startswith(PNG_START) and b'IEND' not in data
    ):
        raise ImageReadError(
            f'The picture {name} is cut off: its end is missing ({len(data)} bytes are '
            'there). Copy or download it again.'
        )
    return layout


def decode_image(data: bytes, name: str) -> np.ndarray:
    """Decode a picture.

    OpenCV fills the missing part of a cut-off file with grey and says nothing; here
    that is an error. The EXIF orientation is applied, so the picture is as a viewer
    shows it.

    Args:
        data: The bytes of the file.
        name: Name for messages.

    Returns:
        (H, W, 3) uint8 in BGR order; grey pictures are repeated over the channels, an
        alpha channel is dropped.

    Raises:
        ImageReadError: If there are no bytes, or they are not one whole picture.
    """
    _layout_of_whole(data, name)
    return _decode(data, name, cv2.IMREAD_COLOR)


def _read_file(path: str | Path) -> bytes:
    """Read a file; see `read_image` for the errors."""
    try:
        # Unbuffered: the whole file at once, in a third of the time.
        with open(path, 'rb', buffering=0) as file:
            return file.read()
    except FileNotFoundError as error:
        raise FileNotFoundError(f'The picture {path} does not exist.') from error
    except OSError as error:
        raise ImageReadError(
            f'The picture {path} cannot be read: {error.strerror}.'
        ) from error


def read_image(path: str | Path) -> np.ndarray:
    """Read a picture file; see `decode_image` for the result.

    Raises:
        FileNotFoundError: If there is no such file.
        ImageReadError: If the file is empty, cut off or not a picture.
    """
    return decode_image(_read_file(path), str(path))


def read_encoded(path: str | Path) -> EncodedJPEG | np.ndarray:
    """Read a picture file, and leave it encoded where part of it can be decoded.

    Returns:
        A JPEG file that is stored upright, or the decoded picture of any other.

    Raises:
        FileNotFoundError: If there is no such file.
        ImageReadError: If the file is empty, cut off or not a picture.
    """
    data, name = _read_file(path), str(path)
    layout = _layout_of_whole(data, name)
    if layout and layout.is_upright and layout.width and layout.height:
        return EncodedJPEG(data, name, layout)
    return _decode(data, name, cv2.IMREAD_COLOR)


@TRANSFORMS.register_module()
class LoadImage(BaseTransform):
    """Read the sample's picture, and complete its camera.

    A picture that is already there (``img``) is taken as it is. Where the focal length
    or the principal point is unknown (missing, None or NaN) they become, as in CLIFF,
    the picture's diagonal and its centre.

    With `defer` a JPEG file is read, checked and left encoded, and `TopdownAffine`
    decodes of it what the crop needs, at a smaller size if the crop shrinks it: only
    there is the box known as augmentations leave it. Transforms before `TopdownAffine`
    then must not ask for ``img``; ours do not. Other formats, and pictures that are
    stored turned, are decoded here as without it.

    Required Keys:
        - img_path, or img: (H, W, 3) uint8, BGR

    Modified Keys:
        - focal_length: float, pixels
        - principal_point: (2,) float32, pixels

    Added Keys:
        - img, or encoded_img: `EncodedJPEG`
        - ori_shape: (H, W)
        - image_affine: (2, 3) float32, from the pixels of the picture file to the
          pixels that all other keys are in; the identity until an augmentation changes
          it
        - flip: False

    Args:
        defer: Whether JPEG files wait for the crop.

    Raises:
        FileNotFoundError: If there is no such picture.
        ImageReadError: If the picture is empty, cut off or damaged (a damaged file that
            waits for the crop raises it there).
        ValueError: If ``img`` is not (H, W, 3) uint8.
    """

    def __init__(self, defer: bool = False) -> None:
        self.defer = defer

    def transform(self, results: dict[str, Any]) -> dict[str, Any]:
        """Read the picture of `results`; see the class."""
        image = results.get('img')
        if image is None and self.defer:
            image = read_encoded(results['img_path'])
        elif image is None:
            image = read_image(results['img_path'])
        elif image.ndim != 3 or image.shape[2] != 3 or image.dtype != np.uint8:
            raise ValueError(
                'img must be (H, W, 3) uint8 in BGR order, but came with shape '
                f'{image.shape} and type {image.dtype}.'
            )
        if isinstance(image, EncodedJPEG):
            width, height = image.layout.width, image.layout.height
            results.pop('img', None)
            results['encoded_img'] = image
        else:
            height, width = image.shape[:2]
            results['img'] = image
        results['ori_shape'] = (height, width)
        results['flip'] = False
        results['image_affine'] = np.eye(2, 3, dtype=np.float32)

        focal_length = results.get('focal_length')
        if focal_length is None or np.isnan(focal_length):
            focal_length = float(default_focal_length(width, height))
        results['focal_length'] = focal_length
        principal_point = results.get('principal_point')
        if principal_point is None or np.isnan(principal_point).any():
            principal_point = image_center(width, height)
        results['principal_point'] = np.array(principal_point, dtype=np.float32)
        return results
