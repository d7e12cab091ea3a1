"""How many joints lie near the truth: PCK and the area under its curve."""

from typing import TypeVar

import numpy as np
import torch
from torch import Tensor

ArrayOrTensor = TypeVar('ArrayOrTensor', np.ndarray, Tensor)


def pck(distances: ArrayOrTensor, threshold: float) -> ArrayOrTensor:
    """Share of joints that are at most `threshold` off, in percent.

    Source: 3DPCK of Mehta et al., Monocular 3D human pose estimation in the wild, 3DV
    2017, whose threshold is 150 mm.

    Args:
        distances: (..., J), any unit.
        threshold: Same unit, positive.

    Returns:
        (...) percent, type as given.

    Raises:
        ValueError: The threshold is not positive.

    Example:
        >>> pck(np.array([10.0, 149, 150, 151]), 150)
        np.float64(75.0)
    """
    if not threshold > 0:
        raise ValueError(f'threshold: expected a positive number, got {threshold}')
    within = distances <= threshold
    if isinstance(within, Tensor):
        return 100 * within.to(distances.dtype).mean(-1)
    return 100 * within.mean(-1)


def auc(
    distances: ArrayOrTensor, max_threshold: float, steps: int = 31
) -> ArrayOrTensor:
    """Mean of `pck` over thresholds from 0 to `max_threshold`, in percent.

    Source: as `pck`; Mehta et al. take 31 thresholds, each 5 mm from the next.

    Args:
        distances: (..., J), any unit.
        max_threshold: Same unit, positive.
        steps: Number of thresholds, both ends included, at least 2.

    Returns:
        (...) percent, type as given.

    Raises:
        ValueError: The threshold is not positive, or there are fewer than two steps.

    Example:
        >>> auc(np.array([0.0, 75, 200]), 150, steps=3).round(1)
        np.float64(55.6)
    """
    if not max_threshold > 0:
        raise ValueError(
            f'max_threshold: expected a positive number, got {max_threshold}'
        )
    if steps < 2:
        raise ValueError(f'steps: expected at least 2, got {steps}')
    if isinstance(distances, Tensor):
        thresholds = torch.linspace(0, max_threshold, steps).to(distances)
        within = distances[..., None] <= thresholds
        return 100 * within.to(distances.dtype).mean((-1, -2))
    thresholds = np.linspace(0, max_threshold, steps)
    return 100 * (distances[..., None] <= thresholds).mean((-1, -2))
