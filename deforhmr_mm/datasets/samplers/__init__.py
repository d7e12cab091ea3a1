"""Which samples an epoch draws, and in which order."""

from .mixture_sampler import MixtureSampler

__all__ = ['MixtureSampler']
