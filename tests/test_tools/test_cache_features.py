"""Caching features: the command line, stopped runs, damage."""

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
import torch

from deforhmr_mm.engine.checkpoints import load_checkpoint_safely
from deforhmr_mm.engine.feature_cache import FeatureCache, FeatureCacheWriter
from tests.processes import free_port

ROOT = Path(__file__).parents[2]
PEOPLE = 8


def digests(folder):
    """Checksums of a cache's files, by name."""
    records = json.loads((folder / 'manifest.json').read_text())['shards']
    return {f['name']: f['sha256'] for r in records for f in r['files'].values()}


def test_a_stopped_run_goes_on(frozen_workplace, cache, monkeypatch):
    assert cache('one_go').returncode == 0
    folder = frozen_workplace / 'stopped'
    # Stopped while it writes its third shard of four.
    write, written = FeatureCacheWriter.write, []

    def stop_at_the_third(self, shard, batches):
        if len(written) == 2:
            next(iter(batches))
            raise KeyboardInterrupt
        written.append(shard)
        write(self, shard, batches)

    monkeypatch.setattr(FeatureCacheWriter, 'write', stop_at_the_third)
    with pytest.raises(KeyboardInterrupt):
        cache('stopped')
    first = folder / 'view000' / '00000.features.npy'
    before = first.stat().st_mtime_ns
    with pytest.raises(ValueError, match='stopped is not finished.*0 of 4 shards'):
        FeatureCache(folder)

    monkeypatch.setattr(FeatureCacheWriter, 'write', write)
    result = cache('stopped')
    assert '2 of 4 shards are there' in result.stdout
    assert first.stat().st_mtime_ns == before
    assert digests(folder) == digests(frozen_workplace / 'one_go')
    assert not [path for path in folder.rglob('*') if path.name.startswith('.')]
    assert not list(folder.rglob('*.done.json'))

    # More views of the same seed: what is there stays.
    assert '4 of 6 shards' in cache('stopped', views=3).stdout
    grown = digests(folder)
    assert len(grown) == 18
    assert digests(frozen_workplace / 'one_go').items() <= grown.items()
    assert first.stat().st_mtime_ns == before


def test_the_size_is_told_and_the_disk_asked_before_the_first_shard(
    frozen_workplace, cache, monkeypatch, one_line_error
):
    # 8 samples of 32 x 16 x 12 numbers, in shards of 5 and 3, and 24 KiB for each.
    free = SimpleNamespace(free=16 * 24 * 1024 - 1)
    monkeypatch.setattr(shutil, 'disk_usage', lambda folder: free)
    result = cache('full')
    one_line_error(result, 'full: 384.0 KiB', 'has 384.0 KiB left', '--out')
    assert 'whole cache take 384.0 KiB' in result.stdout
    # Nothing is begun: it may become another cache.
    assert not list((frozen_workplace / 'full').iterdir())
    assert cache('full', views=1).returncode == 0

    # What is there needs no room any more, and stays whole where there is none.
    result = cache('full', views=4)
    one_line_error(result, 'full: 576.0 KiB of features are still to be written')
    assert 'whole cache take 768.0 KiB' in result.stdout
    assert FeatureCache(frozen_workplace / 'full').views == 1
    assert cache('full').returncode == 0


def test_views_do_not_depend_on_workers_and_differ(frozen_workplace, cache, caches):
    options = ('--num-workers', 2)
    assert cache('by_workers', *options).returncode == 0
    assert digests(frozen_workplace / 'by_workers') == digests(
        frozen_workplace / 'train_fp32'
    )
    stored = FeatureCache(frozen_workplace / 'train_fp32')
    crops = {
        (index, view): stored.sample(index, view).input_center
        for index in range(PEOPLE)
        for view in range(2)
    }
    # The boxes are all the same before augmentation.
    assert len({tuple(center) for center in crops.values()}) == 2 * PEOPLE


def test_a_cache_of_another_kind_is_refused(
    frozen_workplace, cache, caches, frozen_tool, one_line_error
):
    one_line_error(
        cache('train_fp32', '--seed', 1),
        'train_fp32 has a cache of another kind',
        'seed: 0 in the cache, 1 wanted',
    )
    result = cache('train_fp32', views=1)
    one_line_error(result, 'views: 2 in the cache, 1 wanted')

    weights = load_checkpoint_safely(frozen_workplace / 'whole.pth')['state_dict']
    changed = dict(weights, **{'backbone.pos_embed': weights['backbone.pos_embed'] + 1})
    torch.save({'state_dict': changed}, frozen_workplace / 'other.pth')
    result = cache('train_fp32', checkpoint='other.pth')
    one_line_error(result, 'encoder.weights: ')
    del changed['backbone.last_norm.weight']
    torch.save({'state_dict': changed}, frozen_workplace / 'less.pth')
    result = cache('never', checkpoint='less.pth')
    one_line_error(result, 'less.pth', 'last_norm.weight')

    option = 'train_dataloader.dataset.pipeline.1.prob=0.0'
    result = frozen_tool(
        'train', 'cached.py', '--work-dir', 'bad', '--cfg-options', option
    )
    parts = ('train_fp32', 'pipeline[1].prob', '0.0 wanted')
    one_line_error(result, *parts)

    # A head for one encoder, a cache of another.
    assert cache('other', checkpoint='other.pth').returncode == 0
    options = ('head.pth', '--without-encoder')
    assert frozen_tool('misc/merge_backbone', 'whole.pth', *options).returncode == 0
    option = ('load_from=head.pth', 'train_dataloader.dataset.cache_dir=other')
    result = frozen_tool(
        'train', 'cached.py', '--work-dir', 'bad', '--cfg-options', *option
    )
    one_line_error(result, 'other', 'features of one encoder mean nothing')
    options = ('never.pth', '--encoder', 'other.pth')
    result = frozen_tool('misc/merge_backbone', 'head.pth', *options)
    one_line_error(result, 'but this one is')


def test_a_cache_of_changed_labels_is_refused(frozen_workplace, cache, one_line_error):
    assert cache('labelled').returncode == 0
    manifest = frozen_workplace / 'labelled' / 'manifest.json'
    before = manifest.read_bytes()
    file = frozen_workplace / 'train.npz'
    kept = file.read_bytes()
    try:
        columns = dict(np.load(file))
        columns['shape'][3] += 1
        np.savez(file, **columns)
        for views in (2, 3):
            result = cache('labelled', views=views)
            one_line_error(
                result, 'labelled has a cache of another kind', 'boxes or labels'
            )
            assert manifest.read_bytes() == before
    finally:
        file.write_bytes(kept)
    assert '4 of 4 shards are there' in cache('labelled').stdout


def test_damaged_shard_stops_the_training_by_name(
    frozen_workplace, cache, frozen_tool, one_line_error
):
    assert cache('damaged').returncode == 0
    path = frozen_workplace / 'damaged' / 'view001' / '00000.features.npy'
    data = path.read_bytes()
    path.write_bytes(data[:-1] + bytes([data[-1] ^ 1]))
    option = ('train_dataloader.dataset.cache_dir=damaged',)
    arguments = ('train', 'cached.py', '--work-dir', 'bad', '--cfg-options', *option)
    result = frozen_tool(*arguments, 'train_dataloader.dataset.verify=True')
    parts = ('view001/00000.features.npy', 'checksum differs')
    one_line_error(result, *parts)
    path.write_bytes(data[:-1])
    result = frozen_tool(*arguments)
    one_line_error(result, 'view001/00000.features.npy', 'damaged')
    # The run that made it replaces it.
    assert '3 of 4 shards are there' in cache('damaged').stdout
    FeatureCache(frozen_workplace / 'damaged', verify=True)


@pytest.mark.slow
def test_two_processes_write_the_same_cache(frozen_workplace, cache, caches):
    command = [
        *('env', f'PORT={free_port()}', 'CUDA_VISIBLE_DEVICES=', 'bash'),
        *(ROOT / 'tools' / 'dist_cache_features.sh', 'whole.py', 'whole.pth', 2),
        *('--out', 'by_two', '--views', 2, '--dtype', 'float32', '--num-workers', 0),
        *('--batch-size', 3, '--shard-size', 5),
    ]
    result = subprocess.run(
        [str(part) for part in command],
        cwd=frozen_workplace,
        env={**os.environ, 'PYTHON': sys.executable, 'OMP_NUM_THREADS': '1'},
        capture_output=True,
        text=True,
        timeout=300,
    )
    assert result.returncode == 0, result.stderr
    assert digests(frozen_workplace / 'by_two') == digests(
        frozen_workplace / 'train_fp32'
    )
