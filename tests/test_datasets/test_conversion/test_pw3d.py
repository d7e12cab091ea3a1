import os
import pickle

import numpy as np
import pytest
import torch
from scipy.spatial.transform import Rotation

from deforhmr_mm.datasets.readers import read_spin_npz
from deforhmr_mm.structures import get_keypoint_set

PELVIS = np.array([0.0, -0.2, 0.03])
# Person and frame of the rows that come out of `sequence`.
KEPT = [(0, 0), (0, 2), (1, 0)]


def points(*xy):
    """18 joints (3, 18): those given have confidence 0.5, the others none."""
    poses = np.zeros((3, 18))
    for joint, (x, y) in enumerate(xy):
        poses[:, joint] = x, y, 0.5
    return poses


@pytest.fixture
def sequence():
    """Three frames of two people; frame 1 of the first has no camera.

    The camera turns and moves from frame to frame, and so do the people.
    """
    rng = np.random.default_rng(0)
    cameras = np.tile(np.eye(4), (3, 1, 1))
    cameras[:, :3, :3] = Rotation.from_rotvec(rng.normal(size=(3, 3))).as_matrix()
    cameras[:, :3, 3] = [[0.1, 0.2, 4.0], [-0.3, 0.1, 5.0], [0.2, -0.1, 6.0]]
    trans = rng.uniform(-0.7, 0.7, (2, 3, 3))
    joints = np.zeros((2, 3, 72))
    joints[..., :3] = trans + PELVIS
    # Where the camera is not known, nothing else counts.
    joints[0, 1] = 9
    return {
        'sequence': 'walk_00',
        'poses': list(rng.normal(0, 0.6, (2, 3, 72))),
        'betas': [rng.normal(size=11), rng.normal(size=10)],
        'trans': list(trans),
        'jointPositions': list(joints),
        'poses2d': [
            np.stack([points((100 + f, 50), (140 + f, 250)) for f in range(3)]),
            np.stack([points((0, 0), (0, 100)), np.zeros((3, 18)), points((9, 9))]),
        ],
        'genders': ['m', 'f'],
        'campose_valid': [np.array([1, 0, 1]), np.array([1, 1, 1])],
        'cam_poses': cameras,
        'cam_intrinsics': np.array([[1900.0, 0, 540], [0, 1910, 960], [0, 0, 1]]),
        'img_frame_ids': np.array([10, 12, 14]),
    }


@pytest.fixture
def write(tmp_path):
    def call(content, name='walk_00', split='test', protocol=2):
        path = tmp_path / '3dpw' / 'sequenceFiles' / split / f'{name}.pkl'
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(pickle.dumps(content, protocol=protocol))
        return tmp_path / '3dpw'

    return call


def to_camera(sequence, frame, points):
    """Points (K, 3) of the world in a frame's camera."""
    camera = sequence['cam_poses'][frame]
    return np.stack([camera[:3, :3] @ point + camera[:3, 3] for point in points])


def turn_about_pelvis(rotvec, points):
    return Rotation.from_rotvec(rotvec).apply(points - PELVIS) + PELVIS


def pose_joints(body, pose, betas):
    """SMPL's 24 joints (24, 3) of a pose (72,), without translation."""
    rotvecs = Rotation.from_rotvec(pose.reshape(24, 3)).as_matrix()
    rotmats = torch.tensor(rotvecs, dtype=torch.float32)[None]
    betas = torch.tensor(betas, dtype=torch.float32)[None]
    return body.joints(rotmats[:, :1], rotmats[:, 1:], betas)[0, :24].double().numpy()


def test_labels_are_in_the_cameras_frame(run, write, sequence):
    result = run('pw3d', write(sequence))
    assert result.code == 0, result.error
    columns = result.columns
    # Frame 1 of the first has no camera; frames 1 and 2 of the second show no joint
    # and one, which makes no box.
    assert columns['imgname'].tolist() == [
        f'imageFiles/walk_00/image_0000{frame}.jpg' for _, frame in KEPT
    ]
    assert columns['gender'].tolist() == ['m', 'm', 'f']
    assert columns['person_id'].tolist() == [person for person, _ in KEPT]
    np.testing.assert_allclose(columns['center'], [[120, 150], [122, 150], [0, 50]])
    # 1.2 x the longer side / 200
    np.testing.assert_allclose(
        columns['scale'], [[0.9, 1.2], [0.9, 1.2], [0.45, 0.6]], rtol=1e-6
    )
    # The body turns about its pelvis, and then moves.
    body = np.random.default_rng(1).uniform(-1, 1, (5, 3))
    for row, (person, frame) in enumerate(KEPT):
        pose, betas = sequence['poses'][person][frame], sequence['betas'][person]
        np.testing.assert_allclose(columns['pose'][row, 3:], pose[3:], rtol=1e-6)
        np.testing.assert_allclose(columns['shape'][row], betas[:10], rtol=1e-6)
        world = turn_about_pelvis(pose[:3], body) + sequence['trans'][person][frame]
        turned = turn_about_pelvis(columns['pose'][row, :3], body)
        np.testing.assert_allclose(
            turned + columns['transl'][row],
            to_camera(sequence, frame, world),
            atol=1e-5,
        )
    np.testing.assert_allclose(columns['focal_l'], 1900)
    np.testing.assert_allclose(columns['principal_point'], [[540, 960]] * 3)
    openpose = get_keypoint_set('openpose25')
    neck = columns['openpose'][:2, openpose.index('neck')]
    np.testing.assert_allclose(neck, [[140, 250, 0.5], [142, 250, 0.5]])
    assert (columns['openpose'][0, :, 2] > 0).sum() == 2
    assert 'warning: 3 people came out' in result.out and '35515' in result.out


def test_the_18_joints_go_where_they_belong(run, write, sequence):
    found = np.stack([np.arange(18.0), np.arange(18.0) * 2, np.ones(18)])
    sequence['poses2d'][0] = np.stack([found] * 3)
    columns = run('pw3d', write(sequence)).columns
    names = get_keypoint_set('openpose25')
    for name, joint in (
        *(('nose', 0), ('right_shoulder', 2), ('left_shoulder', 5), ('right_hip', 8)),
        *(('left_hip', 11), ('left_ankle', 13), ('right_eye', 14), ('left_ear', 17)),
    ):
        np.testing.assert_allclose(
            columns['openpose'][0, names.index(name)], [joint, 2 * joint, 1]
        )


def test_the_file_is_read_by_the_reader(run, write, sequence, tmp_path):
    run('pw3d', write(sequence))
    labels = read_spin_npz(tmp_path / 'out' / 'people.npz')
    assert labels.genders == ('male', 'male', 'female')
    np.testing.assert_allclose(labels.scale[0], [180, 240], rtol=1e-6)
    assert labels.has_smpl.all() and np.isfinite(labels.transl).all()


def test_without_a_sure_pelvis_there_is_no_translation(run, write, sequence):
    sequence['jointPositions'][0][2, 0] += 0.005
    columns = run('pw3d', write(sequence)).columns
    assert np.isnan(columns['transl'][:2]).all()
    assert np.isfinite(columns['transl'][2]).all()
    del sequence['jointPositions']
    columns = run('pw3d', write(sequence)).columns
    assert np.isnan(columns['transl']).all()


def test_a_body_gives_box_and_translation(run, write, sequence, bodies):
    bodies, options = bodies
    # With a body, its own pelvis counts.
    del sequence['jointPositions']
    result = run('pw3d', write(sequence), *options)
    assert result.code == 0, result.error
    columns = result.columns
    # Around the body there is a box where one joint was found, too.
    kept = [*KEPT, (1, 2)]
    assert len(columns['pose']) == len(kept)
    for row, (person, frame) in enumerate(kept):
        body = bodies[sequence['genders'][person]]
        pose, betas = sequence['poses'][person][frame], sequence['betas'][person]
        world = pose_joints(body, pose, betas[:10]) + sequence['trans'][person][frame]
        camera = to_camera(sequence, frame, world)
        posed = pose_joints(body, columns['pose'][row], columns['shape'][row])
        np.testing.assert_allclose(posed + columns['transl'][row], camera, atol=1e-5)
        pixels = camera @ sequence['cam_intrinsics'].T
        pixels = pixels[:, :2] / pixels[:, 2:]
        low, high = pixels.min(0), pixels.max(0)
        np.testing.assert_allclose(
            columns['center'][row], (low + high) / 2, rtol=1e-4, atol=0.01
        )
        np.testing.assert_allclose(
            columns['scale'][row],
            0.006 * max((high - low) * (4 / 3, 1)) * np.array([0.75, 1]),
            rtol=1e-4,
        )


def test_a_stopped_run_goes_on(run, write, sequence, assert_failed, tmp_path):
    write(sequence, 'a')
    root = write({**sequence, 'sequence': 'b'}, 'b')
    whole = run('pw3d', root)
    assert whole.code == 0 and list((tmp_path / 'out').iterdir()) == [
        tmp_path / 'out' / 'people.npz'
    ]
    assert whole.columns['person_id'].tolist() == [0, 0, 1, 2, 2, 3]
    expected = (tmp_path / 'out' / 'people.npz').read_bytes()
    (tmp_path / 'out' / 'people.npz').unlink()

    broken = root / 'sequenceFiles' / 'test' / 'b.pkl'
    good = broken.read_bytes()
    broken.write_bytes(good[:-40])
    assert_failed(
        run('pw3d', root), 'b.pkl is not a readable pickle of a 3DPW sequence'
    )
    parts = tmp_path / 'out' / 'people.npz.parts'
    assert [path.name for path in parts.iterdir()] == ['test-a.npz']
    broken.write_bytes(good)
    resumed = run('pw3d', root)
    assert '1 of 2 parts were there from an earlier run' in resumed.out
    assert (tmp_path / 'out' / 'people.npz').read_bytes() == expected
    assert not parts.exists()


def test_a_changed_input_is_read_again(run, write, sequence, tmp_path):
    root = write(sequence, 'a')
    bad = write({}, 'b')
    assert run('pw3d', root).code == 1
    sequence['cam_intrinsics'][0, 0] = 1000
    write(sequence, 'a')
    os.remove(bad / 'sequenceFiles' / 'test' / 'b.pkl')
    write(sequence, 'c')
    result = run('pw3d', root)
    assert 'earlier run' not in result.out
    np.testing.assert_allclose(result.columns['focal_l'], 1000)


def test_a_pickle_that_runs_code_is_refused(
    run, write, sequence, assert_failed, tmp_path, running_pickle
):
    root = write({**sequence, 'poses': running_pickle})
    assert_failed(run('pw3d', root), 'mkdir', 'a 3DPW sequence')
    assert not (tmp_path / 'out').exists()


@pytest.mark.parametrize(
    ('change', 'said'),
    [
        (
            {'poses2d': [np.zeros((3, 18, 3))] * 2},
            'poses2d[0] must be numbers of shape',
        ),
        ({'genders': ['m']}, 'genders is of 1 people, poses of 2'),
        ({'genders': ['m', 'x']}, "a gender must be 'm' or 'f'"),
        ({'trans': [np.zeros((2, 3))] * 2}, 'trans[0]'),
        ({'campose_valid': [np.zeros(3)] * 2}, 'nobody came out of 1 parts'),
    ],
)
def test_wrong_files_are_named(run, write, sequence, assert_failed, change, said):
    assert_failed(run('pw3d', write({**sequence, **change})), said)


def test_missing_keys_files_and_pictures(run, write, sequence, assert_failed, tmp_path):
    assert_failed(run('pw3d', tmp_path), 'there are no sequences')
    root = write(sequence)
    assert_failed(
        run('pw3d', root, '--check-images'),
        '2 of 2 pictures are not under',
        'imageFiles/walk_00/image_00000.jpg',
    )
    del sequence['genders']
    assert_failed(run('pw3d', write(sequence)), 'there is no genders')
