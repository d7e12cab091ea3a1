"""Epochs that draw from several data sets in proportions of the user's."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np
import torch
from mmengine.dist import get_dist_info, sync_random_seed
from torch.utils.data import ConcatDataset, Dataset, Sampler

from deforhmr_mm.registry import DATA_SAMPLERS

__all__ = ['MixtureSampler', 'largest_remainder', 'part_sizes']


def largest_remainder(total: int, weights: Sequence[float]) -> list[int]:
    """Split a number in proportion of weights, so that the parts' sum is exact.

    Every part is its share rounded down or up; those with the largest remainders are
    rounded up (Hamilton's method), of equal ones the first.

    Args:
        total: Number to split, at least 0.
        weights: Shares, not negative, with a positive sum; they need not sum to 1.

    Returns:
        A whole number for each weight; 0 for a weight of 0.

    Example:
        >>> largest_remainder(10, [0.5, 0.25, 0.25])
        [5, 3, 2]
    """
    weights = np.asarray(weights, dtype=np.float64)
    shares = total * (weights / weights.sum())
    # Shares that are whole numbers but for rounding are whole numbers.
    nearest = np.rint(shares)
    shares = np.where(np.isclose(shares, nearest, rtol=1e-12, atol=0), nearest, shares)
    counts = np.floor(shares).astype(np.int64)
    rest = total - int(counts.sum())
    order = np.argsort(counts - shares, kind='stable')
    counts[order[:rest]] += 1
    return counts.tolist()


@DATA_SAMPLERS.register_module()
class MixtureSampler(Sampler[int]):
    """Draw from the parts of a concatenated data set in given proportions.

    An epoch has m samples over all ranks, m_k of them from part k, in proportion of the
    weights (`largest_remainder`). Each of the n samples of a part comes floor(m_k / n)
    or ceil(m_k / n) times an epoch, over all ranks together; which come once more is
    drawn anew in every epoch. The m samples are shuffled as one, and the ranks take
    turns in that order, so no sample goes to two ranks by accident. Worker processes
    are fed by the loader and change nothing.

    The order depends on seed, epoch and the parts' sizes alone. Weights do the work of
    the ``partition`` of SPIN's and mmhuman3d's mixed data sets, without drawing at
    random which part a sample comes from.

    In a config: ``sampler=dict(type='MixtureSampler', weights=[0.7, 0.3])``.

    Args:
        dataset: The concatenated data set, as mmengine's ``ConcatDataset``, or one that
            tells its ``part_sizes``, as a cache of a concatenation's features does.
        weights: One number for each part, not negative: its share of the epoch, up to a
            common factor. ``'proportional'`` is by size: each sample once.
        num_samples: m, the length of an epoch over all ranks; by default the number of
            samples in `dataset`.
        seed: Seed of the order, equal in all ranks; by default one is drawn and shared.
        round_up: Whether m is raised to a multiple of the number of ranks, so that all
            are as long. The proportions are those of the raised m.

    Raises:
        TypeError: If `dataset` is no concatenation and does not know its parts.
        ValueError: If the weights do not fit the parts, are negative, not finite or all
            zero, if a part with a weight is empty, or `num_samples` is below 1.
    """

    def __init__(
        self,
        dataset: Dataset,
        weights: Sequence[float] | str = 'proportional',
        num_samples: int | None = None,
        seed: int | None = None,
        round_up: bool = True,
    ) -> None:
        if num_samples is not None and num_samples < 1:
            raise ValueError(
                f'MixtureSampler: num_samples must be at least 1, but is {num_samples}.'
            )
        self.rank, self.world_size = get_dist_info()
        sizes = part_sizes(dataset)
        if sizes is None:
            raise TypeError(
                'MixtureSampler: dataset must be a ConcatDataset of the data sets to '
                f'mix, or a cache of one, but is a {type(dataset).__name__} that knows '
                'of no parts.'
            )
        self.sizes = sizes
        self.seed = sync_random_seed() if seed is None else seed
        self.epoch = 0
        total = sum(self.sizes) if num_samples is None else num_samples
        if round_up:
            total = -(-total // self.world_size) * self.world_size
        self.total_size = total
        self.counts = largest_remainder(total, _checked(weights, self.sizes))

    def __iter__(self) -> Iterator[int]:
        """Iterate over this rank's indices into the concatenated data set."""
        generator = torch.Generator()
        generator.manual_seed(self.seed + self.epoch)
        drawn, start = [], 0
        for size, count in zip(self.sizes, self.counts, strict=True):
            if count:
                passes, rest = divmod(count, size)
                drawn.append(start + torch.arange(size).repeat(passes))
                drawn.append(start + torch.randperm(size, generator=generator)[:rest])
            start += size
        order = torch.randperm(self.total_size, generator=generator)
        epoch = torch.cat(drawn)[order]
        return iter(epoch[self.rank :: self.world_size].tolist())

    def __len__(self) -> int:
        """Return the number of samples of this rank in an epoch."""
        return len(range(self.rank, self.total_size, self.world_size))

    def set_epoch(self, epoch: int) -> None:
        """Choose the epoch whose order the next iteration gives."""
        self.epoch = epoch


def part_sizes(dataset: Dataset) -> list[int] | None:
    """Samples in each part of a concatenated data set, in order; None of another.

    Args:
        dataset: A ``ConcatDataset``, or what tells the ``part_sizes`` of one.
    """
    if isinstance(dataset, ConcatDataset):
        return [len(part) for part in dataset.datasets]
    sizes = getattr(dataset, 'part_sizes', None)
    return None if sizes is None else list(sizes)


def _checked(weights: Sequence[float] | str, sizes: Sequence[int]) -> Sequence[float]:
    """Check the weights against the sizes of the parts, and return them as numbers."""
    if isinstance(weights, str):
        if weights != 'proportional':
            raise ValueError(
                "MixtureSampler: weights must be numbers or 'proportional', but is "
                f'{weights!r}.'
            )
        weights = sizes
    weights = list(weights)
    if len(weights) != len(sizes):
        raise ValueError(
            'MixtureSampler: weights must have one number for each of the '
            f'{len(sizes)} data sets, but has {len(weights)}: {weights}.'
        )
    if not all(np.isfinite(weight) and weight >= 0 for weight in weights):
        raise ValueError(
            'MixtureSampler: weights must be finite and not negative, but are '
            f'{weights}.'
        )
    if not any(weights):
        raise ValueError(
            f'MixtureSampler: at least one weight must be positive, but weights are '
            f'{weights}, and the data sets have {list(sizes)} samples.'
        )
    for number, (weight, size) in enumerate(zip(weights, sizes, strict=True)):
        if weight > 0 and size == 0:
            raise ValueError(
                f'MixtureSampler: data set {number} has the weight {weight}, but no '
                'samples.'
            )
    return weights
