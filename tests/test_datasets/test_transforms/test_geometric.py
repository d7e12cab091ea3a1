"""Labels, box, camera and pixels must move as one.

The person is a skeleton with SMPL's tree whose pelvis is not the origin of its frame.
Posed by the labels, moved by transl and projected by the camera, its joints must land
on the keypoints before any augmentation and after it.
"""

import numpy as np
import pytest

from deforhmr_mm.datasets.transforms import (
    LoadImage,
    RandomBBoxTransform,
    RandomFlip,
    TopdownAffine,
)
from deforhmr_mm.structures import SMPL_PARENTS, get_keypoint_set

SMPL24, SMPL45 = get_keypoint_set('smpl24'), get_keypoint_set('smpl45')
LABELS = (
    *('keypoints', 'keypoints_conf', 'joints_3d', 'joints_3d_conf', 'transl'),
    *('global_orient', 'body_pose', 'rest_pelvis', 'bbox_center', 'bbox_scale'),
    *('principal_point', 'image_affine'),
)


def symmetric_rest_joints():
    """(24, 3) metres, mirror-symmetric, the pelvis off the origin."""
    rng = np.random.default_rng(0)
    joints = rng.uniform(-0.5, 0.5, (24, 3))
    mirrored = joints[list(SMPL24.flip_indices)] * [-1, 1, 1]
    joints = (joints + mirrored) / 2
    joints[0] = (0, -0.25, 0.04)
    return joints


REST = symmetric_rest_joints()


def posed_joints(results):
    """Joints (24, 3) of the skeleton in the camera frame, by forward kinematics."""
    rotations = np.concatenate([results['global_orient'], results['body_pose']], axis=1)
    turned, places = [], []
    for joint, parent in enumerate(SMPL_PARENTS):
        if parent < 0:
            turned.append(rotations[0, joint])
            places.append(REST[joint])
        else:
            turned.append(turned[parent] @ rotations[0, joint])
            offset = REST[joint] - REST[parent]
            places.append(places[parent] + turned[parent] @ offset)
    return np.stack(places) + results['transl'][0]


def project(results):
    joints = posed_joints(results)
    center = results['principal_point']
    return results['focal_length'] * joints[:, :2] / joints[:, 2:] + center


def random_rotations(rng, count):
    return np.linalg.qr(rng.normal(size=(count, 3, 3)))[0] * [[[1, 1, 1]]]


def proper(rotations):
    return rotations * np.linalg.det(rotations)[:, None, None]


@pytest.fixture
def person():
    """A labelled sample as LoadImage leaves it, far from the optical axis."""
    rng = np.random.default_rng(1)
    rotations = proper(random_rotations(rng, 24)).astype(np.float32)[None]
    sample = {
        'img': np.zeros((480, 640, 3), dtype=np.uint8),
        'global_orient': rotations[:, :1],
        'body_pose': rotations[:, 1:],
        'transl': np.array([[0.9, -0.4, 4.0]], dtype=np.float32),
        'rest_pelvis': REST[:1].astype(np.float32),
        'focal_length': 600.0,
        'principal_point': np.array([300.0, 260.0], dtype=np.float32),
        'bbox_center': np.array([430.0, 190.0], dtype=np.float32),
        'bbox_scale': np.array([150.0, 200.0], dtype=np.float32),
    }
    joints = posed_joints(sample)
    keypoints = np.zeros((1, 45, 2), dtype=np.float32)
    keypoints[0, :24] = project(sample)
    relative = np.zeros((1, 45, 3), dtype=np.float32)
    relative[0, :24] = joints - joints[0]
    known = (np.arange(45) < 24).astype(np.float32)[None]
    sample.update(
        keypoints=keypoints,
        keypoints_conf=known * rng.uniform(0.1, 1, (1, 45)).astype(np.float32),
        joints_3d=relative,
        joints_3d_conf=known,
    )
    return LoadImage()(sample)


def assert_consistent(results, keypoints=None):
    keypoints = results['keypoints'] if keypoints is None else keypoints
    assert np.abs(project(results) - keypoints[0, :24]).max() < 0.01
    joints = posed_joints(results)
    np.testing.assert_allclose(
        results['joints_3d'][0, :24], joints - joints[0], atol=1e-5
    )


def copy_of(results):
    return {k: v.copy() if hasattr(v, 'copy') else v for k, v in results.items()}


def test_the_fixture_is_consistent(person):
    assert_consistent(person)


def test_flipped_labels_are_the_mirror_image(person):
    before = copy_of(person)
    flipped = RandomFlip(prob=1)(dict(person))
    assert flipped['flip'] is True
    assert_consistent(flipped)
    left, right = SMPL45.indices(('left_wrist', 'right_wrist'))
    expected = before['keypoints'][0, right] * [-1, 1] + [639, 0]
    np.testing.assert_allclose(flipped['keypoints'][0, left], expected, rtol=1e-6)
    confidence = before['keypoints_conf'][0, right]
    assert flipped['keypoints_conf'][0, left] == confidence
    for key, value in before.items():
        np.testing.assert_array_equal(person[key], value)


def test_flipping_twice_changes_nothing(person):
    flip = RandomFlip(prob=1)
    twice = flip(flip(dict(person)))
    assert twice['flip'] is False
    for key in LABELS:
        np.testing.assert_allclose(twice[key], person[key], atol=1e-4, err_msg=key)


def test_rotation_is_exact_for_the_full_camera(person):
    before = copy_of(person)
    rotate = RandomBBoxTransform(rotate_prob=1, scale_range=0, shift_range=0)
    np.random.seed(3)
    rotated = rotate(dict(person))
    moved = np.abs(rotated['keypoints'] - before['keypoints'])[0, :24].max()
    assert moved > 5
    assert_consistent(rotated)
    # Distances to the box centre stay, and so does the box.
    np.testing.assert_array_equal(rotated['bbox_center'], before['bbox_center'])
    radii = [
        np.linalg.norm(r['keypoints'][0, :24] - before['bbox_center'], axis=1)
        for r in (rotated, before)
    ]
    np.testing.assert_allclose(*radii, rtol=1e-4)
    for key, value in before.items():
        np.testing.assert_array_equal(person[key], value)


def test_without_rest_pelvis_a_rotation_drops_transl(person):
    del person['rest_pelvis']
    still = RandomBBoxTransform(rotate_prob=0)(dict(person))
    np.testing.assert_array_equal(still['transl'], person['transl'])
    rotated = RandomBBoxTransform(rotate_prob=1)(dict(person))
    assert np.isnan(rotated['transl']).all()


def test_everything_at_once_down_to_the_crop(person):
    np.random.seed(0)
    pipeline = (RandomFlip(), RandomBBoxTransform(rotate_prob=1, shift_range=0.1))
    angles, sizes, flips = [], [], 0
    for _ in range(30):
        results = copy_of(person)
        for transform in pipeline:
            results = transform(results)
        full = results['keypoints']
        assert_consistent(results)
        cropped = TopdownAffine()(dict(results))
        projected = project(results)
        matrix = cropped['input_affine']
        landed = projected @ matrix[:, :2].T + matrix[:, 2]
        assert np.abs(landed - cropped['keypoints'][0, :24]).max() < 0.02
        # image_affine leads from the file's pixels to these.
        order = list(SMPL45.flip_indices) if results['flip'] else slice(None)
        matrix = results['image_affine']
        source = person['keypoints'][0, order][:24]
        moved = source @ matrix[:, :2].T + matrix[:, 2]
        np.testing.assert_allclose(moved, full[0, :24], atol=0.01)
        sizes.append(results['bbox_scale'][1] / 200)
        angles.append(np.arctan2(matrix[1, 0], matrix[1, 1]))
        flips += results['flip']
    assert 5 < flips < 25
    assert 0.75 <= min(sizes) < 0.85 and 1.15 < max(sizes) <= 1.25
    assert np.abs(angles).max() <= np.deg2rad(60) + 1e-6
    assert min(angles) < -0.3 and max(angles) > 0.3


def test_pixels_move_with_the_labels(person):
    place = person['keypoints'][0, SMPL45.index('left_knee')]
    v, u = np.mgrid[:480, :640]
    distance = (u - place[0]) ** 2 + (v - place[1]) ** 2
    picture = (255 * np.exp(-distance / 32)).astype(np.uint8)
    person['img'] = picture[..., None].repeat(3, axis=2)
    person['bbox_center'] = place + [12, -9]
    np.random.seed(1)
    for _ in range(20):
        results = copy_of(person)
        for transform in (RandomFlip(), RandomBBoxTransform(), TopdownAffine()):
            results = transform(results)
        name = 'right_knee' if results['flip'] else 'left_knee'
        crop = results['img'][..., 0].astype(float)
        rows, columns = np.mgrid[:256, :192]
        found = np.array([(columns * crop).sum(), (rows * crop).sum()]) / crop.sum()
        expected = results['keypoints'][0, SMPL45.index(name)]
        np.testing.assert_allclose(found, expected, atol=0.1)


def test_boxes_are_shifted_by_a_share_of_their_size(person):
    transform = RandomBBoxTransform(rotate_prob=0, scale_range=0, shift_range=0.1)
    center, scale = person['bbox_center'], person['bbox_scale']
    np.random.seed(2)
    shifts = [transform(copy_of(person))['bbox_center'] - center for _ in range(300)]
    shares = np.array(shifts) / scale
    assert np.abs(shares).max() <= 0.1 + 1e-6
    assert (shares.max(axis=0) > 0.09).all() and (shares.min(axis=0) < -0.09).all()


def test_the_share_of_turned_boxes(person):
    transform = RandomBBoxTransform(rotate_prob=0.6, scale_range=0, shift_range=0)
    np.random.seed(3)
    turned = [
        not np.array_equal(transform(copy_of(person))['keypoints'], person['keypoints'])
        for _ in range(300)
    ]
    assert 0.5 < np.mean(turned) < 0.7


def test_a_flipped_crop_is_the_mirrored_crop(person):
    rng = np.random.default_rng(0)
    person['img'] = rng.integers(0, 256, (480, 640, 3), dtype=np.uint8)
    straight = TopdownAffine()(dict(person))['img']
    flipped = TopdownAffine()(RandomFlip(prob=1)(dict(person)))['img']
    difference = np.abs(straight[:, ::-1].astype(int) - flipped)
    # OpenCV rounds positions to 1/32 pixel.
    assert difference.mean() < 2


def test_nothing_happens_at_probability_zero(person):
    transforms = (RandomFlip(0), RandomBBoxTransform(0, 30, 60, 0, 0))
    results = dict(person)
    for transform in transforms:
        results = transform(results)
    for key in LABELS:
        np.testing.assert_array_equal(results[key], person[key], err_msg=key)


def test_a_picture_without_labels(person):
    bare = {k: v for k, v in person.items() if k in (*LABELS[-4:], 'img', 'ori_shape')}
    bare['flip'] = False
    results = RandomBBoxTransform(1)(RandomFlip(1)(bare))
    assert set(results) == set(bare)


@pytest.mark.parametrize(
    ('transform', 'bad'),
    [
        (RandomFlip, {'prob': 1.5}),
        (RandomBBoxTransform, {'rotate_prob': -1}),
        (RandomBBoxTransform, {'scale_range': 1}),
    ],
)
def test_bad_arguments(transform, bad):
    with pytest.raises(ValueError, match=next(iter(bad))):
        transform(**bad)
