"""What runs a training: hooks, optimizer wrappers, checkpoints, launching."""

from .hooks import NonFiniteLossError, NonFiniteLossHook
from .optim_wrappers import BFloat16OptimWrapper

__all__ = ['BFloat16OptimWrapper', 'NonFiniteLossError', 'NonFiniteLossHook']
