"""Grouped bilinear sampling of features, as registered parts of equal result.

Each takes features (B, C, H, W) and positions (B, G, N, 2), normalised (x, y) over the
map, and gives (B, N, C): group g of the channels sampled at its own positions, zeros
outside. All sample in float32 at least, also under autocast: a half-precision position
is off by a hundredth of a cell, and mmcv's kernel knows no bfloat16.
"""

import importlib
from functools import cache

import torch
from torch import Tensor, nn

from deforhmr_mm.geometry.sampling import sample_groups
from deforhmr_mm.registry import MODELS

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
def mmcv_has_cuda_kernel() -> bool:
    """Whether mmcv's ops are compiled, and for CUDA."""
    if mmcv_ops_error():
        return False
    from mmcv.ops import get_compiling_cuda_version

    return get_compiling_cuda_version() != 'not available'


def im2col_step(batch: int) -> int:
    """The largest divisor of the batch that mmcv's kernel takes as its step.

    The kernel refuses a batch that its step does not divide.

    Example:
        >>> [im2col_step(batch) for batch in (1, 64, 65, 100)]
        [1, 64, 13, 50]
    """
    largest = min(batch, MAX_IM2COL_STEP)
    return next(step for step in range(largest, 0, -1) if batch % step == 0)


@MODELS.register_module()
class TorchSampler(nn.Module):
    """Sample with torch's ``grid_sample``: on every device."""

    def forward(self, features: Tensor, positions: Tensor) -> Tensor:
        """Sample (B, C, H, W) at (B, G, N, 2) -> (B, N, C); see the module's head."""
        with torch.autocast(features.device.type, enabled=False):
            return sample_groups(features.to(positions.dtype), positions)


@MODELS.register_module()
class MMCVSampler(nn.Module):
    """Sample with the kernel of mmcv's multi-scale deformable attention.

    One level and one point of weight one for each group make that attention a grouped
    bilinear sampler. On a CPU mmcv's plain torch form stands in for the kernel.

    Raises:
        ImportError: if mmcv has no compiled ops.
    """

    def __init__(self) -> None:
        super().__init__()
        if reason := mmcv_ops_error():
            raise ImportError(
                f'MMCVSampler needs mmcv with its compiled ops, and mmcv.ops does not '
                f'import ({reason}). `make install-test` compiles them; '
                "sampler=dict(type='TorchSampler') does without"
            )

    def forward(self, features: Tensor, positions: Tensor) -> Tensor:
        """Sample (B, C, H, W) at (B, G, N, 2) -> (B, N, C); see the module's head."""
        from mmcv.ops.multi_scale_deform_attn import (
            MultiScaleDeformableAttnFunction,
            multi_scale_deformable_attn_pytorch,
        )

        batch, channels, height, width = features.shape
        groups, count = positions.shape[1:3]
        if batch == 0:
            return features.new_zeros(0, count, channels, dtype=positions.dtype)
        value = features.to(positions.dtype).flatten(2).transpose(1, 2)
        value = value.unflatten(2, (groups, -1)).contiguous()  # (B, H * W, G, C / G)
        # mmcv counts positions from 0 to 1: (B, N, G, levels, points, 2).
        places = (positions.transpose(1, 2)[:, :, :, None, None] + 1) / 2
        places = places.contiguous()
        ones = places.new_ones(places.shape[:-1])
        shapes = torch.tensor([[height, width]], device=features.device)
        with torch.autocast(features.device.type, enabled=False):
            if not value.is_cuda:
                return multi_scale_deformable_attn_pytorch(value, shapes, places, ones)
            starts = shapes.new_zeros(1)
            step = im2col_step(batch)
            return MultiScaleDeformableAttnFunction.apply(
                value, shapes, starts, places, ones, step
            )


@MODELS.register_module()
class AutoSampler(nn.Module):
    """mmcv's kernel where it is compiled and the features are on CUDA, else torch's."""

    def __init__(self) -> None:
        super().__init__()
        self.torch_sampler = TorchSampler()
        self.mmcv_sampler = None

    def forward(self, features: Tensor, positions: Tensor) -> Tensor:
        """Sample (B, C, H, W) at (B, G, N, 2) -> (B, N, C); see the module's head."""
        if not features.is_cuda or not mmcv_has_cuda_kernel():
            return self.torch_sampler(features, positions)
        if self.mmcv_sampler is None:
            self.mmcv_sampler = MMCVSampler()
        return self.mmcv_sampler(features, positions)
