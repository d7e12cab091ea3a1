"""Rotations along a skeleton's tree."""

from collections.abc import Sequence

import torch
from torch import Tensor

__all__ = ['chain_rotations']


def chain_rotations(rotmats: Tensor, parents: Sequence[int]) -> Tensor:
    """Orientation of every joint from the rotations relative to the parents.

    Args:
        rotmats: (..., J, 3, 3) rotation of each joint against its parent; that of a
            root against the outer frame. Their type is kept, also under autocast.
        parents: J indices, parents before children, -1 for a root.

    Returns:
        (..., J, 3, 3) rotation from each joint's frame to the outer frame.

    Example:
        >>> quarter = torch.tensor([[0.0, -1, 0], [1, 0, 0], [0, 0, 1]])
        >>> chain_rotations(quarter.expand(3, 3, 3), [-1, 0, 1])[2].T.equal(quarter)
        True
    """
    chained: list[Tensor] = []
    # A chain of products in bfloat16 would be off by tenths of a degree.
    with torch.autocast(rotmats.device.type, enabled=False):
        for joint, parent in enumerate(parents):
            own = rotmats[..., joint, :, :]
            chained.append(own if parent < 0 else chained[parent] @ own)
    return torch.stack(chained, dim=-3)
