import random

import numpy as np
import torch

from deforhmr_mm.engine.random_state import (
    preserved_random_state,
    random_state,
    set_random_state,
)


def draw():
    # Gauss draws come in pairs, of which the second is part of the state.
    return (
        random.random(),
        random.gauss(0, 1),
        np.random.random(),
        np.random.standard_normal(),
        torch.randn(3).tolist(),
    )


def test_a_state_comes_back_from_a_file(tmp_path):
    draw()
    state = random_state()
    expected = [draw() for _ in range(3)]
    torch.save(state, tmp_path / 'state.pth')
    draw()
    set_random_state(torch.load(tmp_path / 'state.pth', weights_only=True))
    assert [draw() for _ in range(3)] == expected


def test_preserved():
    with preserved_random_state():
        expected = draw()
    assert draw() == expected
    assert draw() != expected
