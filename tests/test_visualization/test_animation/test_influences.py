"""Which joints are kept, and what the others are missed for."""

import numpy as np
from scipy.spatial.transform import Rotation

from deforhmr_mm.visualization.animation import rig_from_body
from deforhmr_mm.visualization.animation.influences import (
    influence_residual,
    strongest_influences,
)


def test_influences_are_sorted_and_full():
    rng = np.random.default_rng(0)
    weights = rng.random((50, 24)) * (rng.random((50, 24)) < 0.25)
    weights[:, 5] += 0.1
    weights /= weights.sum(axis=1, keepdims=True)
    joints, kept = strongest_influences(weights, 8)
    assert joints.shape == kept.shape == (2, 50, 4)
    kept = np.concatenate(kept, axis=1)
    joints = np.concatenate(joints, axis=1)
    assert (np.diff(kept, axis=1) <= 0).all() and (joints[kept == 0] == 0).all()
    np.testing.assert_allclose(kept.sum(axis=1), 1, atol=1e-6)
    for row in range(50):
        expected = np.sort(weights[row])[::-1][:8]
        np.testing.assert_allclose(kept[row], expected / expected.sum(), atol=1e-6)


def test_nothing_is_lost_where_joints_are_few(blend_body):
    rig = rig_from_body(blend_body, np.zeros(10))
    turns = np.tile(Rotation.random(24, random_state=0).as_matrix(), (2, 1, 1, 1))
    assert influence_residual(rig, turns, 4) == 0
    # Without the rest of the weights the loss is as large as the way there is.
    assert influence_residual(rig, turns, 1) > 0.05
    # In the rest pose it does not matter who moves a vertex.
    still = np.tile(np.eye(3), (1, 24, 1, 1))
    assert influence_residual(rig, still, 1) < 1e-12
