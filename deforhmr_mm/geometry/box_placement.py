"""Where a body stands before a camera so that it fills a given box."""

import torch
from torch import Tensor

from .cameras import perspective_projection

# Each step leaves of the error about the body's thickness over its distance.
MAX_STEPS = 100
# Share of the box's height that box and projection may still differ by.
TOLERANCE = 1e-4


def place_in_box(
    points: Tensor,
    center: Tensor,
    height: Tensor | float,
    focal_length: Tensor | float,
    principal_point: Tensor,
) -> Tensor:
    """Translation that gives the box around projected points a centre and a height.

    The width follows from the points. Found by repeated correction, in double
    precision.

    Args:
        points: (..., N, 3) metres, camera axes, without translation.
        center: (..., 2) pixels, of the box.
        height: (...) pixels, of the box.
        focal_length: (...) pixels.
        principal_point: (..., 2) pixels.

    Returns:
        (..., 3) metres, dtype and device of the points.

    Raises:
        ValueError: No place before the camera was found: the box is too high for the
            focal length, so that parts of the body would be behind the camera, or the
            points have no height.

    Example:
        >>> points = torch.tensor([[-0.5, -1.0, 0.0], [0.5, 1.0, 0.0]])
        >>> middle = torch.tensor([50.0, 60.0])
        >>> place_in_box(points, torch.tensor([80.0, 60.0]), 40.0, 100.0, middle)
        tensor([1.5000, 0.0000, 5.0000])
    """
    like, points = points, points.double()
    height, focal_length = (
        torch.as_tensor(value, dtype=points.dtype, device=points.device)
        for value in (height, focal_length)
    )
    center, principal_point = center.to(points), principal_point.to(points)
    top, bottom = points[..., 1].amin(-1), points[..., 1].amax(-1)
    near = points[..., 2].amin(-1)
    # First too far away, as if the whole height were as near as the nearest point.
    depth = focal_length * (bottom - top) / height - near
    shift = -(points.amin(-2) + points.amax(-2))[..., :2] / 2
    shift = shift + (center - principal_point) * (depth / focal_length).unsqueeze(-1)
    for _ in range(MAX_STEPS):
        transl = torch.cat([shift, depth.unsqueeze(-1)], dim=-1)
        pixels = perspective_projection(points, focal_length, principal_point, transl)
        low, high = pixels.amin(-2), pixels.amax(-2)
        missing = center - (low + high) / 2
        found = (high - low)[..., 1]
        error = torch.maximum(missing.abs().amax(-1), (found - height).abs()) / height
        if (error < TOLERANCE).all():
            return transl.to(like)
        # As large as steps would be if all points were as near as the nearest: too
        # short rather than too long, so that no point gets behind the camera.
        distance = depth + near
        farther = distance * (found / height - 1)
        along = farther.unsqueeze(-1) * (center - principal_point)
        metres = missing * distance.unsqueeze(-1) + along
        shift = shift + metres / focal_length.unsqueeze(-1)
        depth = depth + farther
    raise ValueError(
        'height: found no place before the camera where the points fill boxes of '
        f'{height.tolist()} pixels at a focal length of {focal_length.tolist()}'
    )
