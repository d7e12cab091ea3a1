"""Cameras: perspective projection, the crop camera and the full-image camera.

Camera frame: x right, y down, z forward, metres. Pixels: the centre of the top left
pixel is (0, 0), as in OpenCV, so that an image of w x h pixels covers [-0.5, w - 0.5]
x [-0.5, h - 0.5] and its centre is ((w - 1) / 2, (h - 1) / 2).

The crop camera (s, tx, ty) is a weak perspective camera of the person's box: a point
(x, y) in metres lies at about s * (x + tx, y + ty) * b / 2 pixels from the centre of a
box of height b. Two perspective cameras are made of it:

- of the crop, for training: `crop_to_translation`
- of the full image, for results: `crop_to_full_translation`, and back
  `full_to_crop_camera`

They agree only to first order (`projection_gap`, docs/camera.md); 2D joints in results
are defined by the full camera.
"""

import math

import torch
from torch import Tensor


def perspective_projection(
    points: Tensor,
    focal_length: Tensor | float,
    principal_point: Tensor,
    translation: Tensor | None = None,
    min_depth: float = 1e-2,
) -> Tensor:
    """Project points with a pinhole camera.

    Points nearer than `min_depth`, those behind the camera included, are projected as
    if they were at that depth: the result and its gradient stay finite, and a point
    behind the camera keeps its side. Such pixels have no meaning beyond that.

    Args:
        points: (..., N, 3) metres, camera frame.
        focal_length: Pixels; a number, (...) for one value an image, or (..., 2) for
            (fx, fy). It is read as (..., 2) if it has more dimensions than the batch.
        principal_point: (..., 2) pixels.
        translation: (..., 3) metres, added to the points; None for none.
        min_depth: Metres, positive.

    Returns:
        (..., N, 2) pixels (x, y), dtype and device of the points.

    Raises:
        ValueError: A last dimension is not as given above.

    Example:
        >>> points = torch.tensor([[0.0, 0.0, 2.0], [1.0, -0.5, 4.0]])
        >>> perspective_projection(points, 100.0, torch.tensor([50.0, 60.0]))
        tensor([[50.0000, 60.0000],
                [75.0000, 47.5000]])
    """
    _expect_last(points, 3, 'points')
    _expect_last(principal_point, 2, 'principal_point')
    if translation is not None:
        _expect_last(translation, 3, 'translation')
        points = points + translation.unsqueeze(-2)
    focal_length = torch.as_tensor(
        focal_length, dtype=points.dtype, device=points.device
    )
    if focal_length.ndim > points.ndim - 2:
        _expect_last(focal_length, 2, 'focal_length')
    else:
        focal_length = focal_length.unsqueeze(-1)
    depth = points[..., 2:].clamp_min(min_depth)
    return points[..., :2] / depth * focal_length.unsqueeze(
        -2
    ) + principal_point.unsqueeze(-2)


def crop_to_translation(
    camera: Tensor, focal_length: float = 5000.0, crop_size: float = 256.0
) -> Tensor:
    """Translation of the crop's perspective camera: (tx, ty, 2 f / (S s)).

    Its principal point is the crop's centre. Source: HMR2.0 (4D-Humans).

    Args:
        camera: (..., 3) crop camera (s, tx, ty), s > 0.
        focal_length: f, pixels of the crop.
        crop_size: S, the crop's height in pixels.

    Returns:
        (..., 3) metres.

    Raises:
        ValueError: The last dimension is not 3.

    Example:
        >>> crop_to_translation(torch.tensor([0.5, 0.1, -0.2]))
        tensor([ 0.1000, -0.2000, 78.1250])
    """
    _expect_last(camera, 3, 'camera')
    scale, shift = camera[..., :1], camera[..., 1:]
    return torch.cat([shift, 2 * focal_length / (crop_size * scale)], dim=-1)


def crop_to_full_translation(
    camera: Tensor,
    center: Tensor,
    box_height: Tensor | float,
    principal_point: Tensor,
    focal_length: Tensor | float,
) -> Tensor:
    """Translation in the full-image camera that belongs to a crop camera.

    The way back is `full_to_crop_camera`, with the same box, principal point and focal
    length.

    t = (tx + 2 (c_x - p_x) / (b s), ty + 2 (c_y - p_y) / (b s), 2 F / (b s)).
    Source: CLIFF, equations 4-7, with the box height of the 3:4 crop for b.

    Args:
        camera: (..., 3) crop camera (s, tx, ty), s > 0.
        center: (..., 2) c, pixels, centre of the crop's box in the full image.
        box_height: (...) b, pixels, height of that box.
        principal_point: (..., 2) p, pixels.
        focal_length: (...) F, pixels of the full image.

    Returns:
        (..., 3) metres.

    Raises:
        ValueError: A last dimension is not as given above.

    Example:
        >>> crop_to_full_translation(
        ...     torch.tensor([0.8, 0.0, 0.1]), torch.tensor([420.0, 240.0]), 200.0,
        ...     torch.tensor([320.0, 240.0]), 1000.0)
        tensor([ 1.2500,  0.1000, 12.5000])
    """
    _expect_last(camera, 3, 'camera')
    _expect_last(center, 2, 'center')
    _expect_last(principal_point, 2, 'principal_point')
    box_height, focal_length = _as_columns(camera, box_height, focal_length)
    scale, shift = camera[..., :1], camera[..., 1:]
    metres_per_unit = 2 / (box_height * scale)  # metres a pixel at focal length 1
    offset = metres_per_unit * (center - principal_point)
    shift = shift + offset
    depth = (metres_per_unit * focal_length).expand(*shift.shape[:-1], 1)
    return torch.cat([shift, depth], dim=-1)


def full_to_crop_camera(
    translation: Tensor,
    center: Tensor,
    box_height: Tensor | float,
    principal_point: Tensor,
    focal_length: Tensor | float,
) -> Tensor:
    """Crop camera that belongs to a translation in the full-image camera.

    The inverse of `crop_to_full_translation` for the same box, principal point and
    focal length. Another box gives the crop camera of that box, for the same person at
    the same place.

    Args:
        translation: (..., 3) metres, full-image camera, depth > 0.
        center: (..., 2) pixels, centre of the crop's box in the full image.
        box_height: (...) pixels, height of that box.
        principal_point: (..., 2) pixels.
        focal_length: (...) pixels of the full image.

    Returns:
        (..., 3) crop camera (s, tx, ty).

    Raises:
        ValueError: A last dimension is not as given above.

    Example:
        >>> full_to_crop_camera(
        ...     torch.tensor([1.25, 0.1, 12.5]), torch.tensor([420.0, 240.0]), 200.0,
        ...     torch.tensor([320.0, 240.0]), 1000.0)
        tensor([0.8000, 0.0000, 0.1000])
    """
    _expect_last(translation, 3, 'translation')
    _expect_last(center, 2, 'center')
    _expect_last(principal_point, 2, 'principal_point')
    box_height, focal_length = _as_columns(translation, box_height, focal_length)
    depth = translation[..., 2:]
    shift = translation[..., :2] - depth * (center - principal_point) / focal_length
    scale = (2 * focal_length / (box_height * depth)).expand(*shift.shape[:-1], 1)
    return torch.cat([scale, shift], dim=-1)


def projection_gap(
    points: Tensor,
    camera: Tensor,
    center: Tensor,
    box_height: Tensor | float,
    principal_point: Tensor,
    focal_length: Tensor | float,
    crop_focal_length: float = 5000.0,
    crop_size: float = 256.0,
) -> Tensor:
    """How far the full-image camera shows points from where the crop's camera does.

    Both show the body's origin at the same pixel. The others part, the more the nearer
    the person is and the farther its box is from the principal point: the crop's camera
    looks at it from straight ahead and from far away.

    Args:
        points: (..., N, 3) metres, camera axes, without translation.
        camera: (..., 3) crop camera (s, tx, ty), s > 0.
        center: (..., 2) pixels, centre of the crop's box in the full image.
        box_height: (...) pixels, height of that box.
        principal_point: (..., 2) pixels.
        focal_length: (...) pixels of the full image.
        crop_focal_length: Pixels of the crop; see `crop_to_translation`.
        crop_size: The crop's height in its pixels.

    Returns:
        (..., N) pixels of the full image.

    Raises:
        ValueError: A last dimension is not as given above.

    Example:
        >>> hand = torch.tensor([[0.3, 0.0, -0.5], [0.0, 0.0, 0.0]])
        >>> crop = torch.tensor([0.9, 0.0, 0.0])
        >>> middle = torch.tensor([319.5, 239.5])
        >>> projection_gap(hand, crop, middle, 400.0, middle, 800.0)
        tensor([6.2157, 0.0000])
    """
    translation = crop_to_full_translation(
        camera, center, box_height, principal_point, focal_length
    )
    in_image = perspective_projection(
        points, focal_length, principal_point, translation
    )
    in_crop = perspective_projection(
        points,
        crop_focal_length,
        torch.zeros_like(center),
        crop_to_translation(camera, crop_focal_length, crop_size),
    )
    (box_height,) = _as_columns(center, box_height)
    enlarged = in_crop * (box_height / crop_size).unsqueeze(-2) + center.unsqueeze(-2)
    return (in_image - enlarged).norm(dim=-1)


def default_focal_length(width: float, height: float) -> float:
    """Focal length taken where none is known: the image's diagonal (CLIFF).

    Args:
        width: Image width, pixels.
        height: Image height, pixels.

    Returns:
        sqrt(width^2 + height^2), pixels.

    Example:
        >>> default_focal_length(640, 480)
        800.0
    """
    return math.hypot(width, height)


def image_center(width: float, height: float) -> tuple[float, float]:
    """Centre of an image or crop, the principal point where none is known.

    Args:
        width: Image width, pixels.
        height: Image height, pixels.

    Returns:
        (x, y) pixels; the top left pixel's centre is (0, 0).

    Example:
        >>> image_center(192, 256)
        (95.5, 127.5)
    """
    return (width - 1) / 2, (height - 1) / 2


def _as_columns(like: Tensor, *values: Tensor | float) -> tuple[Tensor, ...]:
    """Make each (...) value a (..., 1) tensor of dtype and device of `like`."""
    return tuple(
        torch.as_tensor(value, dtype=like.dtype, device=like.device).unsqueeze(-1)
        for value in values
    )


def _expect_last(value: Tensor, size: int, name: str) -> None:
    if value.shape[-1:] != (size,):
        raise ValueError(
            f'{name}: expected shape (..., {size}), got {tuple(value.shape)}'
        )
