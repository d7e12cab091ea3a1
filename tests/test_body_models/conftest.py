"""A body small enough to write by hand, in every spelling of SMPL's files."""

from __future__ import annotations

import numpy as np
import pytest

from deforhmr_mm.structures import SMPL_PARENTS


@pytest.fixture
def smpl_arrays() -> dict[str, np.ndarray]:
    """SMPL's keys for a body of 60 vertices, with pose blend shapes, float64."""
    rng = np.random.default_rng(0)
    count, joints = 60, 24
    regressor = np.zeros((joints, count))
    for joint in range(joints):
        regressor[joint, rng.choice(count, 5, replace=False)] = 0.2
    weights = rng.random((count, joints)) ** 8
    parents = np.array(SMPL_PARENTS, np.int64)
    parents[0] = 2**32 - 1  # As in the official files.
    return {
        'v_template': rng.normal(size=(count, 3)),
        'f': rng.permutation(count).reshape(-1, 3).astype(np.uint32),
        'J_regressor': regressor,
        'weights': weights / weights.sum(1, keepdims=True),
        'shapedirs': rng.normal(size=(count, 3, 10)) / 50,
        'posedirs': rng.normal(size=(count, 3, 207)) / 500,
        'kintree_table': np.stack([parents, np.arange(joints)]).astype(np.uint32),
    }
