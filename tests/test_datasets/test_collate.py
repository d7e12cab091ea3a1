import numpy as np
import pytest
import torch
from mmengine.dataset import pseudo_collate
from torch.utils.data import DataLoader

from deforhmr_mm.datasets import mesh_collate, transforms

PACK = transforms.PackMeshInputs()


def items(count=5):
    rng = np.random.default_rng(0)
    return [
        PACK(
            {
                'img': rng.integers(0, 256, (8, 6, 3), dtype=np.uint8),
                'betas': rng.normal(size=(1, 10)),
                'keypoints': rng.normal(size=(1, 45, 2)),
                'sample_id': f'set/{index}',
                'principal_point': rng.normal(size=2),
            }
        )
        for index in range(count)
    ]


@pytest.mark.parametrize('workers', [0, 1])
def test_same_batches_as_mmengine_s(workers):
    expected = pseudo_collate(items())
    loader = DataLoader(items(), 5, num_workers=workers, collate_fn=mesh_collate)
    (batch,) = loader
    torch.testing.assert_close(batch['inputs'], torch.stack(expected['inputs']))
    assert len(batch['data_samples']) == 5
    for sample, other in zip(
        batch['data_samples'], expected['data_samples'], strict=True
    ):
        assert type(sample) is type(other)
        assert sample.sample_id == other.sample_id
        assert set(sample.metainfo) == set(other.metainfo)
        assert set(sample.gt_instances.keys()) == {'betas', 'keypoints'}
        for key, value in other.gt_instances.items():
            torch.testing.assert_close(sample.gt_instances[key], value)


@pytest.mark.parametrize('workers', [0, 1])
def test_what_ones_own_transforms_add_comes_along(workers):
    def more(index, item):
        item['data_samples'].set_field(torch.full((2,), index), 'depth')
        return item | dict(weight=torch.tensor(float(index)))

    extended = [more(index, item) for index, item in enumerate(items())]
    loader = DataLoader(extended, 5, num_workers=workers, collate_fn=mesh_collate)
    (batch,) = loader
    assert [weight.item() for weight in batch['weight']] == [0, 1, 2, 3, 4]
    assert [s.depth.tolist() for s in batch['data_samples']] == [
        [index] * 2 for index in range(5)
    ]
    for sample, (_, other) in zip(
        batch['data_samples'], (item.values() for item in items()), strict=True
    ):
        torch.testing.assert_close(sample.gt_instances.betas, other.gt_instances.betas)


def test_labels_of_a_batch_from_a_worker_can_be_changed_one_by_one():
    (batch,) = DataLoader(items(), 5, num_workers=1, collate_fn=mesh_collate)
    first, second = (s.gt_instances.betas for s in batch['data_samples'][:2])
    before = second.clone()
    first.zero_()
    torch.testing.assert_close(second, before)


def test_no_labels():
    bare = [PACK({'img': np.zeros((8, 6, 3), np.uint8)}) for _ in range(2)]
    (batch,) = DataLoader(bare, 2, num_workers=1, collate_fn=mesh_collate)
    assert [s.get('gt_instances') for s in batch['data_samples']] == [None, None]
    with pytest.raises(ValueError, match='same labels'):
        mesh_collate([*bare, *items()])
