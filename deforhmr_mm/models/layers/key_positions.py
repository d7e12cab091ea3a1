"""Position encodings of the keys, the alternatives to per-query bias grids.

They are added to the sampled features before the keys are made of them, as in DETR, and
read where the features were sampled.
"""

import math

import torch
from torch import Tensor, nn

from deforhmr_mm.geometry.sampling import sample_groups


class LearnedKeyPosition(nn.Module):
    """A learned map, sampled bilinearly where the keys lie.

    Args:
        in_channels: C, channels of the features.
        grid_size: rows and columns of the map.

    Attributes:
        grid: (C, rows, columns).
    """

    def __init__(self, in_channels: int, grid_size: tuple[int, int]) -> None:
        super().__init__()
        self.grid = nn.Parameter(torch.empty(in_channels, *grid_size))
        nn.init.trunc_normal_(self.grid, std=0.02)

    def forward(self, positions: Tensor) -> Tensor:
        """Encode normalised positions (B, G, N, 2) -> (B, N, C), group by group."""
        grid = self.grid.to(positions.dtype).expand(len(positions), -1, -1, -1)
        with torch.autocast(positions.device.type, enabled=False):
            return sample_groups(grid, positions, padding_mode='border')


class SineKeyPosition(nn.Module):
    """Sines and cosines of the position at geometric wavelengths, as in DETR.

    Each group of channels encodes its own positions: a quarter of them sines of x, a
    quarter cosines of x, the same for y; the longest wave is 10,000 times the shortest,
    which is 2 pi maps wide over a map scaled to [0, 2 pi].

    Args:
        in_channels: C, channels of the features.
        num_groups: G, groups with positions of their own.

    Raises:
        ValueError: if a group's channels are no multiple of four.
    """

    def __init__(self, in_channels: int, num_groups: int) -> None:
        super().__init__()
        channels = in_channels // num_groups
        if channels % 4:
            raise ValueError(
                "position_bias='sine' needs groups of a multiple of four channels, "
                f'but in_channels={in_channels} over num_groups={num_groups} gives '
                f'{channels}'
            )
        waves = channels // 4
        scales = torch.arange(waves, dtype=torch.float64) / max(waves, 1)
        frequencies = math.pi * torch.exp(-math.log(1e4) * scales)
        self.register_buffer('frequencies', frequencies.float(), persistent=False)

    def forward(self, positions: Tensor) -> Tensor:
        """Encode normalised positions (B, G, N, 2) -> (B, N, C), group by group."""
        angles = (positions[..., None] + 1) * self.frequencies.to(positions.dtype)
        waves = torch.stack((angles.sin(), angles.cos()), dim=-2)  # (B, G, N, 2, 2, w)
        return waves.flatten(3).transpose(1, 2).flatten(2)
