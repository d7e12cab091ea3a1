"""Checkpoint files: safe to open, and made for this model."""

from __future__ import annotations

import pickle
import re
import zipfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch
from torch import nn

from .safe_globals import add_safe_globals

__all__ = [
    'CheckpointError',
    'check_checkpoint_fits',
    'check_resumable',
    'find_last_checkpoint',
    'load_checkpoint_safely',
    'open_safely',
]


# What to do with a file that holds more than weights.
CONVERT_IT = (
    "If another project wrote it, convert it first: HMR2.0's with "
    "tools/model_converters/hmr2.py, encoders (ViTPose's, mmpose's, mmpretrain's) with "
    'tools/model_converters/vitpose.py, see docs/checkpoints.md.'
)


class CheckpointError(ValueError):
    """A checkpoint file is damaged, unsafe, or of another model."""


def open_safely(path: str | Path, advice: str = CONVERT_IT) -> Any:
    """Open a file that torch wrote without running code from it.

    Args:
        path: Local file.
        advice: The end of the error of a file that holds more than it may.

    Returns:
        What is in it; tensors on the CPU, mapped from the file where its format allows.

    Raises:
        FileNotFoundError: If there is no such file.
        CheckpointError: If the file is damaged, or holds more than tensors and plain
            values.
    """
    add_safe_globals()
    path = Path(path)
    if not path.is_file():
        raise FileNotFoundError(f'The checkpoint {path} does not exist.')
    is_zip = zipfile.is_zipfile(path)
    try:
        return torch.load(path, map_location='cpu', weights_only=True, mmap=is_zip)
    except pickle.UnpicklingError as error:
        # torch's own text goes on to advise to trust the file.
        found = re.search(r'GLOBAL (getattr\(.*\)|\S+)', str(error))
        if found is None:
            reason = 'it is damaged or of another format.'
        else:
            reason = (
                f'it holds {found.group(1)}, and only tensors and plain values are '
                f'loaded, since anything else could run code. {advice}'
            )
        raise CheckpointError(
            f'The checkpoint {path} cannot be opened safely: {reason}'
        ) from error
    # Bytes that are no pickle make torch's reader raise whatever comes.
    except Exception as error:
        raise CheckpointError(
            f'{path} is not a readable checkpoint: it is empty, cut off or of another '
            'format.'
        ) from error


def load_checkpoint_safely(
    path: str | Path, advice: str = CONVERT_IT
) -> dict[str, Any]:
    """Open a checkpoint without running code from it.

    Args:
        path: Local file.
        advice: The end of the error of a file that holds more than it may.

    Returns:
        The checkpoint, with at least ``state_dict``; see `open_safely`.

    Raises:
        FileNotFoundError: If there is no such file.
        CheckpointError: If the file is bad (`open_safely`) or not a checkpoint.
    """
    checkpoint = open_safely(path, advice)
    if not isinstance(checkpoint, dict) or 'state_dict' not in checkpoint:
        raise CheckpointError(
            f'{path} has no "state_dict": it is not a checkpoint of this project.'
        )
    return checkpoint


def check_checkpoint_fits(model: nn.Module, path: str | Path) -> None:
    """Check that a checkpoint is of a model, before mmengine loads it leniently.

    Args:
        model: The model, not wrapped.
        path: Local checkpoint file.

    Raises:
        FileNotFoundError: If there is no such file.
        CheckpointError: If the file is bad (`load_checkpoint_safely`), or a weight is
            missing, left over, or of another shape.
    """
    stored = load_checkpoint_safely(path)['state_dict']
    wanted = model.state_dict()
    differences = [
        ('missing', sorted(wanted.keys() - stored.keys())),
        ('left over', sorted(stored.keys() - wanted.keys())),
        (
            'of another shape',
            [
                f'{key} ({tuple(stored[key].shape)}, not {tuple(wanted[key].shape)})'
                for key in wanted
                if key in stored and stored[key].shape != wanted[key].shape
            ],
        ),
    ]
    found = [
        f'{len(keys)} {what} ({", ".join(keys[:3])}{", ..." if len(keys) > 3 else ""})'
        for what, keys in differences
        if keys
    ]
    if found:
        raise CheckpointError(
            f'The checkpoint {path} is of another model than the config describes; '
            f'weights: {"; ".join(found)}.'
        )


def check_resumable(
    checkpoint: Mapping[str, Any], path: str | Path, has_schedulers: bool
) -> None:
    """Check that a training can go on from a checkpoint, not only from its weights.

    mmengine begins what is missing anew, without a word.

    Args:
        checkpoint: What `load_checkpoint_safely` returned.
        path: Its file, for the error.
        has_schedulers: Whether the training has any (``param_scheduler``).

    Raises:
        CheckpointError: If the optimizer, the schedules, the log or the place in the
            training is missing.
    """
    needed = ['optimizer', *['param_schedulers'] * has_schedulers, 'message_hub']
    missing = [key for key in needed if key not in checkpoint]
    meta = checkpoint.get('meta') or {}
    missing += [f'meta.{key}' for key in ('epoch', 'iter') if key not in meta]
    if missing:
        raise CheckpointError(
            f'{path} holds weights alone, without {", ".join(missing)}: begin anew '
            f'from them by --cfg-options load_from={path}, without --resume, or resume '
            'from a checkpoint such as epoch_N.pth or iter_N.pth.'
        )


def find_last_checkpoint(work_dir: str | Path) -> Path | None:
    """Return the checkpoint that a training in this folder wrote last.

    Args:
        work_dir: The folder; it may have been moved since.

    Returns:
        The file that ``last_checkpoint`` names, or None without such a note.

    Raises:
        CheckpointError: If the file that is named is gone.
    """
    note = Path(work_dir) / 'last_checkpoint'
    if not note.is_file():
        return None
    named = Path(note.read_text(encoding='utf-8').strip())
    for path in (note.parent / named.name, named):
        if path.is_file():
            return path
    raise CheckpointError(
        f'{note} names the checkpoint "{named}", which is not there; give the one to '
        'go on from as --resume CHECKPOINT.'
    )
