import pytest
import torch
from mmengine.structures import InstanceData

from deforhmr_mm.structures import MeshDataSample


def make_sample() -> MeshDataSample:
    sample = MeshDataSample(metainfo=dict(img_id=7, input_size=(192, 256)))
    sample.gt_instances = InstanceData(betas=torch.ones(1, 10))
    sample.pred_instances = InstanceData(betas=torch.zeros(1, 10))
    return sample


def test_instances_are_fields():
    sample = make_sample()
    assert sample.img_id == 7
    assert 'gt_instances' in sample and 'pred_instances' in sample
    del sample.pred_instances
    assert 'pred_instances' not in sample
    del sample.gt_instances
    assert 'gt_instances' not in sample


def test_only_instance_data_is_taken():
    sample = make_sample()
    with pytest.raises(AssertionError, match='InstanceData'):
        sample.pred_instances = dict(betas=1)


def test_to_dict_is_what_metrics_read():
    content = make_sample().to_dict()
    assert content['img_id'] == 7
    assert content['gt_instances']['betas'].shape == (1, 10)
    assert content['pred_instances']['betas'].sum() == 0


def test_moving_moves_the_instances():
    moved = make_sample().to(torch.float64)
    assert moved.gt_instances.betas.dtype == torch.float64
    assert moved.img_id == 7
