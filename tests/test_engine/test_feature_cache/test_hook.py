from types import SimpleNamespace

import pytest
from torch import nn

from deforhmr_mm.engine.feature_cache import (
    CachedFeatureDataset,
    CachedFeaturesHook,
    CacheMismatchError,
)
from deforhmr_mm.models.backbones import CachedFeatures

ENCODER = dict(weights='ab' * 32, data_preprocessor=dict(mean=[1, 2, 3]))


def runner_of(dataset, backbone=None):
    """What the hook looks at of a runner that tests."""
    model = SimpleNamespace(backbone=backbone or CachedFeatures())
    loop = SimpleNamespace(dataloader=SimpleNamespace(dataset=dataset))
    return SimpleNamespace(model=model, test_loop=loop, train_loop=loop, epoch=1)


def test_the_epoch_reaches_every_cache_inside(folder):
    datasets = [CachedFeatureDataset(folder) for _ in range(3)]
    inner = SimpleNamespace(datasets=datasets[1:])
    outer = SimpleNamespace(dataset=SimpleNamespace(datasets=[datasets[0], inner]))
    CachedFeaturesHook().before_train_epoch(runner_of(outer))
    assert [dataset.view for dataset in datasets] == [1, 1, 1]


def test_the_model_learns_which_encoder_it_was(folder):
    runner = runner_of(CachedFeatureDataset(folder))
    CachedFeaturesHook().before_test(runner)
    assert runner.model.backbone.fingerprint == 'ab' * 32


def test_another_encoder_than_the_head_s(folder):
    backbone = CachedFeatures()
    backbone.fingerprint = 'cd' * 32
    with pytest.raises(
        CacheMismatchError, match='encoder abab.*trained on those of cd'
    ):
        CachedFeaturesHook().before_test(
            runner_of(CachedFeatureDataset(folder), backbone)
        )
    with pytest.raises(CacheMismatchError, match='its backbone is Identity'):
        CachedFeaturesHook().before_test(
            runner_of(CachedFeatureDataset(folder), nn.Identity())
        )


def test_a_head_whose_encoder_is_in_the_checkpoint_is_not_taken():
    runner, hook = runner_of(None), CachedFeaturesHook()
    whole = {'head.tokens': 1, 'backbone.last_norm.bias': 2}
    with pytest.raises(CacheMismatchError, match='1 weights.*--without-encoder'):
        hook.after_load_checkpoint(runner, dict(state_dict=whole))
    hook.after_load_checkpoint(runner, dict(state_dict={'head.tokens': 1}))
    known = {'head.tokens': 1, 'backbone.encoder_fingerprint': 2}
    hook.after_load_checkpoint(runner, dict(state_dict=known))
    # A model with an encoder of its own takes it.
    seeing = runner_of(None, nn.Identity())
    hook.after_load_checkpoint(seeing, dict(state_dict=whole))


def test_two_caches_of_one_encoder_that_saw_other_colours(write):
    prepared = dict(data_preprocessor=dict(mean=[1, 2, 4]))
    folders = [
        write('one', encoder=ENCODER),
        write('two', encoder={**ENCODER, **prepared}),
    ]
    datasets = [CachedFeatureDataset(folder) for folder in folders]
    with pytest.raises(CacheMismatchError, match=r'two .*preprocessor.mean\[2\]: 4 in'):
        CachedFeaturesHook().before_test(runner_of(SimpleNamespace(datasets=datasets)))


def test_a_training_without_epochs(folder):
    with pytest.raises(ValueError, match='by_epoch=True'):
        CachedFeaturesHook().before_train(runner_of(CachedFeatureDataset(folder)))
