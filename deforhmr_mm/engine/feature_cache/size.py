"""How large a cache becomes, told before it is written."""

from __future__ import annotations

import math
from collections.abc import Iterable
from pathlib import Path

from .manifest import CacheManifest, FeatureCacheError, Shard
from .storage import DTYPES

__all__ = ['check_free_space', 'features_size', 'readable_size']


def features_size(manifest: CacheManifest, shards: Iterable[Shard]) -> int:
    """Return the bytes of some shards' features.

    Labels and metadata, some 3 KiB a sample, are not counted, since nobody knows them
    before the first sample is there; nor are the heads of the files.

    Args:
        manifest: What the cache is.
        shards: For example `CacheManifest.all_shards`, or what is still to be written.

    Example:
        >>> manifest = CacheManifest(100_000, (1280, 16, 12), dtype='float16')
        >>> readable_size(features_size(manifest, manifest.all_shards))
        '45.8 GiB'
    """
    numbers = math.prod(manifest.feature_shape) * sum(shard.rows for shard in shards)
    return numbers * DTYPES[manifest.dtype].torch.itemsize


def readable_size(size: int) -> str:
    """Return a number of bytes as text, ``1.5 MiB`` for example."""
    exponent = min(max(size.bit_length() - 1, 0) // 10, 4)
    unit = ('bytes', 'KiB', 'MiB', 'GiB', 'TiB')[exponent]
    return f'{size / 1024**exponent:.{1 if exponent else 0}f} {unit}'


def check_free_space(folder: str | Path, needed: int, free: int) -> None:
    """Check that a cache's features will find room.

    Args:
        folder: Of the cache, for the message.
        needed: Bytes of the features that are still to be written.
        free: Bytes that the folder's disk has left, see `shutil.disk_usage`.

    Raises:
        FeatureCacheError: If they will not.
    """
    if needed > free:
        raise FeatureCacheError(
            f'{folder}: {readable_size(needed)} of features are still to be written, '
            f'but its disk has {readable_size(free)} left. Make room, choose another '
            'folder (--out), or cache less (--views, --dtype float16).'
        )
