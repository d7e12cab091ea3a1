"""How many joints lie near the truth: PCK and the area under its curve."""

from typing import TypeVar

import numpy as np
import torch
from torch import Tensor

from .means import mean_over_points

ArrayOrTensor = TypeVar('ArrayOrTensor', np.ndarray, Tensor)


def pck(
    distances: ArrayOrTensor, threshold: float, weights: ArrayOrTensor | None = None
) -> ArrayOrTensor:
    """Share of joints that are at most `threshold` off, in percent.

    Source: 3DPCK of Mehta et al., Monocular 3D human pose estimation in the wild, 3DV
    2017, whose threshold is 150 mm.

    Args:
        distances: (..., J), any unit.
        threshold: Same unit, positive.
        weights: (..., J) or (J,), such as 1 where a joint is labelled and 0 where it is
            not; equal weights by default.

    Returns:
        (...) percent, type as given; NaN where no weight is positive.

    Raises:
        ValueError: The threshold is not positive, or the weights do not fit.

    Example:
        >>> pck(np.array([10.0, 149, 150, 151]), 150)
        np.float64(75.0)
    """
    if not threshold > 0:
        raise ValueError(f'threshold: expected a positive number, got {threshold}')
    return 100 * mean_over_points(_ones(distances <= threshold, distances), weights)


def keypoint_pck(
    pred: ArrayOrTensor,
    target: ArrayOrTensor,
    visible: ArrayOrTensor,
    size: ArrayOrTensor,
    threshold: float = 0.1,
) -> ArrayOrTensor:
    """Share of visible 2D joints that are near the labels for the person's size.

    All visible joints count alike, so that of several people those with more labels
    weigh more. One person's or one joint's share comes from its row or column alone.

    Source: PCK of Yang and Ramanan, Articulated human detection with flexible mixtures
    of parts, TPAMI 2013. They take the longer side of the person's box as its size; who
    calls decides here.

    Args:
        pred: (..., K, 2) pixels; a joint that is not finite is a miss.
        target: (..., K, 2) pixels; read where visible.
        visible: (..., K) bool, which joints count.
        size: (...) pixels of each person, positive.
        threshold: Share of the size, positive; a joint at just this distance is near.

    Returns:
        () percent, type as given; NaN where no joint is visible.

    Raises:
        ValueError: The shapes are not as given above, or the threshold or a size is not
            positive.

    Example:
        >>> target = np.array([[[10.0, 10], [20, 20], [30, 30], [0, 0]]])
        >>> pred = np.array([[[10.0, 10], [20, 29], [30, 41], [99, 99]]])
        >>> visible = np.array([[True, True, True, False]])
        >>> keypoint_pck(pred, target, visible, np.array([100.0])).round(1)
        np.float64(66.7)
    """
    shape = tuple(target.shape)
    expected = {
        'pred': (pred, shape),
        'visible': (visible, shape[:-1]),
        'size': (size, shape[:-2]),
    }
    wrong = {
        name: tuple(value.shape)
        for name, (value, wanted) in expected.items()
        if tuple(value.shape) != wanted
    }
    if shape[-1:] != (2,) or len(shape) < 2 or wrong:
        raise ValueError(
            'pred and target: expected shapes (..., K, 2), visible (..., K) and size '
            f'(...); target has {shape}, and these do not fit: {wrong or "none"}'
        )
    if not (size > 0).all():
        raise ValueError(f'size: expected positive numbers, got {size.min()}')
    gap = pred - target
    distances = (gap**2).sum(-1) ** 0.5 / size[..., None]
    if not visible.any():
        # Of type and device of the distances.
        return distances.sum() * float('nan')
    return pck(distances[visible], threshold)


def auc(
    distances: ArrayOrTensor,
    max_threshold: float,
    steps: int = 31,
    weights: ArrayOrTensor | None = None,
) -> ArrayOrTensor:
    """Mean of `pck` over thresholds from 0 to `max_threshold`, in percent.

    Source: as `pck`; Mehta et al. take 31 thresholds, each 5 mm from the next.

    Args:
        distances: (..., J), any unit.
        max_threshold: Same unit, positive.
        steps: Number of thresholds, both ends included, at least 2.
        weights: (..., J) or (J,) as of `pck`.

    Returns:
        (...) percent, type as given; NaN where no weight is positive.

    Raises:
        ValueError: The threshold is not positive, there are fewer than two steps, or
            the weights do not fit.

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
    else:
        thresholds = np.linspace(0, max_threshold, steps)
    # The share of thresholds that each joint is within.
    within = _ones(distances[..., None] <= thresholds, distances).mean(-1)
    return 100 * mean_over_points(within, weights)


def _ones(flags: ArrayOrTensor, like: ArrayOrTensor) -> ArrayOrTensor:
    """1.0 where true; tensors in the type of `like`, arrays in float64."""
    return flags.to(like.dtype) if isinstance(flags, Tensor) else flags.astype(float)
