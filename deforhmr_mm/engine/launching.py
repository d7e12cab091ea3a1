"""What the command lines share: config, launcher, mixed precision, clear errors."""

from __future__ import annotations

import ctypes
import os
import signal
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from datetime import timedelta
from pathlib import Path
from typing import Any, NoReturn

import torch
import torch.distributed
from mmengine.config import Config

__all__ = [
    'enable_mixed_precision',
    'end_with_parent',
    'leave_processes',
    'load_config',
    'one_line_errors',
    'prepare_launcher',
    'set_work_dir',
]

DEBUG_VARIABLE = 'DEFORHMR_DEBUG'
TORCHRUN_VARIABLE = 'TORCHELASTIC_RUN_ID'  # torchrun sets it for what it starts
# How many processes a launcher started on this machine; SLURM may show each a GPU of
# its own.
LOCAL_SIZES = {'pytorch': 'LOCAL_WORLD_SIZE', 'mpi': 'OMPI_COMM_WORLD_LOCAL_SIZE'}
PR_SET_PDEATHSIG = 1  # of Linux' sys/prctl.h
# Raised while a config is read and its parts are built, these come from what the user
# wrote: a misspelt type or argument, a missing file, a checkpoint of another model.
CONFIG_ERRORS = (
    KeyError,
    TypeError,
    ValueError,
    AttributeError,
    ImportError,
    OSError,
    SyntaxError,
)


@contextmanager
def one_line_errors(*errors: type[BaseException]) -> Iterator[None]:
    """End the program with one line and exit code 1 at the errors given.

    With the environment variable ``DEFORHMR_DEBUG`` set, errors keep their traceback.

    Args:
        errors: Exception classes; the ones of a wrong config (`CONFIG_ERRORS`) if none.
    """
    expected = errors or CONFIG_ERRORS
    try:
        yield
    except expected as error:
        if os.environ.get(DEBUG_VARIABLE):
            raise
        _fail(error)


def _fail(error: BaseException) -> NoReturn:
    # A KeyError's text is the repr of its message. Errors from worker processes carry
    # the worker's traceback; its last line is the message.
    text = (
        str(error.args[0]) if isinstance(error, KeyError) and error.args else str(error)
    )
    lines = [line.strip() for line in text.splitlines() if line.strip()]
    if lines and 'Original Traceback' in text:
        lines = lines[-1:]
    message = ' '.join(lines) or type(error).__name__
    sys.stdout.flush()
    sys.stderr.write(
        f'error: {message}\n({DEBUG_VARIABLE}=1 shows where it was raised.)\n'
    )
    raise SystemExit(1) from None


def load_config(path: str, options: Mapping[str, Any] | None = None) -> Config:
    """Read a config file and apply the options of the command line.

    Raises:
        FileNotFoundError: If there is no such file.
    """
    if not Path(path).is_file():
        raise FileNotFoundError(f'The config file {path} does not exist.')
    config = Config.fromfile(path)
    if options:
        config.merge_from_dict(dict(options))
    return config


def set_work_dir(config: Config, config_path: str, work_dir: str | None) -> None:
    """Set ``work_dir``: the command line's, the config's, or work_dirs/CONFIG."""
    if work_dir is not None:
        config.work_dir = work_dir
    elif config.get('work_dir') is None:
        config.work_dir = str(Path('work_dirs') / Path(config_path).stem)


def end_with_parent() -> None:
    """Have this process ended (SIGTERM) when the one that started it is, in any way.

    More exactly, when the thread that started it ends. Linux alone can do that; on
    other systems nothing happens.
    """
    if sys.platform != 'linux':
        return
    parent = os.getppid()
    ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, ctypes.c_ulong(signal.SIGTERM), 0, 0, 0)
    if os.getppid() != parent:
        # It ended in between, which no signal tells any more.
        os.kill(os.getpid(), signal.SIGTERM)


def prepare_launcher(config: Config, launcher: str) -> None:
    """Set the launcher; without CUDA, join the processes through gloo.

    What torchrun starts ends with torchrun (`end_with_parent`): it puts processes into
    sessions of their own, where no signal to its group reaches them.

    mmengine assumes CUDA in three places (the backend, the device of each process and
    that of the wrapped model); this is what lets several CPU processes train together.
    Under MPI it sets the device by another variable than that of the wrapped model.

    Raises:
        ValueError: If there is no CUDA and the launcher is neither 'none' nor
            'pytorch', or if there are more processes than GPUs.
    """
    config.launcher = launcher
    if launcher == 'pytorch' and TORCHRUN_VARIABLE in os.environ:
        end_with_parent()
    if launcher == 'mpi' and 'OMPI_COMM_WORLD_LOCAL_RANK' in os.environ:
        os.environ['LOCAL_RANK'] = os.environ['OMPI_COMM_WORLD_LOCAL_RANK']
    if launcher == 'none':
        return
    if torch.cuda.is_available():
        _check_gpus(int(os.environ.get(LOCAL_SIZES.get(launcher, ''), 0)))
        return
    if launcher != 'pytorch':
        raise ValueError(
            f'--launcher {launcher} needs CUDA; on CPUs use --launcher pytorch.'
        )
    config.merge_from_dict({'env_cfg': {'dist_cfg': {'backend': 'gloo'}}})
    wrapper = {
        'type': 'MMDistributedDataParallel',
        'device_ids': None,
        'broadcast_buffers': False,
        'find_unused_parameters': config.get('find_unused_parameters', False),
    }
    if config.get('model_wrapper_cfg') is None:
        config.model_wrapper_cfg = wrapper
    if not torch.distributed.is_initialized():
        seconds = config.env_cfg.dist_cfg.get('timeout')
        timeout = None if seconds is None else timedelta(seconds=seconds)
        torch.distributed.init_process_group('gloo', timeout=timeout)


def _check_gpus(processes: int) -> None:
    gpus = torch.cuda.device_count()
    if processes > gpus:
        raise ValueError(
            f'{processes} processes were started on this machine, but each needs a GPU '
            f'of its own and there are {gpus}: start no more, or put '
            'CUDA_VISIBLE_DEVICES= before the command to run them on CPUs.'
        )


def leave_processes() -> None:
    """End what `prepare_launcher` or mmengine began: call it when all work is done.

    Left to the end of the interpreter, the threads that connect the processes can
    abort one of them, so that a finished training seems to have failed.
    """
    if torch.distributed.is_available() and torch.distributed.is_initialized():
        # Nobody leaves while another one still has something to say.
        torch.distributed.barrier()
        torch.distributed.destroy_process_group()


def enable_mixed_precision(config: Config) -> None:
    """Let the config train in bfloat16, or in scaled float16 on a GPU without it.

    Raises:
        ValueError: If the config has an optimizer wrapper of its own.
    """
    kind = config.optim_wrapper.get('type', 'OptimWrapper')
    if kind in ('AmpOptimWrapper', 'BFloat16OptimWrapper'):
        return
    if kind != 'OptimWrapper':
        raise ValueError(
            f'--amp replaces OptimWrapper, but the config has {kind}; choose its '
            'precision in the config.'
        )
    # Where it is emulated, as before compute capability 8.0, bfloat16 saves nothing.
    if torch.cuda.is_available() and not torch.cuda.is_bf16_supported(
        including_emulation=False
    ):
        config.optim_wrapper.type = 'AmpOptimWrapper'
        config.optim_wrapper.setdefault('loss_scale', 'dynamic')
    else:
        config.optim_wrapper.type = 'BFloat16OptimWrapper'
