"""A weighted mean that does not depend on how the batch is split over processes."""

from mmengine.dist import all_reduce
from torch import Tensor


def weighted_mean(values: Tensor, weight: Tensor) -> Tensor:
    """Weighted mean over the batch of all processes.

    Distributed training averages gradients over the processes. If each divided by the
    labels of its own part of the batch, a label's pull would depend on how many others
    its part happens to have. Here all divide by the mean of their weights' sums, so
    that the average of what they return is the mean over the whole batch.

    Args:
        values: (...) errors of this process.
        weight: Weights that broadcast to `values`, not negative.

    Returns:
        A scalar; zero, with a gradient, where all processes have no weight.
    """
    weight = weight.to(values).expand_as(values)
    total = weight.detach().sum()
    all_reduce(total, op='mean')  # nothing to do in a single process
    return (values * weight).sum() / total.clamp(min=1e-6)
