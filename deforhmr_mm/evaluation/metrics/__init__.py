"""Metrics: thin classes over the pure functions."""

from .mesh_metric import MeshMetric
from .protocols import PROTOCOLS, Protocol

__all__ = ['PROTOCOLS', 'MeshMetric', 'Protocol']
