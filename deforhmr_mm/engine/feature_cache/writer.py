"""Writing a feature cache, shard by shard."""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor

from deforhmr_mm.structures import MeshDataSample, encode_metainfo
from deforhmr_mm.whole_files import write_json

from .manifest import (
    NAME,
    CacheManifest,
    CacheMismatchError,
    FeatureCacheError,
    Shard,
    differences,
)
from .storage import DTYPES, NewFile, array_header, check_files, shard_stem

__all__ = ['FeatureCacheWriter']

Batch = tuple[Tensor, Sequence[MeshDataSample]]


class FeatureCacheWriter:
    """Write features and labels that anything may have computed.

    A folder that already has a cache of the same kind is gone on with: finished shards
    are kept, and it may get more views than it has. Several processes may write
    different shards of one cache at the same time; one of them finishes it.

    Args:
        folder: Folder of the cache; made if it is not there.
        manifest: What the cache is; `labels` and `shards` are filled in here.

    Raises:
        CacheMismatchError: If the folder has a cache of another kind, it says where
            they differ, or of other people.
        FeatureCacheError: If the manifest cannot be.

    Example:
        >>> import tempfile, torch
        >>> from deforhmr_mm.structures import MeshDataSample
        >>> folder = tempfile.mkdtemp()
        >>> manifest = CacheManifest(2, (4, 1, 1), encoder={'name': 'hosted'})
        >>> writer = FeatureCacheWriter(folder, manifest)
        >>> samples = [MeshDataSample(metainfo=dict(img_id=i)) for i in range(2)]
        >>> for shard in writer.pending():
        ...     writer.write(shard, [(torch.ones(2, 4, 1, 1), samples)])
        >>> writer.finish().shards[0]['files']['metainfo']['name']
        'view000/00000.metainfo.jsonl'
    """

    def __init__(self, folder: str | Path, manifest: CacheManifest) -> None:
        self.folder = Path(folder)
        _check(manifest)
        if (self.folder / NAME).is_file():
            self.manifest = self._go_on(CacheManifest.load(self.folder), manifest)
        else:
            self.folder.mkdir(parents=True, exist_ok=True)
            self.manifest = replace(manifest, labels=[], shards=[])
        self._is_noted = False
        self._type = DTYPES[manifest.dtype]

    def _go_on(self, stored: CacheManifest, wanted: CacheManifest) -> CacheManifest:
        found = differences(stored.identity(), wanted.identity())
        if wanted.views < stored.views:
            found.append(
                f'views: {stored.views} in the cache, {wanted.views} wanted (there can '
                'be more, but not fewer)'
            )
        # Caches of earlier versions and of foreign data sets know no people.
        if (
            None not in (stored.people, wanted.people)
            and stored.people != wanted.people
        ):
            found.append(
                'people: picture names, boxes or labels of the data set changed since '
                f'the cache was made (SHA-256 {stored.people[:12]}... in the cache, '
                f'{wanted.people[:12]}... now)'
            )
        if found:
            raise CacheMismatchError(
                f'{self.folder} has a cache of another kind: {"; ".join(found)}. '
                'Choose another folder, or delete it.'
            )
        # Nor do caches of earlier versions know their parts.
        return replace(stored, views=wanted.views, parts=stored.parts or wanted.parts)

    def pending(self) -> list[Shard]:
        """Return the shards that are not written yet, view by view."""
        done = {}
        for record in self.manifest.shards:
            done[_shard_of(record)] = record
        return [
            shard
            for shard in self.manifest.all_shards
            if not self._is_whole(done.get(shard) or self._receipt(shard))
        ]

    def _is_whole(self, record: dict[str, Any] | None) -> bool:
        if record is None:
            return False
        try:
            check_files(self.folder, record)
        except FeatureCacheError:
            return False
        return True

    def _receipt_path(self, shard: Shard) -> Path:
        stem = shard_stem(shard, self.manifest.shard_size)
        return self.folder / f'{stem}.done.json'

    def _receipt(self, shard: Shard) -> dict[str, Any] | None:
        """The record of a shard that was written since the manifest was."""
        try:
            return json.loads(self._receipt_path(shard).read_text('utf-8'))
        except (FileNotFoundError, ValueError):
            return None

    def write(self, shard: Shard, batches: Iterable[Batch]) -> None:
        """Write one shard.

        Args:
            shard: One of `pending`.
            batches: Features (B, C, H, W), of any type and device, and B samples with
                the same labels, for all rows of the shard in order.

        Raises:
            FeatureCacheError: If the batches have another number of rows, features of
                another shape, numbers that are not finite in the cache's type, or
                samples with other labels.
        """
        if not self._is_noted:
            # Not before: whoever decides to write nothing leaves the cache as it was.
            self.manifest.save(self.folder)
            self._is_noted = True
        stem = shard_stem(shard, self.manifest.shard_size)
        names = {
            'features': f'{stem}.features.npy',
            'labels': f'{stem}.labels.npy',
            'metainfo': f'{stem}.metainfo.jsonl',
        }
        files = {kind: NewFile(self.folder, name) for kind, name in names.items()}
        try:
            columns = self._fill(shard, batches, files)
            record = {
                **shard._asdict(),
                'files': {kind: file.finish() for kind, file in files.items()},
                'labels': columns,
            }
            write_json(self._receipt_path(shard), record)
        finally:
            for file in files.values():
                file.discard()

    def _fill(
        self, shard: Shard, batches: Iterable[Batch], files: dict[str, NewFile]
    ) -> list[tuple[str, list[int]]]:
        shape = tuple(self.manifest.feature_shape)
        files['features'].write(array_header(self._type.numpy, (shard.rows, *shape)))
        columns: list[tuple[str, list[int]]] | None = None
        rows = 0
        for features, samples in batches:
            if tuple(features.shape) != (len(samples), *shape):
                raise FeatureCacheError(
                    f'Features of shape {(len(samples), *shape)} were expected for '
                    f'{len(samples)} samples, but came with {tuple(features.shape)}.'
                )
            files['features'].write(self._feature_bytes(features, samples))
            labels, found = _label_matrix(samples)
            if columns is None:
                columns = found
                head = array_header('<f4', (shard.rows, labels.shape[1]))
                files['labels'].write(head)
            elif columns != found:
                raise FeatureCacheError(
                    f'All samples must have the same labels, but after {columns} came '
                    f'{found} ({_name(samples[0])}).'
                )
            files['labels'].write(labels)
            for sample in samples:
                metainfo = sample.metainfo
                files['metainfo'].write(encode_metainfo(metainfo) + b'\n')
            rows += len(samples)
        if rows != shard.rows:
            raise FeatureCacheError(
                f'{shard} has {shard.rows} rows, but {rows} were given.'
            )
        return columns

    def _feature_bytes(
        self, features: Tensor, samples: Sequence[MeshDataSample]
    ) -> np.ndarray:
        stored = features.detach().to(self._type.torch).cpu().contiguous()
        finite = stored.flatten(1).isfinite().all(1)
        if not finite.all():
            row = int(finite.int().argmin())
            largest = float(features[row].float().abs().max())
            raise FeatureCacheError(
                f'The features of {_name(samples[row])} are not finite in '
                f'{self.manifest.dtype} (largest number: {largest:g}); float16 ends at '
                '65504, bfloat16 and float32 do not.'
            )
        return stored.flatten().view(torch.uint8).numpy()

    def finish(self) -> CacheManifest:
        """Take the written shards up into the manifest, which completes the cache.

        Returns:
            The manifest.

        Raises:
            FeatureCacheError: If a shard is missing, or shards have different labels.
        """
        missing = self.pending()
        if missing:
            raise FeatureCacheError(
                f'{self.folder} is not finished: {len(missing)} of '
                f'{len(self.manifest.all_shards)} shards are missing, {missing[0]} the '
                'first.'
            )
        labels = self.manifest.labels or None
        known = {_shard_of(record): record for record in self.manifest.shards}
        for shard in self.manifest.all_shards:
            record = self._receipt(shard)
            if record is None:
                continue
            found = record.pop('labels')
            if labels is not None and _plain(labels) != _plain(found):
                raise FeatureCacheError(
                    f'The shards of {self.folder} have different labels: {labels} and, '
                    f'in {shard}, {found}.'
                )
            labels = found
            known[shard] = record
        self.manifest = replace(
            self.manifest,
            labels=labels,
            shards=[known[shard] for shard in self.manifest.all_shards],
        )
        self.manifest.save(self.folder)
        for shard in self.manifest.all_shards:
            self._receipt_path(shard).unlink(missing_ok=True)
        return self.manifest


def _check(manifest: CacheManifest) -> None:
    if manifest.dtype not in DTYPES:
        raise FeatureCacheError(
            f'dtype must be one of {sorted(DTYPES)}, but is {manifest.dtype!r}.'
        )
    for name in ('num_samples', 'views', 'shard_size'):
        if getattr(manifest, name) < 1:
            raise FeatureCacheError(
                f'{name} must be at least 1, but is {getattr(manifest, name)}.'
            )
    if len(manifest.feature_shape) != 3:
        raise FeatureCacheError(
            f'feature_shape must be (C, H, W), but is {manifest.feature_shape}.'
        )


def _label_matrix(
    samples: Sequence[MeshDataSample],
) -> tuple[np.ndarray, list[tuple[str, list[int]]]]:
    """The labels of B samples as (B, D) float32, and what the columns are."""
    rows, columns = [], None
    for sample in samples:
        labels = sample.gt_instances if 'gt_instances' in sample else {}
        # mmengine keeps the names in a set, whose order differs between processes.
        labels = dict(sorted(labels.items()))
        found = [(name, list(value.shape)) for name, value in labels.items()]
        if columns is not None and found != columns:
            raise FeatureCacheError(
                f'All samples must have the same labels, but {_name(sample)} has '
                f'{found}, and others have {columns}.'
            )
        columns = found
        values = [value.detach().cpu().float().flatten() for value in labels.values()]
        rows.append(torch.cat(values) if values else torch.empty(0))
    return torch.stack(rows).numpy(), columns


def _shard_of(record: dict[str, Any]) -> Shard:
    return Shard(record['view'], record['start'], record['stop'])


def _plain(columns: Iterable[Sequence]) -> list[list]:
    return [[name, list(shape)] for name, shape in columns]


def _name(sample: MeshDataSample) -> str:
    return str(sample.metainfo.get('sample_id', sample.metainfo.get('img_path')))
