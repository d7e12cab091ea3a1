"""Pictures of recovered people: the same few at each validation, any at a test."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from mmengine.dist import get_dist_info, is_main_process
from mmengine.hooks import Hook
from mmengine.model import is_model_wrapper
from mmengine.runner import Runner

from deforhmr_mm.datasets import read_sample_image
from deforhmr_mm.registry import HOOKS
from deforhmr_mm.structures import MeshDataSample
from deforhmr_mm.visualization import (
    MeshVisualizer,
    encode_image,
    shrink,
)
from deforhmr_mm.whole_files import write_bytes

__all__ = ['MeshVisualizationHook']


@HOOKS.register_module()
class MeshVisualizationHook(Hook):
    """Draw predicted meshes over their pictures, with the runner's `MeshVisualizer`.

    In validation a few samples are drawn, spread evenly over those that the first
    process validates, the same each time. Their pictures go to the visualizer's
    backends as ``val_NUMBER`` with the iteration as the step: with mmengine's default
    backend, to ``WORK_DIR/TIME/vis_data/vis_image``.

    In a test, pictures are drawn if there is an `out_dir`
    (``tools/test.py --show-dir``), with all people of a picture that come one after the
    other, each process its own. The files are ``NUMBER_PICTURE.jpg``, NUMBER being that
    of the first person in the order of the data set.

    Args:
        num_samples: How many people are drawn in validation.
        max_size: Pictures whose longer side has more pixels are shrunk to it.
        out_dir: Where a test's pictures are written; none are without it.
        interval: In a test, every so many pictures one is drawn.
    """

    priority = 'NORMAL'

    def __init__(
        self,
        num_samples: int = 4,
        max_size: int = 640,
        out_dir: str | Path | None = None,
        interval: int = 1,
    ) -> None:
        if num_samples < 1 or max_size < 1 or interval < 1:
            raise ValueError(
                'num_samples, max_size and interval must be at least 1, but are '
                f'{num_samples}, {max_size} and {interval}.'
            )
        self.num_samples = num_samples
        self.max_size = max_size
        self.out_dir = None if out_dir is None else Path(out_dir)
        self.interval = interval
        self._chosen: set[int] = set()
        self._seen = 0
        self._pictures = 0
        # The test's last picture, whose people may not all have come.
        self._together: list[MeshDataSample] = []
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
            outputs: Samples with ``pred_instances`` in their full camera and a picture
                (see `read_sample_image`).

        Raises:
            FileNotFoundError: If a picture is gone.
            ImageReadError: If a picture is damaged.
        """
        if not is_main_process():
            return
        for number, sample in enumerate(outputs or (), self._seen):
            if number in self._chosen:
                drawn = self._draw(runner, [sample])
                runner.visualizer.add_image(f'val_{number}', drawn, runner.iter)
        self._seen += len(outputs or ())

    def before_test_epoch(self, runner: Runner) -> None:
        """Start to count."""
        self._seen = self._pictures = 0
        self._together = []

    def after_test_iter(
        self,
        runner: Runner,
        batch_idx: int,
        data_batch: Any = None,
        outputs: Sequence[MeshDataSample] | None = None,
    ) -> None:
        """Write the pictures whose people are complete; see `after_val_iter`."""
        if self.out_dir is None:
            return
        for sample in outputs or ():
            if self._together and _view(sample) != _view(self._together[0]):
                self._write(runner)
            self._together.append(sample)

    def after_test_epoch(
        self, runner: Runner, metrics: dict[str, float] | None = None
    ) -> None:
        """Write the last picture."""
        if self._together:
            self._write(runner)

    def _write(self, runner: Runner) -> None:
        """Draw and write the people that were collected."""
        people, self._together = self._together, []
        if self._pictures % self.interval == 0:
            rank, processes = get_dist_info()
            number = self._seen * processes + rank
            stem = Path(people[0].metainfo['img_path']).stem
            picture = encode_image(self._draw(runner, people), '.jpg')
            write_bytes(self.out_dir / f'{number:06d}_{stem}.jpg', picture)
        self._pictures += 1
        self._seen += len(people)

    def _draw(self, runner: Runner, people: Sequence[MeshDataSample]) -> np.ndarray:
        """Return the picture with its people, (H, W, 3) uint8 RGB, shrunk."""
        model = runner.model.module if is_model_wrapper(runner.model) else runner.model
        drawer = self._find_drawer(runner)
        drawer.faces = model.body_model.faces
        picture = read_sample_image(people[0].metainfo)[..., ::-1]
        drawn = drawer.draw_people(np.ascontiguousarray(picture), people)
        return shrink(drawn, self.max_size)

    def _find_drawer(self, runner: Runner) -> MeshVisualizer:
        """The runner's visualizer; mmengine's plain one draws no meshes."""
        if isinstance(runner.visualizer, MeshVisualizer):
            return runner.visualizer
        if self._drawer is None:
            self._drawer = MeshVisualizer('mesh_visualization_hook')
        return self._drawer


def _view(sample: MeshDataSample) -> tuple:
    """What people that are drawn together have in common: picture and camera."""
    person = sample.pred_instances
    camera = (*person.focal_length.tolist(), *person.principal_point[0].tolist())
    return (sample.metainfo['img_path'], *camera)
