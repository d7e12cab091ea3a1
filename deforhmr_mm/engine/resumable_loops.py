"""Training loops that go on after an interruption as if there had been none.

mmengine's loops begin the epoch anew when they resume from a checkpoint of its middle,
do not restore random generators, and forget a validation that was due. These take all
of it up, from what `AtomicCheckpointHook` stores. Validation uses random numbers of its
own, and augmentation those of each sample's place (`deforhmr_mm.datasets.sample_seed`).
"""

from __future__ import annotations

import logging
from collections.abc import Mapping, Sequence
from typing import Any

from mmengine.dist import (
    all_gather_object,
    broadcast_object_list,
    get_rank,
    get_world_size,
)
from mmengine.logging import print_log
from mmengine.runner import EpochBasedTrainLoop, IterBasedTrainLoop
from torch import nn

from deforhmr_mm.datasets.sample_seed import seeded_loader
from deforhmr_mm.registry import LOOPS

from .random_state import preserved_random_state, random_state, set_random_state

__all__ = ['ResumableEpochBasedTrainLoop', 'ResumableIterBasedTrainLoop']


class _Resumable:
    """What both loops share: the place in the data, and what a checkpoint keeps."""

    def _make_resumable(self, endless: bool) -> None:
        seed = [self.runner.seed]
        # Of the first process for all: with `diff_rank_seed` each has another.
        broadcast_object_list(seed)
        self.dataloader = seeded_loader(self.dataloader, seed[0], endless)
        self._batches_done = 0  # Of this epoch, or of all in the endless loop.
        self._is_validated = False
        self._resumed: Mapping[str, Any] | None = None
        # Of the generators, while a validation runs.
        self._before_validation: Mapping[str, Any] | None = None

    def resume_state(self) -> dict[str, Any]:
        """What to take up the training here; all processes must call it.

        Within a validation the generators are stored as it will leave them: as they
        were before it.

        Returns:
            Plain values and tensors: ``batches_done`` of this epoch, ``step_size``
            samples of one step over all processes, ``is_validated``, ``sample_seed``,
            ``sampler_seed`` and the ``random_states`` of all processes.
        """
        state = self._before_validation
        if state is None:
            state = random_state()
        return dict(
            batches_done=self._batches_done,
            step_size=self._step_size,
            is_validated=self._is_validated,
            sample_seed=self.dataloader.dataset.seed,
            sampler_seed=getattr(self.dataloader.batch_sampler.sampler, 'seed', None),
            random_states=all_gather_object(state),
        )

    def load_resume_state(self, state: Mapping[str, Any]) -> None:
        """Remember a checkpoint's `resume_state` until the loop runs."""
        self._resumed = state

    @property
    def _step_size(self) -> int:
        return self.dataloader.batch_sampler.batch_size * get_world_size()

    def _take_up(self) -> bool:
        """Restore the resumed state; return whether a validation may be due."""
        state, self._resumed = self._resumed, None
        if state is None:
            # A new training, or a checkpoint of mmengine's own hook.
            self._batches_done = self._batches_by_counters()
            return False
        samples = state['batches_done'] * state['step_size']
        self._batches_done = samples // self._step_size
        if state['step_size'] != self._step_size:
            self._warn(
                f'a step has {self._step_size} samples, but had {state["step_size"]} '
                'before: iterations mean something else now'
            )
        self.dataloader.dataset.seed = state['sample_seed']
        if state['sampler_seed'] is not None:
            self.dataloader.batch_sampler.sampler.seed = state['sampler_seed']
        if len(state['random_states']) == get_world_size():
            set_random_state(state['random_states'][get_rank()])
        else:
            self._warn(
                f'there are {get_world_size()} processes, but '
                f'{len(state["random_states"])} before: their random generators begin '
                'anew'
            )
        return not state['is_validated']

    @staticmethod
    def _warn(difference: str) -> None:
        print_log(
            f'The resumed training does not repeat the interrupted one: {difference}.',
            logger='current',
            level=logging.WARNING,
        )

    def _validate_if_due(self, count: int, end: int) -> None:
        """Validate after so many epochs or iterations, if the config says so."""
        if self.runner.val_loop is None or count < self.val_begin:
            return
        if count % self.val_interval == 0 or count == end:
            # Checkpoints that the validation writes are past it.
            self._is_validated = True
            try:
                with preserved_random_state() as self._before_validation:
                    self.runner.val_loop.run()
            finally:
                self._before_validation = None


@LOOPS.register_module()
class ResumableEpochBasedTrainLoop(_Resumable, EpochBasedTrainLoop):
    """Train by epochs; resume within one without reading what it has seen.

    Args: as `mmengine.runner.EpochBasedTrainLoop`.
    """

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._make_resumable(endless=False)

    def run(self) -> nn.Module:
        """Train to the end."""
        self.runner.call_hook('before_train')
        # A checkpoint of the epoch's end is written before the validation there.
        if self._take_up() and self._batches_done == 0 and self._epoch > 0:
            self._decide_current_val_interval()
            self._validate_if_due(self._epoch, self._max_epochs)
        while self._epoch < self._max_epochs and not self.stop_training:
            self.run_epoch()
            self._decide_current_val_interval()
            self._validate_if_due(self._epoch, self._max_epochs)
        self.runner.call_hook('after_train')
        return self.runner.model

    def run_epoch(self) -> None:
        """Train an epoch, or what is left of it."""
        self.runner.call_hook('before_train_epoch')
        self.runner.model.train()
        first = self._batches_done
        self.dataloader.batch_sampler.go_to(self._epoch, first)
        # torch draws a seed for the workers, which a resumed epoch would draw again.
        with preserved_random_state():
            batches = iter(self.dataloader)
        for index, batch in enumerate(batches, first):
            self.run_iter(index, batch)
        self._batches_done, self._is_validated = 0, False
        self.runner.call_hook('after_train_epoch')
        self._epoch += 1

    def run_iter(self, idx: int, data_batch: Sequence[dict]) -> None:
        """Train a step; `idx` is the batch's number in the epoch."""
        self._batches_done, self._is_validated = idx + 1, False
        super().run_iter(idx, data_batch)

    def _batches_by_counters(self) -> int:
        batches = len(self.dataloader)
        return min(max(self._iter - self._epoch * batches, 0), batches)


@LOOPS.register_module()
class ResumableIterBasedTrainLoop(_Resumable, IterBasedTrainLoop):
    """Train by iterations, on through the epochs; resume without reading what was seen.

    Args: as `mmengine.runner.IterBasedTrainLoop`.
    """

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._make_resumable(endless=True)
        # In stock mmengine its workers run already; here `run` has an iterator.
        del self.dataloader_iterator

    def run(self) -> nn.Module:
        """Train to the end."""
        self.runner.call_hook('before_train')
        self.runner.call_hook('before_train_epoch')
        if self._take_up() and self._iter > 0:
            self._decide_current_val_interval()
            self._validate_if_due(self._iter, self._max_iters)
        self.dataloader.batch_sampler.go_to(0, self._batches_done)
        with preserved_random_state():
            batches = iter(self.dataloader)
        while self._iter < self._max_iters and not self.stop_training:
            self.runner.model.train()
            self.run_iter(next(batches))
            self._decide_current_val_interval()
            self._validate_if_due(self._iter, self._max_iters)
        self.runner.call_hook('after_train_epoch')
        self.runner.call_hook('after_train')
        return self.runner.model

    def run_iter(self, data_batch: Sequence[dict]) -> None:
        """Train a step."""
        self._batches_done, self._is_validated = self._batches_done + 1, False
        super().run_iter(data_batch)

    def _batches_by_counters(self) -> int:
        return self._iter
