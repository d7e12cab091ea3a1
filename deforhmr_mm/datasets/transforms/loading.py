"""Reading pictures, with one clear error for each way in which a file can be bad."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import cv2
import numpy as np
from mmcv.transforms import BaseTransform

from deforhmr_mm.geometry import default_focal_length, image_center
from deforhmr_mm.registry import TRANSFORMS

from .affine import compose_affine

__all__ = [
    'ImageReadError',
    'LoadImage',
    'decode_image',
    'read_image',
    'read_image_in_archive',
]

JPEG_START = b'\xff\xd8\xff'
JPEG_START_OF_SCAN = 0xDA
JPEG_END = 0xD9
# Inside a scan, 0xff is followed by 0 (a stuffed byte), a restart marker or a fill
# byte; anything else is the next segment.
JPEG_NEXT_SEGMENT = re.compile(rb'\xff[^\x00\xd0-\xd7\xff]')
PNG_START = b'\x89PNG\r\n\x1a\n'


class ImageReadError(ValueError):
    """A picture file is empty, cut off, or not a picture."""


def _jpeg_is_whole(data: bytes) -> bool:
    """Whether the segments of a JPEG file lead to its end marker."""
    position = 2
    while True:
        found = JPEG_NEXT_SEGMENT.search(data, position)
        if found is None:
            return False
        marker = data[found.start() + 1]
        position = found.end()
        if marker == JPEG_END:
            return True
        length = data[position : position + 2]
        if len(length) < 2:
            return False
        position += int.from_bytes(length, 'big')


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
    if not data:
        raise ImageReadError(f'The picture {name} is empty (0 bytes).')
    is_cut_off = (data.startswith(JPEG_START) and not _jpeg_is_whole(data)) or (
        data.startswith(PNG_START) and b'IEND' not in data
    )
    if is_cut_off:
        raise ImageReadError(
            f'The picture {name} is cut off: its end is missing ({len(data)} bytes are '
            'there). Copy or download it again.'
        )
    try:
        image = cv2.imdecode(np.frombuffer(data, dtype=np.uint8), cv2.IMREAD_COLOR)
    except cv2.error as error:
        raise ImageReadError(
            f'The picture {name} cannot be decoded: {error.err}.'
        ) from error
    if image is None:
        raise ImageReadError(
            f'The picture {name} cannot be decoded: it is damaged, or not a picture.'
        )
    return image


def read_image(path: str | Path) -> np.ndarray:
    """Read a picture file; see `decode_image` for the result.

    Raises:
        FileNotFoundError: If there is no such file.
        ImageReadError: If the file is empty, cut off or not a picture.
    """
    try:
        data = Path(path).read_bytes()
    except FileNotFoundError as error:
        raise FileNotFoundError(f'The picture {path} does not exist.') from error
    except OSError as error:
        raise ImageReadError(
            f'The picture {path} cannot be read: {error.strerror}.'
        ) from error
    return decode_image(data, str(path))


def read_image_in_archive(
    archive: str | Path, offset: int, size: int, name: str
) -> np.ndarray:
    """Read a picture that lies uncompressed in another file, as a tar's member does.

    The file is opened anew each time, so that worker processes share no position in it.

    Args:
        archive: Path of the file.
        offset: Place of the picture's first byte.
        size: Number of its bytes.
        name: Name of the picture, for messages.

    Raises:
        FileNotFoundError: If there is no such file.
        ImageReadError: If the bytes cannot be read, or are not one whole picture.
    """
    try:
        with open(archive, 'rb') as file:
            file.seek(offset)
            data = file.read(size)
    except FileNotFoundError as error:
        raise FileNotFoundError(
            f'The archive {archive} of the picture {name} does not exist.'
        ) from error
    except OSError as error:
        raise ImageReadError(
            f'The picture {name} cannot be read: {error.strerror}.'
        ) from error
    return decode_image(data, name)


@TRANSFORMS.register_module()
class LoadImage(BaseTransform):
    """Read the sample's picture, and complete its camera.

    A picture that is already there (``img``) is taken as it is. Where the focal length
    or the principal point is unknown (missing, None or NaN) they become, as in CLIFF,
    the picture's diagonal and its centre.

    Some data sets (BEDLAM's close-ups) store pictures turned, while their labels are in
    the upright frame. With ``image_turns``, quarter turns clockwise, ``image_affine``
    and ``ori_shape`` lead to that frame; the pixels are turned by the crop's one warp.

    Required Keys:
        - img_path, or img: (H, W, 3) uint8, BGR
        - image_turns: int (optional)
        - img_archive: optional, (path, offset, size) of the file in which the picture
          lies; img_path is then no more than its name

    Modified Keys:
        - focal_length: float, pixels
        - principal_point: (2,) float32, pixels

    Added Keys:
        - img
        - ori_shape: (H, W), after the turns
        - image_affine: (2, 3) float32, from the pixels of the picture file to the
          pixels that all other keys are in; without turns the identity, until an
          augmentation changes it
        - flip: False

    Raises:
        FileNotFoundError: If there is no such picture.
        ImageReadError: If the picture is empty, cut off or damaged.
        ValueError: If ``img`` is not (H, W, 3) uint8.
    """

    def transform(self, results: dict[str, Any]) -> dict[str, Any]:
        """Read the picture of `results`; see the class."""
        image = results.get('img')
        if image is None and 'img_archive' in results:
            image = read_image_in_archive(*results['img_archive'], results['img_path'])
        elif image is None:
            image = read_image(results['img_path'])
        elif image.ndim != 3 or image.shape[2] != 3 or image.dtype != np.uint8:
            raise ValueError(
                'img must be (H, W, 3) uint8 in BGR order, but came with shape '
                f'{image.shape} and type {image.dtype}.'
            )
        height, width = image.shape[:2]
        affine = np.eye(2, 3, dtype=np.float32)
        for _ in range(results.get('image_turns', 0) % 4):
            turn = np.array([[0, -1, height - 1], [1, 0, 0]], dtype=np.float32)
            affine = compose_affine(turn, affine)
            height, width = width, height
        results['img'] = image
        results['ori_shape'] = (height, width)
        results['flip'] = False
        results['image_affine'] = affine

        focal_length = results.get('focal_length')
        if focal_length is None or np.isnan(focal_length):
            focal_length = float(default_focal_length(width, height))
        results['focal_length'] = focal_length
        principal_point = results.get('principal_point')
        if principal_point is None or np.isnan(principal_point).any():
            principal_point = image_center(width, height)
        results['principal_point'] = np.array(principal_point, dtype=np.float32)
        return results
