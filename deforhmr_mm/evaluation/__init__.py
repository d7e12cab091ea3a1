"""Scores of recovered bodies: pure functions and the metrics over them."""

from .functional import mpjpe, pa_mpjpe, pve
from .metrics import MeshMetric

__all__ = ['MeshMetric', 'mpjpe', 'pa_mpjpe', 'pve']
