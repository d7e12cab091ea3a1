import json
import pickle

import numpy as np
import pytest
import torch

from deforhmr_mm.engine.feature_cache import (
    CacheMismatchError,
    FeatureCache,
    FeatureCacheError,
    FeatureCacheWriter,
    Shard,
)
from tests.test_engine.test_feature_cache import small_cache as made

ALL = [(index, view) for view in range(2) for index in range(made.COUNT)]


def assert_whole(cache):
    for index, view in ALL:
        expected = made.features_of(index, view)
        torch.testing.assert_close(cache.features(index, view).float(), expected)
        sample, other = cache.sample(index, view), made.sample_of(index, view)
        assert type(sample) is type(other)
        assert set(sample.metainfo) == set(other.metainfo)
        assert sample.sample_id == f'set/{index}' and sample.flip is (view == 1)
        assert sample.ori_shape == (480, 640) and sample.focal_length == 1000.5
        assert sample.input_center.dtype == np.float32
        np.testing.assert_array_equal(sample.input_center, other.input_center)
        assert set(sample.gt_instances.keys()) == {'keypoints', 'betas', 'transl'}
        for name, value in other.gt_instances.items():
            stored = sample.gt_instances[name]
            assert stored.shape == value.shape
            torch.testing.assert_close(stored, value, rtol=0, atol=0, equal_nan=True)


@pytest.mark.parametrize('dtype', ['float16', 'bfloat16', 'float32'])
def test_what_was_written_is_read(write, dtype):
    cache = FeatureCache(write(dtype=dtype), verify=True)
    assert (len(cache), cache.views) == (5, 2)
    assert cache.features(0).dtype == getattr(torch, dtype)
    assert_whole(cache)
    # Another process maps the files again.
    assert_whole(pickle.loads(pickle.dumps(cache)))


def test_numpy_and_json_are_enough_to_read_it(folder):
    stem = folder / 'view001' / '00001'
    features = np.load(f'{stem}.features.npy', allow_pickle=False)
    assert features.shape == (2, *made.SHAPE) and features.dtype == np.float32
    assert features[:, 0, 0, 0].tolist() == [13, 14]
    labels = np.load(f'{stem}.labels.npy', allow_pickle=False)
    manifest = json.loads((folder / 'manifest.json').read_text())
    assert manifest['labels'] == [
        ['betas', [1, 3]],
        ['keypoints', [1, 2, 2]],
        ['transl', [1, 3]],
    ]
    np.testing.assert_array_equal(labels[0, :3], [3, 4, 5])
    lines = (folder / 'view001' / '00001.metainfo.jsonl').read_text().splitlines()
    assert [json.loads(line)['sample_id'] for line in lines] == ['set/3', 'set/4']


def test_labels_and_features_of_nobody_change(folder):
    cache = FeatureCache(folder)
    cache.sample(1).gt_instances.betas.zero_()
    assert cache.sample(1).gt_instances.betas.tolist() == [[1, 2, 3]]
    cache.features(1).zero_()
    FeatureCache(folder, verify=True)


def test_outside(folder):
    cache = FeatureCache(folder)
    for index, view in ((5, 0), (-1, 0), (0, 2)):
        with pytest.raises(IndexError, match='5 samples in 2 views'):
            cache.features(index, view)


def test_several_writers_and_one_that_finishes(tmp_path):
    first, second = (FeatureCacheWriter(tmp_path, made.manifest_of()) for _ in range(2))
    shards = first.pending()
    assert shards == [Shard(0, 0, 3), Shard(0, 3, 5), Shard(1, 0, 3), Shard(1, 3, 5)]
    for shard in shards[::2]:
        first.write(shard, made.batches_of(shard))
    with pytest.raises(FeatureCacheError, match='2 of 4 shards are missing'):
        first.finish()
    with pytest.raises(FeatureCacheError, match='not finished.*0 of 4'):
        FeatureCache(tmp_path)
    assert second.pending() == shards[1::2]
    for shard in shards[1::2]:
        second.write(shard, made.batches_of(shard))
    first.finish()
    assert_whole(FeatureCache(tmp_path))


def test_no_labels(tmp_path):
    writer = FeatureCacheWriter(tmp_path, made.manifest_of(views=1))
    for shard in writer.pending():
        samples = [made.sample_of(i, 0) for i in range(shard.start, shard.stop)]
        for sample in samples:
            del sample.gt_instances
        writer.write(shard, [(torch.zeros(shard.rows, *made.SHAPE), samples)])
    assert writer.finish().labels == []
    sample = FeatureCache(tmp_path).sample(4)
    assert sample.sample_id == 'set/4' and 'gt_instances' not in sample


@pytest.mark.parametrize(
    ('change', 'message'),
    [
        (dict(dtype='float16'), 'dtype: float32 in the cache, float16 wanted'),
        (dict(seed=3), 'seed: 0 in the cache, 3 wanted'),
        (dict(views=1), 'views: 2 in the cache, 1 wanted'),
        (dict(num_samples=6), 'num_samples: 5 in the cache, 6 wanted'),
        (dict(encoder=dict(weights='cd' * 32)), r'encoder.weights: abab.*cdcd'),
        (
            dict(pipeline=[made.PIPELINE[0], dict(type='RandomFlip', prob=0.1)]),
            r'pipeline\[1\].prob: 0.5 in the cache, 0.1 wanted',
        ),
        (dict(pipeline=made.PIPELINE[:1]), r"\['LoadImage', 'RandomFlip'\] in the cac"),
    ],
)
def test_another_kind_is_refused(folder, change, message):
    with pytest.raises(CacheMismatchError, match=message):
        FeatureCacheWriter(folder, made.manifest_of(**change))


@pytest.mark.parametrize(
    ('change', 'message'),
    [
        (dict(dtype='int8'), "dtype must be one of .*'int8'"),
        (dict(num_samples=0), 'num_samples must be at least 1'),
        (dict(feature_shape=(3, 4)), r'feature_shape must be \(C, H, W\)'),
    ],
)
def test_impossible_caches(tmp_path, change, message):
    with pytest.raises(FeatureCacheError, match=message):
        FeatureCacheWriter(tmp_path, made.manifest_of(**change))


@pytest.mark.parametrize(
    ('spoil', 'message'),
    [
        (lambda f, s: (f[:, :3], s), r'Features of shape \(2, 4, 3, 2\) were expected'),
        (lambda f, s: (f + 1e5, s), r'set/0 are not finite in float16 .*100000'),
        (lambda f, s: (f[:1], s[:1]), 'has 3 rows, but 2 were given'),
    ],
)
def test_wrong_rows_leave_nothing(tmp_path, spoil, message):
    writer = FeatureCacheWriter(tmp_path, made.manifest_of(dtype='float16'))
    shard = writer.pending()[0]
    first, second = made.batches_of(shard)
    with pytest.raises(FeatureCacheError, match=message):
        writer.write(shard, [spoil(*first), second])
    assert not [path for path in tmp_path.rglob('*.*') if 'manifest' not in path.name]


def test_samples_with_other_labels(tmp_path):
    writer = FeatureCacheWriter(tmp_path, made.manifest_of())
    samples = [made.sample_of(i, 0) for i in range(3)]
    del samples[1].gt_instances['betas']
    batch = (torch.zeros(3, *made.SHAPE), samples)
    with pytest.raises(FeatureCacheError, match=r'same labels, but set/1 has'):
        writer.write(writer.pending()[0], [batch])


KINDS = ('features.npy', 'labels.npy', 'metainfo.jsonl')


@pytest.mark.parametrize('kind', KINDS)
def test_damaged_files_are_named(folder, kind):
    path = folder / 'view001' / f'00000.{kind}'
    data = path.read_bytes()
    path.write_bytes(data[:-2] + bytes([data[-2] ^ 1]) + data[-1:])
    cache = FeatureCache(folder)
    with pytest.raises(FeatureCacheError, match=f'{path} is damaged: its checksum'):
        cache.verify()
    with pytest.raises(FeatureCacheError, match=f'{path} is damaged: its checksum'):
        FeatureCache(folder, verify=True)
    path.write_bytes(data[:-1])
    with pytest.raises(FeatureCacheError, match=f'{path} is damaged: it has'):
        FeatureCache(folder)
    path.unlink()
    with pytest.raises(FeatureCacheError, match=f'{path} cannot be read: No such'):
        FeatureCache(folder)
    # Whoever goes on with the cache writes it again.
    assert FeatureCacheWriter(folder, made.manifest_of()).pending() == [Shard(1, 0, 3)]


def test_damage_that_leaves_the_size(folder):
    path = folder / 'view000' / '00000.features.npy'
    data = path.read_bytes()
    path.write_bytes(data.replace(b'<f4', b'<i4'))
    with pytest.raises(FeatureCacheError, match=f'{path} is damaged: it is no .npy'):
        FeatureCache(folder).features(0)
    path = folder / 'view000' / '00000.metainfo.jsonl'
    path.write_bytes(path.read_bytes().replace(b'\n', b' '))
    with pytest.raises(FeatureCacheError, match='damaged: it has 0 lines for 3'):
        FeatureCache(folder).sample(0)


@pytest.mark.parametrize(
    ('text', 'message'),
    [
        (None, 'is no feature cache: there is no manifest.json'),
        ('{', 'manifest.json is damaged'),
        ('{}', 'manifest.json is damaged'),
        ('[1]', 'manifest.json is damaged'),
        ('{"format": "x", "version": 1}', "is of format .'x', 1."),
    ],
)
def test_bad_manifests(tmp_path, text, message):
    if text is not None:
        (tmp_path / 'manifest.json').write_text(text)
    with pytest.raises(FeatureCacheError, match=message):
        FeatureCache(tmp_path)
