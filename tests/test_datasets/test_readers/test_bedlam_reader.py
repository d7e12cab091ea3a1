import numpy as np
import pytest

from deforhmr_mm.datasets import AnnotationError
from deforhmr_mm.datasets.readers import read_bedlam_npz
from deforhmr_mm.structures import get_keypoint_set

SMPL45 = get_keypoint_set('smpl45')


def test_smplx_labels_are_no_labels_of_smpl(bedlam, save, logged):
    path = save(bedlam)
    labels = read_bedlam_npz(path)
    assert (labels.family, labels.body_type) == ('bedlam', 'smplx')
    assert not labels.has_pose.any() and not labels.has_betas.any()
    assert not labels.pose.any() and not labels.betas.any()
    assert np.isnan(labels.transl).all()
    told = [text for _, text in logged if 'SMPL-X' in text]
    assert len(told) == 1 and str(path) in told[0] and '72 numbers' in told[0]


def test_what_is_given_is_read(bedlam, save):
    labels = read_bedlam_npz(save(bedlam))
    assert labels.image_names == ('seq_000000/seq_000000_0000.png',) * 3
    np.testing.assert_array_equal(labels.center[1], [100, 200])
    expected = [[225, 300], [120, 160], [150, 200]]
    np.testing.assert_allclose(labels.scale, expected, rtol=1e-6)
    np.testing.assert_array_equal(labels.focal_length, [1010] * 3)
    np.testing.assert_array_equal(labels.principal_point, [[640, 360]] * 3)
    assert labels.genders == ('male', 'female', 'neutral')
    np.testing.assert_array_equal(labels.person_ids, [1, 0, 1])
    assert labels.image_turns is None


@pytest.mark.parametrize('numbers', [2, 3])
def test_joints_of_smplx(bedlam, save, numbers):
    bedlam['gtkps'] = bedlam['gtkps'][..., :numbers]
    keypoints = read_bedlam_npz(save(bedlam)).keypoints[0]
    places = dict(pelvis=0, left_hip=1, neck=12, head=15, left_wrist=20, right_wrist=21)
    places |= dict(nose=55, right_eye=56, left_ear=59, left_small_toe=61)
    places |= dict(right_heel=65, left_thumb=66, right_thumb=71, right_pinky=75)
    for name, place in places.items():
        found = keypoints[SMPL45.index(name)]
        np.testing.assert_array_equal(found, [place, 1000 + place, 1])
    hands = SMPL45.indices(('left_hand', 'right_hand'))
    assert set(np.flatnonzero(keypoints[:, 2] == 0)) == set(hands)


def test_landmarks_lie_where_smplx_has_them(bedlam, save):
    joint_names = pytest.importorskip('smplx.joint_names').JOINT_NAMES
    keypoints = read_bedlam_npz(save(bedlam)).keypoints[0]
    for index, name in enumerate(SMPL45.names):
        if name not in ('left_hand', 'right_hand'):
            assert keypoints[index, 0] == joint_names.index(name)


def test_without_landmarks(bedlam, save):
    bedlam['gtkps'] = bedlam['gtkps'][:, :24]
    keypoints = read_bedlam_npz(save(bedlam)).keypoints[0]
    np.testing.assert_array_equal(keypoints[:22, 0], np.arange(22))
    assert not keypoints[22:].any()


def test_smpl_labels(bedlam, save):
    bedlam['pose_cam'] = np.arange(216.0).reshape(3, 72)
    bedlam['gtkps'] = bedlam['gtkps'][:, :45]
    labels = read_bedlam_npz(save(bedlam))
    assert labels.body_type == 'smpl'
    assert labels.has_pose.all() and labels.has_betas.all()
    np.testing.assert_array_equal(labels.pose[1, 0], [72, 73, 74])
    np.testing.assert_allclose(labels.betas, np.full((3, 10), 0.3), rtol=1e-6)
    np.testing.assert_array_equal(labels.transl, [[1.5, 2.5, 10.5]] * 3)
    np.testing.assert_array_equal(labels.keypoints[0, :, 0], np.arange(45))


def test_other_joints_beside_smpl_labels(bedlam, save):
    """HMR2.0's: OpenPose's order, and extra ones behind."""
    bedlam['pose_cam'] = np.zeros((3, 72))
    bedlam['gtkps'] = bedlam['gtkps'][:, :44]
    bedlam['gtkps'][:, [0, 39], 2] = 0
    keypoints = read_bedlam_npz(save(bedlam)).keypoints[0]
    # The first extra joint is the right ankle; OpenPose's has number 11.
    assert keypoints[SMPL45.index('right_ankle')].tolist() == [25, 1025, 1]
    assert keypoints[SMPL45.index('left_heel')].tolist() == [21, 1021, 1]
    assert keypoints[SMPL45.index('nose'), 2] == 0
    assert keypoints[SMPL45.index('left_hand'), 2] == 0
    bedlam['gtkps'] = bedlam['gtkps'][:, :30]
    with pytest.raises(AnnotationError, match="24 or 45 joints, or HMR2.0's 44.* 30"):
        read_bedlam_npz(save(bedlam))


def test_joints_of_bedlam2(bedlam, save):
    """SMPL-X's follow 44 others."""
    expected = read_bedlam_npz(save(bedlam)).keypoints
    others = np.full((3, 44, 3), 7.0)
    bedlam['gtkps'] = np.concatenate([others, bedlam['gtkps']], axis=1)
    np.testing.assert_array_equal(read_bedlam_npz(save(bedlam)).keypoints, expected)


def test_joints_without_confidence_stay_so(bedlam, save):
    bedlam['gtkps'][:, 12, 2] = 0
    keypoints = read_bedlam_npz(save(bedlam)).keypoints
    assert (keypoints[:, SMPL45.index('neck'), 2] == 0).all()
    assert (keypoints[:, SMPL45.index('head'), 2] == 1).all()


def test_closeups_are_stored_turned(bedlam, save):
    path = save(bedlam, '20221018_3_250_batch01hand_closeup_suburb_a_6fps.npz')
    np.testing.assert_array_equal(read_bedlam_npz(path).image_turns, [1, 1, 1])
    names = ['static_a/0.png', 'closeup_b/0.png', 'orbit_c/0.png']
    bedlam['imgname'] = np.array(names)
    labels = read_bedlam_npz(save(bedlam))
    np.testing.assert_array_equal(labels.image_turns, [0, 1, 0])


@pytest.mark.parametrize(
    ('key', 'value', 'parts'),
    [
        ('pose_cam', np.zeros((3, 22)), ["'pose_cam'", '72', '66', '(3, 22)']),
        ('pose_cam', np.full((3, 72), np.nan), ["'pose_cam'", 'finite', 'row 0']),
        ('gtkps', np.zeros((3, 17, 2)), ["'gtkps'", '22 or more', '(3, 17, 2)']),
        ('gtkps', np.full((3, 127, 2), np.inf), ["'gtkps'", 'finite', 'row 0']),
        ('cam_int', np.zeros((3, 3, 3)), ["'cam_int'", 'positive', 'row 0']),
        ('cam_int', np.zeros((3, 4)), ["'cam_int'", '(3, 3, 3)', '(3, 4)']),
    ],
)
def test_wrong_columns_are_named(bedlam, save, key, value, parts):
    bedlam[key] = value
    path = save(bedlam)
    with pytest.raises(AnnotationError) as error:
        read_bedlam_npz(path)
    for part in (str(path), *parts):
        assert part in str(error.value)
