"""There is something to score, or the run does not begin."""

from __future__ import annotations

from mmengine.hooks import Hook
from mmengine.runner import Runner

from deforhmr_mm.datasets import LabelRecord, inner_datasets
from deforhmr_mm.registry import HOOKS

from .run_parts import built_loops, mesh_metrics

__all__ = ['ScorableLabelsHook']


@HOOKS.register_module()
class ScorableLabelsHook(Hook):
    """Ask the metrics whether they can score the labels, before the first step.

    A validation without a label that its metric can score, or without a gender where
    the truth is gendered, would end a training after its first epochs, and a test when
    it is over. Data sets whose labels are not at hand as a whole (caches of features)
    are not looked at: there the metric itself raises the error, in the end.

    Raises:
        UnscorableLabelsError: From the runner, if nobody of an evaluation can be
            scored.
    """

    def before_run(self, runner: Runner) -> None:
        """Check the labels of validation and test, as far as they are built."""
        for loop in built_loops(runner):
            labels = [
                getattr(dataset, 'labels', None)
                for dataset in inner_datasets(loop.dataloader.dataset)
            ]
            if all(isinstance(columns, LabelRecord) for columns in labels):
                for metric in mesh_metrics(loop):
                    metric.check_labels(labels)
