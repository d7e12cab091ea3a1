"""Filling a cache: seeded views of a data set through the encoder."""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from itertools import islice
from typing import Any

import cv2
import numpy as np
import torch
from torch import Tensor, nn
from torch.utils.data import DataLoader, Dataset

from deforhmr_mm.datasets import mesh_collate

from .manifest import Shard, plain
from .writer import FeatureCacheWriter

__all__ = [
    'SeededViews',
    'encode_with',
    'find_pipeline',
    'find_source',
    'seeded',
    'write_shards',
]

# Where a data set lies differs between machines, and says nothing of its content.
PLACES = ('pipeline', 'data_root', 'lazy_init', 'serialize_data', 'test_mode')


@contextmanager
def seeded(*numbers: int) -> Iterator[None]:
    """Draw from generators that depend on `numbers` alone; restore them afterwards.

    For Python's, numpy's and torch's global generators, which transforms draw from.
    """
    before = random.getstate(), np.random.get_state()
    words = np.random.SeedSequence(numbers).generate_state(8)
    with torch.random.fork_rng(devices=[]):
        torch.default_generator.manual_seed(int(words[1]))
        random.seed(int(words[0]))
        np.random.seed(words)
        try:
            yield
        finally:
            random.setstate(before[0])
            np.random.set_state(before[1])


class SeededViews(Dataset):
    """Views of a data set's samples, each drawn with a seed of its own.

    ``views[view, index]`` depends on (seed, index, view) alone, and not on the process
    that draws it or on what it drew before.

    Args:
        dataset: With random transforms in its pipeline.
        seed: Not negative.
    """

    def __init__(self, dataset: Dataset, seed: int = 0) -> None:
        self.dataset = dataset
        self.seed = seed

    def __len__(self) -> int:
        """Return the number of samples of one view."""
        return len(self.dataset)

    def __getitem__(self, view_and_index: tuple[int, int]) -> dict[str, Any]:
        """Return a view of a sample."""
        view, index = view_and_index
        with seeded(self.seed, index, view):
            return self.dataset[index]


def write_shards(
    writer: FeatureCacheWriter,
    shards: Sequence[Shard],
    views: SeededViews,
    encode: Callable[[Mapping[str, Any]], Tensor],
    batch_size: int,
    num_workers: int = 0,
    collate_fn: Callable = mesh_collate,
    progress: Callable[[int], None] = lambda count: None,
) -> None:
    """Write shards of a cache.

    Batches never reach over a shard's end, so that what is computed together does not
    depend on which process has which shards.

    Args:
        writer: Of the cache.
        shards: Which to write; may be none.
        views: Of the data set.
        encode: From a batch (``inputs`` and ``data_samples``) to features (B, C, H, W).
        batch_size: Samples that are encoded together.
        num_workers: Processes that read pictures.
        collate_fn: Makes a batch of samples.
        progress: Called with the number of samples after each batch.
    """
    batches = [_batches(shard, batch_size) for shard in shards]
    loader = DataLoader(
        views,
        batch_sampler=[batch for of_shard in batches for batch in of_shard],
        num_workers=num_workers,
        collate_fn=collate_fn,
        worker_init_fn=_calm_worker,
    )
    encoded = _encoded(iter(loader), encode, progress)
    for shard, of_shard in zip(shards, batches, strict=True):
        writer.write(shard, islice(encoded, len(of_shard)))


def _encoded(
    loader: Iterator, encode: Callable, progress: Callable[[int], None]
) -> Iterator[tuple[Tensor, Sequence]]:
    for batch in loader:
        yield encode(batch), batch['data_samples']
        progress(len(batch['data_samples']))


def _batches(shard: Shard, batch_size: int) -> list[list[tuple[int, int]]]:
    rows = range(shard.start, shard.stop)
    return [
        [(shard.view, index) for index in rows[start : start + batch_size]]
        for start in range(0, len(rows), batch_size)
    ]


def _calm_worker(worker: int) -> None:
    """Let each worker keep to one core."""
    cv2.setNumThreads(0)


def encode_with(
    encoder: nn.Module, preprocessor: nn.Module, amp: bool = False
) -> Callable[[Mapping[str, Any]], Tensor]:
    """Return a function from a batch of pictures to the encoder's features.

    Args:
        encoder: (B, 3, H, W) -> (B, C, h, w).
        preprocessor: Moves and normalises the pictures.
        amp: Encode under bfloat16 autocast.

    Raises:
        ValueError: From the function, if the encoder gives several levels.
    """

    @torch.no_grad()
    def encode(batch: Mapping[str, Any]) -> Tensor:
        # Labels stay where they are.
        inputs = preprocessor({'inputs': batch['inputs']})['inputs']
        with torch.autocast(inputs.device.type, torch.bfloat16, enabled=amp):
            features = encoder(inputs)
        if isinstance(features, tuple | list) and len(features) == 1:
            features = features[0]
        if not isinstance(features, Tensor):
            raise ValueError(
                f'A cache holds one feature map for each picture, but the backbone '
                f'gives {len(features)} levels; choose one of them in its config.'
            )
        return features

    return encode


def find_pipeline(dataset: Mapping[str, Any]) -> list[Any]:
    """Return the pipeline of a data set's config; of several, all that differ."""
    found = [plain(pipeline) for pipeline in _pipelines(dataset)]
    unique = [p for i, p in enumerate(found) if p not in found[:i]]
    return unique[0] if len(unique) == 1 else unique


def _pipelines(dataset: Mapping[str, Any]) -> Iterator[Sequence]:
    if 'pipeline' in dataset:
        yield dataset['pipeline']
    for inner in dataset.get('datasets', [dataset.get('dataset')]):
        if inner is not None:
            yield from _pipelines(inner)


def find_source(dataset: Mapping[str, Any]) -> dict[str, Any]:
    """Return a data set's config without its pipeline and its folder."""
    return plain(_without_places(dataset))


def _without_places(config: Any) -> Any:
    if isinstance(config, Mapping):
        return {
            key: _without_places(value)
            for key, value in config.items()
            if key not in PLACES
        }
    if isinstance(config, list | tuple):
        return [_without_places(value) for value in config]
    return config
