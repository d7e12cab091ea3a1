"""Reference grids and grouped bilinear sampling of feature maps, in torch alone.

Positions are (x, y) normalised to [-1, 1] over the whole map, edge to edge, so that the
centre of cell j of W lies at ``(2 j + 1) / W - 1`` (``align_corners=False``).
"""

import torch
import torch.nn.functional as F
from torch import Tensor


def cell_centres(
    height: int,
    width: int,
    device: torch.device | str | None = None,
    dtype: torch.dtype = torch.float32,
) -> Tensor:
    """Normalised (x, y) positions of the cell centres of a map, row by row.

    Args:
        height: rows of the map.
        width: columns of the map.
        device: where the result lives.
        dtype: type of the result.

    Returns:
        (height * width, 2) positions.

    Example:
        >>> cell_centres(1, 4)
        tensor([[-0.7500,  0.0000],
                [-0.2500,  0.0000],
                [ 0.2500,  0.0000],
                [ 0.7500,  0.0000]])
    """
    x = (2 * torch.arange(width, device=device, dtype=dtype) + 1) / width - 1
    y = (2 * torch.arange(height, device=device, dtype=dtype) + 1) / height - 1
    grid_y, grid_x = torch.meshgrid(y, x, indexing='ij')
    return torch.stack((grid_x, grid_y), dim=-1).reshape(-1, 2)


def sample_groups(
    features: Tensor, positions: Tensor, padding_mode: str = 'zeros'
) -> Tensor:
    """Sample each channel group of a map bilinearly at positions of its own.

    Args:
        features: (B, C, H, W) maps; the C channels are G consecutive groups.
        positions: (B, G, N, 2) normalised (x, y), see the module's head.
        padding_mode: ``'zeros'`` or ``'border'``: what lies outside of the map.

    Returns:
        (B, N, C) sampled features, groups in the order of `features`.

    Raises:
        ValueError: if G does not divide C, or the batch sizes differ.

    Example:
        >>> features = torch.arange(4.0).view(1, 2, 1, 2)  # two groups of one channel
        >>> positions = torch.tensor([[[[0.0, 0.0]], [[0.5, 0.0]]]])
        >>> sample_groups(features, positions)
        tensor([[[0.5000, 3.0000]]])
    """
    batch, channels, height, width = features.shape
    if positions.dim() != 4 or positions.shape[-1] != 2 or len(positions) != batch:
        raise ValueError(
            f'positions must be (B={batch}, G, N, 2), got {tuple(positions.shape)}'
        )
    groups, count = positions.shape[1:3]
    if channels % groups:
        raise ValueError(f'{groups} groups do not divide {channels} channels')
    folded = features.reshape(batch * groups, channels // groups, height, width)
    sampled = F.grid_sample(
        folded,
        positions.reshape(batch * groups, 1, count, 2),
        mode='bilinear',
        padding_mode=padding_mode,
        align_corners=False,
    )  # (B * G, C / G, 1, N)
    return sampled.reshape(batch, channels, count).transpose(1, 2)
