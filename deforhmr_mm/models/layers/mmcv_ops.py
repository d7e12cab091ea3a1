"""Mmcv's compiled ops: whether they can be used, and its deformable attention."""

import importlib
import warnings
from functools import cache

import torch
from torch import Tensor

# mmcv's own default; a larger step saves nothing.
MAX_IM2COL_STEP = 64


@cache
def mmcv_ops_error() -> str | None:
    """Why mmcv's compiled ops cannot be used; None if they can."""
    try:
        importlib.import_module('mmcv.ops')
    except (ImportError, OSError) as error:
        return str(error)
    return None


@cache
def mmcv_has_cuda_kernel(device: torch.device) -> bool:
    """Whether mmcv's ops are compiled for CUDA, and for this GPU.

    Compiled for other GPUs alone, the kernel prints an error and leaves zeros. So it is
    tried once on each device.

    Args:
        device: a CUDA device.
    """
    if mmcv_ops_error():
        return False
    from mmcv.ops import get_compiling_cuda_version

    if get_compiling_cuda_version() == 'not available':
        return False
    value = torch.arange(1.0, 33.0, device=device).view(1, 4, 1, 8)
    places = torch.tensor([0.5, 0.25], device=device).expand(1, 1, 1, 1, 1, 2)
    attention = (value, (2, 2), places, torch.ones_like(places[..., 0]))
    if torch.allclose(_by_kernel(*attention), _by_torch(*attention)):
        return True
    warnings.warn(
        f"mmcv's kernel gives wrong values on {device}, as it does on a GPU that mmcv "
        'was not compiled for: torch samples in its place. mmcv compiled on this '
        'machine has the kernel for it',
        stacklevel=2,
    )
    return False


def im2col_step(batch: int) -> int:
    """The largest divisor of the batch that mmcv's kernel takes as its step.

    The kernel refuses a batch that its step does not divide.

    Example:
        >>> [im2col_step(batch) for batch in (1, 64, 65, 100)]
        [1, 64, 13, 50]
    """
    largest = min(batch, MAX_IM2COL_STEP)
    return next(step for step in range(largest, 0, -1) if batch % step == 0)


def deformable_attention(
    value: Tensor, size: tuple[int, int], places: Tensor, weights: Tensor
) -> Tensor:
    """Mmcv's multi-scale deformable attention on one level, B > 0, without autocast.

    By its kernel where the GPU has one, else in its plain torch form.

    Args:
        value: (B, H * W, heads, C) features, row by row; no half precision.
        size: rows H and columns W.
        places: (B, Q, heads, 1, points, 2) normalised (x, y) from 0 to 1 over the map.
        weights: (B, Q, heads, 1, points) of the points.

    Returns:
        (B, Q, heads * C) weighted sums over the points.
    """
    with torch.autocast(value.device.type, enabled=False):
        if value.is_cuda and mmcv_has_cuda_kernel(value.device):
            return _by_kernel(value, size, places, weights)
        return _by_torch(value, size, places, weights)


def _by_kernel(
    value: Tensor, size: tuple[int, int], places: Tensor, weights: Tensor
) -> Tensor:
    from mmcv.ops.multi_scale_deform_attn import MultiScaleDeformableAttnFunction

    shapes = torch.tensor([size], device=value.device)
    return MultiScaleDeformableAttnFunction.apply(
        value.contiguous(),
        shapes,
        shapes.new_zeros(1),  # where the level starts
        places.contiguous(),
        weights.contiguous(),
        im2col_step(len(value)),
    )


def _by_torch(
    value: Tensor, size: tuple[int, int], places: Tensor, weights: Tensor
) -> Tensor:
    from mmcv.ops.multi_scale_deform_attn import multi_scale_deformable_attn_pytorch

    return multi_scale_deformable_attn_pytorch(value, [size], places, weights)
