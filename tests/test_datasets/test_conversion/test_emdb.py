import os
import pickle
from copy import deepcopy

import cv2
import numpy as np
import pytest
import torch
from scipy.spatial.transform import Rotation

from deforhmr_mm.datasets.readers import read_spin_npz
from deforhmr_mm.structures import get_keypoint_set

FRAMES = 6
# Frame 1 is not good, 3 has an invalid box and that of 4 no width.
KEPT = [0, 2, 5]
INTRINSICS = np.array([[1400.0, 0, 700], [0, 1410, 950], [0, 0, 1]])


def as_tensors(pose, betas):
    """What a body takes of a pose (72,) and betas (10,)."""
    rotvecs = Rotation.from_rotvec(np.asarray(pose).reshape(24, 3)).as_matrix()
    rotmats = torch.tensor(rotvecs, dtype=torch.float32)[None]
    betas = torch.tensor(np.asarray(betas), dtype=torch.float32)[None]
    return rotmats[:, :1], rotmats[:, 1:], betas


def pose_body(body, pose, betas):
    """Vertices (V, 3) and SMPL's joints (24, 3), not translated."""
    posed = body(*as_tensors(pose, betas))
    return posed.vertices[0].double().numpy(), posed.joints[0, :24].double().numpy()


def to_camera(content, frame, points):
    """Points (K, 3) of the world in a frame's camera."""
    camera = content['camera']['extrinsics'][frame]
    return np.stack([camera[:3, :3] @ point + camera[:3, 3] for point in points])


def make_sequence(name, gender, body, seed, **flags):
    """What EMDB's pickle holds, of a camera and a person that turn and move."""
    rng = np.random.default_rng(seed)
    cameras = np.tile(np.eye(4), (FRAMES, 1, 1))
    cameras[:, :3, :3] = Rotation.from_rotvec(rng.normal(size=(FRAMES, 3))).as_matrix()
    cameras[:, :3, 3] = rng.uniform(-0.3, 0.3, (FRAMES, 3)) + [0, 0, 6]
    content = {
        'gender': gender,
        'name': name,
        'emdb1': False,
        'emdb2': np.bool_(False),
        'n_frames': FRAMES,
        'good_frames_mask': np.array([1, 0, 1, 1, 1, 1], dtype=bool),
        'camera': {
            'intrinsics': INTRINSICS,
            'extrinsics': cameras,
            'width': 1440,
            'height': 1920,
        },
        'smpl': {
            'poses_root': rng.normal(size=(FRAMES, 3)),
            'poses_body': rng.normal(0, 0.4, (FRAMES, 69)),
            'trans': rng.uniform(-0.5, 0.5, (FRAMES, 3)),
            'betas': rng.normal(size=10),
        },
        **flags,
    }
    pixels = np.stack([project(content, f, body) for f in range(FRAMES)])
    boxes = np.concatenate([pixels.min(1) - 20, pixels.max(1) + 20], axis=1)
    boxes[4, 2] = boxes[4, 0]
    content['kp2d'] = pixels
    content['bboxes'] = {'bboxes': boxes, 'invalid_idxs': np.array([1, 3])}
    return content


def whole_pose(content, frame):
    smpl = content['smpl']
    return np.concatenate([smpl['poses_root'][frame], smpl['poses_body'][frame]])


def project(content, frame, body):
    """SMPL's joints in the picture (24, 2)."""
    smpl = content['smpl']
    joints = body.joints(*as_tensors(whole_pose(content, frame), smpl['betas']))
    world = joints[0, :24].double().numpy() + smpl['trans'][frame]
    points = to_camera(content, frame, world) @ INTRINSICS.T
    return points[:, :2] / points[:, 2:]


@pytest.fixture(scope='module')
def made_sequences(bodies):
    bodies, _ = bodies
    return {
        name: make_sequence(name, gender, bodies[gender[0]], seed, **flags)
        for seed, (name, gender, flags) in enumerate(
            (
                ('P0_01_walk', 'male', dict(emdb1=True)),
                ('P0_02_run', 'female', dict(emdb2=np.bool_(True))),
                ('P3_03_jump', 'female', dict(emdb1=True, emdb2=True)),
            )
        )
    }


@pytest.fixture
def sequences(made_sequences):
    """Three sequences by name: of emdb1, of emdb2, and of both; a test's own."""
    return deepcopy(made_sequences)


@pytest.fixture
def write(tmp_path):
    """Write sequences as EMDB's folders have them."""

    def call(contents, folder_of=str):
        for name, content in contents.items():
            subject, _, sequence = folder_of(name).partition('_')
            path = tmp_path / 'emdb' / subject / sequence / f'{name}_data.pkl'
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(pickle.dumps(content))
        return tmp_path / 'emdb'

    return call


def test_the_converted_body_is_the_worlds_in_the_camera(run, write, sequences, bodies):
    bodies, options = bodies
    result = run('emdb', write(sequences), '--split', 'all', *options)
    assert result.code == 0, result.error
    columns = result.columns
    rows = [(name, frame) for name in sequences for frame in KEPT]
    assert len(columns['imgname']) == len(rows)
    for row, (name, frame) in enumerate(rows):
        content = sequences[name]
        smpl, body = content['smpl'], bodies[content['gender'][0]]
        posed = pose_body(body, whole_pose(content, frame), smpl['betas'])
        moved = pose_body(body, columns['pose'][row], columns['shape'][row])
        for world, local in zip(posed, moved, strict=True):
            camera = to_camera(content, frame, world + smpl['trans'][frame])
            np.testing.assert_allclose(
                local + columns['transl'][row], camera, atol=1e-5
            )
        # The body's pose is the same in both frames.
        np.testing.assert_allclose(
            columns['pose'][row, 3:], smpl['poses_body'][frame], rtol=1e-6
        )


def test_columns_of_the_good_frames(run, write, sequences):
    name = 'P0_02_run'
    content = sequences[name]
    result = run('emdb', write({name: content}), '--split', 'emdb2')
    assert result.code == 0, result.error
    columns = result.columns
    assert columns['imgname'].tolist() == [
        f'P0/02_run/images/0000{frame}.jpg' for frame in KEPT
    ]
    assert columns['gender'].tolist() == ['f'] * 3
    assert columns['has_smpl'].tolist() == [1] * 3
    assert columns['person_id'].tolist() == [0] * 3
    np.testing.assert_allclose(columns['focal_l'], 1400)
    np.testing.assert_allclose(columns['principal_point'], [[700, 950]] * 3)
    left, top, right, bottom = content['bboxes']['bboxes'][KEPT].T
    center = np.stack([(left + right) / 2, (top + bottom) / 2], axis=1)
    np.testing.assert_allclose(columns['center'], center, rtol=1e-5)
    height = 1.2 * np.maximum((right - left) / 0.75, bottom - top) / 200
    np.testing.assert_allclose(columns['scale'], np.outer(height, (0.75, 1)), rtol=1e-5)
    spin, smpl = get_keypoint_set('spin24'), get_keypoint_set('smpl24')
    shared = sorted({*spin.names} & {*smpl.names})
    assert 'left_knee' in shared
    for joint in shared:
        part = columns['part'][:, spin.index(joint)]
        expected = content['kp2d'][KEPT, smpl.index(joint)]
        np.testing.assert_allclose(part[:, :2], expected, rtol=1e-5)
        assert (part[:, 2] == 1).all()
    assert columns['part'][..., 2].sum() == 3 * len(shared)
    # Without SMPL's models the pelvis is not known.
    assert np.isnan(columns['transl']).all()
    assert 'translations are unknown' in result.out
    assert '1 sequences of emdb2 were there, but EMDB has 25' in result.out


@pytest.mark.parametrize(
    ('split', 'names'),
    [
        ((), ['P0_01_walk', 'P3_03_jump']),
        (('--split', 'emdb1'), ['P0_01_walk', 'P3_03_jump']),
        (('--split', 'emdb2'), ['P0_02_run', 'P3_03_jump']),
        (('--split', 'all'), ['P0_01_walk', 'P0_02_run', 'P3_03_jump']),
    ],
)
def test_splits_are_those_of_the_flags(run, write, sequences, split, names):
    columns = run('emdb', write(sequences), *split).columns
    folders = [name.split('/')[:2] for name in columns['imgname']]
    assert ['_'.join(folder) for folder in folders[:: len(KEPT)]] == names
    assert (
        columns['person_id'].tolist()
        == np.repeat(range(len(names)), len(KEPT)).tolist()
    )


def test_the_file_is_read_by_the_reader(run, write, sequences, bodies, tmp_path):
    run('emdb', write(sequences), *bodies[1])
    labels = read_spin_npz(tmp_path / 'out' / 'people.npz')
    assert labels.genders == ('male',) * 3 + ('female',) * 3
    assert labels.has_pose.all() and labels.has_betas.all()
    assert np.isfinite(labels.transl).all()
    np.testing.assert_allclose(labels.focal_length, 1400)


def test_who_is_neutral_needs_the_neutral_body(run, write, bodies, assert_failed):
    bodies, options = bodies
    content = make_sequence('P0_01_walk', 'neutral', bodies['m'], 0, emdb1=True)
    root = write({'P0_01_walk': content})
    assert run('emdb', root).columns['gender'].tolist() == ['n'] * 3
    os.remove(root.parent / 'out' / 'people.npz')
    assert_failed(
        run('emdb', root, *options), 'the person is neutral', '--neutral-smpl'
    )
    # The same file as the man's.
    columns = run('emdb', root, *options, '--neutral-smpl', options[1]).columns
    assert np.isfinite(columns['transl']).all()


def test_another_body_than_the_labels_is_refused(
    run, write, sequences, bodies, assert_failed
):
    _, (male, man, female, woman) = bodies
    root = write(sequences)
    exchanged = run('emdb', root, male, woman, female, man)
    assert_failed(exchanged, 'P0_01_walk_data.pkl', 'of kp2d', 'not exchanged')
    alone = run('emdb', root, male, man)
    assert alone.code == 2 and 'go together' in alone.error


def test_pictures_are_looked_for(run, write, sequences, assert_failed):
    root = write({'P0_01_walk': sequences['P0_01_walk']})
    assert_failed(
        run('emdb', root, '--check-images'), 'P0/01_walk/images/00000.jpg', '3 of 3'
    )
    for frame in KEPT:
        path = root / 'P0' / '01_walk' / 'images' / f'{frame:05d}.jpg'
        path.parent.mkdir(exist_ok=True)
        cv2.imwrite(str(path), np.zeros((4, 4, 3), np.uint8))
    assert run('emdb', root, '--check-images').code == 0


def test_a_pickle_that_runs_code_is_refused(
    run, write, sequences, assert_failed, running_pickle
):
    sequences['P0_01_walk']['kp2d'] = running_pickle
    assert_failed(run('emdb', write(sequences)), 'mkdir', 'an EMDB sequence')


@pytest.mark.parametrize(
    ('group', 'change', 'said'),
    [
        (None, {'kp2d': np.zeros((FRAMES, 24, 3))}, 'kp2d must be numbers of shape'),
        (None, {'n_frames': 7}, 'must be numbers of shape (7,'),
        (None, {'gender': 'x'}, "a gender must be 'male', 'female' or 'neutral'"),
        (None, {'smpl': np.zeros(3)}, 'smpl must be a dictionary of poses_root'),
        (None, {'good_frames_mask': np.zeros(FRAMES)}, 'nobody came out of 1 parts'),
        ('smpl', {'betas': np.zeros((1, 10))}, 'smpl.betas must be numbers of shape'),
        ('bboxes', {'invalid_idxs': [9]}, 'must be between 0 and 5'),
        (
            'camera',
            {'extrinsics': np.ones((FRAMES, 4, 4))},
            'camera.extrinsics of 3 good frames, the first of them 0, hold no rotation',
        ),
    ],
)
def test_wrong_files_are_named(
    run, write, sequences, assert_failed, group, change, said
):
    content = sequences['P0_01_walk']
    (content if group is None else content[group]).update(change)
    assert_failed(run('emdb', write({'P0_01_walk': content})), said)


def test_missing_keys_files_and_splits(run, write, sequences, assert_failed, tmp_path):
    assert_failed(run('emdb', tmp_path), 'there are no sequences', str(tmp_path))
    content = sequences['P0_01_walk']
    root = write({'P0_01_walk': content})
    assert_failed(
        run('emdb', root, '--split', 'emdb2'), 'none of the 1 sequences', 'emdb2'
    )
    del content['smpl']['trans']
    write({'P0_01_walk': content})
    assert_failed(run('emdb', root), 'P0_01_walk_data.pkl: there is no trans; smpl has')
    del content['good_frames_mask']
    write({'P0_01_walk': content})
    assert_failed(run('emdb', root), 'there is no good_frames_mask; the file has')


def test_a_file_in_another_sequences_folder_is_refused(
    run, write, sequences, assert_failed
):
    root = write(
        {'P0_01_walk': sequences['P0_01_walk']}, lambda name: name.replace('01', '07')
    )
    assert_failed(run('emdb', root), "of 'P0_01_walk'", "'P0_07_walk'")
