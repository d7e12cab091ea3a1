"""Tracks without jumps, and when people come and go."""

import numpy as np
import pytest
from scipy.spatial.transform import Rotation

from deforhmr_mm.visualization.animation.tracks import (
    continuous_quaternions,
    visibility,
)


def test_quaternions_keep_their_side_over_many_turns():
    angles = np.linspace(0, 5 * 360, 200)
    turns = Rotation.from_euler('x', angles[:, None], degrees=True).as_matrix()
    quaternions = continuous_quaternions(turns[:, None])[:, 0]
    half = np.deg2rad(angles / 2)
    sign = np.sign(quaternions[0, 3])
    expected = sign * np.stack((np.sin(half), 0 * half, 0 * half, np.cos(half)), axis=1)
    np.testing.assert_allclose(quaternions, expected, atol=1e-9)


@pytest.mark.parametrize(
    ('frames', 'starts', 'shown'),
    [
        ([0, 1, 2, 3], [0], [True]),
        ([0, 1], [0, 2], [True, False]),
        ([2, 3], [0, 2], [False, True]),
        ([1, 3], [0, 1, 2, 3], [False, True, False, True]),
    ],
)
def test_visibility(frames, starts, shown):
    stretches = visibility(np.array(frames), 4)
    assert stretches.frames.tolist() == starts
    assert stretches.shown.tolist() == shown
