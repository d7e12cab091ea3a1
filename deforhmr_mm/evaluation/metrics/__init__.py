"""Metrics: thin classes over the pure functions."""

from .mesh_metric import MeshMetric

__all__ = ['MeshMetric']
