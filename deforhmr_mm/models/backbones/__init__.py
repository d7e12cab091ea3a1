"""Image encoders."""

from .cached_features import CachedFeatures, FeatureDataPreprocessor
from .vit import ViT

__all__ = ['CachedFeatures', 'FeatureDataPreprocessor', 'ViT']
