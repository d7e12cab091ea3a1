import json

import numpy as np
import pytest

from deforhmr_mm.datasets.readers import read_spin_npz
from deforhmr_mm.structures import get_keypoint_set


def person(identity, image, bbox, keypoints=(), **more):
    """An annotation with labels for the first keypoints of `coco17`."""
    flat = [value for keypoint in keypoints for value in keypoint]
    flat += [0] * (51 - len(flat))
    base = {'id': identity, 'image_id': image, 'bbox': bbox, 'keypoints': flat}
    return {**base, 'iscrowd': 0, **more}


@pytest.fixture
def content():
    nose, left_eye = (30.0, 40.0, 2), (35.0, 38.0, 1)
    return {
        'images': [
            {'id': 7, 'file_name': '000000000007.jpg', 'width': 640, 'height': 480},
            {'id': 9, 'file_name': '000000000009.jpg', 'width': 640, 'height': 480},
        ],
        'annotations': [
            person(101, 9, [10, 20, 60, 100], [nose, left_eye]),
            person(102, 7, [0, 0, 200, 50], [nose]),
            person(103, 7, [0, 0, 200, 50], [nose], iscrowd=1),
            person(104, 7, [5, 5, 0, 50], [nose]),
            person(105, 7, [5, 5, 20, 50]),
        ],
    }


@pytest.fixture
def write(tmp_path):
    def call(content, split='train2017'):
        path = tmp_path / 'coco' / 'annotations' / f'person_keypoints_{split}.json'
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(json.dumps(content))
        return tmp_path / 'coco'

    return call


@pytest.fixture
def cliff(tmp_path):
    """Pseudo-labels of 102 and of somebody who is not in the JSON."""

    def call(**changes):
        columns = {
            'imgname': np.array(['train2017/000000000007.jpg'] * 2),
            'center': np.ones((2, 2)),
            'scale': np.ones(2),
            'annot_id': np.array([102, 999]),
            'pose': np.stack([np.full(72, 0.1), np.full(72, 0.9)]),
            'shape': np.stack([np.full(10, 2.0), np.full(10, 9.0)]),
            'global_t': np.array([[0.1, 0.2, 7.0], [9, 9, 9]]),
            'focal_l': np.array([800.0, 900.0]),
            **changes,
        }
        path = tmp_path / 'cliff.npz'
        np.savez(path, **{k: v for k, v in columns.items() if v is not None})
        return path

    return call


def test_the_json_alone(run, write, content, tmp_path):
    result = run('coco', write(content))
    assert result.code == 0, result.error
    columns = result.columns
    assert columns['imgname'].tolist() == [
        'train2017/000000000009.jpg',
        'train2017/000000000007.jpg',
    ]
    assert columns['annot_id'].tolist() == [101, 102]
    np.testing.assert_allclose(columns['center'], [[40, 70], [100, 25]])
    # The second is wider than tall: a crop of 3:4 holds its width.
    np.testing.assert_allclose(columns['scale'], [[0.45, 0.6], [1.2, 1.6]], rtol=1e-6)
    spin = get_keypoint_set('spin24')
    part = columns['part'][0]
    np.testing.assert_allclose(part[spin.index('nose')], [30, 40, 1])
    np.testing.assert_allclose(part[spin.index('left_eye')], [35, 38, 1])
    assert part[:, 2].sum() == 2
    assert 'pose' not in columns
    assert 'warning: 2 people came out' in result.out and '149813' in result.out
    labels = read_spin_npz(tmp_path / 'out' / 'people.npz')
    assert not labels.has_smpl.any()


def test_pseudo_labels_join_by_id(run, write, content, cliff):
    result = run('coco', write(content), '--cliff', cliff())
    columns = result.columns
    np.testing.assert_allclose(columns['has_smpl'], [0, 1])
    np.testing.assert_allclose(columns['pose'][:, 5], [0, 0.1])
    np.testing.assert_allclose(columns['shape'][:, 0], [0, 2])
    np.testing.assert_allclose(columns['global_t'][1], [0.1, 0.2, 7], rtol=1e-6)
    assert np.isnan(columns['global_t'][0]).all() and columns['focal_l'][1] == 800
    # The box is the JSON's.
    np.testing.assert_allclose(columns['center'][1], [100, 25])
    assert '1 of 2 people have pseudo-labels, 1 pseudo-labels are left over' in (
        result.out
    )
    result = run('coco', write(content), '--cliff', cliff(), '--only-labelled')
    assert result.columns['annot_id'].tolist() == [102]
    assert 'no published number' in result.out


def test_other_options(run, write, content, assert_failed):
    root = write(content, 'val2014')
    columns = run('coco', root, '--split', 'val2014', '--min-keypoints', 0).columns
    assert columns['annot_id'].tolist() == [101, 102, 105]
    assert columns['imgname'][2] == 'val2014/000000000007.jpg'
    columns = run('coco', root, '--split', 'val2014', '--min-keypoints', 2).columns
    assert columns['annot_id'].tolist() == [101]


def test_wrong_files_are_named(run, write, content, cliff, assert_failed, tmp_path):
    root = write(content)
    assert_failed(
        run('coco', root, '--cliff', cliff(annot_id=None)), "no key 'annot_id'"
    )
    assert_failed(
        run('coco', root, '--cliff', cliff(annot_id=np.array([102, 102]))),
        'annot_id 102 is there more than once',
    )
    assert_failed(
        run('coco', root, '--cliff', cliff(pose=np.zeros((2, 71)))),
        "'pose' must hold numbers of shape (2, 72)",
    )
    assert_failed(run('coco', root, '--cliff', tmp_path / 'no.npz'), 'no.npz')
    assert_failed(
        run('coco', root, '--split', 'val2017'), 'there is no annotation file'
    )
    content['annotations'][1]['image_id'] = 8
    assert_failed(run('coco', write(content)), 'KeyError: 8')
    assert_failed(run('coco', write([1])), 'must hold a dict, but holds a list')
    assert_failed(run('coco', write({'images': []})), 'there is no annotations')


def test_labels_that_run_code_are_refused(
    run, write, content, cliff, assert_failed, running_pickle
):
    path = cliff(pose=np.array([running_pickle] * 2, dtype=object))
    assert_failed(run('coco', write(content), '--cliff', path), "'pose'")
