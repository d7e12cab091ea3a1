import numpy as np
import pytest
import torch

from deforhmr_mm.datasets.transforms import PackMeshInputs
from deforhmr_mm.structures import MeshDataSample


def test_picture_and_labels():
    image = np.random.default_rng(0).integers(0, 256, (256, 192, 3), dtype=np.uint8)
    betas = np.arange(10.0)[None]
    packed = PackMeshInputs()(
        {'img': image, 'betas': betas, 'img_path': 'a.png', 'flip': True, 'other': 3}
    )
    assert set(packed) == {'inputs', 'data_samples'}
    np.testing.assert_array_equal(packed['inputs'].permute(1, 2, 0).numpy(), image)
    sample = packed['data_samples']
    assert isinstance(sample, MeshDataSample)
    assert sample.metainfo == {'img_path': 'a.png', 'flip': True}
    assert sample.gt_instances.betas.dtype == torch.float32
    np.testing.assert_array_equal(sample.gt_instances.betas.numpy(), betas)
    assert set(sample.gt_instances.keys()) == {'betas'}


def test_the_tensors_are_no_views_of_the_arrays():
    image = np.zeros((4, 4, 3), dtype=np.uint8)
    betas = np.zeros((1, 10), dtype=np.float32)
    packed = PackMeshInputs()({'img': image, 'betas': betas})
    packed['inputs'].fill_(1)
    packed['data_samples'].gt_instances.betas.fill_(1)
    assert not image.any() and not betas.any()


def test_no_labels():
    image = np.zeros((4, 4, 3), dtype=np.uint8)
    sample = PackMeshInputs()({'img': image})['data_samples']
    assert 'gt_instances' not in sample


def test_own_labels_are_packed_beside_the_others():
    image = np.zeros((4, 4, 3), dtype=np.uint8)
    marks = np.arange(6).reshape(1, 3, 2)
    results = {'img': image, 'betas': np.zeros((1, 10)), 'marks': marks, 'other': 3}
    pack = PackMeshInputs(label_keys=['marks', 'betas'])
    labels = pack(results)['data_samples'].gt_instances
    assert set(labels.keys()) == {'betas', 'marks'}
    assert labels.marks.dtype == torch.float32
    np.testing.assert_array_equal(labels.marks.numpy(), marks)


def test_an_own_label_must_be_there():
    image = np.zeros((4, 4, 3), dtype=np.uint8)
    pack = PackMeshInputs(label_keys=['marks'])
    with pytest.raises(ValueError, match="'marks', but mine/7 has none.* weight of 0"):
        pack({'img': image, 'sample_id': 'mine/7'})
    # Of the usual labels, too, those that are named.
    with pytest.raises(ValueError, match="'transl'"):
        PackMeshInputs(label_keys=('transl',))({'img': image})


@pytest.mark.parametrize('value', [3.0, np.zeros(2), np.zeros((2, 3)), np.zeros((0,))])
def test_an_own_label_has_one_row(value):
    image = np.zeros((4, 4, 3), dtype=np.uint8)
    with pytest.raises(ValueError, match="'marks' must have one row"):
        PackMeshInputs(label_keys=['marks'])({'img': image, 'marks': value})


def test_label_keys_are_a_list():
    with pytest.raises(TypeError, match="'marks'"):
        PackMeshInputs(label_keys='marks')
