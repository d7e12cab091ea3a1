"""Reading other people's checkpoints without running them; writing ours whole."""

from __future__ import annotations

from collections import OrderedDict
from pathlib import Path
from typing import Any, NamedTuple

import torch
from torch import Tensor

from deforhmr_mm.engine.checkpoints import load_checkpoint_safely
from deforhmr_mm.engine.safe_globals import add_safe_globals
from deforhmr_mm.whole_files import whole_file

from .matching import ConversionError

__all__ = ['PublishedCheckpoint', 'open_published_checkpoint', 'write_checkpoint']

# A converter, which passes over what it can, is not to name itself as the way.
ASK_FOR_WEIGHTS = 'Ask its authors for a file that holds the weights alone.'


class PublishedCheckpoint(NamedTuple):
    """Weights of a file, and the names of the classes in it that were not loaded."""

    state_dict: dict[str, Tensor]
    ignored: list[str]


class _StandIn:
    """Stands for a class that is not loaded.

    Training frameworks store settings as objects (Lightning's ``hyper_parameters``,
    configs of yacs or omegaconf). Nothing here needs them, and loading their classes
    would let a file run code. What is made instead is a plain dictionary: torch's safe
    reader fills no other container.
    """

    def __new__(cls, *args: object, **kwargs: object) -> OrderedDict:
        return OrderedDict()


def open_published_checkpoint(path: str | Path) -> PublishedCheckpoint:
    """Open a checkpoint of another project, running nothing in it.

    Where it holds objects of classes that are not safe to load, these are passed over;
    older files, written before torch 1.6, must hold no such objects.

    Args:
        path: Local file with a ``state_dict``, such as mmcv, mmengine and Lightning
            write.

    Raises:
        FileNotFoundError: If there is no such file.
        CheckpointError: If the file is damaged, no checkpoint, or cannot be read
            safely.
        ConversionError: If its ``state_dict`` holds anything else than tensors.
    """
    add_safe_globals()
    ignored = _unknown_classes(Path(path))
    with torch.serialization.safe_globals([(_StandIn, name) for name in ignored]):
        stored = load_checkpoint_safely(path, ASK_FOR_WEIGHTS)['state_dict']
    if not isinstance(stored, dict) or not all(
        isinstance(value, Tensor) for value in stored.values()
    ):
        raise ConversionError(f'{path}: state_dict holds more than tensors')
    return PublishedCheckpoint(dict(stored), ignored)


def _unknown_classes(path: Path) -> list[str]:
    try:
        return sorted(torch.serialization.get_unsafe_globals_in_checkpoint(str(path)))
    # Whatever is wrong with the file, the loader that comes next says it better.
    except Exception:
        return []


def write_checkpoint(
    state_dict: dict[str, Tensor], path: str | Path, meta: dict[str, Any]
) -> None:
    """Write a checkpoint: the whole file or nothing."""
    # Given a path, torch raises a RuntimeError where it cannot write.
    with whole_file(path) as part, part.open('wb') as file:
        torch.save(dict(state_dict=state_dict, meta=meta), file)
