"""Scores as pure functions of arrays or tensors."""

from .coco_pck import COCO_GROUPS, CocoPCK, Share, coco_pck
from .point_errors import mpjpe, pa_mpjpe, pa_point_errors, pa_pve, point_errors, pve
from .thresholds import auc, keypoint_pck, pck

__all__ = [
    'COCO_GROUPS',
    'CocoPCK',
    'Share',
    'auc',
    'coco_pck',
    'keypoint_pck',
    'mpjpe',
    'pa_mpjpe',
    'pa_point_errors',
    'pa_pve',
    'pck',
    'point_errors',
    'pve',
]
