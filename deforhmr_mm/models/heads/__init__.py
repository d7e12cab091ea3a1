"""Regression heads."""

from .deforhmr_head import DeforHMRHead
from .mean_params import MeanParams, facing_rest_pose, load_mean_params
from .soft_argmax_head import SoftArgmaxHead

__all__ = [
    'DeforHMRHead',
    'MeanParams',
    'SoftArgmaxHead',
    'facing_rest_pose',
    'load_mean_params',
]
