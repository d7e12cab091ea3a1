"""Whether the product of a step is there and whole."""

import json
from collections.abc import Mapping
from pathlib import Path

from deforhmr_mm.engine.feature_cache import CacheManifest, FeatureCacheError

# As in synthetic_v1/manifest.py, which needs the renderer to be imported.
MANIFEST_FILE = 'manifest.json'


def has_people(root: Path, people: Mapping[str, int]) -> bool:
    """Whether a data set has all splits in the wanted sizes.

    Args:
        root: Its folder.
        people: Rows of each split.

    Raises:
        ValueError: A split is larger: rendering it again would cut its annotations.
    """
    path = root / MANIFEST_FILE
    if not path.is_file():
        return False
    splits = json.loads(path.read_text())['splits']
    found = {split: splits.get(split, {}).get('people', 0) for split in people}
    for split, wanted in people.items():
        if found[split] > wanted:
            raise ValueError(
                f'{path}: {split}: expected {wanted} people, got {found[split]}; a '
                'larger data set is not cut: choose another --data'
            )
    return found == dict(people)


def has_views(folder: Path, views: int) -> bool:
    """Whether a feature cache is finished with at least so many views."""
    try:
        manifest = CacheManifest.load(folder)
    except FeatureCacheError:
        return False
    whole = len(manifest.shards) == len(manifest.all_shards)
    return whole and manifest.views >= views
