import pytest

from deforhmr_mm.engine.feature_cache import (
    CacheManifest,
    FeatureCacheError,
    check_free_space,
    features_size,
    readable_size,
)
from tests.test_engine.test_feature_cache import small_cache as made


@pytest.mark.parametrize('dtype', ['float16', 'bfloat16', 'float32'])
def test_it_is_what_the_files_have_without_their_heads(write, dtype):
    folder = write(dtype=dtype)
    manifest = CacheManifest.load(folder)
    files = list(folder.rglob('*.features.npy'))
    assert len(files) == 4  # 5 samples in 2 views, 3 in a shard
    on_disk = sum(path.stat().st_size for path in files) - 128 * len(files)
    assert features_size(manifest, manifest.all_shards) == on_disk
    # The last shard of each view has two samples.
    last = [s for s in manifest.all_shards if s.stop == made.COUNT]
    assert features_size(manifest, last) * 5 == on_disk * 2
    assert features_size(manifest, []) == 0


@pytest.mark.parametrize(
    ('size', 'text'),
    [
        (0, '0 bytes'),
        (1023, '1023 bytes'),
        (1024, '1.0 KiB'),
        (1536 * 2**20, '1.5 GiB'),
        (1100 * 2**40, '1100.0 TiB'),
    ],
)
def test_sizes_to_read(size, text):
    assert readable_size(size) == text


def test_free_space():
    check_free_space('features', 100, 100)
    with pytest.raises(FeatureCacheError) as error:
        check_free_space('features', 3 * 2**40, 2**30)
    text = str(error.value)
    assert text.startswith('features: 3.0 TiB') and 'has 1.0 GiB left' in text
