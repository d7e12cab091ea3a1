"""A training that was stopped ends as the one that was not."""

import errno
import os

import pytest
import torch

from deforhmr_mm.engine.checkpoints import load_checkpoint_safely
from tests.processes import free_port
from tests.tiny_training import (
    losses,
    metrics,
    run_tool,
)

BY_ITERATION = (
    'train_cfg._delete_=True',
    'train_cfg.type=ResumableIterBasedTrainLoop',
    'train_cfg.max_iters=16',
    'train_cfg.val_interval=5',
    'param_scheduler.1.by_epoch=False',
    'param_scheduler.1.milestones=[9]',
    'log_processor.by_epoch=False',
)
EVERY_FIFTH = (*BY_ITERATION, 'default_hooks.checkpoint.interval=5')
INFINITE = (*BY_ITERATION, 'train_dataloader.sampler.type=InfiniteSampler')
WORKERS = (
    'train_dataloader.num_workers=2',
    'train_dataloader.persistent_workers=True',
)
EACH_EPOCH = (
    'default_hooks.checkpoint.by_epoch=True',
    'default_hooks.checkpoint.interval=1',
)
# A new best score has the checkpoint written again, from within the validation.
THE_BEST = (
    'default_hooks.checkpoint.save_best=PA-MPJPE',
    'default_hooks.checkpoint.rule=less',
)


def flat(tree, path=()):
    """The leaves of nested dicts and lists."""
    if isinstance(tree, dict):
        for key, value in tree.items():
            yield from flat(value, (*path, key))
    elif isinstance(tree, list | tuple):
        for number, value in enumerate(tree):
            yield from flat(value, (*path, number))
    else:
        yield path, tree


def assert_same_end(resumed, whole, name='iter_16.pth'):
    """Weights, averages, optimizer, schedule and generators of the last checkpoint."""
    one, two = (load_checkpoint_safely(path / name) for path in (whole, resumed))
    compared = 0
    for part in (
        'state_dict',
        'ema_state_dict',
        'optimizer',
        'param_schedulers',
        'resume_state',
    ):
        left, right = dict(flat(one[part])), dict(flat(two[part]))
        assert left.keys() == right.keys()
        for key, value in left.items():
            where = f'{part}: {key}'
            if isinstance(value, torch.Tensor):
                assert torch.equal(value, right[key]), where
                compared += value.is_floating_point()
            else:
                assert value == right[key], where
    assert compared > 100
    expected, found = losses(whole), losses(resumed)
    assert found and all(expected[step] == loss for step, loss in found.items())
    expected, found = metrics(whole), metrics(resumed)
    assert max(found) == max(expected)
    assert all(expected[step] == value for step, value in found.items())


@pytest.fixture(scope='module')
def whole_runs():
    """Uninterrupted trainings, by their options without those of the workers."""
    return {}


@pytest.mark.parametrize(
    ('options', 'stop_after', 'workers'),
    [
        # Checkpoints are of every third iteration; an epoch has eight.
        pytest.param((), '7', (), id='epoch-loop'),
        pytest.param((), '14', WORKERS, id='epoch-loop-workers'),
        pytest.param(BY_ITERATION, '10', (), id='iteration-loop'),
        pytest.param(INFINITE, '11', WORKERS, id='infinite-sampler-workers'),
    ],
)
def test_stopped_between_checkpoints(
    train, training_folder, whole_runs, request, options, stop_after, workers
):
    if options not in whole_runs:
        whole_runs[options] = f'whole_{len(whole_runs)}'
        train(whole_runs[options], *options)
    work_dir = request.node.callspec.id
    train(work_dir, *options, *workers, stop_after=stop_after)
    last = 3 * (int(stop_after) // 3)
    note = (training_folder / work_dir / 'last_checkpoint').read_text()
    assert note == str(training_folder / work_dir / f'iter_{last}.pth')
    train(work_dir, *options, *workers, resume=True)
    assert_same_end(training_folder / work_dir, training_folder / whole_runs[options])
    assert max(losses(training_folder / work_dir)) == 16
    if 'log_processor.by_epoch=False' in options:
        scored = list(metrics(training_folder / work_dir))
        assert scored == [step for step in (5, 10, 15, 16) if step > last]


def test_stopped_while_validating(train, training_folder):
    """The epoch's checkpoint is there, its validation is not."""
    train('validated', *EACH_EPOCH)
    train('unvalidated', *EACH_EPOCH, stop_after='16 val')
    assert list(metrics(training_folder / 'unvalidated')) == [1]
    train('unvalidated', *EACH_EPOCH, resume=True)
    one, two = (
        metrics(training_folder / name) for name in ('validated', 'unvalidated')
    )
    assert one[2] == two[2]


@pytest.mark.parametrize(
    ('options', 'stop_after', 'stored', 'last'),
    [
        pytest.param(EACH_EPOCH, '10', 'epoch_1.pth', 'epoch_2.pth', id='epochs'),
        pytest.param(EVERY_FIFTH, '7', 'iter_5.pth', 'iter_16.pth', id='iterations'),
    ],
)
def test_stopped_after_a_new_best(
    train, training_folder, request, options, stop_after, stored, last
):
    """The model draws numbers for its stochastic depth, and the validation others."""
    name = f'best_{request.node.callspec.id}'
    train(f'{name}_whole', *options, *THE_BEST)
    train(name, *options, *THE_BEST, stop_after=stop_after)
    folder = training_folder / name
    assert (folder / 'last_checkpoint').read_text() == str(folder / stored)
    assert (folder / f'best_PA-MPJPE_{stored}').is_file()
    # Written by the validation, and not before it.
    assert load_checkpoint_safely(folder / stored)['resume_state']['is_validated']
    train(name, *options, *THE_BEST, resume=True)
    assert_same_end(folder, training_folder / f'{name}_whole', last)


def test_no_room_for_a_checkpoint(
    train, training_folder, whole_runs, monkeypatch, capfd
):
    if () not in whole_runs:
        whole_runs[()] = f'whole_{len(whole_runs)}'
        train(whole_runs[()])
    synced = []

    def sync(handle):
        synced.append(handle)
        # A checkpoint and the note of it are two files: this is the second checkpoint.
        if len(synced) == 3:
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    with monkeypatch.context() as patch:
        patch.setattr(os, 'fsync', sync)
        patch.delenv('DEFORHMR_DEBUG', raising=False)
        with pytest.raises(SystemExit) as stop:
            train('full')
    assert stop.value.code == 1
    errors = [x for x in capfd.readouterr().err.splitlines() if x.startswith('error: ')]
    assert len(errors) == 1
    assert 'No space left' in errors[0] and 'iter_6.pth' in errors[0]
    assert [path.name for path in (training_folder / 'full').glob('*.pth*')] == [
        'iter_3.pth'
    ]
    train('full', resume=True)
    assert_same_end(training_folder / 'full', training_folder / whole_runs[()])


def test_what_there_is_to_resume_from(train, training_folder, capfd):
    options = ('train_cfg.max_epochs=1',)
    train('fresh', *options, resume=True)
    assert 'resumed' not in capfd.readouterr().out
    assert max(losses(training_folder / 'fresh')) == 8
    (training_folder / 'fresh' / 'iter_8.pth').unlink()
    with pytest.raises(SystemExit) as stop:
        train('fresh', *options, resume=True)
    assert stop.value.code == 1
    error = capfd.readouterr().err
    assert 'last_checkpoint names' in error and 'iter_8.pth' in error


def test_a_training_without_seed_keeps_the_one_it_drew(train, training_folder):
    options = ('randomness.seed=None', 'train_cfg.max_epochs=1')
    train('seedless', *options, stop_after='4')
    first = losses(training_folder / 'seedless')
    state = load_checkpoint_safely(training_folder / 'seedless' / 'iter_3.pth')[
        'resume_state'
    ]
    train('seedless', *options, resume=True)
    assert losses(training_folder / 'seedless')[4] == first[4]
    last = load_checkpoint_safely(training_folder / 'seedless' / 'iter_8.pth')[
        'resume_state'
    ]
    for key in ('sample_seed', 'sampler_seed'):
        assert last[key] == state[key]


@pytest.mark.slow
def test_killed_in_the_middle_of_an_epoch(training_folder):
    """kill -9, for one process."""
    result = run_tool(training_folder, 'train.py', 'tiny.py', '--work-dir', 'unkilled')
    assert result.returncode == 0, result.stderr
    options = ('tiny.py', '--work-dir', 'killed')
    result = run_tool(training_folder, 'train.py', *options, TEST_KILL_AFTER='13')
    assert result.returncode == -9
    result = run_tool(training_folder, 'train.py', *options, '--resume')
    assert result.returncode == 0, result.stderr
    assert min(losses(training_folder / 'killed')) == 13
    assert_same_end(training_folder / 'killed', training_folder / 'unkilled')


@pytest.mark.slow
def test_two_processes_killed_and_resumed(training_folder):
    """Each takes its own generators up: they differ with diff_rank_seed."""
    extra = ('--cfg-options', 'randomness.diff_rank_seed=True', *WORKERS)
    first = ('tiny.py', 2, '--work-dir')
    result = run_tool(
        training_folder, 'dist_train.sh', *first, 'two', *extra, PORT=free_port()
    )
    assert result.returncode == 0, result.stderr
    log = training_folder / 'two_killed'
    # kill -9 to both after the seventh of eight steps, of which the sixth is stored.
    result = run_tool(
        training_folder,
        'dist_train.sh',
        *(*first, log, *extra),
        PORT=free_port(),
        TEST_KILL_AFTER='7',
    )
    assert result.returncode != 0
    assert (log / 'last_checkpoint').read_text() == str(log / 'iter_6.pth')
    result = run_tool(
        training_folder,
        'dist_train.sh',
        *(*first, log, '--resume', *extra),
        PORT=free_port(),
    )
    assert result.returncode == 0, result.stderr
    assert list(losses(log)) == [7, 8]
    assert_same_end(log, training_folder / 'two', 'iter_8.pth')
    states = load_checkpoint_safely(log / 'iter_8.pth')['resume_state']['random_states']
    assert len(states) == 2
    assert not torch.equal(states[0]['torch'], states[1]['torch'])
