"""What a training from a cache needs beside its data set."""

from __future__ import annotations

from collections.abc import Iterator

from mmengine.hooks import Hook
from mmengine.runner import EpochBasedTrainLoop, Runner
from torch.utils.data import Dataset

from deforhmr_mm.registry import HOOKS

from .dataset import CachedFeatureDataset
from .manifest import CacheMismatchError

__all__ = ['CachedFeaturesHook']


@HOOKS.register_module()
class CachedFeaturesHook(Hook):
    """Tell cached data sets the epoch, and let no caches of two kinds meet.

    Before training, validating and testing it compares the encoder of each cache with
    the one that the model's head was trained with (`CachedFeatures` keeps it in the
    checkpoint), and the body of the labels with the model's.

    Raises:
        CacheMismatchError: From the runner, if they differ.
        ValueError: If the training does not go by epochs.
    """

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

    @staticmethod
    def _compare(runner: Runner, dataset: Dataset) -> None:
        model = getattr(runner.model, 'module', runner.model)
        for cached in cached_datasets(dataset):
            folder = cached.cache.folder
            encoder = cached.cache.manifest.encoder_fingerprint
            known = model.backbone.fingerprint
            if known is None:
                model.backbone.fingerprint = encoder
            elif known != encoder:
                raise CacheMismatchError(
                    f'The cache {folder} has features of encoder {encoder[:16]}..., '
                    f'but the head was trained on those of {known[:16]}...; features '
                    'of one encoder mean nothing to a head of another.'
                )
            body = cached.metainfo.get('body_fingerprint')
            if body not in (None, model.body_model.fingerprint):
                raise CacheMismatchError(
                    f'The labels of the cache {folder} belong to the body {body}, but '
                    f'the model has {model.body_model.body_name} '
                    f'({model.body_model.fingerprint}); set model.body_model to the '
                    'body of the labels.'
                )


def cached_datasets(dataset: Dataset) -> Iterator[CachedFeatureDataset]:
    """Go over the cached data sets in a data set, wrapped ones too."""
    if isinstance(dataset, CachedFeatureDataset):
        yield dataset
    for inner in getattr(dataset, 'datasets', None) or [
        getattr(dataset, 'dataset', None)
    ]:
        if inner is not None:
            yield from cached_datasets(inner)
