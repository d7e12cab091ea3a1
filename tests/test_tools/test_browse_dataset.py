"""The sheet of browse_dataset.py shows joints and mesh where the labels are."""

import runpy
from pathlib import Path
from typing import NamedTuple

import cv2
import numpy as np
import pytest
import torch
from scipy.spatial.transform import Rotation

import deforhmr_mm
from deforhmr_mm.body_models import SMPL
from deforhmr_mm.structures import get_keypoint_set
from deforhmr_mm.visualization.contact_sheet import GAP, LINE
from deforhmr_mm.visualization.label_skeleton import LEFT_COLOR, RIGHT_COLOR

ROOT = Path(deforhmr_mm.__file__).parents[1]
TOOL = ROOT / 'tools' / 'misc' / 'browse_dataset.py'
SMPL45, OPENPOSE = get_keypoint_set('smpl45'), get_keypoint_set('openpose25')
HEIGHT, WIDTH = 256, 192
BOX = 200.0
PIPELINE = """[
    dict(type='LoadImage'),
    dict(type='RandomFlip', prob=1.0),
    dict(type='RandomBBoxTransform', rotate_prob=1.0, rotate_std=1e9, rotate_max=20.0,
         scale_range=0.0, shift_range=0.0),
    dict(type='TopdownAffine', input_size=(192, 256)),
    dict(type='PackMeshInputs'),
]"""


class People(NamedTuple):
    """Labels of three people of 200-pixel boxes, in one black picture."""

    keypoints: np.ndarray  # (3, 45, 2) pixels of the picture
    center: np.ndarray  # (3, 2)
    columns: dict


@pytest.fixture(scope='module')
def body():
    return SMPL()


@pytest.fixture
def people(body, tmp_path):
    pose = np.zeros((3, 24, 3))
    pose[:, 0] = Rotation.from_euler('xy', [180, 30], degrees=True).as_rotvec()
    transl = np.array([[-0.6, 0, 6], [0.3, 0.2, 7], [0.8, -0.1, 8]], np.float32)
    rotmats = Rotation.from_rotvec(pose.reshape(-1, 3)).as_matrix()
    rotmats = torch.tensor(rotmats.reshape(3, 24, 3, 3), dtype=torch.float32)
    with torch.no_grad():
        joints = body(rotmats[:, :1], rotmats[:, 1:], torch.zeros(3, 10)).joints.numpy()
    seen = joints + transl[:, None]
    keypoints = 500 * seen[..., :2] / seen[..., 2:] + (320, 240)
    source, target = SMPL45.map_to(OPENPOSE)
    openpose = np.zeros((3, 25, 3))
    openpose[:, target, :2], openpose[:, target, 2] = keypoints[:, source], 1
    center = keypoints[:, SMPL45.index('pelvis')]
    columns = dict(
        imgname=np.array(['black.png'] * 3),
        center=center,
        scale=np.full(3, BOX / 200),
        openpose=openpose,
        pose=pose.reshape(3, 72),
        shape=np.zeros((3, 10)),
        has_smpl=np.array([1, 1, 0]),
        transl=transl,
        focal_l=np.full(3, 500.0),
        principal_point=np.full((3, 2), (320, 240)),
        body_fingerprint=np.array(body.fingerprint),
    )
    cv2.imwrite(str(tmp_path / 'black.png'), np.zeros((480, 640, 3), np.uint8))
    return People(keypoints, center, columns)


@pytest.fixture
def browse(people, tmp_path, monkeypatch, capsys):
    """Write the annotations and run the tool: browse(...) -> sheet (RGB) or error."""

    def call(*arguments, **changes):
        np.savez(tmp_path / 'people.npz', **{**people.columns, **changes})
        single = (
            f"dict(type='HMRDataset', ann_file='people.npz', dataset_name='people', "
            f'data_root={str(tmp_path)!r}, pipeline={PIPELINE})'
        )
        both = f"dict(type='ConcatDataset', datasets=[{single}, {single}])"
        (tmp_path / 'config.py').write_text(
            "default_scope = 'deforhmr_mm'\n"
            f'train_dataloader = dict(dataset={single})\n'
            f'val_dataloader = dict(dataset={both})\n'
        )
        out = tmp_path / 'new' / 'sheet.png'
        command = [str(TOOL), str(tmp_path / 'config.py'), '--out', str(out)]
        command += ['--height', str(HEIGHT), *map(str, arguments)]
        monkeypatch.setattr('sys.argv', command)
        try:
            runpy.run_path(str(TOOL))['main']()
        except SystemExit as stop:
            return str(stop.code)
        assert [path.name for path in out.parent.iterdir()] == ['sheet.png']
        return cv2.imread(str(out))[..., ::-1]

    return call


def tile(sheet, row, column):
    """Picture of a sheet, its column in 0 ... 5."""
    top = LINE + GAP + LINE + row * (LINE + HEIGHT + GAP)
    left = column * (WIDTH + GAP) + (2 * GAP if column > 2 else 0)
    return sheet[top : top + HEIGHT, left : left + WIDTH]


def in_crop(points, center):
    """Rows and columns in the crop of a box, from pixels of the picture."""
    points = (points - center) * HEIGHT / BOX + ((WIDTH - 1) / 2, (HEIGHT - 1) / 2)
    return tuple(np.rint(points).astype(int)[..., ::-1].T)


def middle(picture, color):
    return np.argwhere((picture == color).all(-1)).mean(0)


def test_joints_and_mesh_before_augmentation(browse, people):
    sheet = browse('--num', 2)
    for row in range(2):
        points, center = people.keypoints[row], people.center[row]
        flat, mesh, side = (tile(sheet, row, column) for column in range(3))
        left = in_crop(points[SMPL45.index('left_knee')], center)
        right = in_crop(points[SMPL45.index('right_knee')], center)
        assert tuple(flat[left]) == LEFT_COLOR
        assert tuple(flat[right]) == RIGHT_COLOR
        covered = mesh.any(-1)
        assert covered[in_crop(points[:24], center)].all()
        assert 0.02 < covered.mean() < 0.4
        # No 3D joints are labelled: the mesh alone is seen from the side.
        assert not (side == LEFT_COLOR).all(-1).any()
        assert len(np.unique(side.reshape(-1, 3), axis=0)) > 50


def test_after_augmentation_labels_follow_the_picture(browse, people):
    """Mirrored, and turned by 20 degrees either way about the box's centre."""
    sheet = browse('--num', 2, '--seed', 3)
    for row in range(2):
        points, center = people.keypoints[row], people.center[row]
        flat, mesh = tile(sheet, row, 3), tile(sheet, row, 4)
        matches = []
        for degrees in (-20, 20):
            angle = np.deg2rad(degrees)
            turn = np.array(
                [[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]]
            )
            moved = (points - center) * (-1, 1) @ turn.T + center
            places = in_crop(moved, center)
            knee = SMPL45.index('left_knee')
            # What was the left knee is the right knee of the mirror image.
            matches.append(
                tuple(flat[places[0][knee], places[1][knee]]) == RIGHT_COLOR
                and mesh.any(-1)[places[0][:24], places[1][:24]].all()
            )
        assert sorted(matches) == [False, True]


def test_one_mode_alone(browse):
    both = browse('--num', 1)
    original = browse('--num', 1, '--mode', 'original')
    transformed = browse('--num', 1, '--mode', 'transformed')
    assert original.shape[1] == transformed.shape[1] == 3 * WIDTH + 2 * GAP
    for column in range(3):
        np.testing.assert_array_equal(tile(original, 0, column), tile(both, 0, column))
        np.testing.assert_array_equal(
            tile(transformed, 0, column), tile(both, 0, column + 3)
        )


def test_shuffled_people_come_in_the_seed_s_order(browse):
    plain = browse('--mode', 'original')
    order = np.arange(3)
    np.random.default_rng(3).shuffle(order)
    assert order.tolist() != [0, 1, 2]
    shuffled = browse('--mode', 'original', '--shuffle', '--seed', 3, '--num', 2)
    assert len(shuffled) == LINE + GAP + 2 * (LINE + HEIGHT + GAP)
    for row, index in enumerate(order[:2]):
        np.testing.assert_array_equal(tile(shuffled, row, 0), tile(plain, index, 0))
    assert (tile(plain, 0, 0) != tile(plain, 1, 0)).any()


def test_people_without_pose_or_of_another_body_have_no_mesh(browse, body):
    plain = tile(browse('--start', 2), 0, 1)
    # Words on a dark ground: no large patch of colour.
    assert np.median(plain) < 50
    other = browse('--num', 1, body_fingerprint=np.array('0123456789abcdef'))
    assert np.median(tile(other, 0, 1)) < 50
    assert (tile(other, 0, 0) == LEFT_COLOR).all(-1).any()
    assert not (tile(other, 0, 1) == LEFT_COLOR).all(-1).any()


def test_sheets_of_several_data_sets_continue_in_the_next(browse):
    first = browse('--phase', 'val', '--start', 1, '--num', 1)
    again = browse('--split', 'val', '--start', 4, '--num', 3)
    assert len(again) == LINE + GAP + 2 * (LINE + HEIGHT + GAP)
    np.testing.assert_array_equal(tile(first, 0, 1), tile(again, 0, 1))


def test_missing_pictures_are_named(browse, capsys):
    names = np.array(['gone.png', 'black.png', 'gone.png'])
    sheet = browse(imgname=names)
    assert 'not drawn: people/0: The picture ' in capsys.readouterr().out
    assert not (tile(sheet, 0, 0) == LEFT_COLOR).all(-1).any()
    assert (tile(sheet, 1, 0) == LEFT_COLOR).all(-1).any()
    error = browse(imgname=np.array(['gone.png'] * 3))
    assert 'no picture could be read' in error and 'gone.png' in error


def test_errors_are_one_line(browse, tmp_path):
    assert browse('--start', 3) == 'error: --start 3: there are 3 people'
    assert browse('--phase', 'test').endswith('there is no test_dataloader')
    error = browse('--body-model', tmp_path / 'none.npz')
    assert 'none.npz' in error and '\n' not in error
    error = browse(
        '--cfg-options', 'train_dataloader.dataset.ann_file=none.npz', '--num', 1
    )
    assert 'none.npz does not exist' in error and '\n' not in error
