"""What the shell scripts start, told by programs that stand in for srun and python."""

import os
import subprocess
from pathlib import Path

import pytest

TOOLS = Path(__file__).resolve().parents[2] / 'tools'


@pytest.fixture
def call(tmp_path):
    """Run a script; return what its srun or python was given, one argument a line."""
    for name in ('srun', 'fake_python'):
        program = tmp_path / name
        program.write_text('#!/bin/sh\nprintf "%s\\n" "$@"\n')
        program.chmod(0o755)

    def run(script, *arguments, **environment):
        result = subprocess.run(
            ['bash', str(TOOLS / script), *arguments],
            env={
                'PATH': f'{tmp_path}{os.pathsep}{os.environ["PATH"]}',
                'PYTHON': 'fake_python',
                **environment,
            },
            capture_output=True,
            text=True,
        )
        return result.returncode, result.stdout.splitlines(), result.stderr

    return run


def test_slurm_train(call):
    code, given, _ = call(
        *('slurm_train.sh', 'part', 'job', 'a.py', 'some dir', '--amp'),
        GPUS='16',
        SRUN_ARGS='--time=1:00 --exclusive',
    )
    assert code == 0
    assert given == [
        *('-p', 'part', '--job-name=job', '--gres=gpu:8', '--ntasks=16'),
        *('--ntasks-per-node=8', '--cpus-per-task=5', '--kill-on-bad-exit=1'),
        *('--time=1:00', '--exclusive', 'fake_python', '-u'),
        *(f'{TOOLS}/train.py', 'a.py', '--work-dir=some dir'),
        *('--launcher=slurm', '--amp'),
    ]


def test_slurm_test_on_less_than_a_node(call):
    code, given, _ = call(
        *('slurm_test.sh', 'part', 'job', 'a.py', 'a.pth', '--out', 'o.json'), GPUS='2'
    )
    assert code == 0
    assert {'--gres=gpu:2', '--ntasks=2', '--ntasks-per-node=2'} <= set(given)
    assert given[-7:] == [
        *('-u', f'{TOOLS}/test.py', 'a.py', 'a.pth', '--launcher=slurm'),
        *('--out', 'o.json'),
    ]


@pytest.mark.parametrize(
    ('script', 'arguments', 'tail'),
    [
        ('dist_train.sh', ('a.py', '4'), ('a.py', '--launcher', 'pytorch')),
        (
            'dist_test.sh',
            ('a.py', 'a.pth', '4'),
            ('a.py', 'a.pth', '--launcher', 'pytorch'),
        ),
    ],
)
def test_several_nodes(call, script, arguments, tail):
    code, given, _ = call(
        *(script, *arguments, '--work-dir', 'some dir'),
        NNODES='3',
        NODE_RANK='2',
        MASTER_ADDR='10.0.0.1',
        PORT='5000',
    )
    assert code == 0
    tool = script.replace('dist_', '').replace('.sh', '.py')
    assert given == [
        *('-m', 'torch.distributed.run', '--nnodes=3', '--node_rank=2'),
        *('--master_addr=10.0.0.1', '--master_port=5000', '--nproc_per_node=4'),
        *(f'{TOOLS}/{tool}', *tail, '--work-dir', 'some dir'),
    ]


@pytest.mark.parametrize(
    'script', ['dist_train.sh', 'dist_test.sh', 'slurm_train.sh', 'slurm_test.sh']
)
def test_usage(call, script):
    code, given, error = call(script, 'a.py')
    assert (code, given) == (2, [])
    assert error.startswith('usage:') and script in error
