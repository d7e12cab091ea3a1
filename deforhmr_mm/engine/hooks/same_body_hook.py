"""Labels, model and metric speak of one body, or the run does not begin."""

from __future__ import annotations

import logging

from mmengine.hooks import Hook
from mmengine.logging import print_log
from mmengine.model import is_model_wrapper
from mmengine.runner import Runner
from torch.utils.data import Dataset

from deforhmr_mm.body_models import SMPL
from deforhmr_mm.datasets import inner_datasets
from deforhmr_mm.evaluation import MeshMetric
from deforhmr_mm.models import BodyMismatchError, MeshEstimator
from deforhmr_mm.registry import HOOKS

from .run_parts import built_loops, mesh_metrics

__all__ = ['SameBodyHook']

OPEN_BODY = 'open_body'


@HOOKS.register_module()
class SameBodyHook(Hook):
    """Compare the bodies of model, labels and metrics before the first step.

    Pose and betas of one body mean nothing on another, and training with them goes well
    by its losses. Labels that do not say whose they are (SPIN's and CLIFF's files do
    not: theirs are SMPL's) are taken for the model's; where that is the open body, the
    log warns of it. Other models than `MeshEstimator` are not looked at.

    Raises:
        BodyMismatchError: From the runner, if two of them differ.
    """

    def before_run(self, runner: Runner) -> None:
        """Compare what this run has built: training, validation or test."""
        model = runner.model.module if is_model_wrapper(runner.model) else runner.model
        if not isinstance(model, MeshEstimator):
            return
        body = model.body_model
        for loop in built_loops(runner):
            metrics = list(mesh_metrics(loop))
            for metric in metrics:
                _compare_metric(metric, body)
            bodies = [body, *(b for m in metrics for b in m.truth_bodies.values())]
            for dataset in inner_datasets(loop.dataloader.dataset):
                _compare_labels(dataset, body, {other.fingerprint for other in bodies})


def _compare_metric(metric: MeshMetric, body: SMPL) -> None:
    if metric.body_model.fingerprint != body.fingerprint:
        raise BodyMismatchError(
            f'MeshMetric has the body {_name(metric.body_model)}, but the model '
            f'{_name(body)}; give val_evaluator and test_evaluator the body_model of '
            'the model'
        )


def _compare_labels(dataset: Dataset, body: SMPL, known: set[str]) -> None:
    name = getattr(dataset, 'dataset_name', type(dataset).__name__)
    fingerprint = (getattr(dataset, 'metainfo', None) or {}).get('body_fingerprint')
    if fingerprint is None:
        if body.body_name == OPEN_BODY and _has_parameters(dataset):
            print_log(
                f'the labels of {name} do not say which body they belong to, and are '
                f"taken for those of the model's, the open body. If they are SMPL's, "
                'poses and shapes will be wrong: set body_model of the model and the '
                'evaluators to your SMPL file',
                'current',
                logging.WARNING,
            )
    elif fingerprint not in known:
        raise BodyMismatchError(
            f'the labels of {name} belong to the body {fingerprint}, but the model has '
            f'{_name(body)}; set model.body_model to the body of the labels'
        )


def _has_parameters(dataset: Dataset) -> bool:
    """Whether there are labels of pose or shape; taken for granted if not known."""
    labels = getattr(dataset, 'labels', None)
    return labels is None or bool(labels.has_pose.any() or labels.has_betas.any())


def _name(body: SMPL) -> str:
    return f'{body.body_name} ({body.fingerprint})'
