"""Sampling offsets predicted from the features alone (DAT, Xia et al., CVPR 2022)."""

from collections.abc import Sequence

import torch
import torch.nn.functional as F
from torch import Tensor, nn


class GroupLayerNorm(nn.Module):
    """LayerNorm over the channels of each group, cell by cell.

    Weights have the shape (C, 1, 1), as for maps (B, C, H, W).
    """

    def __init__(self, num_groups: int, num_channels: int, eps: float = 1e-5) -> None:
        super().__init__()
        self.num_groups = num_groups
        self.eps = eps
        self.weight = nn.Parameter(torch.ones(num_channels, 1, 1))
        self.bias = nn.Parameter(torch.zeros(num_channels, 1, 1))

    def forward(self, x: Tensor) -> Tensor:
        """Normalise (..., C), channels last, over the C / G channels of each group.

        Returns (..., G, C / G).
        """
        grouped = x.unflatten(-1, (self.num_groups, -1))
        normed = F.layer_norm(grouped, grouped.shape[-1:], eps=self.eps)
        weight, bias = (
            parameter.view(self.num_groups, -1)
            for parameter in (self.weight, self.bias)
        )
        return torch.addcmul(bias, normed, weight)


def _normalize_groups(grouped: Tensor, eps: float) -> Tensor:
    """Zero mean and unit variance over the channels of (..., G, C / G, H, W)."""
    centred = grouped - grouped.mean(dim=-3, keepdim=True)
    variance = centred.square().mean(dim=-3, keepdim=True)
    return centred * torch.rsqrt(variance + eps)


class OffsetNetwork(nn.Module):
    """Predict how far each cell's sampling position moves, for each channel group.

    Depthwise convolution, normalisation over the group's channels, GELU, then a 1x1
    convolution to two numbers for each group, bounded by tanh (method: offsets depend
    on the context, never on the queries). DAT folds the groups into the batch and so
    shares one set of filters between them; here each group has its own unless
    `share_groups`.

    Args:
        in_channels: channels of the features.
        num_groups: groups that the channels are cut into; divides `in_channels`.
        kernel_size: odd side of the depthwise filters, in cells.
        max_offset: s, the largest offset in cells.
        share_groups: use one set of filters for all groups.
        zero_start: offsets are zero before training, as Deformable-DETR's are at its
            reference points; otherwise they start at random, as DAT's.

    Raises:
        ValueError: if the groups do not divide the channels or the kernel is even.
    """

    def __init__(
        self,
        in_channels: int,
        num_groups: int = 8,
        kernel_size: int = 5,
        max_offset: float = 2.0,
        share_groups: bool = False,
        zero_start: bool = False,
    ) -> None:
        super().__init__()
        if in_channels % num_groups:
            raise ValueError(
                f'num_groups={num_groups} does not divide in_channels={in_channels}'
            )
        if kernel_size % 2 == 0:
            raise ValueError(f'kernel_size must be odd, got {kernel_size}')
        self.num_groups = num_groups
        self.max_offset = max_offset
        self.share_groups = share_groups
        filter_sets = 1 if share_groups else num_groups
        channels = in_channels // num_groups * filter_sets
        self.depthwise = nn.Conv2d(
            channels, channels, kernel_size, padding=kernel_size // 2, groups=channels
        )
        self.norm = GroupLayerNorm(filter_sets, channels)
        self.act = nn.GELU()
        self.pointwise = nn.Conv2d(
            channels, 2 * filter_sets, 1, groups=filter_sets, bias=False
        )
        if zero_start:
            nn.init.zeros_(self.pointwise.weight)

    def forward(self, features: Tensor) -> Tensor:
        """Predict offsets.

        Args:
            features: (B, C, H, W) context.

        Returns:
            (B, G, H * W, 2) offsets (x, y) in units of the normalised map (2 / W and
            2 / H to a cell), at most `max_offset` cells long on each axis.
        """
        batch, _, height, width = features.shape
        if self.share_groups:
            # Each group as a picture of its own.
            width_of_group = features.shape[1] // self.num_groups
            features = features.reshape(-1, width_of_group, height, width)
        # Channels last, the norm is one fused operation over adjacent numbers.
        x = self.depthwise(features.contiguous(memory_format=torch.channels_last))
        x = self.act(self.norm(x.permute(0, 2, 3, 1)))  # (B', H, W, G', C' / G')
        weight = self.pointwise.weight.view(x.shape[-2], 2, -1)
        raw = torch.einsum('bhwgc,goc->bgohw', x, weight)
        return self.bound(raw.reshape(batch, self.num_groups, 2, height, width))

    def bound(self, raw: Tensor) -> Tensor:
        """Raw maps (..., 2, H, W) to offsets (..., H * W, 2) of bounded length."""
        height, width = raw.shape[-2:]
        # bfloat16 would round the offsets by a hundredth of a cell.
        raw = raw.float() if raw.dtype.itemsize < 4 else raw
        cell = raw.new_tensor((2 / width, 2 / height))
        return self.max_offset * torch.tanh(raw.flatten(-2).transpose(-1, -2)) * cell


def batched_offsets(networks: Sequence[OffsetNetwork], features: Tensor) -> Tensor:
    """Offsets of several networks with the same options, in one pass.

    Args:
        networks: the L networks of a decoder's layers.
        features: (B, C, H, W) context that all of them read.

    Returns:
        (B, L, G, H * W, 2) what each network gives.
    """
    first, count = networks[0], len(networks)
    batch, _, height, width = features.shape
    filters = first.depthwise.weight.shape[0]
    if first.share_groups:
        features = features.reshape(-1, filters, height, width)
    # Each channel of the features meets its filter of every network.
    x = F.conv2d(
        features,
        torch.stack([net.depthwise.weight for net in networks], dim=1).flatten(0, 1),
        torch.stack([net.depthwise.bias for net in networks], dim=1).flatten(),
        padding=first.depthwise.padding,
        groups=filters,
    )
    x = x.unflatten(1, (filters, count)).transpose(1, 2)  # (B', L, C', H, W)
    x = _normalize_groups(
        x.unflatten(2, (first.norm.num_groups, -1)), first.norm.eps
    ).flatten(2, 3)
    x = x * torch.stack([net.norm.weight for net in networks])
    x = F.gelu(x + torch.stack([net.norm.bias for net in networks]))
    sets = first.pointwise.groups
    pointwise = torch.stack([net.pointwise.weight for net in networks])
    raw = F.conv2d(
        x.flatten(1, 2), pointwise.flatten(0, 1), groups=count * sets
    )  # (B', L * 2 G', H, W)
    folded = first.num_groups // sets
    raw = raw.reshape(batch, folded, count, sets, 2, height, width)
    # With shared filters the groups are in the batch, otherwise among the sets.
    return first.bound(raw.transpose(1, 2).flatten(2, 3))
