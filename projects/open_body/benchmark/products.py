"""Whether the product of a step is there, whole, and of what it should be of."""

import json
import zipfile
from collections.abc import Mapping
from functools import lru_cache
from pathlib import Path

import numpy as np
from synthetic_v1.recipe import VERSION

from deforhmr_mm.body_models import OPEN_BODY_PATH, body_fingerprint, load_smpl_file
from deforhmr_mm.engine.checkpoints import load_checkpoint_safely
from deforhmr_mm.engine.feature_cache import (
    CacheManifest,
    FeatureCacheError,
    encoder_weights,
    weights_fingerprint,
)

# As in synthetic_v1/manifest.py.
MANIFEST_FILE = 'manifest.json'
SEED = 0  # of the data set: other seeds make other people
# What a merged checkpoint takes over from the head's.
HEAD_META = ('epoch', 'iter', 'time', 'seed', 'experiment_name')


def has_people(root: Path, people: Mapping[str, int]) -> bool:
    """Whether a folder has data set v1, all splits in the wanted sizes.

    Args:
        root: The folder, with the manifest and the splits' annotation files.
        people: Rows of each split.

    Raises:
        ValueError: It has another data set, a file of labels cannot be read, or a split
            is larger: rendering it again would cut its annotations.
    """
    path = root / MANIFEST_FILE
    if not path.is_file():
        return False
    manifest = json.loads(path.read_text())
    for key, wanted in _data_set().items():
        if manifest.get(key, wanted) != wanted:
            raise ValueError(
                f'{path}: {key}: expected {wanted!r}, got {manifest[key]!r}: the '
                'folder has other people than the benchmark; choose another --data'
            )
    splits = manifest['splits']
    found = {split: splits.get(split, {}).get('people', 0) for split in people}
    for split, wanted in people.items():
        if found[split] > wanted:
            raise ValueError(
                f'{path}: {split}: expected {wanted} people, got {found[split]}; a '
                'larger data set is not cut: choose another --data'
            )
    return found == dict(people) and all(
        _rows(root / 'annotations' / f'{split}.npz') == wanted
        for split, wanted in people.items()
    )


def _rows(path: Path) -> int:
    """Labelled people of an annotation file; none if it is not there."""
    if not path.is_file():
        return 0
    try:
        with np.load(path) as file:
            return len(file['scale'])
    except (EOFError, KeyError, ValueError, zipfile.BadZipFile) as error:
        raise ValueError(
            f'{path}: expected labels with `scale`, got a file without or one that '
            'cannot be read; delete it, and the data step writes it again'
        ) from error


@lru_cache
def _data_set() -> dict[str, object]:
    body = body_fingerprint(load_smpl_file(OPEN_BODY_PATH))
    return {'version': VERSION, 'seed': SEED, 'body_fingerprint': body}


def label_sums(root: Path, people: Mapping[str, int]) -> dict[str, str]:
    """Check sums of the labels of a data set's splits; none of one that is not made.

    Args:
        root: As `has_people` takes it.
        people: Likewise.

    Raises:
        ValueError: As from `has_people`.
    """
    if not has_people(root, people):
        return {}
    splits = json.loads((root / MANIFEST_FILE).read_text())['splits']
    return {split: splits[split]['annotations'] for split in people}


def has_views(folder: Path, views: int, encoder: Path, people: int) -> bool:
    """Whether a feature cache is finished.

    A cache with fewer views is not: more are added to it. Which people it has is not
    looked at: `has_people` lets one data set pass, and so many of it are the same.

    Args:
        folder: Of the cache.
        views: Wanted for each person.
        encoder: Checkpoint of the encoder that the features are to be of.
        people: Rows of the split.

    Raises:
        ValueError: The cache is of another encoder or of one that is still to be
            trained, of another number of people, or has more views: heads would be
            trained on it.
    """
    try:
        manifest = CacheManifest.load(folder)
    except FeatureCacheError:
        return False
    advice = 'choose other --features, or delete the folder'
    if manifest.num_samples != people:
        raise ValueError(
            f'{folder}: expected features of {people} people, got those of '
            f'{manifest.num_samples}; {advice}'
        )
    if manifest.views > views:
        raise ValueError(
            f'{folder}: expected {views} views of each person, got {manifest.views}, '
            f'which heads would be trained on; {advice}'
        )
    if not encoder.is_file():
        raise ValueError(
            f'{folder}: expected no features yet, since the encoder {encoder} is not '
            f'there, got those of another one '
            f'({manifest.encoder_fingerprint[:12]}); {advice}'
        )
    wanted = encoder_sum(encoder)
    if manifest.encoder_fingerprint != wanted:
        raise ValueError(
            f'{folder}: expected features of the encoder {encoder} ({wanted[:12]}), '
            f'got those of another one ({manifest.encoder_fingerprint[:12]}); {advice}'
        )
    whole = len(manifest.shards) == len(manifest.all_shards)
    return whole and manifest.views == views


def encoder_sum(checkpoint: Path) -> str:
    """Fingerprint of the encoder in a file."""
    return _encoder_sum(checkpoint, checkpoint.stat().st_mtime_ns)


@lru_cache
def _encoder_sum(checkpoint: Path, changed: int) -> str:
    """Computed again only when the file has changed."""
    return weights_fingerprint(
        encoder_weights(load_checkpoint_safely(checkpoint)['state_dict'])
    )


def is_trained(checkpoint: Path, epoch: int, validates: bool) -> bool:
    """Whether a training is through: its last checkpoint is there, and validated.

    The checkpoint is written first. A training that ended in between does the
    validation alone when it is resumed.

    Args:
        checkpoint: Of the last epoch, in the work dir.
        epoch: That epoch.
        validates: Whether the training ends with a validation.
    """
    if not checkpoint.is_file():
        return False
    logs = checkpoint.parent.glob('*/vis_data/scalars.json')
    return not validates or any(_has_validation(log, epoch) for log in logs)


def _has_validation(log: Path, epoch: int) -> bool:
    for line in log.read_text().splitlines():
        try:
            row = json.loads(line)
        except ValueError:
            continue  # a killed training can leave half of a line
        # Rows of training have an iteration, too.
        if row.get('step') == epoch and 'iter' not in row:
            return True
    return False


def is_model_of(model: Path, head: Path) -> bool:
    """Whether a whole model is there and was made of this head.

    Args:
        model: Its checkpoint.
        head: Checkpoint of the head's training.
    """
    if not model.is_file() or not head.is_file():
        return False
    made, wanted = (
        load_checkpoint_safely(path).get('meta', {}) for path in (model, head)
    )
    return all(made.get(key) == wanted.get(key) for key in HEAD_META)
