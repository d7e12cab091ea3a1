"""Metrics: thin classes over the pure functions."""

from .label_checks import UnscorableLabelsError
from .mesh_metric import MeshMetric
from .protocols import PROTOCOLS, Protocol

__all__ = ['PROTOCOLS', 'MeshMetric', 'Protocol', 'UnscorableLabelsError']
