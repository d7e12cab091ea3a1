import pytest
import torch
from mmengine.config import Config

from deforhmr_mm.engine.launching import (
    enable_mixed_precision,
    leave_processes,
    load_config,
    one_line_errors,
    prepare_launcher,
    set_work_dir,
)


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
    monkeypatch.setattr(torch.cuda, 'is_bf16_supported', lambda: bf16)
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
    monkeypatch.setattr(torch.distributed, 'init_process_group', joined.append)
    prepare_launcher(config, 'pytorch')
    assert joined == ['gloo']
    assert config.env_cfg.dist_cfg.backend == 'gloo'
    assert config.model_wrapper_cfg.device_ids is None


def test_processes_are_left(tmp_path):
    leave_processes()  # there are none
    store = f'file://{tmp_path}/store'
    torch.distributed.init_process_group('gloo', store, rank=0, world_size=1)
    assert torch.distributed.is_initialized()
    leave_processes()
    assert not torch.distributed.is_initialized()
