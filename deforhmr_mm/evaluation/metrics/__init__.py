"""Metrics: thin classes over the pure functions."""

from .body_figures import MORE_IS_BETTER
from .label_checks import UnscorableLabelsError
from .mesh_metric import MeshMetric
from .protocols import PROTOCOLS, Protocol

__all__ = [
    'MORE_IS_BETTER',
    'PROTOCOLS',
    'MeshMetric',
    'Protocol',
    'UnscorableLabelsError',
]
