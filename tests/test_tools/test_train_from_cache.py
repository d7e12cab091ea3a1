"""Training a head from a cache, and putting its encoder back."""

import json

import pytest
import torch
from mmengine.config import Config
from mmengine.optim import build_optim_wrapper
from mmengine.registry import init_default_scope

from deforhmr_mm.datasets import mesh_collate
from deforhmr_mm.datasets.sample_seed import SeededDataset
from deforhmr_mm.datasets.samplers import MixtureSampler
from deforhmr_mm.engine.checkpoints import load_checkpoint_safely
from deforhmr_mm.engine.feature_cache import (
    CachedFeatureDataset,
    SeededViews,
    cached_collate,
)
from deforhmr_mm.registry import DATASETS, MODELS
from tests.frozen_training import CACHED
from tests.tiny_training import losses

PEOPLE = 8


def whole_config(frozen_workplace):
    init_default_scope('deforhmr_mm')
    return Config.fromfile(frozen_workplace / 'whole.py')


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


def test_the_same_fifty_losses_as_end_to_end(frozen_workplace, caches):
    config = whole_config(frozen_workplace)
    views = SeededViews(DATASETS.build(config.train_dataloader.dataset), seed=0)
    end_to_end = fifty_losses(
        model_of(config, frozen_workplace / 'whole.pth'),
        config,
        (mesh_collate([views[e % 2, i] for i in rows]) for e, rows in orders()),
    )

    config = Config.fromfile(frozen_workplace / 'cached.py')
    dataset = DATASETS.build(config.train_dataloader.dataset)

    def batches():
        for epoch, rows in orders():
            dataset.set_epoch(epoch)
            yield cached_collate(dataset.__getitems__(rows))

    model = model_of(config, frozen_workplace / 'whole.pth')
    assert not any(name.startswith('backbone.') for name, _ in model.named_parameters())
    cached = fifty_losses(model, config, batches())
    assert end_to_end[-2:].mean() < 0.99 * end_to_end[:2].mean()
    torch.testing.assert_close(cached, end_to_end, rtol=1e-5, atol=0)


def test_whole_batches_train_as_their_samples_do(
    frozen_workplace, caches, frozen_tool, monkeypatch
):
    options = (
        'train_cfg._delete_=True',
        'train_cfg.type=ResumableEpochBasedTrainLoop',
        'train_cfg.max_epochs=2',
        'default_hooks.logger.interval=1',
    )
    read = []
    several = CachedFeatureDataset.__getitems__

    def trained(work_dir):
        read.clear()
        result = frozen_tool(
            'train', 'cached.py', '--work-dir', work_dir, '--cfg-options', *options
        )
        assert result.returncode == 0, result.stderr
        epochs = (frozen_workplace / work_dir / f'epoch_{n}.pth' for n in (1, 2))
        return losses(frozen_workplace / work_dir), [
            load_checkpoint_safely(path)['state_dict'] for path in epochs
        ]

    def record(self, indices):
        read.append(len(indices))
        return several(self, indices)

    monkeypatch.setattr(CachedFeatureDataset, '__getitems__', record)
    whole_losses, whole = trained('whole')
    assert read == 4 * [4]
    monkeypatch.delattr(SeededDataset, '__getitems__')
    losses_of_samples, samples = trained('samples')
    assert read == []
    assert len(whole_losses) == 4 and whole_losses == losses_of_samples
    for one, two in zip(whole, samples, strict=True):
        assert one.keys() == two.keys()
        assert all(torch.equal(one[name], two[name]) for name in one)


def test_train_from_the_cache_then_score_with_the_encoder(
    frozen_workplace, caches, frozen_tool
):
    result = frozen_tool('train', 'cached.py', '--work-dir', 'work')
    assert result.returncode == 0, result.stderr
    head = frozen_workplace / 'work' / 'epoch_2.pth'
    weights = load_checkpoint_safely(head)['state_dict']
    inside = {name for name in weights if name.startswith('backbone.')}
    assert inside == {'backbone.encoder_fingerprint'}
    manifest = json.loads(
        (frozen_workplace / 'train_fp32' / 'manifest.json').read_text()
    )
    remembered = bytes(weights['backbone.encoder_fingerprint'].tolist()).hex()
    assert remembered == manifest['encoder']['weights']

    assert (
        frozen_tool('test', 'cached.py', head, '--out', 'cached.json').returncode == 0
    )
    options = ('merged.pth', '--encoder', 'whole.pth')
    result = frozen_tool('misc/merge_backbone', head, *options)
    assert result.returncode == 0, result.stderr
    result = frozen_tool('test', 'whole.py', 'merged.pth', '--out', 'whole.json')
    assert result.returncode == 0, result.stderr
    cached, whole = (
        json.loads((frozen_workplace / f'{name}.json').read_text())
        for name in ('cached', 'whole')
    )
    assert cached.keys() == whole.keys()
    assert whole['MPJPE'] > 10
    for name, value in whole.items():
        # Millimetres; the features are in float16.
        assert cached[name] == pytest.approx(value, abs=0.1)

    # And back: a whole model's head on cached features.
    options = ('head.pth', '--without-encoder')
    assert frozen_tool('misc/merge_backbone', 'merged.pth', *options).returncode == 0
    again = load_checkpoint_safely(frozen_workplace / 'head.pth')['state_dict']
    assert again.keys() == weights.keys()
    assert all(torch.equal(again[name], weights[name]) for name in weights)


MIXTURE = """
_base_ = ['./whole.py']
part = {{_base_.train_dataloader.dataset}}
train_dataloader = dict(
    sampler=dict(_delete_=True, type='MixtureSampler', weights=[3, 1]),
    dataset=dict(_delete_=True, type='ConcatDataset', datasets=[part, part]),
)
"""
CACHED_MIXTURE = CACHED.replace('./whole.py', './mixture.py').replace(
    "'train_fp32'", "'mixture'"
)


def test_a_cached_mixture_keeps_its_shares(frozen_workplace, frozen_tool):
    """As in the paper's cached config: one cache, and a sampler of several parts."""
    (frozen_workplace / 'mixture.py').write_text(MIXTURE)
    (frozen_workplace / 'mixture_cached.py').write_text(CACHED_MIXTURE)
    options = ('--dtype', 'float32', '--num-workers', 0, '--batch-size', 4)
    result = frozen_tool(
        'cache_features', 'mixture.py', 'whole.pth', '--out', 'mixture', *options
    )
    assert result.returncode == 0, result.stderr
    dataset = CachedFeatureDataset(frozen_workplace / 'mixture')
    assert len(dataset) == 16 and dataset.part_sizes == [8, 8]
    assert MixtureSampler(dataset, [3, 1], seed=0).counts == [12, 4]
    result = frozen_tool('train', 'mixture_cached.py', '--work-dir', 'of_mixture')
    assert result.returncode == 0, result.stderr
    assert (frozen_workplace / 'of_mixture' / 'epoch_2.pth').is_file()
