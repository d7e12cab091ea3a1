"""Position bias of cross-attention, read at the keys' deformed positions."""

import torch
import torch.nn.functional as F
from torch import Tensor, nn


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
        """Sample the biases.

        Args:
            positions: (B, G, N, 2) normalised (x, y) of the keys, for each group.

        Returns:
            (B, heads, queries, N) biases to add to the attention logits.
        """
        batch, groups, count, _ = positions.shape
        heads, queries, rows, columns = self.grids.shape
        # Each group's grids are one picture with heads / G * queries channels, and the
        # positions of the whole batch are read from it at once.
        sampled = F.grid_sample(
            self.grids.reshape(groups, heads // groups * queries, rows, columns),
            positions.transpose(0, 1).reshape(groups, 1, batch * count, 2),
            mode='bilinear',
            padding_mode='border',
            align_corners=False,
        )  # (G, heads / G * queries, 1, B * N)
        sampled = sampled.reshape(heads, queries, batch, count)
        return sampled.permute(2, 0, 1, 3)
