import pickle
import sys

import cv2
import h5py
import numpy as np
import pytest
from cdflib.cdfwrite import CDF
from scipy.spatial.transform import Rotation

from deforhmr_mm.datasets.conversion.h36m import JOINTS
from deforhmr_mm.structures import get_keypoint_set

SPIN = get_keypoint_set('spin24')
FRAMES = 7
TURN = Rotation.from_euler('y', 30, degrees=True)


def write_cdf(path, poses):
    path.parent.mkdir(parents=True, exist_ok=True)
    file = CDF(path)
    specification = {
        **{'Variable': 'Pose', 'Data_Type': CDF.CDF_DOUBLE, 'Num_Elements': 1},
        **{'Rec_Vary': True, 'Dim_Sizes': list(poses.shape)},
    }
    file.write_var(specification, var_data=poses[None])
    file.close()


def write_masks(path, boxes):
    """Masks of 100 x 80 pixels that are 1 in boxes (left, top, right, bottom)."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with h5py.File(path, 'w') as file:
        references = file.create_dataset('Masks', (len(boxes), 1), h5py.ref_dtype)
        for frame, (left, top, right, bottom) in enumerate(boxes):
            mask = np.zeros((80, 100), dtype=np.uint8)
            mask[top:bottom, left:right] = 1
            references[frame, 0] = file.create_dataset(
                f'#refs#/{frame}', data=mask.T
            ).ref


# Subject and name of each video; frame and video move the wrist and the pixels.
VIDEOS = [
    *(('S9', 'Directions 1.60457274'), ('S9', 'Walking.54138969')),
    *(('S11', 'Directions 1.60457274'), ('S9', '_ALL.60457274')),
]


def standing(frame, video):
    """32 joints (millimetres) of somebody upright in a camera whose y points down."""
    joints = np.zeros((32, 3))
    joints[:, 2] = 4000
    joints[JOINTS['left_hip']] += TURN.apply([130, 0, 0])
    joints[JOINTS['right_hip']] -= TURN.apply([130, 0, 0])
    joints[JOINTS['neck_lsp']] -= [0, 500, 0]
    joints[JOINTS['left_wrist']] += [700 + 7 * frame + 100 * video, 10, 20]
    return joints


@pytest.fixture
def root(tmp_path):
    """Two videos of S9 and one of S11."""
    for video, (subject, name) in enumerate(VIDEOS):
        folder = tmp_path / 'h36m' / subject
        features = folder / 'MyPoseFeatures'
        poses = np.stack([standing(frame, video) for frame in range(FRAMES)])
        write_cdf(features / 'D3_Positions_mono' / f'{name}.cdf', poses.reshape(-1, 96))
        if subject == 'S9':
            pixels = np.arange(64.0) + np.arange(FRAMES)[:, None] + 100 * video
            write_cdf(features / 'D2_Positions' / f'{name}.cdf', pixels)
        left = 10 + 10 * video
        boxes = [(left + f, 20, left + 40 + f, 80) for f in range(FRAMES)]
        write_masks(folder / 'MySegmentsMat' / 'ground_truth_bb' / f'{name}.mat', boxes)
    return tmp_path / 'h36m'


@pytest.fixture
def mosh(tmp_path):
    """Write MoSh's file of S9's first video; gives its folder."""

    def call(root_rotation, count=2, **changes):
        poses = np.full((count, 72), 0.25)
        poses[:, :3] = root_rotation.as_rotvec()
        path = tmp_path / 'mosh' / 'S9' / 'Directions 1_cam3_aligned.pkl'
        path.parent.mkdir(parents=True, exist_ok=True)
        content = {'new_poses': poses, 'betas': np.arange(10.0), **changes}
        path.write_bytes(pickle.dumps(content, protocol=2))
        return tmp_path / 'mosh'

    return call


def assert_labels(columns, rows):
    """Boxes and joints are those of the rows' (video, frame)."""
    assert len(columns['imgname']) == len(rows)
    # Masks of 40 x 60 pixels.
    np.testing.assert_allclose(columns['scale'][:, 1], 0.9 * 60 / 200, rtol=1e-6)
    np.testing.assert_allclose(columns['scale'][:, 0], 0.9 * 45 / 200, rtol=1e-6)
    for row, (video, frame) in enumerate(rows):
        center = [30 + 10 * video + frame, 50]
        np.testing.assert_allclose(columns['center'][row], center)
        joints, part = columns['S'][row], columns['part'][row]
        np.testing.assert_allclose(joints[SPIN.index('neck_lsp')], [0, -0.5, 0, 1])
        x = 0.7 + 0.007 * frame + 0.1 * video
        wrist = joints[SPIN.index('left_wrist')]
        np.testing.assert_allclose(wrist, [x, 0.01, 0.02, 1], rtol=1e-5)
        assert joints[:, 3].sum() == 17
        # Only S9 has poses in pixels: joint j at (2 j, 2 j + 1) and further.
        known = VIDEOS[video][0] == 'S9'
        moved = 2 * 27 + frame + 100 * video
        wrist = [moved, moved + 1, 1] if known else [0, 0, 0]
        np.testing.assert_allclose(part[SPIN.index('right_wrist')], wrist)
        count = 17 if known else 0
        assert part[:, 2].sum() == part.any(axis=1).sum() == count


def test_protocol_2(run, root):
    result = run('h36m', root, '--split', 'test-p2')
    assert result.code == 0, result.error
    columns = result.columns
    assert columns['imgname'].tolist() == [
        'images/S9_Directions_1.60457274_000001.jpg',
        'images/S9_Directions_1.60457274_000006.jpg',
        'images/S11_Directions_1.60457274_000001.jpg',
        'images/S11_Directions_1.60457274_000006.jpg',
    ]
    assert_labels(columns, [(0, 0), (0, 5), (2, 0), (2, 5)])
    assert 'pose' not in columns


def test_protocol_1_has_all_cameras(run, root):
    columns = run('h36m', root, '--split', 'test-p1').columns
    assert columns['imgname'].tolist()[2] == 'images/S9_Walking.54138969_000001.jpg'
    assert_labels(columns, [(v, f) for v in range(3) for f in (0, 5)])


@pytest.mark.parametrize('turned', [False, True])
def test_moshs_poses_are_turned_to_the_camera(run, root, mosh, turned):
    # Upright in a camera whose y points down: half a turn about x, then TURN.
    half = Rotation.from_rotvec([np.pi, 0, 0])
    upright = TURN * half
    stored = half * upright if turned else upright
    result = run('h36m', root, '--split', 'test-p2', '--mosh', mosh(stored, count=1))
    assert result.code == 0, result.error
    columns = result.columns
    got = Rotation.from_rotvec(columns['pose'][0, :3])
    assert (got * upright.inv()).magnitude() < 1e-5
    np.testing.assert_allclose(columns['pose'][0, 3:], 0.25)
    np.testing.assert_allclose(columns['shape'][0], np.arange(10))
    # One pose of two frames, and none of S11.
    np.testing.assert_allclose(columns['has_smpl'], [1, 0, 0, 0])
    assert not columns['pose'][1:].any()
    assert "1 of 2 videos have MoSh's poses" in result.out


def test_moshs_poses_of_another_camera_are_refused(run, root, mosh, assert_failed):
    other = Rotation.from_euler('y', 120, degrees=True) * Rotation.from_rotvec(
        [np.pi, 0, 0]
    )
    options = ('--split', 'test-p2', '--mosh')
    assert_failed(
        run('h36m', root, *options, mosh(other)), 'cam3_aligned.pkl', 'another camera'
    )
    assert_failed(
        run('h36m', root, *options, mosh(other, count=7)),
        '7 frames need 2 poses',
        'there are 7',
    )
    assert_failed(
        run('h36m', root, *options, mosh(other, betas=np.zeros(4))), '10 betas'
    )


def test_pictures_come_from_the_right_frames(run, root, write_video):
    for subject in ('S9', 'S11'):
        # A frame less than there are poses: the last that is kept is frame 5.
        write_video(root / subject / 'Videos' / 'Directions 1.60457274.mp4', 6)
    options = ('--split', 'test-p2', '--extract-images', '--check-images')
    result = run('h36m', root, *options)
    assert result.code == 0, result.error
    for name, frame in (('000001', 0), ('000006', 5)):
        picture = cv2.imread(root / 'images' / f'S9_Directions_1.60457274_{name}.jpg')
        assert abs(picture.mean() - 30 * frame) < 4


def test_frames_after_the_videos_end_are_left_out(run, root, write_video):
    write_video(root / 'S9' / 'Videos' / 'Directions 1.60457274.mp4', 6)
    write_video(root / 'S11' / 'Videos' / 'Directions 1.60457274.mp4', 3)
    result = run('h36m', root, '--split', 'test-p2', '--extract-images')
    assert result.columns['imgname'].tolist() == [
        'images/S9_Directions_1.60457274_000001.jpg',
        'images/S9_Directions_1.60457274_000006.jpg',
        'images/S11_Directions_1.60457274_000001.jpg',
    ]


def test_a_pickle_that_runs_code_is_refused(
    run, root, mosh, assert_failed, running_pickle
):
    folder = mosh(TURN, betas=running_pickle)
    assert_failed(
        run('h36m', root, '--split', 'test-p2', '--mosh', folder),
        'mkdir',
        "a file of MoSh's",
    )


def test_wrong_files_are_named(run, root, assert_failed, monkeypatch):
    options = ('--split', 'test-p2')
    assert_failed(run('h36m', root), 'there are no poses in', 'S1')
    boxes = root / 'S9' / 'MySegmentsMat' / 'ground_truth_bb'
    path = boxes / 'Directions 1.60457274.mat'
    write_masks(path, [(1, 1, 2, 2)] * 5)
    assert_failed(run('h36m', root, *options), '5 masks, and frame 5')
    write_masks(path, [(1, 1, 1, 1)] * 7)
    assert_failed(run('h36m', root, *options), 'the mask of frame 0 is empty')
    path.write_bytes(b'no HDF5')
    assert_failed(run('h36m', root, *options), 'masks are not readable')
    path.unlink()
    assert_failed(run('h36m', root, *options), 'there is no file', path.name)
    write_masks(path, [(1, 1, 2, 2)] * 7)
    poses = root / 'S9' / 'MyPoseFeatures' / 'D3_Positions_mono'
    path = poses / 'Directions 1.60457274.cdf'
    path.unlink()
    write_cdf(path, np.zeros((FRAMES, 64)))
    assert_failed(run('h36m', root, *options), '(1, F, 96)')
    path.write_bytes(b'no CDF at all')
    assert_failed(run('h36m', root, *options), "'Pose' is not readable")
    monkeypatch.setitem(sys.modules, 'cdflib', None)
    assert_failed(run('h36m', root, *options), 'pip install cdflib')
