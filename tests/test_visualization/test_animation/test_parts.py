"""Rigs, tracks, influences and morph targets by themselves."""

import numpy as np
import pytest
from scipy.spatial.transform import Rotation

from deforhmr_mm.visualization.animation import rig_from_body
from deforhmr_mm.visualization.animation.influences import (
    influence_residual,
    strongest_influences,
)
from deforhmr_mm.visualization.animation.morphs import fit_morphs
from deforhmr_mm.visualization.animation.rig import pose_features
from deforhmr_mm.visualization.animation.tracks import (
    continuous_quaternions,
    visibility,
)


def test_a_rig_poses_as_its_body_does(make_person, blend_body, pose_body):
    """Linear blend skinning by the rig's parts, with the root's place put back."""
    person = make_person(1, range(3))
    rig = rig_from_body(blend_body, person.betas)
    pose = np.concatenate((person.global_orient[:, None], person.body_pose), axis=1)
    offsets = np.tensordot(pose_features(pose), rig.posedirs, axes=1)
    points = rig.vertices + offsets
    transforms = rig.skinning_transforms(pose)
    blended = np.einsum('vj,tjrc->tvrc', rig.blend_weights, transforms)
    posed = (blended[..., :3] @ points[..., None])[..., 0] + blended[..., 3]
    posed = (posed + person.transl[:, None]) * (1, -1, -1)
    np.testing.assert_allclose(posed, pose_body(blend_body, person)[0], atol=1e-6)


def test_the_open_body_has_no_pose_blend_shapes(open_body):
    rig = rig_from_body(open_body, np.zeros(10))
    assert rig.posedirs is None
    assert rig.joint_names[0] == 'pelvis' and rig.joint_names[23] == 'right_hand'
    np.testing.assert_allclose(rig.blend_weights.sum(axis=1), 1, rtol=1e-12)
    with pytest.raises(ValueError, match=r'\(10,\) for the body open_body, got \(3,\)'):
        rig_from_body(open_body, np.zeros(3))


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
