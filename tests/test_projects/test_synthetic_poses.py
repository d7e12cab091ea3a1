import numpy as np
import pytest
from synthetic import poses
from synthetic.base_poses import BASE_POSES, GROUP_SHARES
from synthetic.body import Body
from synthetic.camera import sample_camera
from synthetic.people import BETA_LIMIT, sample_betas, sample_rotations

from deforhmr_mm.structures import flip_smpl_pose


@pytest.fixture(scope='module')
def sampler(smpl_data):
    body = Body(smpl_data)
    return poses.PoseSampler(BASE_POSES, GROUP_SHARES, body.rest_joints, body.parents)


@pytest.fixture(scope='module')
def drawn(sampler):
    rng = np.random.default_rng(0)
    return [sampler.sample(rng) for _ in range(150)]


def test_joint_limits_are_respected(drawn):
    angles = np.stack([a for _, a in drawn])
    assert (angles >= poses.LOW).all() and (angles <= poses.HIGH).all()
    # Knees and elbows are hinges: they bend one way.
    for side in ('left', 'right'):
        assert angles[:, poses.DOF_INDEX[f'{side}_knee_flex']].min() >= 0
        assert angles[:, poses.DOF_INDEX[f'{side}_elbow_flex']].min() >= 0


def test_poses_do_not_collide_and_vary(sampler, drawn):
    assert np.mean([sampler.collides(a) for _, a in drawn]) < 0.01
    assert len({name for name, _ in drawn}) > 0.5 * len(BASE_POSES)
    assert np.std([a for _, a in drawn], axis=0).min() > 0.5


def test_every_base_pose_is_within_limits_and_in_a_known_group():
    for name, (angles, group) in BASE_POSES.items():
        np.testing.assert_array_equal(poses.clip_to_limits(angles), angles, name)
        assert group in GROUP_SHARES
    assert sum(GROUP_SHARES.values()) == pytest.approx(1)


def test_rotations_are_rotations_and_mirror_as_smpl_poses_do(drawn):
    for _, angles in drawn[:10]:
        rotations = poses.to_rotmats(angles)
        product = rotations @ rotations.swapaxes(-1, -2)
        np.testing.assert_allclose(product, np.tile(np.eye(3), (24, 1, 1)), atol=1e-9)
        np.testing.assert_allclose(np.linalg.det(rotations), 1)
        mirrored = poses.to_rotmats(poses.mirror(angles))
        np.testing.assert_allclose(mirrored, flip_smpl_pose(rotations), atol=1e-9)


@pytest.mark.parametrize(
    ('dof', 'value', 'joint', 'bone', 'expected'),
    [
        ('left_knee_flex', 90, 'left_knee', (0, -1, 0), (0, 0, -1)),
        ('right_knee_flex', 90, 'right_knee', (0, -1, 0), (0, 0, -1)),
        ('left_hip_flex', 90, 'left_hip', (0, -1, 0), (0, 0, 1)),
        ('left_hip_abd', 60, 'left_hip', (0, -1, 0), (0.866, -0.5, 0)),
        ('right_hip_abd', 60, 'right_hip', (0, -1, 0), (-0.866, -0.5, 0)),
        ('left_elbow_flex', 90, 'left_elbow', (1, 0, 0), (0, 0, 1)),
        ('right_elbow_flex', 90, 'right_elbow', (-1, 0, 0), (0, 0, 1)),
        ('left_shoulder_flex', 90, 'left_shoulder', (1, 0, 0), (0, 0, 1)),
        ('right_shoulder_flex', 90, 'right_shoulder', (-1, 0, 0), (0, 0, 1)),
        ('root_pitch', 90, 'pelvis', (0, 1, 0), (0, 0, 1)),
        ('root_roll', 90, 'pelvis', (0, 1, 0), (1, 0, 0)),
        ('head_twist', 60, 'head', (0, 0, 1), (0.5, 0, 0.866)),
    ],
)
def test_angles_mean_what_their_names_say(dof, value, joint, bone, expected):
    angles = np.zeros(len(poses.DOF_NAMES))
    angles[poses.DOF_INDEX[dof]] = value
    rotation = poses.to_rotmats(angles)[poses.SMPL_JOINTS.index(joint)]
    np.testing.assert_allclose(rotation @ bone, expected, atol=1e-3)


def test_yaw_is_uniform(sampler):
    rng = np.random.default_rng(1)
    camera = sample_camera(rng)
    count, bins = 600, 12
    yaws = [sample_rotations(rng, sampler, camera)[1] for _ in range(count)]
    observed, _ = np.histogram(yaws, bins=bins, range=(-np.pi, np.pi))
    expected = count / bins
    chi_square = ((observed - expected) ** 2 / expected).sum()
    assert observed.sum() == count
    assert chi_square < 31.3  # 0.1 % quantile of chi-square with 11 degrees of freedom


def test_betas_are_clipped_normals():
    rng = np.random.default_rng(2)
    betas = np.stack([sample_betas(rng) for _ in range(2000)])
    assert np.abs(betas).max() <= BETA_LIMIT
    assert np.abs(betas.mean(axis=0)).max() < 0.1
    assert np.abs(betas.std(axis=0) - 1).max() < 0.1
