"""Boxes and the crop (numpy).

Boxes are in pixels of the image, whose top left pixel has its centre at (0, 0).
`xyxy` is (left, top, right, bottom), `xywh` is (left, top, width, height).
"""

import numpy as np
from numpy.typing import ArrayLike

Array = np.ndarray

# A crop is this much larger than the person's box: SPIN's scale = 1.2 max(w, h) / 200.
BBOX_PADDING = 1.2
CROP_ASPECT = 192 / 256
"""Width over height of the network's input."""


def bbox_xywh_to_xyxy(bbox: ArrayLike) -> Array:
    """Convert boxes (..., 4) from (left, top, width, height) to corners.

    Args:
        bbox: (..., 4) pixels.

    Returns:
        (..., 4) pixels (left, top, right, bottom).

    Raises:
        ValueError: The last dimension is not 4.

    Example:
        >>> bbox_xywh_to_xyxy([10.0, 20.0, 30.0, 40.0])
        array([10., 20., 40., 60.])
    """
    bbox = _as_boxes(bbox)
    return np.concatenate([bbox[..., :2], bbox[..., :2] + bbox[..., 2:]], axis=-1)


def bbox_xyxy_to_xywh(bbox: ArrayLike) -> Array:
    """Convert boxes (..., 4) from corners to (left, top, width, height).

    Args:
        bbox: (..., 4) pixels (left, top, right, bottom).

    Returns:
        (..., 4) pixels.

    Raises:
        ValueError: The last dimension is not 4.

    Example:
        >>> bbox_xyxy_to_xywh([10.0, 20.0, 40.0, 60.0])
        array([10., 20., 30., 40.])
    """
    bbox = _as_boxes(bbox)
    return np.concatenate([bbox[..., :2], bbox[..., 2:] - bbox[..., :2]], axis=-1)


def fit_aspect(size: ArrayLike, aspect: float = CROP_ASPECT) -> Array:
    """Grow the short side of a box until width / height is `aspect`.

    Args:
        size: (..., 2) width and height, pixels.
        aspect: Width over height, positive.

    Returns:
        (..., 2) width and height, pixels.

    Raises:
        ValueError: The last dimension is not 2.

    Example:
        >>> fit_aspect([[60.0, 200.0], [150.0, 100.0]])
        array([[150., 200.],
               [150., 200.]])
    """
    size = _as_float(size)
    if size.shape[-1:] != (2,):
        raise ValueError(f'size: expected shape (..., 2), got {size.shape}')
    width, height = size[..., 0], size[..., 1]
    return np.stack(
        [np.maximum(width, height * aspect), np.maximum(height, width / aspect)],
        axis=-1,
    )


def bbox_to_center_scale(
    bbox_xyxy: ArrayLike, padding: float = 1.0, aspect: float = CROP_ASPECT
) -> tuple[Array, Array]:
    """Centre and size of the crop for a box.

    Args:
        bbox_xyxy: (..., 4) pixels (left, top, right, bottom).
        padding: Enlargement of the crop after its aspect is fitted.
        aspect: Width over height of the crop.

    Returns:
        Centre (..., 2) and (width, height) (..., 2), pixels.

    Raises:
        ValueError: The last dimension is not 4.

    Example:
        >>> center, scale = bbox_to_center_scale([10.0, 20.0, 40.0, 120.0], padding=1.2)
        >>> center, scale
        (array([25., 70.]), array([ 90., 120.]))
    """
    bbox = _as_boxes(bbox_xyxy)
    low, high = bbox[..., :2], bbox[..., 2:]
    return (low + high) / 2, fit_aspect(high - low, aspect) * padding


def validate_bboxes(
    bboxes: ArrayLike, bbox_format: str, img_shape: tuple[int, int]
) -> Array:
    """Check boxes that a caller gave and bring them to corners.

    Args:
        bboxes: (N, 4) pixels; N may be 0.
        bbox_format: 'xyxy' or 'xywh'.
        img_shape: (height, width) of the image.

    Returns:
        (N, 4) float32 pixels (left, top, right, bottom). Boxes are not clipped.

    Raises:
        ValueError: The format or shape is wrong, or a box is not finite, has no width
            or height, or does not meet the image; the message names the box.

    Example:
        >>> validate_bboxes([[10, 20, 30, 40]], 'xywh', (480, 640))
        array([[10., 20., 40., 60.]], dtype=float32)
        >>> validate_bboxes([[10, 20, 10, 40]], 'xyxy', (480, 640))
        Traceback (most recent call last):
        ...
        ValueError: bboxes[0] = [10.0, 20.0, 10.0, 40.0] (xyxy): width and height must \
be positive, got 0 x 20 px
    """
    if bbox_format not in ('xyxy', 'xywh'):
        raise ValueError(f"bbox_format: expected 'xyxy' or 'xywh', got {bbox_format!r}")
    given = np.asarray(bboxes, dtype=np.float64)
    if given.size == 0:
        return np.zeros((0, 4), dtype=np.float32)
    if given.ndim != 2 or given.shape[1] != 4:
        raise ValueError(f'bboxes: expected shape (N, 4), got {given.shape}')
    corners = bbox_xywh_to_xyxy(given) if bbox_format == 'xywh' else given
    height, width = img_shape[:2]
    limit = np.finfo(np.float32).max
    for index, (box, (left, top, right, bottom)) in enumerate(
        zip(given, corners, strict=True)
    ):
        label = f'bboxes[{index}] = {box.tolist()} ({bbox_format})'
        if not (np.abs([left, top, right, bottom]) < limit).all():
            raise ValueError(f'{label}: all four numbers must be finite')
        if right <= left or bottom <= top:
            raise ValueError(
                f'{label}: width and height must be positive, got '
                f'{right - left:g} x {bottom - top:g} px'
            )
        if right <= 0 or bottom <= 0 or left >= width or top >= height:
            raise ValueError(
                f'{label}: the box lies outside the image of {width} x {height} px'
            )
    return corners.astype(np.float32)


def crop_affine(
    center: ArrayLike,
    scale: ArrayLike,
    output_size: tuple[int, int],
    rotation_deg: float = 0.0,
) -> Array:
    """Affine map from full-image pixels to the pixels of a crop.

    The box of size `scale` about `center` fills the crop: its centre goes to the
    crop's centre ((w - 1) / 2, (h - 1) / 2), its corner to the outer corner
    (-0.5, -0.5) of the crop's first pixel. The picture's content turns about that
    centre by `rotation_deg` from the x axis (right) towards the y axis (down), so that
    camera-frame vectors turn by the rotation about z (forward) of the same angle.

    Args:
        center: (2,) pixels of the full image.
        scale: (2,) width and height of the box, pixels of the full image, positive.
        output_size: (width, height) of the crop, pixels.
        rotation_deg: Degrees.

    Returns:
        (2, 3) float64: crop pixel = matrix @ (x, y, 1); as cv2.warpAffine takes it.

    Raises:
        ValueError: A value is not finite or the scale is not positive.

    Example:
        >>> matrix = crop_affine((100.0, 80.0), (96.0, 128.0), (192, 256))
        >>> matrix @ [100.0, 80.0, 1.0]
        array([ 95.5, 127.5])
        >>> matrix @ [52.0, 16.0, 1.0]
        array([-0.5, -0.5])
    """
    center = np.asarray(center, dtype=np.float64)
    scale = np.asarray(scale, dtype=np.float64)
    if center.shape != (2,) or not np.isfinite(center).all():
        raise ValueError(f'center: expected two finite numbers, got {center.tolist()}')
    if scale.shape != (2,) or not np.isfinite(scale).all() or (scale <= 0).any():
        raise ValueError(f'scale: expected two positive numbers, got {scale.tolist()}')
    size = np.asarray(output_size, dtype=np.float64)
    angle = np.deg2rad(rotation_deg)
    turn = np.array([[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]])
    linear = np.diag(size / scale) @ turn
    return np.column_stack([linear, (size - 1) / 2 - linear @ center])


def _as_float(value: ArrayLike) -> Array:
    """Array of its own floating type, float64 for other types."""
    value = np.asarray(value)
    return value if np.issubdtype(value.dtype, np.floating) else value.astype(float)


def _as_boxes(bbox: ArrayLike) -> Array:
    bbox = _as_float(bbox)
    if bbox.shape[-1:] != (4,):
        raise ValueError(f'bbox: expected shape (..., 4), got {bbox.shape}')
    return bbox
