"""Means of one number a point."""

from typing import TypeVar

import numpy as np
import torch
from torch import Tensor

ArrayOrTensor = TypeVar('ArrayOrTensor', np.ndarray, Tensor)


def mean_over_points(
    values: ArrayOrTensor, weights: ArrayOrTensor | None = None
) -> ArrayOrTensor:
    """Mean over the last dimension.

    Args:
        values: (..., N) one number a point; where the weight is 0 it may be anything,
            NaN included.
        weights: (..., N) or (N,), not negative, such as 1 where a joint is labelled and
            0 where it is not; None for equal weights.

    Returns:
        (...) mean, type as given; NaN where no weight is positive.

    Raises:
        ValueError: The weights do not fit the values.

    Example:
        >>> values = np.array([[1.0, 2.0, 6.0], [5.0, np.nan, 9.0]])
        >>> mean_over_points(values, np.array([1, 0, 3])).tolist()
        [4.75, 8.0]
    """
    if weights is None:
        return values.mean(-1)
    numbers, shares = torch.as_tensor(values), torch.as_tensor(weights)
    if shares.shape not in (numbers.shape, numbers.shape[-1:]):
        raise ValueError(
            f'weights: expected one for each of {numbers.shape[-1]} points, got shape '
            f'{tuple(shares.shape)} for values of shape {tuple(numbers.shape)}'
        )
    shares = shares.to(numbers).expand(numbers.shape)
    # Nothing times NaN is NaN.
    total = torch.where(shares > 0, shares * numbers, 0.0).sum(-1)
    mean = total / shares.sum(-1)
    return mean if isinstance(values, Tensor) else mean.numpy()
