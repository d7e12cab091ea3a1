"""Losses in the log are those of all processes."""

from __future__ import annotations

from typing import Any

import torch
from mmengine.dist import all_reduce, get_world_size
from mmengine.hooks import Hook
from mmengine.runner import Runner
from torch import Tensor

from deforhmr_mm.registry import HOOKS

__all__ = ['MeanLossHook']


@HOOKS.register_module()
class MeanLossHook(Hook):
    """Average what the model logs over the processes.

    mmengine logs the first process's share of the batch. Losses whose sums are divided
    by the labels of all processes (`weighted_mean`) mean little there by themselves;
    their mean is the loss of the whole batch.
    """

    # After `NonFiniteLossHook`, before mmengine's RuntimeInfoHook takes the values.
    priority = 5

    def after_train_iter(
        self,
        runner: Runner,
        batch_idx: int,
        data_batch: Any = None,
        outputs: dict[str, Tensor] | None = None,
    ) -> None:
        """Replace the values in `outputs`, which hooks share, by their means."""
        if get_world_size() == 1 or not outputs:
            return
        values = torch.stack([value.detach().float() for value in outputs.values()])
        all_reduce(values, op='mean')
        outputs.update(zip(outputs, values, strict=True))
