"""What a runner has built, as far as hooks look at it before a run."""

from __future__ import annotations

from collections.abc import Iterator

from mmengine.runner import Runner
from mmengine.runner.base_loop import BaseLoop

from deforhmr_mm.evaluation import MeshMetric

__all__ = ['built_loops', 'mesh_metrics']


def built_loops(runner: Runner) -> Iterator[BaseLoop]:
    """Loops that the run will use; the others are still their configs."""
    for loop in (runner._train_loop, runner._val_loop, runner._test_loop):
        if isinstance(loop, BaseLoop):
            yield loop


def mesh_metrics(loop: BaseLoop) -> Iterator[MeshMetric]:
    """Metrics of bodies that a loop evaluates; a training loop has none."""
    evaluator = getattr(loop, 'evaluator', None)
    for metric in getattr(evaluator, 'metrics', ()):
        if isinstance(metric, MeshMetric):
            yield metric
