"""Reading a feature cache."""

from __future__ import annotations

from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import torch
from torch import Tensor

from deforhmr_mm.structures import LabelColumns, MeshDataSample, PackedSamples

from .manifest import CacheManifest, FeatureCacheError
from .storage import DTYPES, check_files, map_array, map_bytes, verify_files

__all__ = ['FeatureCache']


class _MappedShard(NamedTuple):
    """The files of a shard in memory."""

    features: Tensor  # (n, C, H, W)
    labels: Tensor  # (n, D)
    lines: np.ndarray  # bytes of all lines
    ends: np.ndarray  # (n + 1,) where line i begins; it ends before the next begins


class FeatureCache:
    """A finished feature cache, mapped into memory.

    Args:
        folder: Folder of the cache.
        verify: Compare every file with its checksum now, which reads all of them; else
            only their sizes are looked at.

    Raises:
        FeatureCacheError: If there is no cache, it is not finished, or a file is
            missing or damaged; it names the file.

    Attributes:
        manifest: What the cache says of itself, see `CacheManifest`.
    """

    def __init__(self, folder: str | Path, verify: bool = False) -> None:
        self.folder = Path(folder)
        self.manifest = CacheManifest.load(self.folder)
        expected = len(self.manifest.all_shards)
        if len(self.manifest.shards) != expected:
            raise FeatureCacheError(
                f'The cache {self.folder} is not finished: its manifest has '
                f'{len(self.manifest.shards)} of {expected} shards. Run '
                'tools/cache_features.py again, and it goes on where it stopped.'
            )
        check = verify_files if verify else check_files
        for record in self.manifest.shards:
            check(self.folder, record)
        self._per_view = expected // self.manifest.views
        self._num_labels = sum(torch.Size(s).numel() for _, s in self.manifest.labels)
        self._mapped: list[_MappedShard | None] = [None] * expected

    def __len__(self) -> int:
        """Return the number of samples."""
        return self.manifest.num_samples

    def __getstate__(self) -> dict[str, Any]:
        """Leave the maps behind: another process makes its own."""
        return {**self.__dict__, '_mapped': [None] * len(self._mapped)}

    @property
    def views(self) -> int:
        """How many views there are of each sample."""
        return self.manifest.views

    @property
    def label_columns(self) -> LabelColumns:
        """Name and shape of each label in a row of labels."""
        return self.manifest.labels

    def features(self, index: int, view: int = 0) -> Tensor:
        """Features (C, H, W) of a sample, in the stored type; mapped, not copied."""
        shard, row = self._find(index, view)
        return shard.features[row]

    def label_row(self, index: int, view: int = 0) -> Tensor:
        """All labels of a sample (D,), see `label_columns`; mapped, not copied."""
        shard, row = self._find(index, view)
        return shard.labels[row]

    def metainfo_line(self, index: int, view: int = 0) -> bytes:
        """Metadata of a sample as one line of JSON (`decode_metainfo`)."""
        shard, row = self._find(index, view)
        return bytes(shard.lines[shard.ends[row] : shard.ends[row + 1]])

    def sample(self, index: int, view: int = 0) -> MeshDataSample:
        """Labels and metadata of a sample, as `PackMeshInputs` made them."""
        labels = self.label_row(index, view)[None].clone()
        line = self.metainfo_line(index, view)
        return PackedSamples(labels, self.label_columns, [line])[0]

    def verify(self) -> None:
        """Compare every file with its checksum.

        Raises:
            FeatureCacheError: If one differs; it names the file.
        """
        for record in self.manifest.shards:
            verify_files(self.folder, record)

    def _find(self, index: int, view: int) -> tuple[_MappedShard, int]:
        if not 0 <= index < len(self) or not 0 <= view < self.views:
            raise IndexError(
                f'The cache {self.folder} has {len(self)} samples in {self.views} '
                f'views, but sample {index} of view {view} was asked for.'
            )
        number, row = divmod(index, self.manifest.shard_size)
        number += view * self._per_view
        shard = self._mapped[number]
        if shard is None:
            shard = self._mapped[number] = self._map(self.manifest.shards[number])
        return shard, row

    def _map(self, record: dict[str, Any]) -> _MappedShard:
        rows = record['stop'] - record['start']
        paths = {
            kind: self.folder / file['name'] for kind, file in record['files'].items()
        }
        stored = DTYPES[self.manifest.dtype]
        shape = (rows, *self.manifest.feature_shape)
        lines = map_bytes(paths['metainfo']).numpy()
        ends = np.flatnonzero(lines == ord('\n')) + 1
        if len(ends) != rows:
            raise FeatureCacheError(
                f'The cache file {paths["metainfo"]} is damaged: it has {len(ends)} '
                f'lines for {rows} samples.'
            )
        labels = map_array(
            paths['labels'], '<f4', (rows, self._num_labels), torch.float32
        )
        return _MappedShard(
            features=map_array(paths['features'], stored.numpy, shape, stored.torch),
            labels=labels,
            lines=lines,
            ends=np.concatenate(([0], ends)),
        )
