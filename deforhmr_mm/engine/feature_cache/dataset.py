"""A data set whose pictures are features that were computed before."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import torch
from mmengine.dataset import pseudo_collate
from mmengine.registry import FUNCTIONS
from torch.utils.data import Dataset, default_collate

from deforhmr_mm.registry import DATASETS
from deforhmr_mm.structures import PackedSamples

from .manifest import CacheMismatchError, FeatureCacheError, differences, plain
from .reader import FeatureCache

__all__ = ['CachedFeatureDataset', 'cached_collate']


@DATASETS.register_module()
class CachedFeatureDataset(Dataset):
    """Features and labels from a `FeatureCache`, with one view of each sample an epoch.

    A sample is the dictionary that the cached data set gave, but ``inputs`` are
    features (C, H, W) in the cache's type: mapped from the file, not to be written to.

    In epoch e view e mod K is taken, so that K epochs show all K views. The epoch comes
    from `CachedFeaturesHook`, in worker processes too.

    Args:
        cache_dir: Folder of the cache.
        pipeline: The transforms that the pictures went through, as in the config that
            trains without a cache; a cache of others is refused. None takes any.
        encoder: Fingerprint of the encoder's weights (``encoder.weights`` in the
            manifest) that the features must be of; None takes any.
        view: Take this view always; 0 in a cache of one view.
        verify: Compare all files with their checksums before use, which reads them.
        test_mode: Makes no difference; data sets are given it.

    Raises:
        FeatureCacheError: If the cache is missing, unfinished or damaged.
        CacheMismatchError: If it is of another pipeline or encoder; it says where they
            differ.
    """

    # `SeededDataset` then hands whole batches on to __getitems__.
    draws_nothing = True

    def __init__(
        self,
        cache_dir: str | Path,
        pipeline: Sequence[Mapping[str, Any]] | None = None,
        encoder: str | None = None,
        view: int | None = None,
        verify: bool = False,
        test_mode: bool = False,
    ) -> None:
        self.cache = FeatureCache(cache_dir, verify=verify)
        self.test_mode = test_mode
        manifest = self.cache.manifest
        found = []
        if pipeline is not None:
            stored = plain(manifest.pipeline)
            found += differences(stored, plain(pipeline), 'pipeline')
        if encoder is not None:
            found += differences(manifest.encoder_fingerprint, encoder, 'encoder')
        if found:
            raise CacheMismatchError(
                f'The cache {cache_dir} is of another kind than the config wants: '
                f'{"; ".join(found)}. Make another with tools/cache_features.py, or '
                'change the config.'
            )
        if view is not None and not 0 <= view < self.cache.views:
            raise ValueError(
                f'view must be from 0 to {self.cache.views - 1}, the views of '
                f'{cache_dir}, but is {view}.'
            )
        self._view = 0 if self.cache.views == 1 else view
        # Shared memory, so that workers that outlive an epoch learn of the next one.
        self._epoch = torch.full((1,), -1, dtype=torch.int64).share_memory_()

    @property
    def metainfo(self) -> dict[str, Any]:
        """``metainfo`` of the data set that was cached."""
        return dict(self.cache.manifest.metainfo)

    @property
    def part_sizes(self) -> list[int] | None:
        """Samples in each part of what was cached, if it was a concatenation."""
        return self.cache.manifest.parts

    def full_init(self) -> None:
        """Do nothing; mmengine calls it."""

    def set_epoch(self, epoch: int) -> None:
        """Choose the view of each sample, in worker processes too."""
        self._epoch[0] = epoch

    @property
    def view(self) -> int:
        """The view that is taken now.

        Raises:
            FeatureCacheError: If nobody has told the epoch.
        """
        if self._view is not None:
            return self._view
        epoch = int(self._epoch)
        if epoch < 0:
            raise FeatureCacheError(
                f'The cache {self.cache.folder} has {self.cache.views} views, and '
                'which to take depends on the epoch, of which it was not told. '
                "Add custom_hooks = [dict(type='CachedFeaturesHook')] to the config, "
                'call set_epoch, or choose a view.'
            )
        return epoch % self.cache.views

    def __len__(self) -> int:
        """Return the number of samples."""
        return len(self.cache)

    def __getitem__(self, index: int) -> dict[str, Any]:
        """Return the current view of a sample."""
        view = self.view
        return {
            'inputs': self.cache.features(index, view),
            'data_samples': self.cache.sample(index, view),
        }

    def __getitems__(self, indices: Sequence[int]) -> _Rows:
        """Return several samples, which `cached_collate` reads at once."""
        return _Rows(self, indices)


class _Rows(Sequence):
    """Samples of one data set that are read when looked at, one by one or together."""

    def __init__(self, dataset: CachedFeatureDataset, indices: Sequence[int]) -> None:
        self._dataset = dataset
        self._indices = list(indices)

    def __len__(self) -> int:
        return len(self._indices)

    def __getitem__(self, row: int) -> dict[str, Any]:
        return self._dataset[self._indices[row]]

    def together(self) -> dict[str, Any]:
        """Return the batch: one copy of each number, from the file to where it goes."""
        cache, view = self._dataset.cache, self._dataset.view
        # In a worker, torch's collate allocates what it returns in shared memory.
        features = default_collate([cache.features(i, view) for i in self._indices])
        labels = default_collate([cache.label_row(i, view) for i in self._indices])
        lines = [cache.metainfo_line(i, view) for i in self._indices]
        samples = PackedSamples(labels, cache.label_columns, lines)
        return {'inputs': features, 'data_samples': samples}


@FUNCTIONS.register_module()
def cached_collate(
    batch: Sequence[Mapping[str, Any]], _scope_: str | None = None
) -> dict[str, Any]:
    """Put samples of `CachedFeatureDataset` together; ``collate_fn`` of a data loader.

    Of one data set the batch is read at once; of several (``ConcatDataset``) sample by
    sample, which takes longer.

    Args:
        batch: B samples.
        _scope_: Of no meaning; see `mesh_collate`.

    Returns:
        ``inputs`` (B, C, H, W) in the cache's type, and ``data_samples``,
        `PackedSamples` or a list of `MeshDataSample`.
    """
    if isinstance(batch, _Rows):
        return batch.together()
    collated = pseudo_collate(batch)
    return {**collated, 'inputs': torch.stack(collated['inputs'])}
