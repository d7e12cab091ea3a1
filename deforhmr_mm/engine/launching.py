"""What the command lines share: config, launcher, mixed precision, clear errors."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any, NoReturn

import torch
import torch.distributed
from mmengine.config import Config

__all__ = [
    'enable_mixed_precision',
    'leave_processes',
    'load_config',
    'one_line_errors',
    'prepare_launcher',
    'set_work_dir',
]

DEBUG_VARIABLE = 'DEFORHMR_DEBUG'
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


def prepare_launcher(config: Config, launcher: str) -> None:
    """Set the launcher; without CUDA, join the processes through gloo.

    mmengine assumes CUDA in three places (the backend, the device of each process and
    that of the wrapped model); this is what lets several CPU processes train together.

    Raises:
        ValueError: If there is no CUDA and the launcher is neither 'none' nor
        'pytorch'.
    """
    config.launcher = launcher
    if launcher == 'none' or torch.cuda.is_available():
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
        torch.distributed.init_process_group('gloo')


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
    if torch.cuda.is_available() and not torch.cuda.is_bf16_supported():
        config.optim_wrapper.type = 'AmpOptimWrapper'
        config.optim_wrapper.setdefault('loss_scale', 'dynamic')
    else:
        config.optim_wrapper.type = 'BFloat16OptimWrapper'
