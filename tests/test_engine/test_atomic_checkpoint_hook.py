import os
import types

import pytest
import torch
from mmengine.logging import MMLogger
from mmengine.optim import OptimWrapper
from mmengine.runner import save_checkpoint
from torch import nn

from deforhmr_mm.engine import AtomicCheckpointHook
from deforhmr_mm.engine.checkpoints import CheckpointError, find_last_checkpoint


class Hub:
    """The part of mmengine's MessageHub that the hook uses."""

    def __init__(self):
        self.runtime_info = {}

    def get_info(self, key):
        return self.runtime_info[key]

    def update_info(self, key, value):
        self.runtime_info[key] = value


class Runner:
    """A runner whose checkpoints are files, and whose saving may fail."""

    def __init__(self, work_dir, hook):
        self.work_dir = str(work_dir)
        os.makedirs(work_dir, exist_ok=True)
        self.epoch = self.iter = 0
        self.max_epochs = self.max_iters = 100
        self.message_hub = Hub()
        self.logger = MMLogger.get_instance('test')
        optimizer = torch.optim.SGD(nn.Linear(1, 1).parameters(), lr=1)
        self.optim_wrapper = OptimWrapper(optimizer)
        self.train_dataloader = range(5)
        self.train_loop = types.SimpleNamespace(resume_state=lambda: {'place': 3})
        self._resume = True
        self.hook = hook
        self.seen = []  # What the folder held when each file was written.
        hook.before_train(self)

    def save_checkpoint(self, out_dir, filename, *args, backend_args=None, **kwargs):
        self.seen.append((filename, sorted(os.listdir(out_dir))))
        checkpoint = {'state_dict': {}, 'meta': kwargs['meta']}
        self.hook.before_save_checkpoint(self, checkpoint)
        save_checkpoint(
            checkpoint, os.path.join(out_dir, filename), backend_args=backend_args
        )

    def train_epoch(self):
        self.hook.after_train_epoch(self)
        self.epoch += 1


def saved(folder):
    return sorted(name for name in os.listdir(folder) if name.endswith('.pth'))


def load(path):
    return torch.load(path, weights_only=True)


def test_the_last_ones_are_kept_until_the_next_is_there(tmp_path):
    runner = Runner(tmp_path, AtomicCheckpointHook(interval=1, max_keep_ckpts=1))
    for _ in range(3):
        runner.train_epoch()
    assert saved(tmp_path) == ['epoch_3.pth']
    assert find_last_checkpoint(tmp_path) == tmp_path / 'epoch_3.pth'
    assert [name for name, _ in runner.seen] == [f'epoch_{i}.pth' for i in (1, 2, 3)]
    # While the third is written, the second is still there and is the last.
    assert runner.seen[2][1] == ['epoch_2.pth', 'last_checkpoint']


def test_no_more_are_kept_after_a_resumption(tmp_path):
    runner = Runner(tmp_path, AtomicCheckpointHook(interval=1, max_keep_ckpts=2))
    for _ in range(3):
        runner.train_epoch()
    assert saved(tmp_path) == ['epoch_2.pth', 'epoch_3.pth']
    # The message hub comes back with the checkpoint; the hook is a new one.
    runner.hook = AtomicCheckpointHook(interval=1, max_keep_ckpts=2)
    runner.hook.before_train(runner)
    for kept in (['epoch_3.pth', 'epoch_4.pth'], ['epoch_4.pth', 'epoch_5.pth']):
        runner.train_epoch()
        assert saved(tmp_path) == kept


def test_a_failed_save_leaves_the_one_before(tmp_path, monkeypatch):
    runner = Runner(tmp_path, AtomicCheckpointHook(interval=1, max_keep_ckpts=1))
    runner.train_epoch()

    def full(_):
        raise OSError(28, 'No space left on device')

    monkeypatch.setattr(os, 'fsync', full)
    with pytest.raises(OSError, match=r'No space left on device.*epoch_2.pth'):
        runner.train_epoch()
    assert sorted(os.listdir(tmp_path)) == ['epoch_1.pth', 'last_checkpoint']
    assert find_last_checkpoint(tmp_path) == tmp_path / 'epoch_1.pth'
    assert load(tmp_path / 'epoch_1.pth')['meta']['epoch'] == 1


@pytest.mark.parametrize('save_best', ['auto', 'error', ['error', 'other']])
def test_the_former_best_goes_after_the_new_one_came(tmp_path, save_best):
    hook = AtomicCheckpointHook(interval=1, save_best=save_best, rule='less')
    runner = Runner(tmp_path, hook)
    for value in (3.0, 4.0, 2.0):
        runner.train_epoch()
        hook.after_val_epoch(runner, {'error': value, 'other': -value})
    best = [name for name in saved(tmp_path) if 'best' in name]
    expected = ['best_error_epoch_3.pth']
    if isinstance(save_best, list):
        expected.append('best_other_epoch_2.pth')
    assert best == expected
    listing = dict(runner.seen)['best_error_epoch_3.pth']
    assert 'best_error_epoch_1.pth' in listing
    assert 'resume_state' not in load(tmp_path / best[0])
    # The last checkpoint is written again: it knows of the new best one.
    assert [name for name, _ in runner.seen].count('epoch_3.pth') == 2

    resumed = AtomicCheckpointHook(interval=1, save_best=save_best, rule='less')
    runner.hook = resumed
    resumed.before_train(runner)
    runner.train_epoch()
    resumed.after_val_epoch(runner, {'error': 1.0, 'other': 0.0})
    best = [name for name in saved(tmp_path) if 'best_error' in name]
    assert best == ['best_error_epoch_4.pth']


def test_the_same_best_again_is_not_lost(tmp_path):
    """A validation that is repeated after a resumption writes the same name."""
    hook = AtomicCheckpointHook(interval=1, save_best='error', rule='less')
    runner = Runner(tmp_path, hook)
    runner.train_epoch()
    for value in (3.0, 2.0):
        hook.after_val_epoch(runner, {'error': value})
    assert 'best_error_epoch_1.pth' in saved(tmp_path)


def test_the_loop_gets_its_state_back(tmp_path):
    runner = Runner(tmp_path, AtomicCheckpointHook(interval=1))
    runner.train_epoch()
    checkpoint = load(tmp_path / 'epoch_1.pth')
    assert checkpoint['resume_state'] == {'place': 3}
    given = []
    runner.train_loop.load_resume_state = given.append
    runner.hook.after_load_checkpoint(runner, checkpoint)
    assert given == [{'place': 3}]
    runner._resume = False
    runner.hook.after_load_checkpoint(runner, checkpoint)
    assert len(given) == 1


def test_leftovers_are_removed(tmp_path):
    (tmp_path / 'epoch_7.pth.part').write_bytes(b'half')
    (tmp_path / 'epoch_6.pth').write_bytes(b'whole')
    Runner(tmp_path, AtomicCheckpointHook(interval=1))
    assert os.listdir(tmp_path) == ['epoch_6.pth']


def test_gathered_gradients_that_are_lost_are_told(tmp_path):
    hook = AtomicCheckpointHook(interval=3, by_epoch=False)
    runner = Runner(tmp_path, hook)
    told = []
    runner.logger = types.SimpleNamespace(info=lambda _: None, warning=told.append)
    runner.optim_wrapper._accumulative_counts = 3
    hook.before_train(runner)
    assert not told
    runner.optim_wrapper._accumulative_counts = 2
    hook.before_train(runner)
    assert len(told) == 1 and 'over 2 steps' in told[0] and 'every 3' in told[0]


def test_the_last_checkpoint_of_a_folder(tmp_path):
    assert find_last_checkpoint(tmp_path) is None
    runner = Runner(tmp_path / 'a', AtomicCheckpointHook(interval=1))
    runner.train_epoch()
    (tmp_path / 'a').rename(tmp_path / 'b')
    assert find_last_checkpoint(tmp_path / 'b') == tmp_path / 'b' / 'epoch_1.pth'
    (tmp_path / 'b' / 'epoch_1.pth').unlink()
    with pytest.raises(CheckpointError, match='epoch_1.pth", which is not there'):
        find_last_checkpoint(tmp_path / 'b')
