"""The states of all random generators of a process, as plain values and tensors."""

from __future__ import annotations

import random
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any

import numpy as np
import torch

__all__ = ['preserved_random_state', 'random_state', 'set_random_state']


def random_state() -> dict[str, Any]:
    """Return the states of python's, numpy's and torch's global generators.

    On a machine with CUDA, that of the current GPU's as well. What is returned holds
    numbers and CPU tensors alone: ``torch.load(weights_only=True)`` opens it.
    """
    version, words, next_gauss = random.getstate()
    kind, keys, position, has_gauss, gauss = np.random.get_state()
    state = {
        'python': [version, torch.tensor(words), next_gauss],
        'numpy': [
            kind,
            torch.from_numpy(keys.astype(np.int64)),
            int(position),
            int(has_gauss),
            float(gauss),
        ],
        'torch': torch.get_rng_state(),
    }
    if torch.cuda.is_available():
        state['cuda'] = torch.cuda.get_rng_state()
    return state


def set_random_state(state: Mapping[str, Any]) -> None:
    """Put the generators into a state that `random_state` returned.

    Args:
        state: Its tensors may have come to a GPU on the way.
    """
    version, words, next_gauss = state['python']
    random.setstate((version, tuple(words.tolist()), next_gauss))
    kind, keys, *rest = state['numpy']
    np.random.set_state((kind, keys.cpu().numpy().astype(np.uint32), *rest))
    torch.set_rng_state(state['torch'].cpu())
    if 'cuda' in state and torch.cuda.is_available():
        torch.cuda.set_rng_state(state['cuda'].cpu())


@contextmanager
def preserved_random_state() -> Iterator[dict[str, Any]]:
    """Put all generators back at the end to where they were at the beginning.

    Yields:
        Where that was, as `random_state` returns it.
    """
    state = random_state()
    try:
        yield state
    finally:
        set_random_state(state)
