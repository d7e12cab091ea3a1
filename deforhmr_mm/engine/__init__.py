"""What runs a training: hooks, optimizer wrappers, checkpoints, caches, launching."""

from .feature_cache import (
    CachedFeatureDataset,
    CachedFeaturesHook,
    FeatureCache,
    FeatureCacheError,
    FeatureCacheWriter,
)
from .hooks import NonFiniteLossError, NonFiniteLossHook
from .optim_wrappers import BFloat16OptimWrapper

__all__ = [
    'BFloat16OptimWrapper',
    'CachedFeatureDataset',
    'CachedFeaturesHook',
    'FeatureCache',
    'FeatureCacheError',
    'FeatureCacheWriter',
    'NonFiniteLossError',
    'NonFiniteLossHook',
]
