"""Scores as pure functions of arrays or tensors."""

from .point_errors import mpjpe, pa_mpjpe, pve

__all__ = ['mpjpe', 'pa_mpjpe', 'pve']
