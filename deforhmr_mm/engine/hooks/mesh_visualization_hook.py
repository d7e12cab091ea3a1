"""Pictures of the same few people at each validation."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import cv2
import numpy as np
from mmengine.dist import is_main_process
from mmengine.hooks import Hook
from mmengine.model import is_model_wrapper
from mmengine.runner import Runner

from deforhmr_mm.datasets import read_image
from deforhmr_mm.registry import HOOKS
from deforhmr_mm.structures import MeshDataSample
from deforhmr_mm.visualization import MeshVisualizer

__all__ = ['MeshVisualizationHook']


@HOOKS.register_module()
class MeshVisualizationHook(Hook):
    """Draw the predicted meshes of a few samples over their pictures.

    The samples are spread evenly over those that the first process validates, the same
    each time. Their pictures go to the visualizer's backends as ``val_NUMBER`` with the
    iteration as the step: with mmengine's default backend, to
    ``WORK_DIR/TIME/vis_data/vis_image``.

    Args:
        num_samples: How many people are drawn.
        max_size: Pictures whose longer side has more pixels are shrunk to it.
    """

    priority = 'NORMAL'

    def __init__(self, num_samples: int = 4, max_size: int = 640) -> None:
        if num_samples < 1 or max_size < 1:
            raise ValueError(
                'num_samples and max_size must be at least 1, but are '
                f'{num_samples} and {max_size}.'
            )
        self.num_samples = num_samples
        self.max_size = max_size
        self._chosen: set[int] = set()
        self._seen = 0
        self._drawer: MeshVisualizer | None = None

    def before_val_epoch(self, runner: Runner) -> None:
        """Choose the samples."""
        count = len(runner.val_dataloader.batch_sampler.sampler)
        spread = np.linspace(0, max(count - 1, 0), min(self.num_samples, count))
        self._chosen = {int(number) for number in spread.round()}
        self._seen = 0

    def after_val_iter(
        self,
        runner: Runner,
        batch_idx: int,
        data_batch: Any = None,
        outputs: Sequence[MeshDataSample] | None = None,
    ) -> None:
        """Draw those of the batch that are chosen.

        Args:
            runner: The runner; its model has a ``body_model`` with ``faces``.
            batch_idx: Unused.
            data_batch: Unused.
            outputs: Samples with ``pred_instances`` in their full camera and
                ``img_path``.

        Raises:
            FileNotFoundError: If a picture is gone.
            ImageReadError: If a picture is damaged.
        """
        if not is_main_process():
            return
        for number, sample in enumerate(outputs or (), self._seen):
            if number in self._chosen:
                self._draw(runner, number, sample)
        self._seen += len(outputs or ())

    def _draw(self, runner: Runner, number: int, sample: MeshDataSample) -> None:
        if self._drawer is None:
            model = runner.model.module if is_model_wrapper(runner.model) else None
            body = (model or runner.model).body_model
            self._drawer = MeshVisualizer('validation_pictures', faces=body.faces)
        picture = read_image(sample.metainfo['img_path'])[..., ::-1]
        drawn = self._drawer.draw_people(np.ascontiguousarray(picture), [sample])
        factor = self.max_size / max(drawn.shape[:2])
        if factor < 1:
            drawn = cv2.resize(
                drawn, None, fx=factor, fy=factor, interpolation=cv2.INTER_AREA
            )
        runner.visualizer.add_image(f'val_{number}', drawn, runner.iter)
