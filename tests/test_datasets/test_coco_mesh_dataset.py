"""People of COCO-style JSON files."""

import copy
import json
import sys

import cv2
import numpy as np
import pytest
import roma
import torch

from deforhmr_mm.datasets import AnnotationError, CocoMeshDataset, transforms
from deforhmr_mm.structures import get_keypoint_set

NAMES = (
    'nose left_eye right_eye left_ear right_ear left_shoulder right_shoulder '
    'left_elbow right_elbow left_wrist right_wrist left_hip right_hip left_knee '
    'right_knee left_ankle right_ankle'
).split()
SMPL45 = get_keypoint_set('smpl45')
# The nose visible, the left wrist hidden, and all others not labelled.
POINTS = [50, 20, 2, *[0] * 24, 61, 42, 1, *[0] * 21]
FILE = {
    'images': [
        {'id': 9, 'file_name': 'b.png', 'width': 160, 'height': 120},
        {'id': 7, 'file_name': 'sub/a.png', 'width': 160, 'height': 120},
    ],
    'categories': [
        {'id': 3, 'name': 'dog'},
        {'id': 1, 'name': 'person', 'keypoints': NAMES},
    ],
    'annotations': [
        # Narrower than the crop: 0.75 * 100 = 75 is the width that is taken.
        dict(id=11, image_id=7, category_id=1, bbox=[40, 10, 30, 100], iscrowd=0)
        | dict(keypoints=POINTS),
        dict(id=12, image_id=7, category_id=1, bbox=[0, 0, 160, 120], iscrowd=1)
        | dict(keypoints=POINTS),
        dict(id=13, image_id=7, category_id=1, bbox=[5, 5, 0, 20], iscrowd=0)
        | dict(keypoints=POINTS),
        dict(id=14, image_id=7, category_id=3, bbox=[5, 5, 20, 20], iscrowd=0),
        # Wider than the crop: 90 / 0.75 = 120 is the height that is taken.
        dict(id=15, image_id=9, category_id=1, bbox=[20, 30, 90, 60], iscrowd=0)
        | dict(keypoints=[1, 1, 2] * 17),
        dict(id=16, image_id=9, category_id=1, bbox=[20, 30, 90, 60], iscrowd=0)
        | dict(keypoints=[0] * 51),
    ],
}


@pytest.fixture
def content():
    pytest.importorskip('xtcocotools.coco')
    return copy.deepcopy(FILE)


@pytest.fixture
def build(tmp_path):
    def call(content, **kwargs):
        (tmp_path / 'people.json').write_text(json.dumps(content))
        return CocoMeshDataset('people.json', data_root=str(tmp_path), **kwargs)

    return call


def test_people_and_their_boxes(content, build, tmp_path, logged):
    data = build(content, data_prefix=dict(img='train'))
    first, second = (data.get_data_info(i) for i in range(2))
    assert len(data) == 2
    assert [first['person_id'], second['person_id']] == [11, 15]
    assert first['img_path'] == f'{tmp_path}/train/sub/a.png'
    assert second['img_path'] == f'{tmp_path}/train/b.png'
    np.testing.assert_allclose(first['bbox_center'], [55, 60])
    np.testing.assert_allclose(first['bbox_scale'], [1.25 * 75, 1.25 * 100])
    np.testing.assert_allclose(second['bbox_center'], [65, 60])
    np.testing.assert_allclose(second['bbox_scale'], [1.25 * 90, 1.25 * 120])
    assert not first['has_smpl'].any() and not first['joints_3d_conf'].any()
    assert np.isnan(first['transl']).all() and np.isnan(first['focal_length'])
    assert first['gender'] == 'neutral'
    assert logged.of('INFO') == [
        f'{tmp_path}/people.json: 2 people; left out: 1 crowds, 1 boxes without an '
        'area, 1 people with fewer than 1 keypoints.'
    ]


def test_keypoints_by_name(content, build):
    data = build(content)
    points, conf = (
        data.get_data_info(0)[k][0] for k in ('keypoints', 'keypoints_conf')
    )
    nose, wrist = SMPL45.indices(('nose', 'left_wrist'))
    expected = np.zeros((45, 2))
    expected[nose], expected[wrist] = (50, 20), (61, 42)
    np.testing.assert_array_equal(points, expected)
    np.testing.assert_array_equal(np.flatnonzero(conf), sorted((nose, wrist)))
    np.testing.assert_array_equal(conf[[nose, wrist]], [1, 1])
    every = data.get_data_info(1)['keypoints_conf'][0]
    assert {SMPL45.names[i] for i in np.flatnonzero(every)} == set(NAMES)


def test_options(content, build):
    sample = build(content, hidden_conf=0.25, bbox_padding=1.0).get_data_info(0)
    assert sample['keypoints_conf'][0, SMPL45.index('left_wrist')] == 0.25
    assert sample['keypoints_conf'][0, SMPL45.index('nose')] == 1
    np.testing.assert_allclose(sample['bbox_scale'], [75, 100])
    hidden = build(content, hidden_conf=0.0).get_data_info(0)
    assert not hidden['keypoints'][0, SMPL45.index('left_wrist')].any()
    ids = [
        [data.get_data_info(i)['person_id'] for i in range(len(data))]
        for data in (build(content, min_num_keypoints=n) for n in (0, 2, 3))
    ]
    assert ids == [[11, 15, 16], [11, 15], [15]]


def smpl_columns():
    """SMPL labels of annotation 15 in the middle of two that are not there."""
    pose = np.zeros((3, 72))
    pose[1, :3] = [0.1, 0.2, 0.3]
    joints = np.zeros((3, 24, 4))
    joints[1, 0] = [0.1, 0.8, 0.2, 1]  # the right ankle
    return {
        'annot_id': np.array([900, 15, 901]),
        'imgname': np.array(['x.jpg', 'b.png', 'y.jpg']),
        'center': np.full((3, 2), 33.0),
        'scale': np.full(3, 0.5),
        'part': np.full((3, 24, 3), 5.0),
        'pose': pose,
        'shape': np.array([[9.0] * 10, [0.5] * 10, [9.0] * 10]),
        'S': joints,
        'global_t': np.array([[9.0] * 3, [0.1, 0.2, 4.0], [9.0] * 3]),
        'focal_l': np.array([9.0, 200.0, 9.0]),
        'gender': np.array(['m', 'f', 'm']),
    }


def test_smpl_labels_join_by_annotation(content, build, tmp_path, logged):
    np.savez(tmp_path / 'smpl.npz', **smpl_columns())
    plain = build(content).get_data_info(1)
    data = build(content, smpl_file='smpl.npz')
    without, joined = (data.get_data_info(i) for i in range(2))
    assert not without['has_smpl'].any() and np.isnan(without['focal_length'])
    assert joined['has_pose'] == joined['has_betas'] == joined['has_smpl'] == 1
    root = roma.rotvec_to_rotmat(torch.tensor([0.1, 0.2, 0.3])).numpy()
    np.testing.assert_allclose(joined['global_orient'][0, 0], root, atol=1e-6)
    np.testing.assert_allclose(joined['betas'], [[0.5] * 10])
    np.testing.assert_allclose(data.labels.pelvis[1], [0.1, 0.2, 4.0], rtol=1e-6)
    assert np.isnan(data.labels.pelvis[0]).all()
    assert joined['focal_length'] == 200
    assert (without['gender'], joined['gender']) == ('neutral', 'female')
    ankle = SMPL45.index('right_ankle')
    np.testing.assert_allclose(joined['joints_3d'][0, ankle], [0.1, 0.8, 0.2])
    assert np.flatnonzero(joined['joints_3d_conf'][0]).tolist() == [ankle]
    for key in ('keypoints', 'keypoints_conf', 'bbox_center', 'bbox_scale'):
        np.testing.assert_array_equal(joined[key], plain[key])
    summary = f'1 of 2 people have SMPL labels in {tmp_path}/smpl.npz, which has 3.'
    assert any(message.endswith(summary) for message in logged.of('INFO'))


@pytest.mark.parametrize(
    ('annot_id', 'message'),
    [
        ([1, 2, 3], r'0 of 2 people.*first are \[1, 2, 3\] there and \[11, 15\] here'),
        ([15, 11, 15], '1 annot_id ids occur more than once, among them 15'),
        ([1.0, 2.0, 3.0], r'0 of 2 people.*first are \[1, 2, 3\] there'),
        ([0.5, 1.5, 2.5], "'annot_id' must hold 3 integers.*float64"),
        ([[1], [2], [3]], r"'annot_id' must hold 3 integers.*\(3, 1\)"),
        (None, "no key 'annot_id'"),
    ],
)
def test_ids_that_do_not_fit(content, build, tmp_path, annot_id, message):
    columns = smpl_columns()
    del columns['annot_id']
    if annot_id is not None:
        columns['annot_id'] = np.array(annot_id)
    np.savez(tmp_path / 'smpl.npz', **columns)
    with pytest.raises(AnnotationError, match=message) as caught:
        build(content, smpl_file='smpl.npz')
    assert 'smpl.npz' in str(caught.value)


def drop(key, row, name):
    return lambda content: content[key][row].pop(name)


def put(key, row, name, value):
    return lambda content: content[key][row].__setitem__(name, value)


@pytest.mark.parametrize(
    ('change', 'message'),
    [
        (lambda c: c.pop('images'), r"no list 'images'.*\['annotations', 'categ"),
        (drop('annotations', 1, 'bbox'), r"annotations\[1\] has no 'bbox'"),
        (drop('images', 0, 'file_name'), r"images\[0\] has no 'file_name'"),
        (put('annotations', 0, 'id', 'a'), r"'id' of annotations\[0\].*'a'"),
        (put('annotations', 0, 'id', 15), 'ids occur more than once.*15'),
        (put('annotations', 0, 'image_id', 5), '11 is of image 5, which is not'),
        (put('annotations', 0, 'bbox', [1, 2, 3]), r"11: 'bbox'.*4.*\[1, 2, 3\]"),
        (put('annotations', 4, 'keypoints', [1] * 42), "15: 'keypoints'.*51 finite"),
        (put('categories', 1, 'name', 'people'), r"no category 'person'.*'dog'"),
        (put('categories', 1, 'keypoints', ['head']), r"must be COCO's.*'head'"),
        (lambda c: c['annotations'].clear(), '0 people.*No sample is left'),
    ],
)
def test_wrong_files_are_named(content, build, tmp_path, change, message):
    change(content)
    with pytest.raises(AnnotationError, match=message) as caught:
        build(content)
    assert str(tmp_path / 'people.json') in str(caught.value)


def test_bad_files(content, build, tmp_path):
    with pytest.raises(FileNotFoundError, match='no.json does not exist'):
        CocoMeshDataset(str(tmp_path / 'no.json'))
    (tmp_path / 'cut.json').write_text('{"images": [')
    with pytest.raises(AnnotationError, match='cut.json is not a readable JSON'):
        CocoMeshDataset(str(tmp_path / 'cut.json'))
    with pytest.raises(AnnotationError, match="no list 'images'"):
        build([1, 2])


def test_without_xtcocotools(tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, 'xtcocotools.coco', None)
    with pytest.raises(ImportError, match='pip install xtcocotools'):
        CocoMeshDataset(str(tmp_path / 'people.json'))


def test_nothing_is_printed(content, build, capsys):
    build(content)
    assert capsys.readouterr().out == ''


def test_through_the_pipeline(content, build, tmp_path):
    ramp = np.arange(120 * 160 * 3, dtype=np.uint32).reshape(120, 160, 3) % 251
    cv2.imwrite(str(tmp_path / 'b.png'), ramp.astype(np.uint8))
    pipeline = [
        transforms.LoadImage(),
        transforms.TopdownAffine(),
        transforms.PackMeshInputs(),
    ]
    packed = build(content, pipeline=pipeline)[1]
    assert packed['inputs'].shape == (3, 256, 192)
    sample = packed['data_samples']
    assert sample.person_id == 15 and sample.ori_shape == (120, 160)
    assert sample.focal_length == pytest.approx(200)  # the picture's diagonal
