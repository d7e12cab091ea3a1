"""Scores of recovered bodies: pure functions and the metrics over them."""

from .functional import (
    auc,
    keypoint_pck,
    mpjpe,
    pa_mpjpe,
    pa_point_errors,
    pa_pve,
    pck,
    point_errors,
    pve,
)
from .metrics import PROTOCOLS, MeshMetric, Protocol

__all__ = [
    'PROTOCOLS',
    'MeshMetric',
    'Protocol',
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
