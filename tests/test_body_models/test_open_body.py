"""The shipped body: size, symmetry, orientation, and joints where they belong."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch
import trimesh
from scipy.spatial import cKDTree

from deforhmr_mm.body_models import OPEN_BODY_PATH, SMPL, SMPLData, load_smpl_file
from deforhmr_mm.structures import SMPL_PARENTS, get_keypoint_set

FLIP = np.array([-1.0, 1.0, 1.0])


@pytest.fixture(scope='module')
def data() -> SMPLData:
    return load_smpl_file(OPEN_BODY_PATH)


@pytest.fixture(scope='module')
def mirror(data: SMPLData) -> np.ndarray:
    """Mirror image of every vertex."""
    distance, mirror = cKDTree(data.v_template).query(data.v_template * FLIP)
    assert distance.max() < 1e-6
    np.testing.assert_array_equal(mirror[mirror], np.arange(len(mirror)))
    return mirror


def _mirrored_joints() -> list[int]:
    return list(get_keypoint_set('smpl24').flip_indices)


def test_size_and_licence(data: SMPLData) -> None:
    assert OPEN_BODY_PATH.stat().st_size <= 4e6
    assert data.v_template.shape == (13718, 3) and data.faces.shape == (27420, 3)
    assert data.shapedirs.shape == (13718, 3, 10)
    assert data.posedirs is None
    assert tuple(data.parents) == SMPL_PARENTS
    assert data.meta['body_name'] == 'open_body'
    assert data.meta['licence'] == 'CC0-1.0'
    card = Path(OPEN_BODY_PATH).with_name('LICENSE.md').read_text()
    assert SMPL().fingerprint in card


def test_mirror_symmetry(data: SMPLData, mirror: np.ndarray) -> None:
    swap = _mirrored_joints()
    np.testing.assert_array_equal(
        data.joint_regressor[swap][:, mirror], data.joint_regressor
    )
    np.testing.assert_allclose(data.weights[mirror][:, swap], data.weights, atol=1e-7)
    np.testing.assert_allclose(
        data.shapedirs[mirror] * FLIP[:, None], data.shapedirs, atol=1e-7
    )


def test_weights_and_regressors_sum_to_one(data: SMPLData) -> None:
    for rows in (data.weights, data.joint_regressor, data.h36m_regressor):
        np.testing.assert_allclose(rows.sum(1), 1.0, atol=1e-5)
    assert (data.weights >= 0).all()
    assert (data.h36m_regressor >= -1e-6).all()
    # At most a few dozen vertices behind a joint, and no wild weights.
    assert (data.joint_regressor != 0).sum(1).max() <= 80
    assert np.abs(data.joint_regressor).sum(1).max() < 15


def test_surface_is_closed_and_faces_outwards(data: SMPLData) -> None:
    mesh = trimesh.Trimesh(data.v_template, data.faces, process=False)
    assert mesh.is_watertight and mesh.is_winding_consistent
    # A person of 1.7 m displaces 60 to 80 litres; inward faces would count negative.
    assert 0.06 < mesh.volume < 0.08
    for part in mesh.split():
        assert part.volume > 0


def test_axes_and_t_pose(data: SMPLData) -> None:
    names = get_keypoint_set('smpl24').names
    joints = dict(zip(names, data.joint_regressor @ data.v_template, strict=True))
    marks = {name: data.v_template[i] for name, i in data.landmark_ids.items()}
    assert joints['left_wrist'][0] > 0.6 and joints['right_wrist'][0] < -0.6
    assert marks['nose'][2] > joints['head'][2] + 0.08
    assert marks['left_big_toe'][2] > marks['left_heel'][2] + 0.2
    assert np.ptp(data.v_template[:, 1]) == pytest.approx(1.7, abs=0.05)
    np.testing.assert_allclose(joints['pelvis'], [0, -0.223, 0.028], atol=1e-5)
    arm = [joints[f'left_{part}'] for part in ('shoulder', 'elbow', 'wrist', 'hand')]
    heights = np.array(arm)[:, 1]
    assert np.ptp(heights) < 0.03
    for side in ('left', 'right'):
        fingers = [marks[f'{side}_{f}'] for f in ('index', 'middle', 'ring', 'pinky')]
        # Palms down: fingers side by side in depth, the index finger foremost.
        assert np.all(np.diff(np.array(fingers)[:, 2]) < -0.01)
        assert marks[f'{side}_thumb'][2] > fingers[0][2]


def test_joints_lie_inside_over_the_shape_space(data: SMPLData) -> None:
    betas = np.random.default_rng(0).standard_normal((20, 10))
    for shape in betas:
        vertices = data.v_template + data.shapedirs @ shape
        mesh = trimesh.Trimesh(vertices, data.faces, process=False)
        joints = data.joint_regressor @ vertices
        # One ray to the front from each joint: it leaves the body as often as not.
        hits = mesh.ray.intersects_location(
            joints, np.tile([0.01, 0.02, 1.0], (24, 1)), multiple_hits=True
        )[1]
        inside = np.bincount(hits, minlength=24) % 2 == 1
        assert inside.all(), np.array(get_keypoint_set('smpl24').names)[~inside]


def test_h36m_joints(data: SMPLData) -> None:
    names = get_keypoint_set('h36m17').names
    joints = dict(zip(names, data.h36m_regressor @ data.v_template, strict=True))
    smpl = dict(
        zip(
            get_keypoint_set('smpl24').names,
            data.joint_regressor @ data.v_template,
            strict=True,
        )
    )
    for name in set(joints) & set(smpl) - {'pelvis'}:
        np.testing.assert_allclose(joints[name], smpl[name], atol=1e-4)
    assert joints['head_h36m'][1] == pytest.approx(data.v_template[:, 1].max())
    np.testing.assert_allclose(joints['neck_h36m'], smpl['neck'], atol=1e-4)
    assert joints['neck_h36m'][1] < joints['jaw_h36m'][1] < joints['head_h36m'][1]
    np.testing.assert_allclose(
        joints['pelvis'], (smpl['left_hip'] + smpl['right_hip']) / 2, atol=1e-4
    )


def test_h36m_joints_follow_a_bent_limb() -> None:
    """Regressed from a posed mesh, elbows and knees stay near the skeleton's joints."""
    body = SMPL()
    names = get_keypoint_set('smpl24').names
    pose = torch.zeros(1, 24, 3)
    for joint, angle in (('left_knee', 1.5), ('left_hip', -1.0), ('left_elbow', -1.5)):
        pose[0, names.index(joint), 1 if 'elbow' in joint else 0] = angle
    from roma import rotvec_to_rotmat

    rotations = rotvec_to_rotmat(pose)
    out = body(rotations[:, :1], rotations[:, 1:], torch.zeros(1, 10))
    regressed = body.h36m_regressor @ out.vertices[0]
    for name in ('left_knee', 'left_elbow', 'left_hip', 'left_ankle', 'left_wrist'):
        there = regressed[get_keypoint_set('h36m17').names.index(name)]
        assert (there - out.joints[0, names.index(name)]).norm() < 0.03, name


def test_area_weights() -> None:
    body = SMPL()
    weights = body.vertex_area_weights
    assert weights.sum() == pytest.approx(1.0, abs=1e-5) and (weights >= 0).all()
    # Hands, feet and head are most of the vertices, but a small part of the surface.
    hands = body.blend_weights[:, 20:24].sum(1) > 0.5
    assert hands.float().mean() > 0.2 and weights[hands].sum() < 0.1
