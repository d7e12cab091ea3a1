"""What configs do to pictures: augmentation in training, none of it beside."""

from pathlib import Path

import pytest
from mmengine.config import Config

from .test_configs import CONFIGS

# Steps that read, cut and pack, and so are in testing too.
PLAIN = {
    'LoadImage',
    'TopdownAffine',
    'PackMeshInputs',
    'ToKeypointSample',
    'mmpose.GenerateTarget',
    'mmpose.PackPoseInputs',
}
BASE = ['RandomFlip', 'RandomTruncation', 'RandomBBoxTransform', 'ColorJitter']
# Those of rendered people; the pictures of v1 are hidden in part already.
RENDERED = {
    'deforhmr_vit-tiny_openbody-256x192': [
        'RandomFlip',
        'RandomBBoxTransform',
        'ColorJitter',
    ],
    'deforhmr_vit-tiny_openbody-v1-256x192': BASE,
    'deforhmr_vit-tiny_frozen_openbody-v1-256x192': BASE,
    'vitpose_vit-tiny_openbody-v1-256x192': BASE,
}
FILES = sorted(
    path
    for path in CONFIGS.rglob('*.py')
    if '_base_' not in path.relative_to(CONFIGS).parts
)


def pipelines(loader: dict) -> list[list[str]]:
    """Types of the steps of each data set of a loader."""
    parts = loader['dataset'].get('datasets', [loader['dataset']])
    return [[step['type'] for step in part['pipeline']] for part in parts]


@pytest.fixture(params=FILES, ids=lambda path: path.stem)
def path(request) -> Path:
    return request.param


def test_the_base_s_augmentation_is_this():
    config = Config.fromfile(CONFIGS / '_base_' / 'datasets' / 'pipelines.py')
    types = [step['type'] for step in config.train_pipeline]
    assert [name for name in types if name not in PLAIN] == [*BASE, 'RandomErasing']


def test_a_config_augments_as_the_base_does_or_is_named(path):
    config = Config.fromfile(path)
    if 'train_dataloader' not in config:
        pytest.skip('no training')
    expected = RENDERED.get(path.stem, [*BASE, 'RandomErasing'])
    if '_cached_' in path.stem and 'vit-tiny' in path.stem:
        # A cache's views are drawn by the config of the encoder.
        v1 = 'openbody-v1' in path.stem
        name = 'frozen_openbody-v1-256x192' if v1 else 'openbody-256x192'
        expected = RENDERED[f'deforhmr_vit-tiny_{name}']
    for types in pipelines(config.train_dataloader):
        assert [name for name in types if name not in PLAIN] == expected


def test_nothing_is_drawn_in_validation_and_test(path):
    config = Config.fromfile(path)
    for split in ('val', 'test'):
        for types in pipelines(config[f'{split}_dataloader']):
            assert types[0] == 'LoadImage' and set(types) <= PLAIN
