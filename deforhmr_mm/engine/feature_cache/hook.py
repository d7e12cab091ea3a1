"""What a training from a cache needs beside its data set."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from mmengine.hooks import Hook
from mmengine.runner import EpochBasedTrainLoop, Runner
from torch import nn
from torch.utils.data import Dataset

from deforhmr_mm.datasets import inner_datasets
from deforhmr_mm.models.backbones import CachedFeatures
from deforhmr_mm.registry import HOOKS

from .dataset import CachedFeatureDataset
from .encoder import PREFIX, REMEMBERED
from .manifest import CacheMismatchError, differences
from .reader import FeatureCache

__all__ = ['CachedFeaturesHook']


@HOOKS.register_module()
class CachedFeaturesHook(Hook):
    """Tell cached data sets the epoch, and let no caches of two kinds meet.

    Before training, validating and testing it compares the encoder of each cache with
    the one that the model's head was trained with (`CachedFeatures` keeps it in the
    checkpoint). The body of the labels is `SameBodyHook`'s to compare.

    Raises:
        CacheMismatchError: From the runner, if they differ.
        ValueError: If the training does not go by epochs.
    """

    def __init__(self) -> None:
        self._encoder: dict[str, Any] | None = None

    def after_load_checkpoint(self, runner: Runner, checkpoint: dict) -> None:
        """Take no head whose encoder is in the checkpoint, too, and not compared."""
        model = getattr(runner.model, 'module', runner.model)
        weights = checkpoint.get('state_dict', checkpoint)
        encoder = [key for key in weights if key.startswith(PREFIX)]
        if (
            isinstance(model.backbone, CachedFeatures)
            and encoder
            and REMEMBERED not in encoder
        ):
            raise CacheMismatchError(
                f'The checkpoint has {len(encoder)} weights of an encoder, whose '
                'features need not be those of the cache: take them out with '
                'tools/misc/merge_backbone.py --without-encoder, which notes whose '
                'features the head reads.'
            )

    def before_train(self, runner: Runner) -> None:
        """Compare the training data with the model."""
        if not isinstance(runner.train_loop, EpochBasedTrainLoop):
            raise ValueError(
                'CachedFeaturesHook chooses the view by the epoch: it needs '
                'train_cfg = dict(by_epoch=True, ...).'
            )
        self._compare(runner, runner.train_loop.dataloader.dataset)

    def before_train_epoch(self, runner: Runner) -> None:
        """Choose the view of this epoch."""
        for dataset in cached_datasets(runner.train_loop.dataloader.dataset):
            dataset.set_epoch(runner.epoch)

    def before_val(self, runner: Runner) -> None:
        """Compare the validation data with the model."""
        self._compare(runner, runner.val_loop.dataloader.dataset)

    def before_test(self, runner: Runner) -> None:
        """Compare the test data with the model."""
        self._compare(runner, runner.test_loop.dataloader.dataset)

    def _compare(self, runner: Runner, dataset: Dataset) -> None:
        model = getattr(runner.model, 'module', runner.model)
        for cached in cached_datasets(dataset):
            self._compare_encoder(model, cached.cache)

    def _compare_encoder(self, model: nn.Module, cache: FeatureCache) -> None:
        """Compare with the encoder of the head, and with that of caches before."""
        if not isinstance(model.backbone, CachedFeatures):
            raise CacheMismatchError(
                f'The cache {cache.folder} needs a model with '
                "backbone=dict(type='CachedFeatures'), but its backbone is "
                f'{type(model.backbone).__name__}.'
            )
        manifest, known = cache.manifest, model.backbone.fingerprint
        encoder = manifest.encoder_fingerprint
        if known is None:
            model.backbone.fingerprint = encoder
        elif known != encoder:
            raise CacheMismatchError(
                f'The cache {cache.folder} has features of encoder {encoder[:16]}..., '
                f'but the head was trained on those of {known[:16]}...; features of '
                'one encoder mean nothing to a head of another.'
            )
        self._encoder = self._encoder or manifest.encoder
        found = differences(manifest.encoder, self._encoder, 'encoder')
        if found:
            raise CacheMismatchError(
                f'The cache {cache.folder} is of another kind than the other caches: '
                f'{"; ".join(found)}.'
            )


def cached_datasets(dataset: Dataset) -> Iterator[CachedFeatureDataset]:
    """Go over the cached data sets in a data set, wrapped ones too."""
    for inner in inner_datasets(dataset):
        if isinstance(inner, CachedFeatureDataset):
            yield inner
