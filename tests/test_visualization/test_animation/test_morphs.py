"""Morph targets give the offsets back, or say how far they are off."""

import numpy as np
import pytest

from deforhmr_mm.visualization.animation.morphs import fit_morphs


def test_morphs_of_low_rank_are_exact():
    rng = np.random.default_rng(0)
    posedirs = rng.normal(size=(20, 30, 3)) / 50
    features = rng.normal(size=(70, 3)) @ rng.normal(size=(3, 20)) + rng.normal(size=20)
    targets, weights, residual = fit_morphs(features, posedirs)
    assert len(targets) == 4 and weights.shape == (70, 4)
    assert (weights[:, 0] == 1).all() and weights.min() >= 0 and weights.max() <= 1
    offsets = np.tensordot(features, posedirs, axes=1)
    rebuilt = np.tensordot(weights, targets, axes=1)
    error = np.linalg.norm(rebuilt - offsets, axis=-1).max()
    assert error < 1e-6 and residual < 1e-6


def test_the_residual_of_morphs_is_the_distance_left():
    rng = np.random.default_rng(0)
    posedirs = rng.normal(size=(40, 30, 3)) / 50
    features = rng.normal(size=(100, 40))
    offsets = np.tensordot(features, posedirs, axes=1)
    previous = np.inf
    for most in (2, 10, 30):
        targets, weights, residual = fit_morphs(features, posedirs, max_targets=most)
        rebuilt = np.tensordot(weights, targets, axes=1)
        error = np.linalg.norm(rebuilt - offsets, axis=-1).max()
        assert len(targets) == most and residual == pytest.approx(error, rel=1e-3)
        assert error < previous
        previous = error
    loose = fit_morphs(features, posedirs, tolerance=residual, max_targets=40)
    assert len(loose.targets) <= 30
