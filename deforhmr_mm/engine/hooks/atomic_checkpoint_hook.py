"""Checkpoints that are never cut off, and from which a training goes on exactly."""

from __future__ import annotations

from collections import deque
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from mmengine.dist import is_main_process
from mmengine.hooks import CheckpointHook
from mmengine.runner import Runner

from deforhmr_mm.registry import HOOKS

from ..atomic_backend import ATOMIC, LEFTOVER_SUFFIX, AtomicLocalBackend

__all__ = ['AtomicCheckpointHook']

STATE = 'resume_state'


@HOOKS.register_module()
class AtomicCheckpointHook(CheckpointHook):
    """mmengine's hook, safe against a kill or a full disk at any moment.

    - A checkpoint is written beside its place and then renamed, and so is the file
      ``last_checkpoint``.
    - Older checkpoints are removed after the new one is there, and not before.
    - Checkpoints to resume from hold the ``resume_state`` of the loop, if it has one
      (`deforhmr_mm.engine.resumable_loops`): the place in the data and the random
      generators of every process.

    Args: as `mmengine.hooks.CheckpointHook`.
    """

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._is_local = '://' not in str(self.out_dir or '')
        if self._is_local and self.backend_args is None:
            self.backend_args = dict(backend=ATOMIC)
        self._state: Mapping[str, Any] | None = None
        self.keep_ckpt_ids: deque = deque()

    def before_train(self, runner: Runner) -> None:
        """Look at what is there, and remove what a kill left half written."""
        super().before_train(runner)
        steps = getattr(runner.optim_wrapper, '_accumulative_counts', 1)
        every = self.interval
        if self.by_epoch:
            every *= len(runner.train_dataloader)
        if every % steps:
            runner.logger.warning(
                f'Gradients are gathered over {steps} steps and not stored: a training '
                f'resumed from checkpoints written every {every} steps will lose some.'
            )
        if self._is_local and is_main_process():
            for leftover in Path(self.out_dir).glob(f'*{LEFTOVER_SUFFIX}'):
                leftover.unlink()

    def before_save_checkpoint(self, runner: Runner, checkpoint: dict) -> None:
        """Add the loop's state."""
        if self._state is not None:
            checkpoint[STATE] = self._state

    def after_load_checkpoint(self, runner: Runner, checkpoint: dict) -> None:
        """Give the loop its state back, where a training is resumed."""
        loop = runner.train_loop if runner._resume else None
        if STATE in checkpoint and hasattr(loop, 'load_resume_state'):
            loop.load_resume_state(checkpoint[STATE])

    def _save_checkpoint_with_step(
        self, runner: Runner, step: int, meta: dict[str, Any]
    ) -> None:
        outdated = self._list_outdated(runner, step)
        name = self.filename_tmpl.format(step)
        self.last_ckpt = self.file_backend.join_path(self.out_dir, name)
        runner.message_hub.update_info('last_ckpt', self.last_ckpt)
        # The runner saves in the main process alone; the states are of all of them.
        if hasattr(runner.train_loop, 'resume_state'):
            self._state = runner.train_loop.resume_state()
        runner.save_checkpoint(
            self.out_dir,
            name,
            self.file_client_args,
            save_optimizer=self.save_optimizer,
            save_param_scheduler=self.save_param_scheduler,
            meta=meta,
            by_epoch=self.by_epoch,
            backend_args=self.backend_args,
            **self.args,
        )
        self._state = None
        if is_main_process():
            note = Path(runner.work_dir, 'last_checkpoint')
            AtomicLocalBackend().put_text(self.last_ckpt, note)
            for path in outdated:
                self._remove(path)

    def _list_outdated(self, runner: Runner, step: int) -> list[str]:
        """Count the new checkpoint; return the paths of those that are one too many."""
        kept = self.keep_ckpt_ids
        if self.max_keep_ckpts <= 0 or (kept and kept[-1] == step):
            return []
        outdated = []
        while len(kept) >= self.max_keep_ckpts:
            name = self.filename_tmpl.format(kept.popleft())
            outdated.append(self.file_backend.join_path(self.out_dir, name))
        kept.append(step)
        runner.message_hub.update_info('keep_ckpt_ids', list(kept))
        return outdated

    def _save_best_checkpoint(
        self, runner: Runner, metrics: Mapping[str, float]
    ) -> None:
        # mmengine removes the former best before it writes the new one, unless it
        # knows of none.
        if not self.save_best:
            return
        former = self._best_paths()
        self._set_best_paths({})
        super()._save_best_checkpoint(runner, metrics)
        new = self._best_paths()
        self._set_best_paths({**former, **new})
        if is_main_process():
            for path in {former[key] for key in former.keys() & new.keys()}:
                if path not in self._best_paths().values():
                    self._remove(path)

    def _best_paths(self) -> dict[str, str]:
        """The best checkpoints that are known, by their metric."""
        if len(self.key_indicators) > 1:
            paths = self.best_ckpt_path_dict
        else:
            # Nameless: the metric 'auto' gets its name at the first validation.
            paths = {'': self.best_ckpt_path}
        return {key: path for key, path in paths.items() if path}

    def _set_best_paths(self, paths: Mapping[str, str]) -> None:
        if len(self.key_indicators) > 1:
            self.best_ckpt_path_dict = {
                key: paths.get(key) for key in self.key_indicators
            }
        else:
            self.best_ckpt_path = paths.get('')

    def _remove(self, path: str) -> None:
        if self.file_backend.isfile(path):
            self.file_backend.remove(path)
