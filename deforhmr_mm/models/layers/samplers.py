"""Grouped bilinear sampling of features, as registered parts of equal result.

Each takes features (B, C, H, W) and positions (B, G, N, 2), normalised (x, y) over the
map, and gives (B, N, C): group g of the channels sampled at its own positions, zeros
outside. All sample in float32 at least, also under autocast: a half-precision position
is off by a hundredth of a cell, and mmcv's kernel knows no bfloat16.
"""

import torch
from torch import Tensor, nn

from deforhmr_mm.geometry.sampling import sample_groups
from deforhmr_mm.models.layers.mmcv_ops import (
    deformable_attention,
    mmcv_has_cuda_kernel,
    mmcv_ops_error,
)
from deforhmr_mm.registry import MODELS


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
    bilinear sampler. Where there is no kernel for the device, as on a CPU, mmcv's plain
    torch form stands in for it.

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
        batch, channels, height, width = features.shape
        groups, count = positions.shape[1:3]
        if batch == 0:
            return features.new_zeros(0, count, channels, dtype=positions.dtype)
        value = features.to(positions.dtype).flatten(2).transpose(1, 2)
        value = value.unflatten(2, (groups, -1))  # (B, H * W, G, C / G)
        # mmcv counts positions from 0 to 1: (B, N, G, levels, points, 2).
        places = (positions.transpose(1, 2)[:, :, :, None, None] + 1) / 2
        ones = places.new_ones(places.shape[:-1])
        return deformable_attention(value, (height, width), places, ones)


@MODELS.register_module()
class AutoSampler(nn.Module):
    """mmcv's kernel where it is compiled for the features' GPU, else torch's."""

    def __init__(self) -> None:
        super().__init__()
        self.torch_sampler = TorchSampler()
        self.mmcv_sampler = None

    def forward(self, features: Tensor, positions: Tensor) -> Tensor:
        """Sample (B, C, H, W) at (B, G, N, 2) -> (B, N, C); see the module's head."""
        if not features.is_cuda or not mmcv_has_cuda_kernel(features.device):
            return self.torch_sampler(features, positions)
        if self.mmcv_sampler is None:
            self.mmcv_sampler = MMCVSampler()
        return self.mmcv_sampler(features, positions)
