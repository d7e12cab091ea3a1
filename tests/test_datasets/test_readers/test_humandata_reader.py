import numpy as np
import pytest

from deforhmr_mm.datasets import AnnotationError
from deforhmr_mm.datasets.readers import read_humandata_npz
from deforhmr_mm.structures import get_keypoint_set

SMPL45 = get_keypoint_set('smpl45')
EXPECTED_2D = {
    (0, 'pelvis'): [50, 60, 1],
    (0, 'left_wrist'): [20, 21, 1],
    (0, 'nose'): [55, 30, 1],
    (0, 'right_hip'): [7, 8, 1],
    (0, 'right_hand'): [3, 4, 1],
    (1, 'pelvis'): [51, 61, 1],
    (1, 'nose'): [56, 31, 1],
}


def check(joints, expected):
    for (row, name), value in expected.items():
        found = joints[row, SMPL45.index(name)]
        np.testing.assert_allclose(found, value, atol=1e-6, err_msg=name)
    assert (joints[..., -1] > 0).sum() == len(expected)


def test_labels(humandata, save):
    labels = read_humandata_npz(save(humandata))
    assert (labels.family, labels.body_type) == ('humandata', 'smpl')
    assert labels.image_names == ('S1/a.jpg', 'S1/b.jpg')
    np.testing.assert_array_equal(labels.center, [[40, 120], [175, 100]])
    np.testing.assert_array_equal(labels.scale, [[150, 200], [150, 200]])
    np.testing.assert_array_equal(labels.has_pose, [1, 0])
    np.testing.assert_array_equal(labels.has_betas, [1, 0])
    np.testing.assert_allclose(labels.pose[0, 0], [3.1, 0, 0], rtol=1e-6)
    np.testing.assert_allclose(labels.pose[0, 1:], np.full((23, 3), 0.2), rtol=1e-6)
    np.testing.assert_array_equal(labels.betas, [[0.5] * 10, [0.0] * 10])
    assert not labels.pose[1].any()
    np.testing.assert_allclose(labels.transl[0], [0.1, 0.2, 4], rtol=1e-6)
    assert np.isnan(labels.transl[1]).all()
    assert labels.genders == ('male', 'female')


def test_joints_stored_by_their_mask(humandata, save):
    labels = read_humandata_npz(save(humandata))
    check(labels.keypoints, EXPECTED_2D)
    check(
        labels.joints_3d,
        {(0, 'pelvis'): [0, 0, 0, 1], (0, 'left_knee'): [0.1, 0.4, 0, 1]},
    )


def test_joints_stored_plain(humandata, save):
    plain = np.full((2, 190, 3), 77.0)  # what the mask leaves out does not count
    plain[:, [0, 20, 55, 144, 153, 189]] = humandata['keypoints2d']
    humandata['keypoints2d'] = plain
    check(read_humandata_npz(save(humandata)).keypoints, EXPECTED_2D)
    plain[:, ~humandata['keypoints2d_mask'].astype(bool)] = 0
    del humandata['keypoints2d_mask']
    check(read_humandata_npz(save(humandata)).keypoints, EXPECTED_2D)


def test_the_data_set_s_own_joints_are_taken_first(humandata, save):
    own = np.zeros((2, 190, 3))
    own[:, 20] = 200, 210, 1
    projected = np.zeros((2, 190, 3))
    projected[:, 20] = projected[:, 21] = 9, 9, 1
    humandata |= {'keypoints2d_original': own, 'keypoints2d_smpl': projected}
    keypoints = read_humandata_npz(save(humandata)).keypoints
    left, right = SMPL45.indices(('left_wrist', 'right_wrist'))
    np.testing.assert_array_equal(keypoints[:, left], [[200, 210, 1]] * 2)
    np.testing.assert_array_equal(keypoints[:, right], [[9, 9, 1]] * 2)


def test_every_place_by_name(humandata, save):
    """The 190 joints one by one, against the names that mmhuman3d gives them."""
    places = {
        **dict(pelvis=0, left_hip=1, right_hip=2, spine1=3, left_knee=4, right_knee=5),
        **dict(spine2=6, left_ankle=7, right_ankle=8, spine3=9, left_foot=10),
        **dict(right_foot=11, neck=12, left_collar=13, right_collar=14, head=15),
        **dict(left_shoulder=16, right_shoulder=17, left_elbow=18, right_elbow=19),
        **dict(left_wrist=20, right_wrist=21, left_hand=188, right_hand=189),
        **dict(nose=55, right_eye=56, left_eye=57, right_ear=58, left_ear=59),
        **dict(left_big_toe=60, left_small_toe=61, left_heel=62, right_big_toe=63),
        **dict(right_small_toe=64, right_heel=65, left_thumb=66, left_index=67),
        **dict(left_middle=68, left_ring=69, left_pinky=70, right_thumb=71),
        **dict(right_index=72, right_middle=73, right_ring=74, right_pinky=75),
    }
    values = np.ones((2, 190, 3))
    values[..., 0] = np.arange(190)
    humandata['keypoints2d'] = values
    del humandata['keypoints2d_mask']
    found = read_humandata_npz(save(humandata)).keypoints[0, :, 0]
    assert dict(zip(SMPL45.names, found, strict=True)) == places
    # Without SMPL's own joints, those of OpenPose and LSP's hips stand in.
    values[:, :76, 2] = 0
    found = read_humandata_npz(save(humandata)).keypoints[0]
    stand_ins = {
        **dict(nose=153, neck=154, right_shoulder=155, right_elbow=156),
        **dict(right_wrist=157, left_shoulder=158, left_elbow=159, left_wrist=160),
        **dict(pelvis=161, right_hip=144, right_knee=163, right_ankle=164),
        **dict(left_hip=145, left_knee=166, left_ankle=167, right_eye=168),
        **dict(left_eye=169, right_ear=170, left_ear=171, left_big_toe=172),
        **dict(left_small_toe=173, left_heel=174, right_big_toe=175),
        **dict(right_small_toe=176, right_heel=177, left_hand=188, right_hand=189),
    }
    known = found[:, 2] > 0
    names = np.array(SMPL45.names)[known]
    assert dict(zip(names, found[known, 0], strict=True)) == stand_ins


def test_smaller_files(humandata, save):
    for key in ('keypoints2d', 'keypoints3d', 'smpl', 'has_smpl', 'meta'):
        del humandata[key]
    humandata['image_path'] = np.array([b'S1/a.jpg', 'S1/b.jpg'], dtype=object)
    humandata['bbox_xywh'] = humandata['bbox_xywh'][:, :4]
    labels = read_humandata_npz(save(humandata), bbox_padding=1.2)
    assert labels.image_names == ('S1/a.jpg', 'S1/b.jpg')
    np.testing.assert_allclose(labels.scale, [[180, 240], [180, 240]], rtol=1e-6)
    assert not labels.has_pose.any() and not labels.keypoints.any()
    assert labels.genders == ('neutral', 'neutral')


def test_smpl_in_other_forms(humandata, save):
    humandata['smpl']['body_pose'] = np.full((2, 69), 0.2)
    del humandata['has_smpl'], humandata['smpl']['transl']
    labels = read_humandata_npz(save(humandata))
    assert labels.has_pose.all()
    np.testing.assert_allclose(labels.pose[1, 1:], np.full((23, 3), 0.2), rtol=1e-6)
    assert np.isnan(labels.transl).all()


def test_only_smplx(humandata, save, logged):
    humandata['smplx'] = humandata.pop('smpl')
    labels = read_humandata_npz(save(humandata))
    assert labels.body_type == 'smplx' and not labels.has_pose.any()
    assert any('SMPL-X' in text for _, text in logged)


def test_wrong_genders_are_not_used(humandata, save, logged):
    humandata['meta'] = {'gender': ['m']}
    assert read_humandata_npz(save(humandata)).genders == ('neutral', 'neutral')
    assert [level for level, _ in logged] == ['WARNING']


def smpl(**changes):
    def change(columns):
        columns['smpl'].update(changes)

    return change


def column(key, value):
    return lambda columns: columns.__setitem__(key, value)


@pytest.mark.parametrize(
    ('change', 'parts'),
    [
        (smpl(body_pose=np.zeros((2, 21, 3))), ['smpl[body_pose]', '(2, 23, 3)']),
        (smpl(betas=np.full((2, 10), np.nan)), ['smpl[betas]', 'finite', 'row 0']),
        (lambda columns: columns['smpl'].pop('betas'), ["'betas'", 'it has: body_po']),
        (column('smpl', [{}, {}]), ["'smpl'", 'dictionary', 'ndarray']),
        (column('smpl', np.zeros(2)), ["'smpl'", 'not Python objects']),
        (column('bbox_xywh', np.zeros((2, 4))), ["'bbox_xywh'", 'positive', 'row 0']),
        (column('bbox_xywh', np.zeros((2, 3))), ['(2, 4)', '(2, 3)']),
        (
            column('keypoints2d', np.zeros((2, 17, 3))),
            ["'keypoints2d'", '(2, 190, 3)', 'or 6 joints', '(2, 17, 3)'],
        ),
        (column('keypoints3d_mask', np.ones(144)), ["'keypoints3d_mask'", '(144,)']),
        (column('keypoints2d_convention', 'coco'), ["'human_data'", "'coco'"]),
        (
            column('keypoints3d', np.array([[[0, 0, 0, 1], [0, 400.0, 0, 1]]] * 2)),
            ["'keypoints3d'", 'metres', 'row 0', '400'],
        ),
    ],
)
def test_wrong_columns_are_named(humandata, save, change, parts):
    change(humandata)
    path = save(humandata)
    with pytest.raises(AnnotationError) as error:
        read_humandata_npz(path)
    for part in (str(path), *parts):
        assert part in str(error.value)
