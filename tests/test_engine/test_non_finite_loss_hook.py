import types

import pytest
import torch

from deforhmr_mm.engine import NonFiniteLossError, NonFiniteLossHook
from deforhmr_mm.structures import MeshDataSample

RUNNER = types.SimpleNamespace(iter=41)
BATCH = {
    'data_samples': [
        MeshDataSample(metainfo={'sample_id': f'set/{i}', 'img_path': f'{i}.jpg'})
        for i in range(10)
    ]
}


@pytest.mark.parametrize('value', [float('nan'), float('inf'), torch.tensor(torch.nan)])
def test_a_bad_loss_is_named_with_its_samples(value):
    outputs = {'loss': torch.tensor(1.0), 'loss_pose': value, 'acc': float('nan')}
    with pytest.raises(NonFiniteLossError) as error:
        NonFiniteLossHook().after_train_iter(RUNNER, 0, BATCH, outputs)
    text = str(error.value)
    for part in ('Iteration 41', 'loss_pose =', 'set/0 (0.jpg)', 'set/7', 'and 2 more'):
        assert part in text
    assert 'set/8' not in text and 'acc' not in text and 'loss = ' not in text


def test_good_losses_and_other_values_pass():
    outputs = {'loss': torch.tensor(1.0), 'loss_pose': 2.0, 'acc': float('nan')}
    NonFiniteLossHook().after_train_iter(RUNNER, 0, BATCH, outputs)
    NonFiniteLossHook().after_train_iter(RUNNER, 0, None, None)


def test_it_looks_at_its_interval():
    hook = NonFiniteLossHook(interval=10)
    outputs = {'loss': float('nan')}
    hook.after_train_iter(RUNNER, 0, BATCH, outputs)
    with pytest.raises(NonFiniteLossError):
        hook.after_train_iter(types.SimpleNamespace(iter=49), 0, BATCH, outputs)
    with pytest.raises(ValueError, match='interval'):
        NonFiniteLossHook(interval=0)


def test_it_runs_before_a_checkpoint_is_written():
    from mmengine.hooks import CheckpointHook
    from mmengine.runner import get_priority

    own, writer = (
        get_priority(h.priority) for h in (NonFiniteLossHook, CheckpointHook)
    )
    assert own < writer


@pytest.mark.parametrize('value', [float('nan'), torch.tensor(torch.inf)])
def test_a_checkpoint_waits_for_iterations_that_were_not_looked_at(value):
    hook = NonFiniteLossHook(interval=10)
    for loss in (torch.tensor(1.0), value, 2.0):
        outputs = {'loss': loss, 'acc': float('nan')}
        hook.after_train_iter(RUNNER, 0, BATCH, outputs)
    with pytest.raises(NonFiniteLossError, match=r'iteration 41.*10th.*interval to 1'):
        hook.before_save_checkpoint(RUNNER, {})


def test_a_checkpoint_waits_for_the_means_of_all_processes():
    """`MeanLossHook` replaces the values after this hook has had them."""
    hook = NonFiniteLossHook(interval=10)
    outputs = {'loss': torch.tensor(1.0)}
    hook.after_train_iter(RUNNER, 0, BATCH, outputs)
    hook.before_save_checkpoint(RUNNER, {})
    hook.after_train_iter(RUNNER, 0, BATCH, outputs)
    outputs['loss'] = torch.tensor(torch.nan)
    with pytest.raises(NonFiniteLossError):
        hook.before_save_checkpoint(RUNNER, {})


@pytest.mark.parametrize('interval', [1, 10])
def test_a_checkpoint_of_sound_losses_is_written(interval):
    hook = NonFiniteLossHook(interval=interval)
    outputs = {'loss': torch.tensor(1.0), 'acc': float('nan')}
    for _ in range(3):
        hook.after_train_iter(RUNNER, 0, BATCH, outputs)
    hook.before_save_checkpoint(RUNNER, {})
