"""What runs a training: loops, hooks, optimizer wrappers, checkpoints, launching."""

from .hooks import (
    AtomicCheckpointHook,
    MeanLossHook,
    MeshVisualizationHook,
    NonFiniteLossError,
    NonFiniteLossHook,
)
from .optim_wrappers import BFloat16OptimWrapper
from .resumable_loops import ResumableEpochBasedTrainLoop, ResumableIterBasedTrainLoop

__all__ = [
    'AtomicCheckpointHook',
    'BFloat16OptimWrapper',
    'MeanLossHook',
    'MeshVisualizationHook',
    'NonFiniteLossError',
    'NonFiniteLossHook',
    'ResumableEpochBasedTrainLoop',
    'ResumableIterBasedTrainLoop',
]
