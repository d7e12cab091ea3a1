"""Scores of recovered bodies: pure functions and the metrics over them."""

from .functional import (
    COCO_GROUPS,
    CocoPCK,
    Share,
    auc,
    coco_pck,
    keypoint_pck,
    mpjpe,
    pa_mpjpe,
    pa_point_errors,
    pa_pve,
    pck,
    point_errors,
    pve,
)
from .metrics import (
    MORE_IS_BETTER,
    PROTOCOLS,
    MeshMetric,
    Protocol,
    UnscorableLabelsError,
)

__all__ = [
    'COCO_GROUPS',
    'MORE_IS_BETTER',
    'PROTOCOLS',
    'CocoPCK',
    'MeshMetric',
    'Protocol',
    'Share',
    'UnscorableLabelsError',
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
