"""Regression heads."""

from .deforhmr_head import DeforHMRHead
from .keypoint_aux_head import KeypointAuxHead
from .mean_params import MeanParams, facing_rest_pose, load_mean_params

__all__ = [
    'DeforHMRHead',
    'MeanParams',
    'KeypointAuxHead',
    'facing_rest_pose',
    'load_mean_params',
]
