"""Image encoders."""

from .cached_features import CachedFeatures, FeatureDataPreprocessor
from .vit import FrozenWeightsError, ViT

__all__ = ['CachedFeatures', 'FeatureDataPreprocessor', 'FrozenWeightsError', 'ViT']
