"""A training that was stopped ends as the one that was not."""

import runpy
import subprocess
import time
from collections import OrderedDict

import pytest
import torch
from mmengine.logging import MessageHub, MMLogger
from mmengine.registry import DefaultScope
from mmengine.visualization import Visualizer

from deforhmr_mm.engine.checkpoints import load_checkpoint_safely
from tests.tiny_training import (
    ROOT,
    kill_all,
    losses,
    make_workplace,
    metrics,
    run_tool,
    tool_environment,
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
INFINITE = (*BY_ITERATION, 'train_dataloader.sampler.type=InfiniteSampler')
WORKERS = (
    'train_dataloader.num_workers=2',
    'train_dataloader.persistent_workers=True',
)
EACH_EPOCH = (
    'default_hooks.checkpoint.by_epoch=True',
    'default_hooks.checkpoint.interval=1',
)


@pytest.fixture(scope='module')
def workplace(tmp_path_factory):
    return make_workplace(tmp_path_factory.mktemp('workplace'))


@pytest.fixture
def train(workplace, monkeypatch):
    """Train in this process: train(work_dir, *options, resume=..., stop_after=...)."""
    monkeypatch.chdir(workplace)
    monkeypatch.syspath_prepend(str(workplace))
    monkeypatch.setenv('LOCAL_RANK', '0')

    def call(work_dir, *options, resume=False, stop_after=None):
        # mmengine keeps these for the whole process.
        for kind in (MMLogger, MessageHub, DefaultScope, Visualizer):
            monkeypatch.setattr(kind, '_instance_dict', OrderedDict())
        arguments = ['tiny.py', '--work-dir', work_dir, *['--resume'] * resume]
        if options:
            arguments += ['--cfg-options', *options]
        monkeypatch.setattr('sys.argv', ['train', *arguments])
        main = runpy.run_path(str(ROOT / 'tools' / 'train.py'))['main']
        if stop_after is None:
            monkeypatch.delenv('TEST_STOP_AFTER', raising=False)
            main()
            return
        monkeypatch.setenv('TEST_STOP_AFTER', stop_after)
        with pytest.raises(KeyboardInterrupt):
            main()

    return call


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
    train, workplace, whole_runs, request, options, stop_after, workers
):
    if options not in whole_runs:
        whole_runs[options] = f'whole_{len(whole_runs)}'
        train(whole_runs[options], *options)
    work_dir = request.node.callspec.id
    train(work_dir, *options, *workers, stop_after=stop_after)
    last = 3 * (int(stop_after) // 3)
    note = (workplace / work_dir / 'last_checkpoint').read_text()
    assert note == str(workplace / work_dir / f'iter_{last}.pth')
    train(work_dir, *options, *workers, resume=True)
    assert_same_end(workplace / work_dir, workplace / whole_runs[options])
    assert max(losses(workplace / work_dir)) == 16


def test_stopped_while_validating(train, workplace):
    """The epoch's checkpoint is there, its validation is not."""
    train('validated', *EACH_EPOCH)
    train('unvalidated', *EACH_EPOCH, stop_after='16 val')
    assert list(metrics(workplace / 'unvalidated')) == [1]
    train('unvalidated', *EACH_EPOCH, resume=True)
    one, two = (metrics(workplace / name) for name in ('validated', 'unvalidated'))
    assert one[2] == two[2]


def test_a_training_without_seed_keeps_the_one_it_drew(train, workplace):
    options = ('randomness.seed=None', 'train_cfg.max_epochs=1')
    train('seedless', *options, stop_after='4')
    first = losses(workplace / 'seedless')
    state = load_checkpoint_safely(workplace / 'seedless' / 'iter_3.pth')[
        'resume_state'
    ]
    train('seedless', *options, resume=True)
    assert losses(workplace / 'seedless')[4] == first[4]
    last = load_checkpoint_safely(workplace / 'seedless' / 'iter_8.pth')['resume_state']
    for key in ('sample_seed', 'sampler_seed'):
        assert last[key] == state[key]


@pytest.mark.slow
def test_killed_in_the_middle_of_an_epoch(workplace):
    """kill -9, for one process."""
    result = run_tool(workplace, 'train.py', 'tiny.py', '--work-dir', 'unkilled')
    assert result.returncode == 0, result.stderr
    options = ('tiny.py', '--work-dir', 'killed')
    result = run_tool(workplace, 'train.py', *options, TEST_KILL_AFTER='13')
    assert result.returncode == -9
    result = run_tool(workplace, 'train.py', *options, '--resume')
    assert result.returncode == 0, result.stderr
    assert min(losses(workplace / 'killed')) == 13
    assert_same_end(workplace / 'killed', workplace / 'unkilled')


@pytest.mark.slow
def test_two_processes_killed_and_resumed(workplace):
    """Each takes its own generators up: they differ with diff_rank_seed."""
    extra = ('--cfg-options', 'randomness.diff_rank_seed=True', *WORKERS)
    first = ('tiny.py', 2, '--work-dir')
    result = run_tool(workplace, 'dist_train.sh', *first, 'two', *extra, PORT='29631')
    assert result.returncode == 0, result.stderr
    log = workplace / 'two_killed'
    process = subprocess.Popen(
        ['bash', ROOT / 'tools' / 'dist_train.sh', *map(str, first), log, *extra],
        cwd=workplace,
        env=tool_environment(workplace, PORT='29632'),
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        start_new_session=True,
    )
    deadline = time.monotonic() + 300
    while not (log / 'iter_6.pth').exists():
        assert process.poll() is None and time.monotonic() < deadline
        time.sleep(0.02)
    kill_all(process)
    assert not (log / 'iter_8.pth').exists()
    result = run_tool(
        workplace,
        'dist_train.sh',
        *(*first, log, '--resume', *extra),
        PORT='29634',
    )
    assert result.returncode == 0, result.stderr
    assert_same_end(log, workplace / 'two', 'iter_8.pth')
    states = load_checkpoint_safely(log / 'iter_8.pth')['resume_state']['random_states']
    assert len(states) == 2
    assert not torch.equal(states[0]['torch'], states[1]['torch'])
