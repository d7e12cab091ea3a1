"""A training whose loss is no longer a number stops, and says on which samples."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import torch
from mmengine.hooks import Hook
from mmengine.runner import Runner
from torch import Tensor

from deforhmr_mm.registry import HOOKS

__all__ = ['NonFiniteLossError', 'NonFiniteLossHook']


class NonFiniteLossError(RuntimeError):
    """A loss is NaN or infinite."""


@HOOKS.register_module()
class NonFiniteLossHook(Hook):
    """Stop at a loss that is NaN or infinite, before another checkpoint is written.

    With an `interval` above 1, what no look has seen is noted on the GPU and asked for
    when a checkpoint is to be written; the samples are not known then.

    Args:
        interval: Iterations between two looks. Each look waits for the GPU.
        max_samples: How many samples of the batch the message names.

    Raises:
        NonFiniteLossError: From the training loop; it names the iteration, the losses
            and the samples of the batch.
    """

    # Before `MeanLossHook`: the samples named are those of the loss's own process.
    priority = 'HIGHEST'

    def __init__(self, interval: int = 1, max_samples: int = 8) -> None:
        if interval < 1:
            raise ValueError(f'interval must be at least 1, but is {interval}.')
        self.interval = interval
        self.max_samples = max_samples
        self._last: Mapping[str, Any] = {}
        self._is_bad: Tensor | None = None

    def after_train_iter(
        self,
        runner: Runner,
        batch_idx: int,
        data_batch: Mapping[str, Any] | None = None,
        outputs: Mapping[str, Any] | None = None,
    ) -> None:
        """Look at the losses in `outputs`, the log variables of this iteration."""
        if self.interval > 1:
            self._note_last()
            # `MeanLossHook` is to put the means of all processes in here, of which the
            # first one writes the checkpoint.
            self._last = outputs or {}
        if not self.every_n_train_iters(runner, self.interval):
            return
        values = {name: float(loss) for name, loss in _losses(outputs).items()}
        bad = {
            name: value
            for name, value in values.items()
            if not torch.tensor(value).isfinite()
        }
        if not bad:
            return
        samples = (data_batch or {}).get('data_samples', [])
        names = [_sample_name(sample) for sample in samples[: self.max_samples]]
        if len(samples) > self.max_samples:
            names.append(f'and {len(samples) - self.max_samples} more')
        listed = ', '.join(f'{name} = {value}' for name, value in bad.items())
        raise NonFiniteLossError(
            f'Iteration {runner.iter}: {listed}. Samples of the batch: '
            f'{", ".join(names) or "unknown"}. Look at their labels; if they '
            'are sound, lower the learning rate, clip the gradients, or train without '
            '--amp.'
        )

    def before_save_checkpoint(
        self, runner: Runner, checkpoint: Mapping[str, Any]
    ) -> None:
        """Ask for the losses of the iterations that were not looked at."""
        self._note_last()
        if self._is_bad is not None and bool(self._is_bad):
            raise NonFiniteLossError(
                f'A loss was NaN or infinite before the checkpoint of iteration '
                f'{runner.iter}, which is not written. NonFiniteLossHook looked at '
                f'every {self.interval}th iteration only: set its interval to 1 to '
                'have the samples named.'
            )

    def _note_last(self) -> None:
        """Note whether the last losses are bad, without waiting for the GPU."""
        for loss in _losses(self._last).values():
            is_bad = ~loss.isfinite()
            self._is_bad = is_bad if self._is_bad is None else self._is_bad | is_bad
        self._last = {}


def _losses(outputs: Mapping[str, Any] | None) -> dict[str, Tensor]:
    """The losses among the log variables, () each."""
    return {
        name: torch.as_tensor(value).detach().float().mean()
        for name, value in (outputs or {}).items()
        if 'loss' in name
    }


def _sample_name(sample: Any) -> str:
    name = sample.metainfo.get('sample_id')
    path = sample.metainfo.get('img_path')
    return str(name) if path is None else f'{name} ({path})'
