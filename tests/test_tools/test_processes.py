"""Several processes train as one does, through the scripts that start them."""

import subprocess
from pathlib import Path

import pytest
import torch

from deforhmr_mm.engine.checkpoints import load_checkpoint_safely
from tests.processes import free_port
from tests.tiny_training import (
    ROOT,
    losses,
    metrics,
    run_tool,
    tool_environment,
)

# Stochastic depth draws other numbers in each process.
OPTIONS = (
    'model.backbone.drop_path_rate=0',
    'train_cfg.max_epochs=5',
    'default_hooks.checkpoint.interval=20',
)
LAUNCH = 'dist_train.sh'


def options(batch_size):
    return ('--cfg-options', *OPTIONS, f'train_dataloader.batch_size={batch_size}')


@pytest.fixture(scope='module')
def single(training_folder):
    """The work dir of one process with batches of 4: 20 steps in 5 epochs of 16."""
    result = run_tool(
        training_folder, 'train.py', 'tiny.py', '--work-dir', 'single', *options(4)
    )
    assert result.returncode == 0, result.stderr
    return training_folder / 'single'


def assert_equal_trainings(one: Path, two: Path) -> None:
    expected, found = losses(one), losses(two)
    assert list(found) == list(expected) == list(range(1, 21))
    for step, loss in expected.items():
        assert found[step] == pytest.approx(loss, abs=1e-4)
    assert metrics(two) == pytest.approx(metrics(one), abs=1e-2)
    left, right = (load_checkpoint_safely(f / 'iter_20.pth') for f in (one, two))
    for name, weight in left['state_dict'].items():
        torch.testing.assert_close(
            weight, right['state_dict'][name], atol=1e-4, rtol=1e-4, msg=name
        )


@pytest.mark.slow
def test_two_processes_equal_one(training_folder, single):
    result = run_tool(
        training_folder,
        LAUNCH,
        *('tiny.py', 2, '--work-dir', 'double', *options(2)),
        PORT=free_port(),
    )
    assert result.returncode == 0, result.stderr
    assert_equal_trainings(single, training_folder / 'double')


@pytest.mark.slow
def test_two_nodes_equal_one_process(training_folder, single):
    """Two machines of one process each, both of them this machine."""
    port = free_port()
    nodes = [
        subprocess.Popen(
            [
                *('bash', ROOT / 'tools' / LAUNCH, 'tiny.py', '1'),
                *('--work-dir', 'nodes', *options(2)),
            ],
            cwd=training_folder,
            env=tool_environment(
                training_folder,
                NNODES='2',
                NODE_RANK=str(rank),
                MASTER_ADDR='127.0.0.1',
                PORT=port,
            ),
            stdout=subprocess.DEVNULL,
        )
        for rank in (0, 1)
    ]
    assert [node.wait(timeout=500) for node in nodes] == [0, 0]
    assert_equal_trainings(single, training_folder / 'nodes')
