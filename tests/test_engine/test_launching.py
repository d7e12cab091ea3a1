import os
import select
import signal
import subprocess
import sys
from datetime import timedelta
from pathlib import Path

import pytest
import torch
from mmengine.config import Config

from deforhmr_mm.engine import launching
from deforhmr_mm.engine.launching import (
    enable_mixed_precision,
    leave_processes,
    load_config,
    one_line_errors,
    prepare_launcher,
    set_work_dir,
)

ROOT = Path(__file__).parents[2]


def failing(error, *expected):
    with one_line_errors(*expected):
        raise error


@pytest.mark.parametrize(
    ('error', 'line'),
    [
        (KeyError("'X' is not in the registry"), "error: 'X' is not in the registry"),
        (ValueError('two\n  lines'), 'error: two lines'),
        (TypeError(), 'error: TypeError'),
        (
            FileNotFoundError(
                'Caught FileNotFoundError in DataLoader worker process 0.\nOriginal '
                'Traceback (most recent call last):\n  File x\nFileNotFoundError: a.jpg'
            ),
            'error: FileNotFoundError: a.jpg',
        ),
    ],
)
def test_one_line(error, line, capsys, monkeypatch):
    monkeypatch.delenv('DEFORHMR_DEBUG', raising=False)
    with pytest.raises(SystemExit) as stop:
        failing(error)
    assert stop.value.code == 1
    assert capsys.readouterr().err.splitlines()[0] == line


def test_bugs_and_debugging_keep_their_traceback(monkeypatch):
    monkeypatch.delenv('DEFORHMR_DEBUG', raising=False)
    with pytest.raises(ZeroDivisionError):
        failing(ZeroDivisionError())
    with pytest.raises(ValueError, match='bug'):
        failing(ValueError('bug'), FileNotFoundError)
    monkeypatch.setenv('DEFORHMR_DEBUG', '1')
    with pytest.raises(ValueError, match='mistake'):
        failing(ValueError('mistake'))


def test_config_and_options(tmp_path):
    path = tmp_path / 'some.py'
    path.write_text('a = dict(b=1, c=2)')
    config = load_config(str(path), {'a.b': 5})
    assert config.a.to_dict() == {'b': 5, 'c': 2}
    with pytest.raises(FileNotFoundError, match='no.py'):
        load_config('no.py')


def test_work_dir():
    config = Config({})
    set_work_dir(config, 'configs/some.py', None)
    assert config.work_dir == 'work_dirs/some'
    set_work_dir(config, 'configs/other.py', None)
    assert config.work_dir == 'work_dirs/some'
    set_work_dir(config, 'configs/other.py', 'mine')
    assert config.work_dir == 'mine'


@pytest.mark.parametrize(
    ('cuda', 'bf16', 'kind'),
    [
        (False, False, 'BFloat16OptimWrapper'),
        (True, True, 'BFloat16OptimWrapper'),
        (True, False, 'AmpOptimWrapper'),
    ],
)
def test_mixed_precision_by_device(cuda, bf16, kind, monkeypatch):
    monkeypatch.setattr(torch.cuda, 'is_available', lambda: cuda)
    # Before compute capability 8.0 torch calls the emulated form supported, too.
    monkeypatch.setattr(
        torch.cuda,
        'is_bf16_supported',
        lambda including_emulation=True: including_emulation or bf16,
    )
    config = Config({'optim_wrapper': {'optimizer': {'type': 'AdamW'}}})
    enable_mixed_precision(config)
    assert config.optim_wrapper.type == kind


def test_mixed_precision_leaves_other_wrappers_alone():
    config = Config({'optim_wrapper': {'type': 'ApexOptimWrapper'}})
    with pytest.raises(ValueError, match='ApexOptimWrapper'):
        enable_mixed_precision(config)


def test_launchers_without_cuda(monkeypatch):
    monkeypatch.setattr(torch.cuda, 'is_available', lambda: False)
    config = Config({})
    prepare_launcher(config, 'none')
    assert config.to_dict() == {'launcher': 'none'}
    with pytest.raises(ValueError, match='slurm needs CUDA'):
        prepare_launcher(config, 'slurm')
    joined = []
    monkeypatch.setattr(
        torch.distributed,
        'init_process_group',
        lambda backend, timeout: joined.append((backend, timeout)),
    )
    prepare_launcher(config, 'pytorch')
    assert config.env_cfg.dist_cfg.backend == 'gloo'
    assert config.model_wrapper_cfg.device_ids is None
    config = Config({'env_cfg': {'dist_cfg': {'backend': 'nccl', 'timeout': 7200}}})
    prepare_launcher(config, 'pytorch')
    assert config.env_cfg.dist_cfg.to_dict() == {'backend': 'gloo', 'timeout': 7200}
    assert joined == [('gloo', None), ('gloo', timedelta(hours=2))]


def test_processes_may_wait_longer_than_nccl_lets_them():
    runtime = Config.fromfile(ROOT / 'configs' / '_base_' / 'default_runtime.py')
    # mmengine takes seconds.
    assert runtime.env_cfg.dist_cfg.timeout == timedelta(hours=2).total_seconds()


@pytest.mark.parametrize(
    ('launcher', 'variable'),
    [('pytorch', 'LOCAL_WORLD_SIZE'), ('mpi', 'OMPI_COMM_WORLD_LOCAL_SIZE')],
)
def test_each_process_needs_a_gpu_of_its_own(launcher, variable, monkeypatch, capsys):
    monkeypatch.setattr(torch.cuda, 'is_available', lambda: True)
    monkeypatch.setattr(torch.cuda, 'device_count', lambda: 2)
    monkeypatch.delenv('DEFORHMR_DEBUG', raising=False)
    monkeypatch.setenv(variable, '2')
    prepare_launcher(Config({}), launcher)
    monkeypatch.setenv(variable, '3')
    for other in ('none', 'slurm'):
        prepare_launcher(Config({}), other)
    with pytest.raises(SystemExit), one_line_errors():
        prepare_launcher(Config({}), launcher)
    line = capsys.readouterr().err.splitlines()[0]
    assert line.startswith('error: 3 processes') and 'there are 2' in line
    assert 'CUDA_VISIBLE_DEVICES= before the command' in line


def test_under_mpi_the_model_lies_on_the_process_s_device(monkeypatch):
    monkeypatch.setattr(torch.cuda, 'is_available', lambda: True)
    monkeypatch.setenv('OMPI_COMM_WORLD_LOCAL_RANK', '3')
    monkeypatch.setenv('LOCAL_RANK', '0')  # as the tools set it
    prepare_launcher(Config({}), 'pytorch')
    assert os.environ['LOCAL_RANK'] == '0'
    prepare_launcher(Config({}), 'mpi')
    assert os.environ['LOCAL_RANK'] == '3'


@pytest.mark.parametrize(
    ('launcher', 'by_torchrun', 'ends'),
    [('pytorch', True, [True]), ('pytorch', False, []), ('none', True, [])],
)
def test_what_torchrun_starts_ends_with_it(launcher, by_torchrun, ends, monkeypatch):
    monkeypatch.setattr(torch.cuda, 'is_available', lambda: True)
    monkeypatch.delenv('TORCHELASTIC_RUN_ID', raising=False)
    if by_torchrun:
        monkeypatch.setenv('TORCHELASTIC_RUN_ID', 'some')
    asked = []
    monkeypatch.setattr(launching, 'end_with_parent', lambda: asked.append(True))
    prepare_launcher(Config({}), launcher)
    assert asked == ends


# A launcher that starts a process in a session of its own, as torchrun does, and is
# killed when that one is set. They say 1 when it is, and hold the pipe while they live.
LAUNCHER = """
import os, signal, time
from deforhmr_mm.engine.launching import end_with_parent
reading, writing = os.pipe()
if os.fork() == 0:
    os.setsid()
    end_with_parent()
    os.write(1, b'1')
    os.write(writing, b'1')
    time.sleep(60)
    os._exit(0)
os.read(reading, 1)
os.kill(os.getpid(), signal.SIGKILL)
"""


@pytest.mark.skipif(sys.platform != 'linux', reason='Linux alone can do it')
def test_a_process_ends_with_a_killed_parent():
    child = subprocess.Popen(
        [sys.executable, '-c', LAUNCHER], stdout=subprocess.PIPE, cwd=ROOT
    )
    assert child.wait(timeout=180) == -signal.SIGKILL
    assert os.read(child.stdout.fileno(), 1) == b'1'
    readable, _, _ = select.select([child.stdout], [], [], 30)
    # The end of the pipe: nobody holds its other end any more.
    assert readable and os.read(child.stdout.fileno(), 1) == b''
    child.stdout.close()


def test_processes_are_left(tmp_path):
    leave_processes()  # there are none
    store = f'file://{tmp_path}/store'
    torch.distributed.init_process_group('gloo', store, rank=0, world_size=1)
    assert torch.distributed.is_initialized()
    leave_processes()
    assert not torch.distributed.is_initialized()
