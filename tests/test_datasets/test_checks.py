"""Each mistake is found and its row named; clean labels give no finding."""

import numpy as np
import pytest

from deforhmr_mm.datasets.checks import check_boxes, check_labels
from deforhmr_mm.datasets.label_statistics import (
    count_labels,
    label_ranges,
    share_inside,
)
from deforhmr_mm.datasets.labels import LabelRecord
from deforhmr_mm.structures import get_keypoint_set

N = 4
JOINTS = get_keypoint_set('smpl45')
# x and y in metres from the pelvis of a person who faces the camera: left is at +x.
FIGURE = {
    'nose': (0.0, -0.65),
    'shoulder': (0.2, -0.5),
    'elbow': (0.25, -0.2),
    'wrist': (0.3, 0.05),
    'hip': (0.1, 0.0),
    'knee': (0.1, 0.4),
    'ankle': (0.1, 0.8),
}


@pytest.fixture
def columns():
    """Columns of 4 people, 5 m away, in the middle of pictures of 300 x 200 pixels."""
    points = np.zeros((N, 45, 4), np.float32)
    for name, (x, y) in FIGURE.items():
        if name == 'nose':
            points[:, JOINTS.index(name)] = (x, y, 0, 1)
            continue
        points[:, JOINTS.index(f'left_{name}')] = (x, y, 0, 1)
        points[:, JOINTS.index(f'right_{name}')] = (-x, y, 0, 1)
    # 500 px of focal length at 5 m: 100 pixels a metre.
    keypoints = points[..., [0, 1, 3]] * (100, 100, 1)
    keypoints[..., :2] += (150, 100)
    ones = np.ones(N, np.float32)
    rng = np.random.default_rng(0)
    return dict(
        path='people.npz',
        image_names=('a.jpg', 'b.jpg', 'b.jpg', 'c.jpg'),
        center=np.full((N, 2), (150, 100), np.float32),
        scale=np.full((N, 2), (135, 180), np.float32),
        keypoints=keypoints.astype(np.float32),
        joints_3d=points,
        pose=rng.uniform(-1, 1, (N, 24, 3)).astype(np.float32),
        betas=rng.uniform(-2, 2, (N, 10)).astype(np.float32),
        has_pose=ones.copy(),
        has_betas=ones.copy(),
        transl=np.full((N, 3), (0, 0, 5), np.float32),
        focal_length=500 * ones,
        principal_point=np.full((N, 2), (150, 100), np.float32),
        genders=('male', 'female', 'female', 'neutral'),
        person_ids=np.full(N, -1),
    )


def findings(columns):
    return {finding.check: finding for finding in check_labels(LabelRecord(**columns))}


def test_clean_labels_have_no_finding(columns):
    assert findings(columns) == {}
    sizes = np.full((N, 2), (300.0, 200.0))
    assert check_boxes(LabelRecord(**columns), sizes) == []


def test_unknown_labels_are_no_finding(columns):
    """Unknown columns hold NaN and zeros: not one check may trip over them."""
    for key in ('transl', 'focal_length', 'principal_point'):
        columns[key][:] = np.nan
    for key in ('has_pose', 'has_betas', 'keypoints', 'joints_3d', 'pose', 'betas'):
        columns[key][:] = 0
    assert findings(columns) == {}
    assert check_boxes(LabelRecord(**columns), np.full((N, 2), np.nan)) == []


def swap_sides(columns, row):
    order = list(JOINTS.flip_indices)
    columns['keypoints'][row] = columns['keypoints'][row][order]


def put(key, index, value):
    def spoil(columns, row):
        columns[key][(row, *index)] = value

    return spoil


def scale_joints(factor):
    def spoil(columns, row):
        columns['joints_3d'][row, :, :3] *= factor

    return spoil


WRIST = JOINTS.index('left_wrist')
MISTAKES = {
    'betas': (put('betas', (3,), -7.5), 'large_betas', '7.5'),
    'angle': (put('pose', (4,), (0, 3.5, 0)), 'large_angles', '3.5 rad'),
    'millimetres': (scale_joints(1000), 'bone_lengths', '255 to 400 m'),
    'one long arm': (
        put('joints_3d', (WRIST, slice(3)), (0.7, 0.0, 0.0)),
        'bone_lengths',
        'left and right unlike',
    ),
    'far keypoint': (
        put('keypoints', (WRIST, slice(2)), (150, 460)),
        'far_keypoints',
        '1.5 box heights',
    ),
    'sides': (swap_sides, 'swapped_sides', 'exchanged'),
    'behind': (put('transl', (2,), -5), 'translation', 'behind'),
    # 2 m to the side at 100 pixels a metre; the box is 180 pixels high.
    'off the box': (put('transl', (0,), 2), 'translation', 'off the box'),
    'half known': (put('transl', (1,), np.nan), 'not_finite', 'transl'),
    'nan pose': (put('pose', (7, 0), np.nan), 'not_finite', 'pose'),
    'nan keypoint': (put('keypoints', (WRIST, 0), np.nan), 'not_finite', 'keypoints'),
    'nan confidence': (put('joints_3d', (WRIST, 3), np.nan), 'not_finite', 'joints_3d'),
}


@pytest.mark.parametrize('mistake', MISTAKES)
def test_mistake_is_found_in_its_row(columns, mistake):
    spoil, check, words = MISTAKES[mistake]
    spoil(columns, 2)
    found = findings(columns)
    assert list(found) == [check]
    assert found[check].rows == (2,)
    assert words in found[check].message


def test_all_rows_are_named_and_the_worst_is_told(columns):
    columns['betas'][1, 0], columns['betas'][3, 9] = 6.0, -8.0
    finding = findings(columns)['large_betas']
    assert finding.rows == (1, 3)
    assert finding.message == '|betas| above 5 (up to 8, row 3)'


def test_betas_that_are_no_labels_do_not_count(columns):
    columns['betas'][2, 0], columns['has_betas'][2] = 9.0, 0.0
    assert findings(columns) == {}


def test_sides_are_compared_in_the_plane(columns):
    """A person lying on the side is no mistake, one who is seen edge-on cannot tell."""
    turn = np.array([[0, -1], [1, 0]], np.float32)
    columns['joints_3d'][1, :, :2] @= turn.T
    columns['keypoints'][1, :, :2] = (columns['keypoints'][1, :, :2] - (150, 100)) @ (
        turn.T
    ) + (150, 100)
    assert findings(columns) == {}
    columns['joints_3d'][2, :, 0] *= 0.1
    swap_sides(columns, 2)
    assert findings(columns) == {}


@pytest.mark.parametrize('gender', ['male', 'female'])
def test_one_gender_is_a_finding_on_the_file(columns, gender):
    columns['genders'] = (gender,) * N
    finding = findings(columns)['one_gender']
    assert finding.rows == () and f'all 4 people are {gender}' in finding.message
    columns['genders'] = ('neutral',) * N
    assert findings(columns) == {}


def test_boxes_outside_of_their_picture(columns):
    sizes = np.full((N, 2), (300.0, 200.0))
    columns['center'][1] = (-80, 100)
    columns['center'][2] = (-54, 100)
    sizes[3] = np.nan
    labels = LabelRecord(**columns)
    found = {finding.check: finding.rows for finding in check_boxes(labels, sizes)}
    assert found == {'box_outside': (1,), 'box_mostly_outside': (2,)}
    # The third box reaches from -121.5 to 13.5; the picture starts at -0.5.
    inside = share_inside(labels, sizes)
    np.testing.assert_allclose(inside, [1, 0, 14 / 135, np.nan], rtol=1e-6)


def test_counts(columns):
    columns['has_pose'][0] = 0
    columns['has_betas'][:2] = 0
    columns['keypoints'][3, :, 2] = 0
    columns['joints_3d'][1:, :, 3] = 0
    columns['transl'][0] = np.nan
    columns['focal_length'][:3] = np.nan
    assert count_labels(LabelRecord(**columns)) == {
        'people': 4,
        'pictures': 3,
        'with_pose': 3,
        'with_betas': 2,
        'with_keypoints': 3,
        'with_joints_3d': 1,
        'with_translation': 3,
        'with_camera': 1,
        'genders': {'female': 2, 'male': 1, 'neutral': 1},
    }


def test_ranges(columns):
    columns['scale'][:, 1] = (100, 200, 300, 400)
    columns['betas'][:] = 0
    columns['betas'][:, 4] = (1, -2, 3, -4)
    columns['transl'][0] = np.nan
    # 13 joints a person; one wrist of one person lies outside.
    columns['keypoints'][0, WRIST, 0] = 301
    sizes = np.full((N, 2), (300.0, 200.0))
    sizes[1] = np.nan
    ranges = label_ranges(LabelRecord(**columns), sizes)
    assert ranges['box_height_px']['median'] == 250
    assert ranges['betas_abs']['min'] == 1 and ranges['betas_abs']['max'] == 4
    assert ranges['depth_m']['min'] == 5
    assert ranges['joints']['mean_2d'] == 13 and ranges['joints']['mean_3d'] == 13
    assert ranges['joints']['share_2d_in_picture'] == pytest.approx(38 / 39)
    # Boxes of 300 and 400 pixels are higher than the picture, one picture is unknown.
    assert ranges['boxes']['share_in_picture'] == pytest.approx(1 / 3)


def test_nobody():
    shapes = dict(
        center=(0, 2),
        scale=(0, 2),
        keypoints=(0, 45, 3),
        joints_3d=(0, 45, 4),
        pose=(0, 24, 3),
        betas=(0, 10),
        has_pose=(0,),
        has_betas=(0,),
        transl=(0, 3),
        focal_length=(0,),
        principal_point=(0, 2),
        person_ids=(0,),
    )
    columns = {key: np.zeros(shape, np.float32) for key, shape in shapes.items()}
    labels = LabelRecord(path='empty.npz', image_names=(), genders=(), **columns)
    assert check_labels(labels) == []
    ranges = label_ranges(labels, np.zeros((0, 2)))
    assert ranges['box_height_px']['max'] is None
    assert ranges['joints']['mean_2d'] is None
