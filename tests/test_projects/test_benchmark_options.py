"""Config values that depend on the run: where data are, how long, in what batches."""

from pathlib import Path

import pytest
from benchmark.config_options import (
    batch_options,
    data_options,
    length_options,
    own_epochs,
    validates_at_end,
)
from benchmark.presets import STAGE1_CONFIG, VARIANT_CONFIGS
from mmengine.config import Config

ROOT = Path(__file__).parents[2]
ELSEWHERE = dict(vis_backends=[dict(type='TensorboardVisBackend')])


def test_data_roots_are_found_at_any_depth():
    config = dict(
        train_dataloader=dict(
            dataset=dict(datasets=[dict(data_root='a/'), dict(data_root='b/')])
        ),
        val_dataloader=dict(dataset=dict(dataset=dict(data_root='a'))),
        val_evaluator=[dict(type='M'), dict(ann_file='a/x/y.json')],
    )
    assert data_options(config, Path('b')) == {
        'train_dataloader.dataset.datasets.0.data_root': 'b/',
        'val_dataloader.dataset.dataset.data_root': 'b/',
        'val_evaluator.1.ann_file': 'b/x/y.json',
    }


def test_schedules_that_count_epochs_are_scaled():
    config = dict(
        train_cfg=dict(max_epochs=10, val_interval=2),
        param_scheduler=[
            dict(type='LinearLR', by_epoch=False, end=5),
            dict(type='LinearLR', end=1),
            dict(type='CosineAnnealingLR', begin=1, end=10, T_max=9),
        ],
    )
    assert length_options(config, 10, 10) == {}
    assert length_options(config, 10, 20) == {
        'train_cfg.max_epochs': 20,
        'param_scheduler.1.end': 2,
        'param_scheduler.2.T_max': 18,
        'param_scheduler.2.end': 20,
        'param_scheduler.2.begin': 2,
    }


def test_a_schedule_that_is_shortened_ends_after_its_beginning():
    def shortened(epochs, **schedule):
        config = dict(train_cfg={}, param_scheduler=[schedule])
        options = length_options(config, 10, epochs)
        return options['param_scheduler.0.begin'], options.get('param_scheduler.0.end')

    assert shortened(5, begin=4, end=8) == (2, 4)
    assert shortened(2, begin=9, end=10) == (1, 2)
    assert shortened(1, begin=9, end=10) == (0, 1)
    assert shortened(2, begin=9) == (1, None)


def test_the_batch_is_dealt_out():
    config = dict(train_dataloader=dict(batch_size=32), auto_scale_lr=None)
    assert batch_options(config, 1, 'c.py') == {}
    assert batch_options(config, 4, 'c.py') == {'train_dataloader.batch_size': 8}
    config['auto_scale_lr'] = dict(base_batch_size=96)
    assert batch_options(config, 1, 'c.py') == {'train_dataloader.batch_size': 96}
    assert batch_options(config, 2, 'c.py', 32) == {'train_dataloader.batch_size': 16}
    with pytest.raises(ValueError, match='c.py: the batch of 96 .* to 5 processes'):
        batch_options(config, 5, 'c.py')


@pytest.mark.parametrize(
    ('config', 'epochs', 'validates'),
    [
        ({}, 2, False),
        (dict(val_dataloader={}), 2, False),
        (dict(val_dataloader=dict(batch_size=1)), 2, True),
        (dict(val_dataloader=[1], train_cfg=dict(val_begin=3)), 2, False),
        (dict(val_dataloader=[1], train_cfg=dict(val_begin=3)), 3, True),
        (
            dict(
                val_dataloader=[1], visualizer=dict(vis_backends=[dict(type='Other')])
            ),
            *(2, False),
        ),
    ],
)
def test_whether_there_is_a_last_validation(config, epochs, validates):
    assert validates_at_end(config, epochs) is validates


def test_the_benchmark_s_trainings_validate_at_their_end():
    for path in (STAGE1_CONFIG, *VARIANT_CONFIGS.values()):
        assert validates_at_end(Config.fromfile(ROOT / path), 1)


def test_a_config_without_epochs_is_refused():
    config = dict(train_cfg=dict(max_iters=100))
    with pytest.raises(ValueError, match='c.py: train_cfg.max_epochs.*got None'):
        own_epochs(config, 'c.py')
