"""Reading pictures, with one clear error for each way in which a file can be bad."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np
from PIL.Image import DecompressionBombError

from .foreign_files import explain_undecodable
from .jpeg import JPEG_START, JPEGLayout, first_rows, read_jpeg_layout
from .pixel_formats import decode_by_pillow

__all__ = [
    'EncodedJPEG',
    'ImageReadError',
    'decode_image',
    'keep_encoded',
    'read_file',
    'read_file_in_archive',
    'read_image',
]

PNG_START = b'\x89PNG\r\n\x1a\n'
# OpenCV's flags for decoding at a whole fraction of the size.
REDUCED = {
    1: cv2.IMREAD_COLOR,
    2: cv2.IMREAD_REDUCED_COLOR_2,
    4: cv2.IMREAD_REDUCED_COLOR_4,
    8: cv2.IMREAD_REDUCED_COLOR_8,
}


class ImageReadError(ValueError):
    """A picture file is empty, cut off, of a format that is not read, or no picture."""


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
        raise ImageReadError(f'The picture {name} {explain_undecodable(data)}.')
    return image


def _decode_whole(data: bytes, name: str, is_jpeg: bool) -> np.ndarray:
    """Decode a whole file, transparent pixels to black; (H, W, 3) uint8, BGR."""
    if not is_jpeg:  # which has no alpha channel
        try:
            image = decode_by_pillow(data)
        except DecompressionBombError as error:
            raise ImageReadError(
                f'The picture {name} has more pixels than Pillow takes ({error}). Save '
                'it smaller, or as JPEG.'
            ) from error
        except Exception as error:  # on damaged files its decoders raise many kinds
            raise ImageReadError(
                f'The picture {name} cannot be decoded: {error}.'
            ) from error
        if image is not None:
            return image
    return _decode(data, name, cv2.IMREAD_COLOR)


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
        (H, W, 3) uint8 in BGR order. Grey pictures are repeated over the channels;
        transparent pixels are shown before black (see `composite_on_black`); of 16 bits
        the upper 8 are kept; palettes and CMYK become BGR; of an animation and of a
        file of several pictures the first is taken.

    Raises:
        ImageReadError: If there are no bytes, or they are not one whole picture.
    """
    layout = _layout_of_whole(data, name)
    return _decode_whole(data, name, is_jpeg=layout is not None)


def read_file(path: str | Path) -> bytes:
    """Read a picture's file.

    Raises:
        FileNotFoundError: If there is no such file.
        ImageReadError: If it cannot be read.
    """
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
    return decode_image(read_file(path), str(path))


def keep_encoded(data: bytes, name: str) -> EncodedJPEG | np.ndarray:
    """Leave a picture encoded where part of it can be decoded later.

    Args:
        data: The bytes of the file.
        name: Name for messages.

    Returns:
        A JPEG file that is stored upright, or the decoded picture of any other.

    Raises:
        ImageReadError: If there are no bytes, or they are not one whole picture.
    """
    layout = _layout_of_whole(data, name)
    if layout and layout.is_upright and layout.width and layout.height:
        return EncodedJPEG(data, name, layout)
    return _decode_whole(data, name, is_jpeg=layout is not None)


def read_file_in_archive(
    archive: str | Path, offset: int, size: int, name: str
) -> bytes:
    """Read a file that lies uncompressed in another one, as a tar's member does.

    The archive is opened anew each time, so that worker processes share no position in
    it.

    Args:
        archive: Path of the archive.
        offset: Place of the file's first byte.
        size: Number of its bytes.
        name: Name of the file, for messages.

    Raises:
        FileNotFoundError: If there is no such archive.
        ImageReadError: If the bytes cannot be read.
    """
    try:
        with open(archive, 'rb') as file:
            file.seek(offset)
            return file.read(size)
    except FileNotFoundError as error:
        raise FileNotFoundError(
            f'The archive {archive} of the picture {name} does not exist.'
        ) from error
    except OSError as error:
        raise ImageReadError(
            f'The picture {name} cannot be read: {error.strerror}.'
        ) from error
