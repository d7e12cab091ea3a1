"""Scores as pure functions of arrays or tensors."""

from .point_errors import mpjpe, pa_mpjpe, pa_point_errors, pa_pve, point_errors, pve
from .thresholds import auc, pck

__all__ = [
    'auc',
    'mpjpe',
    'pa_mpjpe',
    'pa_point_errors',
    'pa_pve',
    'pck',
    'point_errors',
    'pve',
]
