"""What stands between our encoders and other code bases' heads."""

from .feature_map_neck import FeatureMapNeck

__all__ = ['FeatureMapNeck']
