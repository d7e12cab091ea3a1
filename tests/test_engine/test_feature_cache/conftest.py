"""A small cache on the disk."""

import pytest

from tests.test_engine.test_feature_cache import small_cache


@pytest.fixture
def folder(tmp_path):
    """A finished cache."""
    return small_cache.write(tmp_path / 'cache')


@pytest.fixture
def write(tmp_path):
    """Write a cache: write(dtype='float16', ...) -> its folder."""

    def call(name='other', **changes):
        return small_cache.write(tmp_path / name, **changes)

    return call
