import numpy as np
import pytest

from deforhmr_mm.datasets import AnnotationError
from deforhmr_mm.datasets.readers import FAMILIES, detect_family, read_npz_labels

FILES = ('cliff', 'hmr2', 'bedlam', 'humandata', 'rich')


@pytest.mark.parametrize('name', FILES)
def test_family_is_told_and_logged(name, request, save, logged):
    columns = request.getfixturevalue(name)
    expected = 'spin' if name == 'cliff' else name
    path = save(columns)
    assert detect_family(path) == expected
    labels = read_npz_labels(path)
    assert labels.family == expected
    assert len(labels) == len(columns.get('imgname', columns.get('image_path')))
    told = [text for level, text in logged if f"family '{expected}'" in text]
    assert len(told) == 1 and 'told by its keys' in told[0]


def test_spin_files(columns, save):
    assert detect_family(save(columns)) == 'spin'
    del columns['openpose'], columns['pose'], columns['S']
    assert detect_family(save(columns)) == 'spin'


def test_cliff_s_labels(cliff, save):
    labels = read_npz_labels(save(cliff))
    np.testing.assert_array_equal(labels.scale, [[375, 500]])
    np.testing.assert_array_equal(labels.keypoints[0, 8], [70, 90, 1])
    assert (labels.keypoints[..., 2] > 0).sum() == 1
    np.testing.assert_array_equal(labels.pose, np.full((1, 24, 3), 0.25))
    np.testing.assert_array_equal(labels.betas, np.full((1, 10), -0.5))
    np.testing.assert_allclose(labels.pelvis, [[0.1, 0.2, 6]], rtol=1e-6)
    assert np.isnan(labels.transl).all()
    np.testing.assert_array_equal(labels.focal_length, [800])


def test_options_reach_the_reader(hmr2, save):
    path = save(hmr2)
    labels = read_npz_labels(path, scale_unit='200px', bbox_padding=1.5)
    np.testing.assert_allclose(labels.scale, [[45000, 60000]] * 2, rtol=1e-6)


def test_an_unknown_file_is_explained(save):
    path = save({'frames': np.arange(3), 'bbox': np.zeros((3, 4))})
    with pytest.raises(AnnotationError) as error:
        detect_family(path)
    parts = [str(path), 'keys bbox, frames', 'humandata: image_path, bbox_xywh;']
    parts += ['rich: imgname, smplx_grot, smplx_pose;']
    parts += ['spin: imgname, center, scale and one of part, openpose, pose, S']
    for part in (*parts, *FAMILIES):
        assert part in str(error.value)


def test_boxes_alone_need_the_family(columns, save):
    path = save({key: columns[key] for key in ('imgname', 'center', 'scale')})
    with pytest.raises(AnnotationError, match="set 'family'"):
        read_npz_labels(path)
    assert len(read_npz_labels(path, family='spin')) == 5


def test_the_family_can_be_wrong(hmr2, save):
    path = save(hmr2)
    with pytest.raises(AnnotationError, match="no key 'pose_cam'"):
        read_npz_labels(path, family='bedlam')
    with pytest.raises(ValueError, match="'auto' or one of .*, but is 'spinn'"):
        read_npz_labels(path, family='spinn')


def test_files_that_cannot_be_opened(tmp_path):
    with pytest.raises(FileNotFoundError, match='no.npz'):
        detect_family(tmp_path / 'no.npz')
    (tmp_path / 'text.npz').write_text('hello')
    with pytest.raises(AnnotationError, match='text.npz is not a readable'):
        detect_family(tmp_path / 'text.npz')
