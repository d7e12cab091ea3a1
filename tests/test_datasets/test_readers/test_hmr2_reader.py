import numpy as np
import pytest

from deforhmr_mm.datasets import AnnotationError
from deforhmr_mm.datasets.readers import read_hmr2_npz
from deforhmr_mm.structures import get_keypoint_set

SMPL45 = get_keypoint_set('smpl45')


def at(joints, row, name):
    return joints[row, SMPL45.index(name)]


def test_labels(hmr2, save):
    labels = read_hmr2_npz(save(hmr2))
    assert (labels.family, labels.body_type) == ('hmr2', 'smpl')
    assert labels.image_names[1] == 'outdoors/image_00001.jpg'
    np.testing.assert_array_equal(labels.center, [[400, 300], [410, 310]])
    np.testing.assert_array_equal(labels.has_pose, [1, 0])
    np.testing.assert_array_equal(labels.has_betas, [1, 1])
    np.testing.assert_array_equal(labels.has_smpl, [1, 0])
    np.testing.assert_allclose(labels.pose[0, 0], [3.1, 0, 0], rtol=1e-6)
    np.testing.assert_allclose(labels.pose[0, 1], [0.1, 0.2, 0.3], rtol=1e-6)
    assert not labels.pose[0, 2:].any() and not labels.pose[1].any()
    np.testing.assert_array_equal(labels.betas, [[0.5] * 10, [-1.0] * 10])
    assert labels.genders == ('neutral', 'neutral')
    assert np.isnan(labels.transl).all() and np.isnan(labels.focal_length).all()


def test_keypoints(hmr2, save):
    keypoints = read_hmr2_npz(save(hmr2)).keypoints
    np.testing.assert_allclose(at(keypoints, 0, 'nose'), [11, 12, 0.9], rtol=1e-6)
    np.testing.assert_allclose(at(keypoints, 0, 'pelvis'), [50, 60, 0.8], rtol=1e-6)
    np.testing.assert_array_equal(at(keypoints, 0, 'right_shoulder'), [33, 34, 1])
    np.testing.assert_array_equal(at(keypoints, 0, 'right_ankle'), [70, 90, 1])
    assert (keypoints[..., 2] > 0).sum() == 4


def test_joints_are_relative_to_pelvis_or_hips(hmr2, save):
    joints = read_hmr2_npz(save(hmr2)).joints_3d
    expected = {
        (0, 'nose'): [0, -0.6, -0.1, 1],
        (0, 'right_ankle'): [-0.1, 0.8, 0.1, 1],
        (1, 'right_hip'): [-0.1, 0, 0, 1],
        (1, 'left_hip'): [0.1, 0, 0, 1],
    }
    for (row, name), value in expected.items():
        np.testing.assert_allclose(at(joints, row, name), value, atol=1e-6)
    assert (joints[..., 3] > 0).sum() == len(expected)


def test_of_openpose_s_joints_the_body_s_are_doubted_in_3d_and_no_others(hmr2, save):
    hmr2['body_keypoints_3d'][1] = 0.1, 0.2, 3, 1
    hmr2['body_keypoints_2d'][1] = 5, 6, 1
    labels = read_hmr2_npz(save(hmr2))
    known, seen = (
        {SMPL45.names[i] for i in np.flatnonzero(values[1, :, -1])}
        for values in (labels.joints_3d, labels.keypoints)
    )
    openpose = get_keypoint_set('openpose25').names
    assert openpose[0] == 'nose' and openpose[15] == 'right_eye'
    # The extra joints of this person are the hips.
    assert known == {openpose[0], *openpose[15:], 'left_hip', 'right_hip'}
    assert seen == set(openpose) & set(SMPL45.names)


@pytest.mark.parametrize(
    ('scale', 'expected'),
    [
        ([[60, 200], [150, 100]], [[150, 200], [150, 200]]),
        ([[0.3, 1.0], [0.75, 0.5]], [[150, 200], [150, 200]]),
        ([[200], [100]], [[150, 200], [75, 100]]),
        ([200, 100], [[150, 200], [75, 100]]),
        ([1.0, 0.5], [[150, 200], [75, 100]]),
    ],
)
def test_scales(hmr2, save, scale, expected):
    hmr2['scale'] = np.array(scale)
    labels = read_hmr2_npz(save(hmr2))
    np.testing.assert_allclose(labels.scale, expected, rtol=1e-6)
    padded = read_hmr2_npz(save(hmr2), bbox_padding=1.5)
    np.testing.assert_allclose(padded.scale, 1.5 * np.array(expected), rtol=1e-6)


def test_scale_unit_is_logged_and_can_be_set(hmr2, save, logged):
    path = save(hmr2)
    read_hmr2_npz(path)
    text = f"{path}: 'scale' taken as the box width and height in pixels."
    assert logged == [('INFO', text)]
    # 0.3 to 1 would be taken as over 200.
    hmr2['scale'] = hmr2['scale'] / 200
    labels = read_hmr2_npz(save(hmr2), scale_unit='px')
    np.testing.assert_allclose(labels.scale, [[0.75, 1], [0.75, 1]], rtol=1e-6)


def test_only_boxes(hmr2, save):
    kept = ('imgname', 'center', 'scale')
    labels = read_hmr2_npz(save({key: hmr2[key] for key in kept}))
    assert not labels.has_pose.any() and not labels.has_betas.any()
    assert not labels.keypoints.any() and not labels.joints_3d.any()


def test_missing_flags_are_one(hmr2, save):
    hmr2['body_pose'][1] = 0.5
    del hmr2['has_body_pose'], hmr2['has_betas']
    labels = read_hmr2_npz(save(hmr2))
    assert labels.has_pose.all() and labels.has_betas.all()


@pytest.mark.parametrize(
    ('key', 'value', 'parts'),
    [
        ('body_pose', np.zeros((2, 69)), ["'body_pose'", '(2, 24, 3)', '(2, 69)']),
        ('has_body_pose', np.ones(2), ["'body_pose'", 'finite', 'row 1']),
        ('betas', np.zeros((2, 11)), ["'betas'", '(2, 10)', '(2, 11)']),
        ('scale', np.array([[60, 200], [150, 0]]), ["'scale'", 'positive', 'row 1']),
        ('extra_keypoints_2d', np.zeros((2, 25, 3)), ['(2, 19, 3)', '(2, 25, 3)']),
        (
            'extra_keypoints_3d',
            np.array([[[900.0, 0, 0, 1]] * 14 + [[0, 0, 0, 1]] * 5] * 2),
            ['metres', 'row 0', '900'],
        ),
    ],
)
def test_wrong_columns_are_named(hmr2, save, key, value, parts):
    hmr2[key] = value
    path = save(hmr2)
    with pytest.raises(AnnotationError) as error:
        read_hmr2_npz(path)
    for part in (str(path), *parts):
        assert part in str(error.value)
