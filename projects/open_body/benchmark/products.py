"""Whether the product of a step is there and whole."""

import json
from collections.abc import Mapping
from functools import lru_cache
from pathlib import Path

from deforhmr_mm.engine.checkpoints import load_checkpoint_safely
from deforhmr_mm.engine.feature_cache import (
    CacheManifest,
    FeatureCacheError,
    encoder_weights,
    weights_fingerprint,
)

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


def has_views(folder: Path, views: int, encoder: Path) -> bool:
    """Whether a feature cache is finished with at least so many views.

    Args:
        folder: Of the cache.
        views: Wanted for each person.
        encoder: Checkpoint of the encoder that the features are to be of.

    Raises:
        ValueError: The features are of another encoder: heads would be trained on them.
    """
    try:
        manifest = CacheManifest.load(folder)
    except FeatureCacheError:
        return False
    whole = len(manifest.shards) == len(manifest.all_shards)
    if not whole or manifest.views < views or not encoder.is_file():
        return False
    wanted = _fingerprint(encoder, encoder.stat().st_mtime_ns)
    if manifest.encoder_fingerprint != wanted:
        raise ValueError(
            f'{folder}: expected features of the encoder {encoder} ({wanted[:12]}), '
            f'got those of another one ({manifest.encoder_fingerprint[:12]}); choose '
            'other --features, or delete the folder'
        )
    return True


@lru_cache
def _fingerprint(checkpoint: Path, changed: int) -> str:
    """Of the encoder in a file; read again only when it has changed."""
    return weights_fingerprint(
        encoder_weights(load_checkpoint_safely(checkpoint)['state_dict'])
    )
