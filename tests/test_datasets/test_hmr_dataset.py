import copy
import pickle

import cv2
import numpy as np
import pytest
import roma
import torch
from mmengine.dataset import pseudo_collate, worker_init_fn
from torch import nn
from torch.utils.data import DataLoader

from deforhmr_mm.datasets import AnnotationError, HMRDataset, transforms
from deforhmr_mm.registry import MODELS
from deforhmr_mm.structures import get_keypoint_set

FINGERPRINT = 'feedfeedfeedfeed'
PIPELINE = [
    transforms.LoadImage(),
    transforms.RandomFlip(),
    transforms.RandomBBoxTransform(),
    transforms.TopdownAffine(),
    transforms.ColorJitter(),
    transforms.RandomErasing(prob=1.0),
    transforms.PackMeshInputs(),
]


@MODELS.register_module()
class LinearPelvisBody(nn.Module):
    """A body of one joint, whose place is linear in the betas."""

    fingerprint = FINGERPRINT

    def forward(self, global_orient, body_pose, betas):
        weights = torch.arange(30.0).reshape(10, 3) / 100
        joints = torch.tensor([0.01, -0.2, 0.03]) + betas @ weights
        return type('Output', (), {'joints': joints[:, None]})


@pytest.fixture
def dataset(columns, write):
    path = write(columns)
    return lambda **kwargs: HMRDataset(path.name, data_root=str(path.parent), **kwargs)


def test_sample_before_the_pipeline(dataset, columns, tmp_path):
    data = dataset(dataset_name='crowd')
    sample = data.get_data_info(3)
    shapes = {
        key: value.shape for key, value in sample.items() if hasattr(value, 'shape')
    }
    assert shapes == {
        'bbox_center': (2,),
        'bbox_scale': (2,),
        'keypoints': (1, 45, 2),
        'keypoints_conf': (1, 45),
        'global_orient': (1, 1, 3, 3),
        'body_pose': (1, 23, 3, 3),
        'betas': (1, 10),
        'has_pose': (1,),
        'has_betas': (1,),
        'has_smpl': (1,),
        'joints_3d': (1, 45, 3),
        'joints_3d_conf': (1, 45),
        'transl': (1, 3),
        'principal_point': (2,),
    }
    assert all(sample[key].dtype == np.float32 for key in shapes)
    assert sample['img_path'] == str(tmp_path / 'sub' / 'c.png')
    assert (sample['sample_id'], sample['sample_idx']) == ('crowd/3', 3)
    assert [data.get_data_info(i)['img_id'] for i in range(5)] == [0, 1, 1, 2, 0]
    pose = torch.tensor(columns['pose'][3].reshape(24, 3))
    rotations = np.concatenate([sample['global_orient'], sample['body_pose']], axis=1)
    expected = roma.rotvec_to_rotmat(pose).numpy()
    np.testing.assert_allclose(rotations[0], expected, atol=1e-6)
    nose = get_keypoint_set('smpl45').index('nose')
    source = columns['part'][3, get_keypoint_set('spin24').index('nose')]
    np.testing.assert_allclose(sample['keypoints'][0, nose], source[:2], rtol=1e-6)


def test_a_sample_does_not_reach_the_labels(dataset):
    data = dataset()
    before = copy.deepcopy(data.get_data_info(0))
    for value in data.get_data_info(0).values():
        if hasattr(value, 'shape'):
            value[...] = -1
    after = data.get_data_info(0)
    for key, value in before.items():
        np.testing.assert_array_equal(value, after[key])


@pytest.mark.parametrize('serialize_data', [True, False])
def test_parts_of_a_data_set(dataset, serialize_data):
    whole = dataset(serialize_data=serialize_data)
    first = dataset(serialize_data=serialize_data, indices=2)
    some = dataset(serialize_data=serialize_data, indices=[4, 1])
    subset = whole.get_subset([4, 1])
    assert [len(d) for d in (whole, first, some, subset)] == [5, 2, 2, 2]
    for part in (some, subset):
        ids = [part.get_data_info(i)['sample_id'] for i in range(2)]
        assert ids == ['people/4', 'people/1']
        expected = whole.get_data_info(4)['betas']
        np.testing.assert_array_equal(part.get_data_info(0)['betas'], expected)


def test_lazy_and_pickled(dataset):
    lazy = dataset(lazy_init=True)
    assert lazy.data_list == []
    lazy.full_init()
    again = pickle.loads(pickle.dumps(lazy))
    expected = lazy.get_data_info(1)['body_pose']
    np.testing.assert_array_equal(again.get_data_info(1)['body_pose'], expected)


def test_metainfo(columns, write):
    path = write(columns)
    data = HMRDataset(str(path))
    assert data.metainfo == {'keypoint_set': 'smpl45', 'body_fingerprint': None}
    path = write({**columns, 'body_fingerprint': FINGERPRINT})
    assert HMRDataset(str(path)).metainfo['body_fingerprint'] == FINGERPRINT


def test_rest_pelvis_of_the_body(columns, write):
    path = write({**columns, 'body_fingerprint': FINGERPRINT})
    body = dict(type='deforhmr_mm.LinearPelvisBody')
    sample = HMRDataset(str(path), body_model=body).get_data_info(3)
    output = LinearPelvisBody()(None, None, torch.tensor(sample['betas']))
    np.testing.assert_allclose(sample['rest_pelvis'], output.joints[:, 0], atol=1e-6)
    path = write({**columns, 'body_fingerprint': 'other'}, 'other.npz')
    with pytest.raises(AnnotationError, match=f'body other.*is {FINGERPRINT}'):
        HMRDataset(str(path), body_model=body)


def test_the_place_of_the_pelvis_gives_transl_with_a_body(columns, write):
    columns['global_t'] = np.array([[0.1, 0.2, 4.0]] * 5)
    path = str(write(columns))
    assert np.isnan(HMRDataset(path).get_data_info(3)['transl']).all()
    body = dict(type='deforhmr_mm.LinearPelvisBody')
    sample = HMRDataset(path, body_model=body).get_data_info(3)
    output = LinearPelvisBody()(None, None, torch.tensor(sample['betas']))
    pelvis = output.joints[:, 0].numpy() + sample['transl']
    np.testing.assert_allclose(pelvis, [[0.1, 0.2, 4.0]], atol=1e-6)


def load(data, workers):
    def init(worker):
        worker_init_fn(worker, num_workers=2, rank=0, seed=3)

    np.random.seed(3)
    loader = DataLoader(
        data,
        batch_size=2,
        num_workers=workers,
        collate_fn=pseudo_collate,
        worker_init_fn=init,
    )
    return list(loader)


def test_batches_are_the_same_for_the_same_seed(dataset):
    data = dataset(pipeline=PIPELINE)
    one, two = load(data, 2), load(data, 2)
    assert [len(batch['inputs']) for batch in one] == [2, 2, 1]
    for batch, again in zip(one, two, strict=True):
        for a, b in zip(batch['inputs'], again['inputs'], strict=True):
            assert a.shape == (3, 256, 192) and a.dtype == torch.uint8
            torch.testing.assert_close(a, b)
        for a, b in zip(batch['data_samples'], again['data_samples'], strict=True):
            torch.testing.assert_close(
                a.gt_instances.keypoints, b.gt_instances.keypoints
            )


def test_draws_differ_between_epochs(dataset):
    data = dataset(pipeline=PIPELINE)
    np.random.seed(0)
    assert not torch.equal(data[0]['inputs'], data[0]['inputs'])


def test_a_missing_picture_is_named(dataset, tmp_path):
    data = dataset(pipeline=PIPELINE, test_mode=True)
    (tmp_path / 'a.png').unlink()
    with pytest.raises(FileNotFoundError, match='a.png does not exist'):
        data[0]


def test_pictures_lie_in_the_folder_of_the_prefix(columns, write):
    path = write(columns)
    root = str(path.parent)
    data = HMRDataset(path.name, data_root=root, data_prefix=dict(img='pictures'))
    assert data.get_data_info(0)['img_path'] == f'{root}/pictures/a.png'
    with pytest.raises(ValueError, match="key 'img' alone.*has \\['image'\\]"):
        HMRDataset(path.name, data_root=root, data_prefix=dict(image='pictures'))


def test_family_options(columns, write):
    path = str(write({key: columns[key] for key in ('imgname', 'center', 'scale')}))
    with pytest.raises(AnnotationError, match='no known family'):
        HMRDataset(path)
    sample = HMRDataset(path, family='spin', bbox_padding=2.0).get_data_info(1)
    side = 400 * columns['scale'][1]
    np.testing.assert_allclose(sample['bbox_scale'], [0.75 * side, side], rtol=1e-6)


def test_people_who_lie_are_cropped_whole_where_that_is_wanted(columns, write):
    side = 200 * columns['scale'][0]
    for key in ('part', 'openpose'):
        columns[key][0] = 0
    # A head and an ankle, side by side.
    columns['part'][0, [0, 19]] = [*columns['center'][0], 1]
    columns['part'][0, [0, 19], 0] += np.array([0.4, -0.4]) * side
    path = str(write(columns))
    plain = HMRDataset(path).get_data_info(0)['bbox_scale']
    np.testing.assert_allclose(plain, [0.75 * side, side], rtol=1e-6)
    for padding in (1.0, 1.5):
        dataset = HMRDataset(path, fit_wide=True, bbox_padding=padding)
        found = dataset.get_data_info(0)['bbox_scale']
        wanted = np.array([side, side / 0.75]) * padding
        np.testing.assert_allclose(found, wanted, rtol=1e-6)
    # Two sides are what they are.
    columns['scale'] = columns['scale'][:, None] * np.array([1, 0.5])
    found = HMRDataset(str(write(columns)), fit_wide=True).get_data_info(0)
    np.testing.assert_allclose(found['bbox_scale'], [side, side / 0.75], rtol=1e-6)


def test_pose_and_betas_are_labelled_apart(columns, write):
    kept = {key: columns[key] for key in ('imgname', 'center', 'scale')}
    kept['scale'] = 200 * kept['scale'][:, None] * (0.6, 1.0)
    kept |= {'body_pose': columns['pose'], 'betas': columns['shape']}
    kept |= {'has_body_pose': np.zeros(5), 'has_betas': np.ones(5)}
    sample = HMRDataset(str(write(kept))).get_data_info(0)
    assert (sample['has_pose'], sample['has_betas'], sample['has_smpl']) == (0, 1, 0)
    np.testing.assert_allclose(sample['betas'][0], columns['shape'][0], rtol=1e-6)
    np.testing.assert_array_equal(
        sample['body_pose'], np.tile(np.eye(3), (1, 23, 1, 1))
    )
    side = 200 * columns['scale'][0]
    np.testing.assert_allclose(sample['bbox_scale'], [0.75 * side, side], rtol=1e-6)


def test_pictures_that_are_stored_turned(tmp_path):
    upright = np.random.default_rng(0).integers(0, 255, (160, 120, 3), dtype=np.uint8)
    upright = cv2.GaussianBlur(upright, (0, 0), 3)
    stored = cv2.rotate(upright, cv2.ROTATE_90_COUNTERCLOCKWISE)
    cv2.imwrite(str(tmp_path / 'upright.png'), upright)
    cv2.imwrite(str(tmp_path / 'closeup.png'), stored)
    labels = {
        'imgname': np.array(['upright.png', 'closeup.png']),
        'center': np.array([[70.0, 50.0]] * 2),
        'scale': np.array([0.4, 0.4]),
        'pose_cam': np.zeros((2, 165)),
        'gtkps': np.full((2, 127, 2), 42.0),
    }
    np.savez(tmp_path / 'bedlam.npz', **labels)
    pipeline = [transforms.LoadImage(), transforms.TopdownAffine()]
    data = HMRDataset('bedlam.npz', data_root=str(tmp_path), pipeline=pipeline)
    plain, turned = data[0], data[1]
    assert plain['ori_shape'] == turned['ori_shape'] == (160, 120)
    for key in ('keypoints', 'principal_point', 'focal_length'):
        np.testing.assert_array_equal(plain[key], turned[key])
    difference = plain['img'].astype(int) - turned['img']
    assert np.abs(difference).max() <= 1 and plain['img'].std() > 5
    untouched = HMRDataset(
        'bedlam.npz', data_root=str(tmp_path), pipeline=pipeline, image_turns=0
    )
    assert untouched[1]['ori_shape'] == (120, 160)
