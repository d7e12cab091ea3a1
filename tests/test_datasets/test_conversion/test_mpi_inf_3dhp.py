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


def joints(count, first=0.0):
    """Joint j at pixel (first + 10 j, 20 j) and at (1, 2, 3) j millimetres."""
    numbers = np.arange(float(count))
    pixels = np.stack([first + 10 * numbers, 20 * numbers], axis=-1)
    return pixels, numbers[:, None] * [1.0, 2.0, 3.0]


def cells(values):
    array = np.empty((14, 1), dtype=object)
    for video in range(14):
        array[video, 0] = values[video]
    return array


@pytest.fixture
def train(tmp_path):
    """Sequence S1/Seq1 of 21 frames; in video 2, frame 10 leaves the picture."""

    def call(**changes):
        pixels, millimetres = joints(28)
        two = [np.stack([pixels + video] * 21).reshape(21, 56) for video in range(14)]
        two[2][10, 2 * 16] = 2048
        # A toe outside is no matter: it is none of the 17.
        two[1][10, 2 * 27] = 4000
        three = [np.stack([millimetres] * 21).reshape(21, 84) for _ in range(14)]
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
        pixels, millimetres = joints(17, first=50.0)
        for number in range(1, 7):
            folder = tmp_path / '3dhp' / root / f'TS{number}'
            folder.mkdir(parents=True, exist_ok=True)
            with h5py.File(folder / 'annot_data.mat', 'w') as file:
                file['annot2'] = np.stack([pixels[None]] * 3)
                file['univ_annot3'] = np.stack([millimetres[None]] * 3)
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
    assert len(columns['imgname']) == 23
    names = columns['imgname'].tolist()
    assert names[0] == 'S1/Seq1/imageFrames/video_0/frame_000001.jpg'
    assert names[1] == 'S1/Seq1/imageFrames/video_0/frame_000011.jpg'
    assert names[6:9] == [
        'S1/Seq1/imageFrames/video_2/frame_000001.jpg',
        'S1/Seq1/imageFrames/video_2/frame_000021.jpg',
        'S1/Seq1/imageFrames/video_4/frame_000001.jpg',
    ]
    # Around joints 3 to 25: x from 30 to 250 and y from 60 to 500 in video 0.
    np.testing.assert_allclose(columns['center'][0], [140, 280])
    np.testing.assert_allclose(columns['scale'][0], 1.2 * 440 / 200, rtol=1e-6)
    part, joints_3d = columns['part'][8], columns['S'][8]
    for name, number in TRAIN.items():
        place = [10 * number + 4, 20 * number + 4, 1]
        np.testing.assert_allclose(part[SPIN.index(name)], place)
        metres = np.append((number - 4) * np.array([1, 2, 3]) / 1000, 1)
        np.testing.assert_allclose(joints_3d[SPIN.index(name)], metres, rtol=1e-5)
    assert part[:, 2].sum() == len(TRAIN) and joints_3d[:, 3].sum() == len(TRAIN)
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
    np.testing.assert_allclose(columns['center'][0], [130, 160])
    np.testing.assert_allclose(columns['scale'][0], 1.2 * 320 / 200, rtol=1e-6)
    for name, number in TEST.items():
        place = [50 + 10 * number, 20 * number, 1]
        np.testing.assert_allclose(columns['part'][0, SPIN.index(name)], place)
        metres = np.append((number - 14) * np.array([1, 2, 3]) / 1000, 1)
        np.testing.assert_allclose(columns['S'][0, SPIN.index(name)], metres, rtol=1e-5)
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
