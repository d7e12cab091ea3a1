"""Caching features, training a head from them, and putting the encoder back."""

import json
import os
import runpy
import subprocess
import sys
from collections import OrderedDict
from pathlib import Path
from typing import NamedTuple

import cv2
import numpy as np
import pytest
import torch
from mmengine.config import Config
from mmengine.logging import MessageHub, MMLogger
from mmengine.optim import build_optim_wrapper
from mmengine.registry import DefaultScope, init_default_scope
from mmengine.visualization import Visualizer

from deforhmr_mm.datasets import mesh_collate
from deforhmr_mm.engine.checkpoints import load_checkpoint_safely
from deforhmr_mm.engine.feature_cache import (
    CachedFeatureDataset,
    FeatureCache,
    SeededViews,
    cached_collate,
    with_encoder,
)
from deforhmr_mm.registry import DATASETS, MODELS

ROOT = Path(__file__).parents[2]
PEOPLE = 8
CONFIG = """
_base_ = [{base!r}, {pipelines!r}]
model = dict(
    type='MeshEstimator',
    data_preprocessor=dict(
        type='ImgDataPreprocessor', mean=[127.5] * 3, std=[64.0] * 3, bgr_to_rgb=True),
    body_model=dict(type='SMPL'),
    backbone=dict(
        type='ViT', arch=dict(embed_dims=32, depth=1, num_heads=2), frozen=True),
    head=dict(type='DeforHMRHead', in_channels=32, num_layers=1, embed_dims=32,
        num_heads=2, head_dims=16, ffn_dims=32,
        cross_attention=dict(num_groups=2)),
    losses=dict(
        smpl=dict(type='SMPLParamLoss'),
        joints_2d=dict(type='Joints2DLoss'),
    ),
)
train_dataloader = dict(
    batch_size=4,
    num_workers=0,
    collate_fn=dict(type='mesh_collate'),
    sampler=dict(type='DefaultSampler', shuffle=True),
    dataset=dict(
        type='HMRDataset', data_root={data_root!r}, ann_file='train.npz',
        pipeline={{{{_base_.train_pipeline}}}},
    ),
)
test_dataloader = dict(
    batch_size=4,
    num_workers=0,
    collate_fn=dict(type='mesh_collate'),
    sampler=dict(type='DefaultSampler', shuffle=False),
    dataset=dict(
        type='HMRDataset', data_root={data_root!r}, ann_file='train.npz',
        pipeline={{{{_base_.test_pipeline}}}}, test_mode=True,
    ),
)
test_evaluator = dict(type='MeshMetric', protocol='smpl24')
test_cfg = dict()
optim_wrapper = dict(type='OptimWrapper', optimizer=dict(type='AdamW', lr=1e-4))
train_cfg = dict(by_epoch=True, max_epochs=2)
randomness = dict(seed=0)
"""
CACHED = """
_base_ = ['./whole.py']
model = dict(
    data_preprocessor=dict(_delete_=True, type='FeatureDataPreprocessor'),
    backbone=dict(_delete_=True, type='CachedFeatures'),
)
train_dataloader = dict(
    collate_fn=dict(type='cached_collate'),
    dataset=dict(_delete_=True, type='CachedFeatureDataset', cache_dir='train_fp32',
        pipeline={{_base_.train_pipeline}}),
)
test_dataloader = dict(
    collate_fn=dict(type='cached_collate'),
    dataset=dict(_delete_=True, type='CachedFeatureDataset', cache_dir='test_fp16',
        pipeline={{_base_.test_pipeline}}, test_mode=True),
)
custom_hooks = [dict(type='CachedFeaturesHook')]
"""


@pytest.fixture(scope='module')
def workplace(tmp_path_factory):
    """A folder with 8 pictures, their labels, two configs and a checkpoint."""
    folder = tmp_path_factory.mktemp('workplace')
    rng = np.random.default_rng(0)
    names = [f'{index}.png' for index in range(PEOPLE)]
    for name in names:
        coarse = rng.integers(0, 255, (6, 8, 3), dtype=np.uint8)
        cv2.imwrite(str(folder / name), cv2.resize(coarse, (160, 120)))
    np.savez(
        folder / 'train.npz',
        imgname=np.array(names),
        center=np.full((PEOPLE, 2), (80.0, 60.0)),
        scale=np.full(PEOPLE, 0.5),
        pose=rng.normal(0, 0.3, (PEOPLE, 72)),
        shape=rng.normal(0, 1, (PEOPLE, 10)),
    )
    configs = ROOT / 'configs' / '_base_'
    text = CONFIG.format(
        base=str(configs / 'default_runtime.py'),
        pipelines=str(configs / 'datasets' / 'pipelines.py'),
        data_root=str(folder),
    )
    (folder / 'whole.py').write_text(text)
    (folder / 'cached.py').write_text(CACHED)
    with torch.random.fork_rng():
        torch.manual_seed(1)
        init_default_scope('deforhmr_mm')
        model = MODELS.build(Config.fromfile(folder / 'whole.py').model)
        # Readouts start near zero; here results are to depend on the picture.
        for parameter in model.head.parameters():
            parameter.data += 0.05 * torch.randn_like(parameter)
    torch.save({'state_dict': model.state_dict()}, folder / 'whole.pth')
    return folder


class Result(NamedTuple):
    returncode: int
    stdout: str
    stderr: str


@pytest.fixture
def tool(workplace, monkeypatch, capfd):
    """Call of a tool's main() in this process: tool('train', 'whole.py', ...)."""
    monkeypatch.chdir(workplace)
    monkeypatch.delenv('DEFORHMR_DEBUG', raising=False)
    monkeypatch.setenv('LOCAL_RANK', '0')
    # mmengine keeps these for the whole process; loggers would hold closed streams.
    for kind in (MMLogger, MessageHub, DefaultScope, Visualizer):
        monkeypatch.setattr(kind, '_instance_dict', OrderedDict())

    def call(name, *arguments):
        monkeypatch.setattr('sys.argv', [name, *map(str, arguments)])
        main = runpy.run_path(str(ROOT / 'tools' / f'{name}.py'))['main']
        try:
            main()
            code = 0
        except SystemExit as stop:
            code = stop.code
        return Result(code, *capfd.readouterr())

    return call


@pytest.fixture
def cache(tool, workplace):
    """Call of cache_features.py: cache('folder', options...) -> its result."""

    def call(out, *options, views=2, split='train', dtype='float32', checkpoint=None):
        return tool(
            'cache_features',
            'whole.py',
            checkpoint or 'whole.pth',
            *('--out', out, '--split', split, '--dtype', dtype, '--views', views),
            *('--batch-size', 3, '--shard-size', 5, '--num-workers', 0, *options),
        )

    return call


@pytest.fixture
def caches(cache):
    """Caches of two training views in float32 and of the test views in float16."""
    assert cache('train_fp32').returncode == 0
    result = cache('test_fp16', split='test', dtype='float16', views=1)
    assert result.returncode == 0, result.stderr


def digests(folder):
    """Checksums of a cache's files, by name."""
    records = json.loads((folder / 'manifest.json').read_text())['shards']
    return {f['name']: f['sha256'] for r in records for f in r['files'].values()}


def assert_one_line_error(result, *parts):
    assert result.returncode == 1
    assert 'Traceback' not in result.stderr
    (line,) = (x for x in result.stderr.splitlines() if x.startswith('error: '))
    for part in parts:
        assert part in line


def whole_config(workplace):
    init_default_scope('deforhmr_mm')
    return Config.fromfile(workplace / 'whole.py')


def model_of(config, weights):
    model = MODELS.build(config.model)
    model.load_state_dict(load_checkpoint_safely(weights)['state_dict'], strict=False)
    return model.train()


def fifty_losses(model, config, batches):
    optimizer = build_optim_wrapper(model, config.optim_wrapper)
    losses = []
    for step in range(50):
        log = model.train_step(next(batches), optimizer)
        losses.append(log['loss'].item())
        assert step or losses[0] > 0.1
    return torch.tensor(losses, dtype=torch.float64)


def orders():
    """Epoch after epoch, the two batches of 4 people each."""
    generator = torch.Generator().manual_seed(3)
    for epoch in range(25):
        order = torch.randperm(PEOPLE, generator=generator).tolist()
        yield epoch, order[:4]
        yield epoch, order[4:]


def test_the_same_fifty_losses_as_end_to_end(workplace, caches):
    config = whole_config(workplace)
    views = SeededViews(DATASETS.build(config.train_dataloader.dataset), seed=0)
    end_to_end = fifty_losses(
        model_of(config, workplace / 'whole.pth'),
        config,
        (mesh_collate([views[e % 2, i] for i in rows]) for e, rows in orders()),
    )

    config = Config.fromfile(workplace / 'cached.py')
    dataset = DATASETS.build(config.train_dataloader.dataset)

    def batches():
        for epoch, rows in orders():
            dataset.set_epoch(epoch)
            yield cached_collate(dataset.__getitems__(rows))

    model = model_of(config, workplace / 'whole.pth')
    assert not any(name.startswith('backbone.') for name, _ in model.named_parameters())
    cached = fifty_losses(model, config, batches())
    assert end_to_end[-2:].mean() < 0.99 * end_to_end[:2].mean()
    torch.testing.assert_close(cached, end_to_end, rtol=1e-5, atol=0)


def test_train_from_the_cache_then_score_with_the_encoder(workplace, caches, tool):
    result = tool('train', 'cached.py', '--work-dir', 'work')
    assert result.returncode == 0, result.stderr
    head = workplace / 'work' / 'epoch_2.pth'
    weights = load_checkpoint_safely(head)['state_dict']
    inside = {name for name in weights if name.startswith('backbone.')}
    assert inside == {'backbone.encoder_fingerprint'}
    manifest = json.loads((workplace / 'train_fp32' / 'manifest.json').read_text())
    remembered = bytes(weights['backbone.encoder_fingerprint'].tolist()).hex()
    assert remembered == manifest['encoder']['weights']

    assert tool('test', 'cached.py', head, '--out', 'cached.json').returncode == 0
    options = ('merged.pth', '--encoder', 'whole.pth')
    result = tool('misc/merge_backbone', head, *options)
    assert result.returncode == 0, result.stderr
    result = tool('test', 'whole.py', 'merged.pth', '--out', 'whole.json')
    assert result.returncode == 0, result.stderr
    cached, whole = (
        json.loads((workplace / f'{name}.json').read_text())
        for name in ('cached', 'whole')
    )
    assert cached.keys() == whole.keys()
    assert whole['smpl24/MPJPE' if 'smpl24/MPJPE' in whole else 'MPJPE'] > 10
    for name, value in whole.items():
        # Millimetres; the features are in float16.
        assert cached[name] == pytest.approx(value, abs=0.1)

    # And back: a whole model's head on cached features.
    options = ('head.pth', '--without-encoder')
    assert tool('misc/merge_backbone', 'merged.pth', *options).returncode == 0
    again = load_checkpoint_safely(workplace / 'head.pth')['state_dict']
    assert again.keys() == weights.keys()
    assert all(torch.equal(again[name], weights[name]) for name in weights)


def test_a_stopped_run_goes_on(workplace, cache, monkeypatch):
    assert cache('one_go').returncode == 0
    folder = workplace / 'stopped'
    # Stopped while it writes its third shard of four.
    from deforhmr_mm.engine.feature_cache import FeatureCacheWriter

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
    assert digests(folder) == digests(workplace / 'one_go')
    assert not [path for path in folder.rglob('*') if path.name.startswith('.')]
    assert not list(folder.rglob('*.done.json'))

    # More views of the same seed: what is there stays.
    assert '4 of 6 shards' in cache('stopped', views=3).stdout
    grown = digests(folder)
    assert len(grown) == 18
    assert digests(workplace / 'one_go').items() <= grown.items()
    assert first.stat().st_mtime_ns == before


def test_views_do_not_depend_on_workers_and_differ(workplace, cache, caches):
    options = ('--num-workers', 2)
    assert cache('by_workers', *options).returncode == 0
    assert digests(workplace / 'by_workers') == digests(workplace / 'train_fp32')
    stored = FeatureCache(workplace / 'train_fp32')
    crops = {
        (index, view): stored.sample(index, view).input_center
        for index in range(PEOPLE)
        for view in range(2)
    }
    # The boxes are all the same before augmentation.
    assert len({tuple(center) for center in crops.values()}) == 2 * PEOPLE


def test_a_cache_of_another_kind_is_refused(workplace, cache, caches, tool):
    assert_one_line_error(
        cache('train_fp32', '--seed', 1),
        'train_fp32 has a cache of another kind',
        'seed: 0 in the cache, 1 wanted',
    )
    result = cache('train_fp32', views=1)
    assert_one_line_error(result, 'views: 2 in the cache, 1 wanted')

    weights = load_checkpoint_safely(workplace / 'whole.pth')['state_dict']
    changed = dict(weights, **{'backbone.pos_embed': weights['backbone.pos_embed'] + 1})
    torch.save({'state_dict': changed}, workplace / 'other.pth')
    result = cache('train_fp32', checkpoint='other.pth')
    assert_one_line_error(result, 'encoder.weights: ')
    del changed['backbone.last_norm.weight']
    torch.save({'state_dict': changed}, workplace / 'less.pth')
    result = cache('never', checkpoint='less.pth')
    assert_one_line_error(result, 'less.pth', 'last_norm.weight')

    option = 'train_dataloader.dataset.pipeline.1.prob=0.0'
    result = tool('train', 'cached.py', '--work-dir', 'bad', '--cfg-options', option)
    parts = ('train_fp32', 'pipeline[1].prob', '0.0 wanted')
    assert_one_line_error(result, *parts)

    # A head for one encoder, a cache of another.
    assert cache('other', checkpoint='other.pth').returncode == 0
    options = ('head.pth', '--without-encoder')
    assert tool('misc/merge_backbone', 'whole.pth', *options).returncode == 0
    option = ('load_from=head.pth', 'train_dataloader.dataset.cache_dir=other')
    result = tool('train', 'cached.py', '--work-dir', 'bad', '--cfg-options', *option)
    assert_one_line_error(result, 'other', 'features of one encoder mean nothing')
    options = ('never.pth', '--encoder', 'other.pth')
    result = tool('misc/merge_backbone', 'head.pth', *options)
    assert_one_line_error(result, 'but this one is')


def test_damaged_shard_stops_the_training_by_name(workplace, cache, tool):
    assert cache('damaged').returncode == 0
    path = workplace / 'damaged' / 'view001' / '00000.features.npy'
    data = path.read_bytes()
    path.write_bytes(data[:-1] + bytes([data[-1] ^ 1]))
    option = ('train_dataloader.dataset.cache_dir=damaged',)
    arguments = ('train', 'cached.py', '--work-dir', 'bad', '--cfg-options', *option)
    result = tool(*arguments, 'train_dataloader.dataset.verify=True')
    parts = ('view001/00000.features.npy', 'checksum differs')
    assert_one_line_error(result, *parts)
    path.write_bytes(data[:-1])
    result = tool(*arguments)
    assert_one_line_error(result, 'view001/00000.features.npy', 'damaged')
    # The run that made it replaces it.
    assert '3 of 4 shards are there' in cache('damaged').stdout
    FeatureCache(workplace / 'damaged', verify=True)


@pytest.mark.slow
def test_two_processes_write_the_same_cache(workplace, cache, caches):
    command = [
        *('env', 'PORT=29613', 'CUDA_VISIBLE_DEVICES=', 'bash'),
        *(ROOT / 'tools' / 'dist_cache_features.sh', 'whole.py', 'whole.pth', 2),
        *('--out', 'by_two', '--views', 2, '--dtype', 'float32', '--num-workers', 0),
        *('--batch-size', 3, '--shard-size', 5),
    ]
    result = subprocess.run(
        [str(part) for part in command],
        cwd=workplace,
        env={**os.environ, 'PYTHON': sys.executable, 'OMP_NUM_THREADS': '1'},
        capture_output=True,
        text=True,
        timeout=300,
    )
    assert result.returncode == 0, result.stderr
    assert digests(workplace / 'by_two') == digests(workplace / 'train_fp32')


def test_a_whole_model_has_its_encoder_already(workplace):
    weights = load_checkpoint_safely(workplace / 'whole.pth')['state_dict']
    with pytest.raises(ValueError, match='an encoder of its own'):
        with_encoder(weights, weights)
    assert CachedFeatureDataset.__name__ in CACHED
