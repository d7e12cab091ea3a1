import pickle

import pytest
import torch
from mmengine.registry import init_default_scope
from torch.utils.data import DataLoader

from deforhmr_mm.datasets import mesh_collate
from deforhmr_mm.datasets.sample_seed import seeded_loader
from deforhmr_mm.engine.feature_cache import (
    CachedFeatureDataset,
    CacheMismatchError,
    FeatureCacheError,
    cached_collate,
)
from deforhmr_mm.models.backbones import FeatureDataPreprocessor
from deforhmr_mm.registry import DATASETS
from deforhmr_mm.structures import PackedSamples
from tests.test_engine.test_feature_cache import small_cache as made


def marks(batch):
    """What `features_of` wrote into each row."""
    return batch['inputs'][:, 0, 0, 0].tolist()


def test_views_take_turns(folder):
    dataset = CachedFeatureDataset(folder)
    assert len(dataset) == 5 and dataset.metainfo == dict(keypoint_set='smpl45')
    for epoch, expected in enumerate((3, 13, 3)):
        dataset.set_epoch(epoch)
        assert dataset[3]['inputs'].eq(expected).all()
        assert dataset[3]['data_samples'].flip is (epoch == 1)
    assert CachedFeatureDataset(folder, view=1)[3]['inputs'].eq(13).all()


def test_one_view_needs_no_epoch(write):
    assert CachedFeatureDataset(write(views=1))[2]['inputs'].eq(2).all()


def test_the_epoch_must_be_told(folder):
    with pytest.raises(FeatureCacheError, match='CachedFeaturesHook'):
        CachedFeatureDataset(folder)[0]
    with pytest.raises(ValueError, match='view must be from 0 to 1'):
        CachedFeatureDataset(folder, view=2)


@pytest.mark.parametrize('start', ['fork', 'spawn'])
def test_workers_that_stay_learn_of_the_epoch(folder, start):
    dataset = CachedFeatureDataset(folder)
    loader = DataLoader(
        dataset,
        batch_size=5,
        num_workers=1,
        persistent_workers=True,
        collate_fn=cached_collate,
        multiprocessing_context=start,
    )
    for epoch, expected in enumerate(([0, 1, 2, 3, 4], [10, 11, 12, 13, 14])):
        dataset.set_epoch(epoch)
        (batch,) = loader
        assert marks(batch) == expected
        assert [s.sample_id for s in batch['data_samples']][3] == 'set/3'


def assert_same(batch, other):
    torch.testing.assert_close(batch['inputs'], other['inputs'], rtol=0, atol=0)
    assert len(batch['data_samples']) == len(other['data_samples']) == 3
    for sample, twin in zip(batch['data_samples'], other['data_samples'], strict=True):
        assert sample.sample_id == twin.sample_id
        assert set(sample.metainfo) == set(twin.metainfo)
        assert set(sample.gt_instances.keys()) == set(twin.gt_instances.keys())
        for name, value in twin.gt_instances.items():
            stored = sample.gt_instances[name]
            torch.testing.assert_close(stored, value, rtol=0, atol=0, equal_nan=True)


@pytest.mark.parametrize('workers', [0, 1])
def test_a_batch_read_at_once_is_that_of_its_samples(write, workers):
    dataset = CachedFeatureDataset(write(dtype='float16'), view=1)
    rows = [4, 0, 3]
    expected = mesh_collate([dataset[row] for row in rows])
    loader = DataLoader(
        dataset, batch_sampler=[rows], num_workers=workers, collate_fn=cached_collate
    )
    (batch,) = loader
    assert batch['inputs'].dtype == torch.float16
    assert_same(batch, expected)
    # What the model is given.
    given = FeatureDataPreprocessor()(batch, training=True)
    assert type(given['data_samples']) is list
    assert_same(given, expected)


@pytest.mark.parametrize('workers', [0, 1])
def test_training_batches_are_read_at_once_too(write, workers):
    dataset = CachedFeatureDataset(write(dtype='float16'), view=1)
    rows = [4, 0, 3]
    plain = DataLoader(
        dataset,
        batch_size=3,
        sampler=rows,
        num_workers=workers,
        collate_fn=cached_collate,
    )
    (batch,) = seeded_loader(plain, seed=5)
    assert isinstance(batch['data_samples'], PackedSamples)
    one_by_one = cached_collate([dataset[row] for row in rows])
    assert type(one_by_one['data_samples']) is list
    assert_same(batch, one_by_one)


@pytest.mark.parametrize('seeded', [False, True])
def test_several_caches_in_one_data_set(folder, write, seeded):
    other = write(views=1)
    config = dict(
        type='ConcatDataset',
        datasets=[
            dict(type='CachedFeatureDataset', cache_dir=str(folder), view=1),
            dict(type='CachedFeatureDataset', cache_dir=str(other)),
        ],
    )
    init_default_scope('deforhmr_mm')
    dataset = DATASETS.build(config)
    assert len(dataset) == 10
    loader = DataLoader(
        dataset,
        batch_size=3,
        sampler=[4, 5, 6],
        num_workers=1,
        collate_fn=cached_collate,
    )
    (batch,) = seeded_loader(loader, seed=5) if seeded else loader
    assert marks(batch) == [14, 0, 1]
    given = FeatureDataPreprocessor()(batch)
    assert [s.sample_id for s in given['data_samples']] == ['set/4', 'set/0', 'set/1']


def test_a_repeated_cache_is_trained_on(folder):
    cached = dict(type='CachedFeatureDataset', cache_dir=str(folder), view=1)
    init_default_scope('deforhmr_mm')
    dataset = DATASETS.build(dict(type='RepeatDataset', dataset=cached, times=2))
    plain = DataLoader(
        dataset, batch_size=3, sampler=[4, 5, 9], collate_fn=cached_collate
    )
    (batch,) = seeded_loader(plain, seed=5)
    # Row 5 is the first sample again, row 9 the last.
    assert marks(batch) == [14, 10, 14]


def test_the_pipeline_and_the_encoder_must_be_the_wanted_ones(folder):
    # As configs write it, with tuples.
    CachedFeatureDataset(folder, view=0, pipeline=tuple(made.PIPELINE))
    # As mmengine reads it of a base in a package.
    noted = [dict(step, _scope_='deforhmr_mm') for step in made.PIPELINE]
    CachedFeatureDataset(folder, view=0, pipeline=noted)
    other = [made.PIPELINE[0], dict(type='RandomFlip')]
    message = r'pipeline\[1\].prob: 0.5 in the cache, \(nothing\) wanted'
    with pytest.raises(CacheMismatchError, match=message):
        CachedFeatureDataset(folder, pipeline=other)
    CachedFeatureDataset(folder, view=0, encoder='ab' * 32)
    with pytest.raises(CacheMismatchError, match='encoder: abab.* cdcd'):
        CachedFeatureDataset(folder, encoder='cd' * 32)


def test_a_damaged_shard_is_found_before_use(folder):
    path = folder / 'view000' / '00001.features.npy'
    path.write_bytes(path.read_bytes()[:-1] + b'x')
    with pytest.raises(FeatureCacheError, match=f'{path} is damaged'):
        CachedFeatureDataset(folder, verify=True)


def test_samples_of_a_batch_are_pickled_small(folder):
    dataset = CachedFeatureDataset(folder, view=0)
    packed = cached_collate(dataset.__getitems__([0, 1, 2]))['data_samples']
    assert len(packed[1:]) == 2
    again = pickle.loads(pickle.dumps(packed))
    assert [s.sample_id for s in again] == ['set/0', 'set/1', 'set/2']
    assert again[2].gt_instances.betas.tolist() == [[2, 3, 4]]
