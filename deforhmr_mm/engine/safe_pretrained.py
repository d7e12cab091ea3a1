"""Weights that a module begins with, from a file that runs no code."""

from __future__ import annotations

from pathlib import Path

from mmengine.model import PretrainedInit
from torch import nn

from deforhmr_mm.registry import WEIGHT_INITIALIZERS

from .checkpoints import CheckpointError, open_safely

__all__ = ['SafePretrainedInit']


@WEIGHT_INITIALIZERS.register_module(name='Pretrained')
class SafePretrainedInit(PretrainedInit):
    """mmengine's ``init_cfg=dict(type='Pretrained')`` without code of a local file.

    mmengine's own opens a file that holds more than tensors and plain values all the
    same, and so runs what code is in it. In the scope ``deforhmr_mm`` this one takes
    its place for every module, those of other projects too. Addresses (``https://``,
    ``torchvision://``) are left to mmengine.

    Args: as `mmengine.model.PretrainedInit`.
    """

    def __call__(self, module: nn.Module) -> None:
        """Load the weights, as far as they are there, into `module`.

        Raises:
            FileNotFoundError: If there is no such file.
            CheckpointError: If the file is bad (`open_safely`), or has no weight whose
                name begins with ``prefix``.
        """
        if '://' not in self.checkpoint:
            self._check(Path(self.checkpoint).expanduser())
        super().__call__(module)

    def _check(self, path: Path) -> None:
        content = open_safely(path)
        if not isinstance(content, dict):
            raise CheckpointError(
                f'{path} holds no weights by their names, but a '
                f'{type(content).__name__}.'
            )
        if self.prefix is None:
            return
        names = content.get('state_dict', content)
        prefix = self.prefix.removesuffix('.') + '.'
        if not any(name.startswith(prefix) for name in names):
            raise CheckpointError(
                f'{path} has no weight whose name begins with {prefix!r}, the prefix '
                f'in init_cfg; the first is {next(iter(names), None)!r}.'
            )
