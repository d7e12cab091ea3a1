"""What train.py makes of a config and its options before it builds anything."""

import runpy

import pytest
import torch

from deforhmr_mm.engine.checkpoints import CheckpointError
from tests.tiny_training import ROOT


@pytest.fixture
def merged(tmp_path, monkeypatch):
    """Call of train.py up to the runner: merged(options...) -> the config."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv('LOCAL_RANK', '0')
    (tmp_path / 'second.py').write_text("load_from = 'work_dirs/first/epoch_18.pth'")

    def call(*options):
        monkeypatch.setattr('sys.argv', ['train', 'second.py', *options])
        tool = runpy.run_path(str(ROOT / 'tools' / 'train.py'))
        args = tool['parse_args']()
        config = tool['load_config'](args.config, args.cfg_options)
        tool['merge_args'](config, args)
        return config

    return call


def test_the_message_says_whose_it_is_and_what_works(merged):
    with pytest.raises(FileNotFoundError) as error:
        merged()
    text = str(error.value)
    assert 'work_dirs/first/epoch_18.pth does not exist; it is load_from of the' in text
    assert '--cfg-options load_from=FILE' in text
    assert 'load_from=None begins from random weights' in text
    assert merged('--cfg-options', 'load_from=None').load_from is None


def test_the_checkpoint_of_the_command_line_is_not_the_config_s(merged):
    with pytest.raises(FileNotFoundError, match=r'last\.pth does not exist\.$'):
        merged('--resume', 'last.pth')


WHOLE = dict(
    state_dict={},
    optimizer={},
    param_schedulers=[],
    message_hub={},
    meta=dict(epoch=1, iter=8),
)
SCHEDULED = ('--cfg-options', 'param_scheduler.type=LinearLR')


@pytest.mark.parametrize(
    ('content', 'missing'),
    [
        ({'state_dict': {}}, 'optimizer, message_hub, meta.epoch, meta.iter'),
        # As mmengine writes best_*.pth.
        (
            {**WHOLE, 'optimizer': None, 'param_schedulers': None},
            'optimizer, param_schedulers',
        ),
        ({**WHOLE, 'param_schedulers': None}, 'param_schedulers'),
        ({**WHOLE, 'meta': {}}, 'meta.epoch, meta.iter'),
    ],
)
def test_weights_alone_are_not_resumed_from(merged, tmp_path, content, missing):
    content = {key: value for key, value in content.items() if value is not None}
    torch.save(content, 'best.pth')
    options = SCHEDULED if 'param_schedulers' in missing else ()
    with pytest.raises(CheckpointError) as error:
        merged('--resume', 'best.pth', *options)
    text = str(error.value)
    assert text.startswith(f'best.pth holds weights alone, without {missing}: ')
    assert '--cfg-options load_from=best.pth' in text and 'epoch_N.pth' in text
    assert merged('--cfg-options', 'load_from=best.pth').load_from == 'best.pth'


def test_a_whole_checkpoint_is_resumed_from(merged):
    torch.save(WHOLE, 'whole.pth')
    assert merged('--resume', 'whole.pth', *SCHEDULED).resume
    schedulerless = {k: v for k, v in WHOLE.items() if k != 'param_schedulers'}
    torch.save(schedulerless, 'whole.pth')
    assert merged('--resume', 'whole.pth').resume


@pytest.mark.parametrize(
    ('loop', 'by_epoch'),
    [
        ('type=ResumableEpochBasedTrainLoop', None),
        ('type=ResumableIterBasedTrainLoop', False),
        ('type=IterBasedTrainLoop', False),
        ('by_epoch=False', False),
        ('by_epoch=True', None),
    ],
)
def test_validations_are_logged_by_what_the_loop_counts(merged, loop, by_epoch):
    options = ('load_from=None', f'train_cfg.{loop}')
    logger = 'default_hooks.logger'
    config = merged('--cfg-options', *options, f'{logger}.interval=1')
    assert config.default_hooks.logger.get('log_metric_by_epoch') is by_epoch
    chosen = f'{logger}.log_metric_by_epoch=True'
    config = merged('--cfg-options', *options, chosen)
    assert config.default_hooks.logger.log_metric_by_epoch is True
