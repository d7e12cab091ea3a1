"""Features of a frozen encoder, computed once and read in every epoch."""

from .building import (
    SeededViews,
    encode_with,
    find_pipeline,
    find_source,
    seeded,
    write_shards,
)
from .dataset import CachedFeatureDataset, cached_collate
from .encoder import (
    build_encoder,
    describe_encoder,
    encoder_weights,
    weights_fingerprint,
    with_encoder,
    without_encoder,
)
from .hook import CachedFeaturesHook
from .manifest import CacheManifest, CacheMismatchError, FeatureCacheError, Shard
from .people import people_digest
from .reader import FeatureCache
from .size import check_free_space, features_size, readable_size
from .writer import FeatureCacheWriter

__all__ = [
    'CacheManifest',
    'CacheMismatchError',
    'CachedFeatureDataset',
    'CachedFeaturesHook',
    'FeatureCache',
    'FeatureCacheError',
    'FeatureCacheWriter',
    'SeededViews',
    'Shard',
    'build_encoder',
    'cached_collate',
    'check_free_space',
    'describe_encoder',
    'encode_with',
    'encoder_weights',
    'features_size',
    'find_pipeline',
    'find_source',
    'people_digest',
    'readable_size',
    'seeded',
    'weights_fingerprint',
    'with_encoder',
    'without_encoder',
    'write_shards',
]
