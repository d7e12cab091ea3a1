"""What a feature cache says of itself: ``manifest.json``."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any, NamedTuple

from deforhmr_mm.datasets import AnnotationError
from deforhmr_mm.whole_files import write_json

__all__ = [
    'CacheManifest',
    'CacheMismatchError',
    'FeatureCacheError',
    'Shard',
    'differences',
    'plain',
]

FORMAT = 'deforhmr_mm feature cache'
VERSION = 1
NAME = 'manifest.json'
# What must be the same for two runs to add to one cache.
IDENTITY = (
    'encoder',
    'pipeline',
    'dtype',
    'feature_shape',
    'dataset_name',
    'source',
    'num_samples',
    'seed',
    'metainfo',
)
MAX_LISTED = 6


class FeatureCacheError(AnnotationError):
    """A feature cache is missing, unfinished, damaged, or not what was asked for."""


class CacheMismatchError(FeatureCacheError):
    """A cache is of another encoder, pipeline, data set or body."""


class Shard(NamedTuple):
    """Samples `start` to `stop` (without it) as one view shows them."""

    view: int
    start: int
    stop: int

    @property
    def rows(self) -> int:
        """How many samples that are."""
        return self.stop - self.start


@dataclass
class CacheManifest:
    """Content of ``manifest.json``.

    Args:
        num_samples: Samples of the data set.
        feature_shape: (C, H, W) of one sample's features.
        dtype: ``'float16'``, ``'bfloat16'`` or ``'float32'``, of the stored features.
        views: How many augmented views there are of each sample.
        shard_size: Samples in a shard; the last one of a view may have fewer.
        seed: What the views were drawn with; view k of sample i depends on (seed, i, k)
            alone. None where nothing was drawn.
        dataset_name: Name of the data set.
        metainfo: ``metainfo`` of the data set, its body's fingerprint among it.
        encoder: What computed the features; ``weights`` is the SHA-256 of its weights.
        pipeline: Transforms from picture to encoder's input, as in a config.
        source: The data set's config without pipeline and folder.
        people: SHA-256 of the data set's picture names, boxes and labels, see
            `people_digest`; None where unknown, as in caches of earlier versions.
        parts: Samples in each part of a concatenation, in order: what `MixtureSampler`
            draws from; None of another data set, or where unknown.
        labels: Name and shape of each label, in the order of the columns.
        shards: One record for each finished shard: ``view``, ``start``, ``stop`` and
            ``files``, each with ``name``, ``size`` in bytes and ``sha256``.
    """

    num_samples: int
    feature_shape: tuple[int, int, int]
    dtype: str = 'float16'
    views: int = 1
    shard_size: int = 512
    seed: int | None = None
    dataset_name: str = ''
    metainfo: dict[str, Any] = field(default_factory=dict)
    encoder: dict[str, Any] = field(default_factory=dict)
    pipeline: list[Any] | None = None
    source: dict[str, Any] = field(default_factory=dict)
    people: str | None = None
    parts: list[int] | None = None
    labels: list[tuple[str, list[int]]] = field(default_factory=list)
    shards: list[dict[str, Any]] = field(default_factory=list)

    @property
    def all_shards(self) -> list[Shard]:
        """The shards that a finished cache has, view by view."""
        return [
            Shard(view, start, min(start + self.shard_size, self.num_samples))
            for view in range(self.views)
            for start in range(0, self.num_samples, self.shard_size)
        ]

    @property
    def encoder_fingerprint(self) -> str:
        """64 hex digits: of the encoder's weights, or else of what is said of it."""
        weights = self.encoder.get('weights')
        if weights is not None:
            return weights
        text = json.dumps(self.encoder, sort_keys=True)
        return hashlib.sha256(text.encode()).hexdigest()

    def identity(self) -> dict[str, Any]:
        """Everything that two runs which add to one cache must agree in."""
        return {key: value for key, value in self._plain().items() if key in IDENTITY}

    def save(self, folder: Path) -> None:
        """Write ``manifest.json`` in one step."""
        head = {'format': FORMAT, 'version': VERSION}
        write_json(folder / NAME, {**head, **self._plain()})

    def _plain(self) -> dict[str, Any]:
        return plain(asdict(self))

    @classmethod
    def load(cls, folder: Path) -> CacheManifest:
        """Read ``manifest.json``.

        Raises:
            FeatureCacheError: If it is missing, damaged, or of another version.
        """
        path = folder / NAME
        if not path.is_file():
            raise FeatureCacheError(
                f'{folder} is no feature cache: there is no {NAME}. '
                'tools/cache_features.py makes one.'
            )
        try:
            content = json.loads(path.read_text('utf-8'))
            found = (content.pop('format'), content.pop('version'))
            if found != (FORMAT, VERSION):
                raise FeatureCacheError(
                    f'{path} is of format {found}, but this version reads '
                    f'{(FORMAT, VERSION)}; make the cache again.'
                )
            return cls(**content)
        except (ValueError, KeyError, TypeError, AttributeError) as error:
            if isinstance(error, FeatureCacheError):
                raise
            raise FeatureCacheError(f'{path} is damaged: {error!r}.') from error


def plain(value: Any) -> Any:
    """Return a value as JSON gives it back: lists for tuples, text for types.

    Without mmengine's notes of the package where a config's base lies (`_scope_`),
    which say nothing of the content.
    """
    return json.loads(json.dumps(value, default=str), object_hook=_without_scope)


def _without_scope(value: dict[str, Any]) -> dict[str, Any]:
    value.pop('_scope_', None)
    return value


def differences(stored: Any, wanted: Any, name: str = '') -> list[str]:
    """Say where two values made of dictionaries, lists and plain values differ.

    Args:
        stored: Of the cache.
        wanted: Of the config or run.
        name: What both are, for the lines.

    Returns:
        A line such as ``pipeline[1].prob: 0.5 in the cache, 0.0 wanted`` for each
        place, the first few of them.

    Example:
        >>> differences({'a': [1, 2]}, {'a': [1, 3]}, 'x')
        ['x.a[1]: 2 in the cache, 3 wanted']
    """
    return _walk(stored, wanted, name)[:MAX_LISTED]


def _walk(stored: Any, wanted: Any, name: str) -> list[str]:
    if isinstance(stored, Mapping) and isinstance(wanted, Mapping):
        keys = [*stored, *(key for key in wanted if key not in stored)]
        dot = '.' if name else ''
        return [
            line
            for key in keys
            for line in _walk(
                stored.get(key, '(nothing)'),
                wanted.get(key, '(nothing)'),
                f'{name}{dot}{key}',
            )
        ]
    if _is_list(stored) and _is_list(wanted) and len(stored) == len(wanted):
        return [
            line
            for index, pair in enumerate(zip(stored, wanted, strict=True))
            for line in _walk(*pair, f'{name}[{index}]')
        ]
    if stored == wanted or (_is_list(stored) and list(stored) == wanted):
        return []
    return [f'{name}: {_short(stored)} in the cache, {_short(wanted)} wanted']


def _is_list(value: Any) -> bool:
    return isinstance(value, Sequence) and not isinstance(value, str)


def _short(value: Any) -> str:
    if _is_list(value):
        # Of a pipeline the types say most.
        value = [x.get('type', x) if isinstance(x, Mapping) else x for x in value]
    text = str(value)
    return text if len(text) <= 120 else f'{text[:117]}...'
