"""The camera of a picture: given, from its EXIF data, or assumed."""

from __future__ import annotations

import math
import numbers
import struct
import warnings
from collections.abc import Mapping, Sequence
from os import PathLike
from typing import NamedTuple

import numpy as np
from PIL import Image
from PIL.ExifTags import IFD, Base
from PIL.JpegImagePlugin import JpegImageFile

from deforhmr_mm.geometry import default_focal_length, image_center

# A frame of 35 mm film has 36 x 24 mm. CIPA (DCG-001) compares diagonals, and so does
# the tag FocalLengthIn35mmFilm.
FILM_DIAGONAL = math.hypot(36, 24)
# Millimetres in a unit of FocalPlaneResolutionUnit. Exif has inches and centimetres;
# TIFF/EP, which cameras' writers take it from, also millimetres and micrometres.
PLANE_UNITS = {2: 25.4, 3: 10.0, 4: 1.0, 5: 1e-3}
# Focal lengths in picture diagonals that a lens can have: from fisheyes (6 mm on film,
# 0.14) to telescopes (4 m, 92).
PLAUSIBLE = (0.1, 100.0)
# How far width / height may be from what EXIF says before the picture was cut.
ASPECT_TOLERANCE = 0.02


class CameraInfo(NamedTuple):
    """The camera of a whole picture.

    Attributes:
        focal_length: Pixels.
        principal_point: (cx, cy) pixels; the top left pixel's centre is (0, 0).
        source: Where the focal length is from: 'given', 'exif' or 'default' (the
            picture's diagonal).
    """

    focal_length: float
    principal_point: tuple[float, float]
    source: str


def resolve_camera(
    path: str | PathLike | None,
    image_size: Sequence[int],
    focal_length: float | str | None = None,
    principal_point: Sequence[float] | None = None,
) -> CameraInfo:
    """Find the camera of a picture.

    Args:
        path: The picture's file, for its EXIF data; None for arrays and videos.
        image_size: Height and width of the picture as read, pixels.
        focal_length: Pixels; or 'exif' for what the file says, 'auto' for that if it
            says something and the diagonal if not, 'default' or None for the diagonal.
        principal_point: (cx, cy) pixels; the picture's centre if None.

    Raises:
        ValueError: If the camera is not usable, or 'exif' is asked for and the file
            tells no focal length.

    Example:
        >>> resolve_camera(None, (480, 640))
        CameraInfo(focal_length=800.0, principal_point=(319.5, 239.5), source='default')
        >>> resolve_camera(None, (480, 640), 1200, (300, 250))
        CameraInfo(focal_length=1200.0, principal_point=(300.0, 250.0), source='given')
    """
    height, width = image_size
    center = image_center(width, height)
    if principal_point is not None:
        center = _check_principal_point(principal_point)
    if focal_length is None or isinstance(focal_length, str):
        focal, source = _look_up(path, width, height, focal_length or 'default')
        return CameraInfo(focal, center, source)
    return CameraInfo(_check_focal_length(focal_length), center, 'given')


def focal_length_from_exif(path: str | PathLike) -> float | None:
    """Focal length that a picture's EXIF data tell.

    ``FocalLengthIn35mmFilm`` if there is one, else ``FocalLength`` with
    ``FocalPlaneXResolution``. Both include a digital zoom as Exif defines them, so that
    its ratio is not applied again. Values that no lens has (0, infinity, a thousandth
    of the picture) count as missing; so do all of a picture whose sides are in another
    ratio than EXIF says: it was cut, and they are of the whole.

    Args:
        path: A file of any format whose EXIF data Pillow reads.

    Returns:
        Pixels of the picture at its present size, the same before and after it is
        turned upright; None where the file does not tell.

    Raises:
        FileNotFoundError: If there is no such file.
    """
    with warnings.catch_warnings():
        # Pillow warns of damaged tags, and of large pictures.
        warnings.simplefilter('ignore')
        try:
            with _open(path) as image:
                width, height = image.size
                tags = dict(image.getexif().get_ifd(IFD.Exif))
        except FileNotFoundError:
            raise
        except (OSError, SyntaxError, ValueError, KeyError, TypeError, struct.error):
            return None  # no picture, or damaged EXIF data
    if _was_cut(tags, width, height):
        return None
    diagonal = math.hypot(width, height)
    film = _number(tags, Base.FocalLengthIn35mmFilm)
    by_plane = _by_focal_plane(tags, width, height)
    for focal in (film * diagonal / FILM_DIAGONAL, by_plane):
        if PLAUSIBLE[0] <= focal / diagonal <= PLAUSIBLE[1]:
            return focal
    return None


def _look_up(
    path: str | PathLike | None, width: int, height: int, wanted: str
) -> tuple[float, str]:
    if wanted not in ('exif', 'auto', 'default'):
        raise ValueError(
            "focal_length must be a positive number of pixels, 'exif', 'auto' or "
            f"'default', got {wanted!r}"
        )
    if wanted != 'default':
        focal = None if path is None else focal_length_from_exif(path)
        if focal is not None:
            return focal, 'exif'
        if wanted == 'exif':
            who = 'arrays and videos have' if path is None else f'{path} has'
            raise ValueError(
                f'{who} no EXIF data with a usable focal length: give focal_length in '
                "pixels, or 'auto' to assume the picture's diagonal"
            )
    return float(default_focal_length(width, height)), 'default'


def _check_focal_length(focal_length: object) -> float:
    is_number = isinstance(focal_length, numbers.Real) or np.ndim(focal_length) == 0
    try:
        focal = float(focal_length) if is_number else math.nan
    except (TypeError, ValueError):
        focal = math.nan
    if not (math.isfinite(focal) and focal > 0):
        raise ValueError(
            f'focal_length must be a positive number of pixels: {focal_length}'
        )
    return focal


def _check_principal_point(principal_point: Sequence[float]) -> tuple[float, float]:
    try:
        point = np.asarray(principal_point, float)
    except (TypeError, ValueError):
        point = np.empty(0)
    if point.shape != (2,) or not np.isfinite(point).all():
        raise ValueError(f'principal_point must be (x, y) pixels: {principal_point}')
    return float(point[0]), float(point[1])


def _open(path: str | PathLike) -> Image.Image:
    """Open a picture without decoding it."""
    try:
        # Image.open refuses pictures of more than 179 megapixels; phones take them.
        return JpegImageFile(path)
    except SyntaxError:  # not a JPEG
        try:
            return Image.open(path)
        except Image.DecompressionBombError as error:
            raise OSError(str(error)) from error


def _by_focal_plane(tags: Mapping, width: int, height: int) -> float:
    """Focal length in pixels by the size of the sensor's; 0 if it is not told."""
    unit = PLANE_UNITS.get(int(_number(tags, Base.FocalPlaneResolutionUnit)) or 2, 0.0)
    if unit == 0:
        return 0.0
    resolution = _number(tags, Base.FocalPlaneXResolution) / unit
    # The resolution is of the picture as it was taken; it may have been resized since.
    taken = _size_taken(tags)
    if all(taken):
        # By the longer sides: what turned it may have left the tags as they were.
        scale = max(width, height) / max(taken)
    else:
        scale = width / (taken[0] or width)
    return _number(tags, Base.FocalLength) * resolution * scale


def _was_cut(tags: Mapping, width: int, height: int) -> bool:
    before = sorted(_size_taken(tags))
    if before[0] == 0:
        return False
    # Sorted: software that turned the pixels may have left the tags as they were.
    ratio = (max(width, height) / min(width, height)) / (before[1] / before[0])
    return abs(ratio - 1) > ASPECT_TOLERANCE


def _size_taken(tags: Mapping) -> tuple[float, float]:
    """Width and height of the picture as it was taken; 0 where it is not told."""
    width, height = Base.ExifImageWidth, Base.ExifImageHeight
    return _number(tags, width), _number(tags, height)


def _number(tags: Mapping, tag: int) -> float:
    """Return a tag's positive finite value; 0 where it has none."""
    try:
        value = float(tags.get(tag, 0))
    except (TypeError, ValueError, ZeroDivisionError, OverflowError):
        return 0.0
    return value if math.isfinite(value) and value > 0 else 0.0
