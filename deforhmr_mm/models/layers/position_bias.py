"""Position bias of cross-attention, read at the keys' deformed positions."""

import torch
import torch.nn.functional as F
from torch import Tensor, nn


def sample_bias_grids(grids: Tensor, positions: Tensor) -> Tensor:
    """Sample the grids of heads and queries where each head's group has its keys.

    Args:
        grids: (heads, queries, rows, columns), the heads split evenly over the groups.
        positions: (B, G, N, 2) normalised (x, y) of the keys.

    Returns:
        (B, heads, queries, N) biases; beyond the grid its border holds.
    """
    batch, groups, count, _ = positions.shape
    heads, queries, rows, columns = grids.shape
    # Each group's grids are one picture with heads / G * queries channels, and the
    # positions of the whole batch are read from it at once.
    sampled = F.grid_sample(
        grids.reshape(groups, heads // groups * queries, rows, columns),
        positions.transpose(0, 1).reshape(groups, 1, batch * count, 2),
        mode='bilinear',
        padding_mode='border',
        align_corners=False,
    )  # (G, heads / G * queries, 1, B * N)
    sampled = sampled.reshape(heads, queries, batch, count)
    return sampled.permute(2, 0, 1, 3)


class SampledGridBias(nn.Module):
    """One learned bias grid for each head and query token, sampled where the keys lie.

    Queries have no position in the picture, so they index the grids; keys have one, so
    the grids are sampled bilinearly there (method: R of shape heads x queries x H x W).
    The heads are split evenly over the offset groups: a head reads its group's
    positions.

    Args:
        num_heads: attention heads.
        num_queries: query tokens.
        grid_size: rows and columns of a grid.

    Attributes:
        grids: (heads, queries, rows, columns) learned biases.
    """

    def __init__(
        self, num_heads: int, num_queries: int, grid_size: tuple[int, int]
    ) -> None:
        super().__init__()
        self.grids = nn.Parameter(torch.empty(num_heads, num_queries, *grid_size))
        nn.init.trunc_normal_(self.grids, std=0.01)

    def forward(self, positions: Tensor) -> Tensor:
        """Biases (B, heads, queries, N) of keys at (B, G, N, 2) positions."""
        return sample_bias_grids(self.grids.to(positions.dtype), positions)
