import numpy as np
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
