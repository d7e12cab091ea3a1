import numpy as np
import pytest

from deforhmr_mm.datasets.transforms import ToKeypointSample
from deforhmr_mm.structures import get_keypoint_set

SMPL45 = get_keypoint_set('smpl45')


@pytest.fixture
def cropped():
    """A crop of twice the picture's size, moved by (10, 20), that hides the nose."""
    conf = np.ones((1, 45), np.float32)
    conf[0, SMPL45.index('nose')] = 0
    return dict(
        keypoints=np.stack([np.arange(45.0), np.arange(45.0) + 100], -1)[None],
        keypoints_conf=conf,
        input_affine=np.array([[2, 0, 10], [0, 2, 20]], np.float32),
        input_center=np.array([60.0, 80.0], np.float32),
        input_scale=np.array([96.0, 128.0], np.float32),
        input_size=(192, 256),
        sample_id='people/3',
    )


def test_joints_are_cocos_in_the_crop_and_in_the_picture(cropped):
    found = ToKeypointSample('coco17').transform(cropped)
    wrist = SMPL45.index('left_wrist')
    in_crop = found['transformed_keypoints']
    assert in_crop.shape == (1, 17, 2)
    np.testing.assert_array_equal(in_crop[0, 9], [wrist, wrist + 100])
    np.testing.assert_allclose(
        found['keypoints'][0, 9], [(wrist - 10) / 2, (wrist + 80) / 2], atol=1e-5
    )
    assert found['keypoints_visible'].tolist() == [[0.0] + [1.0] * 16]


def test_box_and_name_are_the_crops(cropped):
    found = ToKeypointSample('coco17').transform(cropped)
    assert found['bbox'].tolist() == [[12.0, 16.0, 108.0, 144.0]]
    assert found['bbox_scale'].tolist() == [[96.0, 128.0]]
    assert found['bbox_score'].tolist() == [1.0]
    assert found['id'] == 'people/3'
    # nose, eyes, ears, ..., ankles
    assert found['flip_indices'][:5] == [0, 2, 1, 4, 3]
    assert found['flip_indices'][-2:] == [16, 15]


def test_a_set_with_joints_that_samples_lack_is_refused():
    with pytest.raises(ValueError, match='h36m17.*smpl45 has no joints'):
        ToKeypointSample('h36m17')
    with pytest.raises(KeyError, match='unknown keypoint set'):
        ToKeypointSample('coco18')
