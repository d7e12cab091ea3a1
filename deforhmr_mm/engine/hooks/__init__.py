"""Hooks of the training loop."""

from .atomic_checkpoint_hook import AtomicCheckpointHook
from .mean_loss_hook import MeanLossHook
from .mesh_visualization_hook import MeshVisualizationHook
from .non_finite_loss_hook import NonFiniteLossError, NonFiniteLossHook
from .same_body_hook import SameBodyHook
from .scorable_labels_hook import ScorableLabelsHook

__all__ = [
    'AtomicCheckpointHook',
    'MeanLossHook',
    'MeshVisualizationHook',
    'NonFiniteLossError',
    'NonFiniteLossHook',
    'SameBodyHook',
    'ScorableLabelsHook',
]
