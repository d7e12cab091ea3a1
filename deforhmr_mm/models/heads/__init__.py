"""Regression heads."""

from .deforhmr_head import DeforHMRHead
from .hmr2_head import HMR2Head
from .keypoint_aux_head import KeypointAuxHead
from .mean_params import (
    MeanParams,
    facing_rest_pose,
    load_mean_params,
    save_mean_params,
)
from .part_aux_head import PartAuxHead

__all__ = [
    'DeforHMRHead',
    'HMR2Head',
    'KeypointAuxHead',
    'MeanParams',
    'PartAuxHead',
    'facing_rest_pose',
    'load_mean_params',
    'save_mean_params',
]
