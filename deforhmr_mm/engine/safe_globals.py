"""What ``torch.load(weights_only=True)`` may meet in mmengine's checkpoints."""

from __future__ import annotations

import pickle
from collections.abc import Callable

import numpy as np
import torch
from mmengine.logging import HistoryBuffer

__all__ = ['add_safe_globals']

STATISTICS = ('min', 'max', 'current', 'mean')
NUMPY_TYPES = ('bool', 'int32', 'int64', 'uint32', 'float32', 'float64')


def _history_buffer_method(owner: object, name: str) -> Callable:
    """Stand in for ``getattr``, which mmengine's log buffers are pickled with.

    The real one would let a file reach any attribute of anything that it may name.
    """
    if owner is not HistoryBuffer or name not in STATISTICS:
        raise pickle.UnpicklingError(f'Unsupported GLOBAL getattr({owner!r}, {name!r})')
    return getattr(HistoryBuffer, name)


def add_safe_globals() -> None:
    """Let ``torch.load(weights_only=True)`` open what mmengine writes.

    mmengine's checkpoints hold its log (`HistoryBuffer`), numpy arrays and numpy
    scalars beside the weights. torch, which since 2.6 opens weights only by default,
    refuses them: without this, stock mmengine cannot resume from its own checkpoints.
    """
    multiarray = (np._core if hasattr(np, '_core') else np.core).multiarray
    torch.serialization.add_safe_globals(
        [
            HistoryBuffer,
            (_history_buffer_method, 'builtins.getattr'),
            np.ndarray,
            np.dtype,
            multiarray.scalar,
            multiarray._reconstruct,
            *(type(np.dtype(name)) for name in NUMPY_TYPES),
        ]
    )
