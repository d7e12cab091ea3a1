"""What runs a training: loops, hooks, caches, optimizer wrappers, checkpoints."""

from .feature_cache import (
    CachedFeatureDataset,
    CachedFeaturesHook,
    FeatureCache,
    FeatureCacheError,
    FeatureCacheWriter,
)
from .hooks import (
    AtomicCheckpointHook,
    MeanLossHook,
    MeshVisualizationHook,
    NonFiniteLossError,
    NonFiniteLossHook,
    SameBodyHook,
    ScorableLabelsHook,
)
from .optim_wrappers import BFloat16OptimWrapper
from .resumable_loops import ResumableEpochBasedTrainLoop, ResumableIterBasedTrainLoop
from .safe_pretrained import SafePretrainedInit

__all__ = [
    'AtomicCheckpointHook',
    'BFloat16OptimWrapper',
    'CachedFeatureDataset',
    'CachedFeaturesHook',
    'FeatureCache',
    'FeatureCacheError',
    'FeatureCacheWriter',
    'MeanLossHook',
    'MeshVisualizationHook',
    'NonFiniteLossError',
    'NonFiniteLossHook',
    'ResumableEpochBasedTrainLoop',
    'ResumableIterBasedTrainLoop',
    'SafePretrainedInit',
    'SameBodyHook',
    'ScorableLabelsHook',
]
