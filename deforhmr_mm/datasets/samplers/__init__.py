"""Which samples an epoch draws, and in which order."""

from .mixture_sampler import MixtureSampler, part_sizes

__all__ = ['MixtureSampler', 'part_sizes']
