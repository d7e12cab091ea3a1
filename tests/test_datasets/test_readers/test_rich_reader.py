import numpy as np
import pytest

from deforhmr_mm.datasets import AnnotationError
from deforhmr_mm.datasets.readers import read_rich_npz


def test_what_is_given_is_read(rich, save, logged):
    labels = read_rich_npz(save(rich))
    assert (labels.family, labels.body_type) == ('rich', 'smplx')
    assert labels.image_names == ('test/a/cam_00/00001_00.jpeg',) * 2
    np.testing.assert_array_equal(labels.center, [[640, 360], [100, 200]])
    np.testing.assert_allclose(labels.scale, [[225, 300], [120, 160]], rtol=1e-6)
    np.testing.assert_array_equal(labels.focal_length, [1500, 1500])
    np.testing.assert_array_equal(labels.principal_point, [[700, 500]] * 2)
    assert labels.genders == ('male', 'female')
    assert not labels.has_pose.any() and not labels.has_betas.any()
    assert np.isnan(labels.transl).all()
    assert any('smplx2smpl' in text for _, text in logged)


@pytest.mark.parametrize(
    ('key', 'boxes'),
    [
        ('bbox_xywh', [[10, 20, 60, 200], [100, 50, 150, 100]]),
        ('bbox_xyxy', [[10, 20, 70, 220, 0.9], [100, 50, 250, 150, 1]]),
    ],
)
def test_boxes_in_other_forms(rich, save, key, boxes):
    del rich['center'], rich['scale']
    rich[key] = np.array(boxes)
    labels = read_rich_npz(save(rich))
    np.testing.assert_array_equal(labels.center, [[40, 120], [175, 100]])
    np.testing.assert_array_equal(labels.scale, [[150, 200], [150, 200]])


def test_intrinsics_of_4_by_4(rich, save):
    cam_int = np.tile(np.eye(4), (2, 1, 1))
    cam_int[:, 0, 0], cam_int[:, 1, 1] = 1500, 1700
    cam_int[:, :2, 2] = 10, 20
    rich['cam_int'] = cam_int
    labels = read_rich_npz(save(rich))
    np.testing.assert_array_equal(labels.focal_length, [1600, 1600])
    np.testing.assert_array_equal(labels.principal_point, [[10, 20]] * 2)


@pytest.mark.parametrize('missing', [['center', 'scale'], ['center'], ['scale']])
def test_missing_boxes_are_named(rich, save, missing):
    for key in missing:
        del rich[key]
    path = save(rich)
    with pytest.raises(AnnotationError) as error:
        read_rich_npz(path)
    parts = (*map(repr, missing), 'bbox_xywh', 'bbox_xyxy', 'smplx_grot')
    for part in (str(path), *parts):
        assert part in str(error.value)
