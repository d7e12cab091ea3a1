"""The benchmark's variants: each is its base but for what its name says."""

from pathlib import Path

import pytest
from mmengine.config import Config

from .test_configs import CONFIGS

FOLDER = CONFIGS / 'open_body'
WHOLE = FOLDER / 'deforhmr_vit-tiny_frozen_openbody-v1-256x192.py'
CACHED = FOLDER / 'deforhmr_vit-tiny_cached_openbody-v1.py'
# What all of them have where they are deformable.
START = dict(zero_start=True)


@pytest.mark.parametrize(
    ('name', 'changes'),
    [
        (
            'single-query-regular',
            dict(multi_query=False, cross_attention=dict(START, deformable=False)),
        ),
        ('single-query', dict(multi_query=False)),
        ('regular', dict(cross_attention=dict(START, deformable=False))),
        ('no-position', dict(cross_attention=dict(START, position_bias=None))),
        ('sine-position', dict(cross_attention=dict(START, position_bias='sine'))),
        (
            'learned-position',
            dict(cross_attention=dict(START, position_bias='learned')),
        ),
        ('ms-deform', dict(cross_attention=dict(type='MSDeformCrossAttention'))),
        ('shared-readout', dict(shared_readout=True)),
    ],
)
def test_a_variant_differs_in_its_option_alone(name, changes):
    path = FOLDER / f'deforhmr_vit-tiny_{name}_cached_openbody-v1.py'
    config = Config.fromfile(path).to_dict()
    base = Config.fromfile(CACHED).to_dict()
    head = base['model']['head']
    assert head['cross_attention'] == START and head['shared_readout'] is False
    head.update(changes)
    assert config == base


def test_the_encoder_is_that_of_stage_1():
    stage1 = CONFIGS / 'vitpose' / 'vitpose_vit-tiny_openbody-v1-256x192.py'
    encoder = Config.fromfile(WHOLE).model.backbone.to_dict()
    assert encoder.pop('frozen')
    taken = Path(encoder.pop('init_cfg')['checkpoint'])
    config = Config.fromfile(stage1)
    assert encoder == config.model.backbone.to_dict()
    epochs = config.train_cfg.max_epochs
    assert taken == Path('work_dirs', stage1.stem, f'epoch_{epochs}.pth')


def test_hmr2s_head_has_the_same_sizes():
    config = Config.fromfile(FOLDER / 'hmr2_vit-tiny_cached_openbody-v1.py').to_dict()
    cached = Config.fromfile(CACHED).to_dict()
    head = config['model'].pop('head')
    ours = cached['model'].pop('head')
    assert config == cached
    assert head.pop('type') == 'HMR2Head'
    assert head == {key: ours[key] for key in head}
    own = {'type', 'feat_size', 'box_info', 'shared_readout', 'cross_attention'}
    assert set(ours) - set(head) == own


def test_the_cached_config_reads_what_the_whole_one_makes():
    whole, cached = Config.fromfile(WHOLE), Config.fromfile(CACHED)
    assert whole.model.backbone.frozen
    assert whole.model.backbone.init_cfg.prefix == 'backbone.'
    assert cached.model.head == whole.model.head
    assert cached.model.losses == whole.model.losses
    for loader in ('train_dataloader', 'val_dataloader', 'test_dataloader'):
        assert cached[loader].dataset.pipeline == whole[loader].dataset.pipeline


def test_every_config_is_in_the_table():
    text = (FOLDER / 'README.md').read_text(encoding='utf-8')
    paths = sorted(FOLDER.glob('*.py'))
    assert len(paths) == 11
    for path in paths:
        assert f'({path.name})' in text
