"""Scores as pure functions of arrays or tensors."""

from .point_errors import mpjpe, pa_mpjpe, pa_point_errors, pa_pve, point_errors, pve
from .thresholds import auc, keypoint_pck, pck

__all__ = [
    'auc',
    'keypoint_pck',
    'mpjpe',
    'pa_mpjpe',
    'pa_point_errors',
    'pa_pve',
    'pck',
    'point_errors',
    'pve',
]
