"""A cache knows the pictures, boxes and labels that it was made from."""

import json

import numpy as np
import pytest
import torch
from mmengine.dataset import RepeatDataset

from deforhmr_mm.datasets import ConcatDataset, HMR2TarDataset, HMRDataset
from deforhmr_mm.engine.feature_cache import (
    CacheManifest,
    CacheMismatchError,
    FeatureCache,
    FeatureCacheWriter,
    SeededViews,
    people_digest,
    write_shards,
)
from tests.test_datasets.hmr2_tars import single, write_tar
from tests.test_engine.test_feature_cache import small_cache as made

FIRST, SECOND = 'ab' * 32, 'cd' * 32


@pytest.fixture
def people(tmp_path):
    """Build a data set of five people: people(folder, column=changed)."""

    def call(folder='here', **changes):
        columns = {
            'imgname': np.array([f'{i}.png' for i in range(made.COUNT)]),
            'center': np.full((made.COUNT, 2), (80.0, 60.0)),
            'scale': np.full(made.COUNT, 0.5),
            'pose': np.zeros((made.COUNT, 72)),
            'shape': np.arange(10.0 * made.COUNT).reshape(made.COUNT, 10) / 50,
            **changes,
        }
        (tmp_path / folder).mkdir(exist_ok=True)
        np.savez(tmp_path / folder / 'train.npz', **columns)
        return HMRDataset('train.npz', data_root=str(tmp_path / folder))

    return call


def test_the_digest_is_of_names_boxes_and_labels(people):
    digest = people_digest(people())
    assert len(digest) == 64
    assert people_digest(people('there')) == digest
    changed = {
        'imgname': np.array(['a.png', *(f'{i}.png' for i in range(1, made.COUNT))]),
        'center': np.full((made.COUNT, 2), (80.0, 61.0)),
        'pose': np.eye(made.COUNT, 72),
        'shape': np.arange(10.0 * made.COUNT).reshape(made.COUNT, 10)[::-1] / 50,
        'gender': np.array(['m'] * 4 + ['f']),
    }
    found = {people_digest(people(**{key: value})) for key, value in changed.items()}
    assert len(found | {digest}) == len(changed) + 1


def test_digests_of_data_sets_in_others(people):
    one = people()
    other = people('there', scale=np.full(made.COUNT, 0.6))
    both = people_digest(ConcatDataset([one, other]))
    assert both not in (people_digest(ConcatDataset([other, one])), people_digest(one))
    assert people_digest(RepeatDataset(one, times=2)) == people_digest(one)
    assert people_digest([1, 2]) is None


def test_tars_lie_anywhere(tmp_path):
    found = set()
    for root, name in (('here', 'few'), ('there', 'few'), ('there', 'other')):
        write_tar(tmp_path / root / f'{name}.tar', single())
        dataset = HMR2TarDataset(f'{name}.tar', data_root=f'{tmp_path}/{root}/')
        found.add(people_digest(dataset))
    assert len(found) == 2 and None not in found


def rewrite(folder, **changes):
    """Change a manifest; None takes a key away."""
    path = folder / 'manifest.json'
    content = {**json.loads(path.read_text()), **changes}
    path.write_text(json.dumps({k: v for k, v in content.items() if v is not None}))


def test_other_people_are_refused_and_nothing_is_changed(write):
    folder = write(people=FIRST)
    FeatureCacheWriter(folder, made.manifest_of(people=FIRST))
    with pytest.raises(CacheMismatchError, match='names, boxes or labels.*abab.*cdcd'):
        FeatureCacheWriter(folder, made.manifest_of(people=SECOND, views=3))
    assert FeatureCache(folder).views == 2
    # Whose people are not known goes on with any cache.
    writer = FeatureCacheWriter(folder, made.manifest_of(views=3))
    assert FeatureCache(folder).views == 2
    writer.write(writer.pending()[0], made.batches_of(writer.pending()[0]))
    # From the first new shard on, the cache is unfinished.
    assert CacheManifest.load(folder).views == 3


def test_caches_of_earlier_versions_are_gone_on_with(folder):
    rewrite(folder, people=None)
    assert FeatureCache(folder).manifest.people is None
    (folder / 'view001' / '00001.labels.npy').unlink()
    writer = FeatureCacheWriter(folder, made.manifest_of(people=FIRST))
    for shard in writer.pending():
        writer.write(shard, made.batches_of(shard))
    # Whose the other shards are is still unknown.
    assert writer.finish().people is None


class Samples(HMRDataset):
    """Samples without pictures."""

    def __getitem__(self, index):
        return {'inputs': torch.zeros(1), 'data_samples': made.sample_of(index, 0)}


def test_shards_are_written_for_the_same_people_alone(people, tmp_path):
    def fill(dataset, views):
        manifest = made.manifest_of(views=views, people=people_digest(dataset))
        writer = FeatureCacheWriter(tmp_path / 'cache', manifest)
        write_shards(
            writer,
            writer.pending(),
            SeededViews(dataset),
            lambda batch: torch.zeros(len(batch['data_samples']), *made.SHAPE),
            batch_size=2,
            collate_fn=lambda rows: {'data_samples': [r['data_samples'] for r in rows]},
        )
        return writer.finish()

    root = people().data_root
    dataset = Samples('train.npz', data_root=root)
    assert fill(dataset, 1).people == people_digest(dataset)
    people(scale=np.full(made.COUNT, 0.6))
    changed = Samples('train.npz', data_root=root)
    for views in (1, 2):
        with pytest.raises(CacheMismatchError, match='boxes or labels'):
            fill(changed, views)
    assert fill(dataset, 2).views == 2
