import sys

import cv2
import h5py
import numpy as np
import pytest
from scipy.io import savemat

from deforhmr_mm.datasets.conversion.mpi_inf_3dhp import TEST_NAMES, TRAIN_NAMES, VIDEOS
from deforhmr_mm.structures import get_keypoint_set

SPIN = get_keypoint_set('spin24')
# As the data set's own tools name them: 3DHP's number for a joint of ours.
TRAIN = {
    **{'pelvis_mpii': 4, 'left_shoulder': 9, 'left_elbow': 10, 'left_wrist': 11},
    **{'right_shoulder': 14, 'right_elbow': 15, 'right_wrist': 16, 'left_hip': 18},
    **{'left_knee': 19, 'left_ankle': 20, 'right_hip': 23, 'right_knee': 24},
    **{'right_ankle': 25},
}
TEST = {
    **{'right_shoulder': 2, 'right_elbow': 3, 'right_wrist': 4, 'left_shoulder': 5},
    **{'left_elbow': 6, 'left_wrist': 7, 'right_hip': 8, 'right_knee': 9},
    **{'right_ankle': 10, 'left_hip': 11, 'left_knee': 12, 'left_ankle': 13},
    **{'pelvis_mpii': 14},
}


def joints(count, wrist, frame, video):
    """Joint j at pixel (10 j, 20 j) and at (1, 2, 3) j millimetres.

    Frame and video move all pixels, and in space the wrist alone.
    """
    numbers, moved = np.arange(float(count)), 7 * frame + 100 * video
    pixels = np.stack([10 * numbers, 20 * numbers], axis=-1) + moved
    millimetres = numbers[:, None] * [1.0, 2.0, 3.0]
    millimetres[wrist] += moved
    return pixels, millimetres


def assert_labels(columns, row, numbers, frame, video):
    """A row's ``part`` and ``S`` are those of a frame of a video."""
    count = max(TRAIN.values()) + 1
    pixels, millimetres = joints(count, numbers['left_wrist'], frame, video)
    metres = (millimetres - millimetres[numbers['pelvis_mpii']]) / 1000
    part, joints_3d = columns['part'][row], columns['S'][row]
    for name, number in numbers.items():
        index = SPIN.index(name)
        np.testing.assert_allclose(part[index], [*pixels[number], 1])
        np.testing.assert_allclose(joints_3d[index], [*metres[number], 1], rtol=1e-5)
    assert part[:, 2].sum() == len(numbers) and joints_3d[:, 3].sum() == len(numbers)


def cells(values):
    array = np.empty((14, 1), dtype=object)
    for video in range(14):
        array[video, 0] = values[video]
    return array


@pytest.fixture
def train(tmp_path):
    """Sequence S1/Seq1 of 21 frames; in video 2, frame 10 leaves the picture."""

    def call(**changes):
        two, three = np.zeros((14, 21, 56)), np.zeros((14, 21, 84))
        for video, frame in np.ndindex(14, 21):
            pixels, millimetres = joints(28, TRAIN['left_wrist'], frame, video)
            two[video, frame] = pixels.ravel()
            three[video, frame] = millimetres.ravel()
        two[2, 10, 2 * 16] = 2048
        # A toe outside is no matter: it is none of the 17.
        two[1, 10, 2 * 27] = 4000
        content = {'annot2': cells(two), 'annot3': cells(three), **changes}
        folder = tmp_path / '3dhp' / 'S1' / 'Seq1'
        folder.mkdir(parents=True, exist_ok=True)
        savemat(folder / 'annot.mat', content)
        return tmp_path / '3dhp'

    return call


@pytest.fixture
def test_set(tmp_path):
    """Six sequences of 3 frames, of which frame 1 does not count."""

    def call(root='mpi_inf_3dhp_test_set'):
        for number in range(1, 7):
            folder = tmp_path / '3dhp' / root / f'TS{number}'
            folder.mkdir(parents=True, exist_ok=True)
            poses = [joints(17, TEST['left_wrist'], f, number) for f in range(3)]
            pixels, millimetres = zip(*poses, strict=True)
            with h5py.File(folder / 'annot_data.mat', 'w') as file:
                file['annot2'] = np.stack(pixels)[:, None]
                file['univ_annot3'] = np.stack(millimetres)[:, None]
                file['valid_frame'] = np.array([[1.0], [0.0], [1.0]])
        return tmp_path / '3dhp'

    return call


def test_the_names_are_the_data_sets_own():
    assert len(TRAIN_NAMES) == 28 and len(TEST_NAMES) == 17
    assert {n: i for i, n in enumerate(TRAIN_NAMES) if n in SPIN.names} == TRAIN
    assert {n: i for i, n in enumerate(TEST_NAMES) if n in SPIN.names} == TEST
    usual = [TRAIN_NAMES.index(name) for name in TEST_NAMES]
    assert sorted(usual) == [
        3,
        4,
        5,
        6,
        7,
        9,
        10,
        11,
        14,
        15,
        16,
        18,
        19,
        20,
        23,
        24,
        25,
    ]


def test_training_sequences(run, train):
    result = run('mpi_inf_3dhp', train())
    assert result.code == 0, result.error
    columns = result.columns
    # Frames 0, 10 and 20 of 8 videos, less the one that leaves the picture.
    kept = [(v, f) for v in (0, 1, 2, 4, 5, 6, 7, 8) for f in (0, 10, 20)]
    kept.remove((2, 10))
    assert columns['imgname'].tolist() == [
        f'S1/Seq1/imageFrames/video_{video}/frame_0000{frame + 1:02d}.jpg'
        for video, frame in kept
    ]
    # Around joints 3 to 25: x from 30 to 250 and y from 60 to 500 in video 0.
    np.testing.assert_allclose(columns['center'][0], [140, 280])
    np.testing.assert_allclose(columns['scale'][0], (1.98, 1.2 * 440 / 200), rtol=1e-6)
    for row, (video, frame) in enumerate(kept):
        assert_labels(columns, row, TRAIN, frame, video)
    assert 'warning: S8/Seq2 is not there' in result.out


def test_pictures_come_from_the_right_frames(run, train, write_video):
    root = train()
    for video in VIDEOS:
        write_video(root / 'S1' / 'Seq1' / 'imageSequence' / f'video_{video}.avi', 9)
    options = ('--every', 4, '--extract-images', '--check-images')
    # Videos of 9 frames end too early for 21 frames of labels.
    result = run('mpi_inf_3dhp', root, *options)
    assert result.code == 1 and 'ends after 9 frames' in result.error
    for video in VIDEOS:
        write_video(root / 'S1' / 'Seq1' / 'imageSequence' / f'video_{video}.avi', 11)
    result = run('mpi_inf_3dhp', root, *options)
    assert result.code == 0, result.error
    names = result.columns['imgname'].tolist()
    assert len(names) == 3 * 8
    assert names[2] == 'S1/Seq1/imageFrames/video_0/frame_000009.jpg'
    assert abs(cv2.imread(root / names[1]).mean() - 30 * 4) < 4


def test_every_frame(run, train):
    assert len(run('mpi_inf_3dhp', train(), '--every', 1).columns['scale']) == 167


@pytest.mark.parametrize('folder', ['mpi_inf_3dhp_test_set', '.'])
def test_test_sequences(run, test_set, folder):
    result = run('mpi_inf_3dhp', test_set(folder), '--split', 'test')
    assert result.code == 0, result.error
    columns = result.columns
    prefix = '' if folder == '.' else f'{folder}/'
    assert len(columns['imgname']) == 12
    assert columns['imgname'][:3].tolist() == [
        f'{prefix}TS1/imageSequence/img_000001.jpg',
        f'{prefix}TS1/imageSequence/img_000003.jpg',
        f'{prefix}TS2/imageSequence/img_000001.jpg',
    ]
    np.testing.assert_allclose(columns['center'][0], [180, 260])
    np.testing.assert_allclose(columns['scale'][0], (1.44, 1.2 * 320 / 200), rtol=1e-6)
    for row in range(12):
        assert_labels(columns, row, TEST, frame=2 * (row % 2), video=1 + row // 2)
    assert 'warning: 12 people came out' in result.out and '2929' in result.out


def test_wrong_files_are_named(run, train, assert_failed, tmp_path):
    assert_failed(run('mpi_inf_3dhp', tmp_path), 'there is no S1/Seq1/annot.mat')
    short = cells([np.zeros((3, 50))] * 14)
    assert_failed(run('mpi_inf_3dhp', train(annot2=short)), '(F, 56)', '(3, 50)')
    fewer = cells([np.zeros((3, 84))] * 14)
    assert_failed(run('mpi_inf_3dhp', train(annot3=fewer)), '21 frames in annot2 and 3')
    assert_failed(run('mpi_inf_3dhp', train(annot2=short[:5])), '14 videos', '(5, 1)')


def test_wrong_test_files_are_named(run, test_set, assert_failed, monkeypatch):
    root = test_set()
    path = root / 'mpi_inf_3dhp_test_set' / 'TS2' / 'annot_data.mat'
    with h5py.File(path, 'a') as file:
        del file['annot2']
        file['annot2'] = np.zeros((3, 17, 2))
    assert_failed(
        run('mpi_inf_3dhp', root, '--split', 'test'), '(3, 1, 17, 2)', '(3, 17, 2)'
    )
    with h5py.File(path, 'a') as file:
        del file['annot2']
    assert_failed(run('mpi_inf_3dhp', root, '--split', 'test'), 'there is no annot2')
    path.write_bytes(b'no HDF5')
    assert_failed(run('mpi_inf_3dhp', root, '--split', 'test'), 'no readable HDF5')
    monkeypatch.setitem(sys.modules, 'h5py', None)
    assert_failed(run('mpi_inf_3dhp', root, '--split', 'test'), 'pip install h5py')
    path.unlink()
    assert_failed(
        run('mpi_inf_3dhp', root, '--split', 'test'), 'there is no annotation'
    )
