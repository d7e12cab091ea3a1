"""`MeshInferencer`: from pictures to meshes, files and overlays."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from os import PathLike, fspath
from pathlib import Path
from typing import Any

import numpy as np
import torch
from mmengine.config import Config
from mmengine.dataset import Compose, pseudo_collate
from mmengine.infer import BaseInferencer
from mmengine.logging import MMLogger
from rich.progress import track
from torch import nn

from deforhmr_mm.registry import INFERENCERS
from deforhmr_mm.structures import MeshDataSample
from deforhmr_mm.visualization import (
    MeshVisualizer,
    encode_image,
    encode_meshes,
    write_bytes,
)

from .inference import (
    SCOPE,
    build_test_pipeline,
    check_bboxes,
    crop_people,
    init_model,
    load_config,
    predict_people,
    read_input,
)
from .inputs import BoxSource, PictureInput, expand_inputs
from .model_zoo import resolve_model
from .results import describe_model, encode_json, encode_npz, person_result


@dataclass
class _Picture:
    """One input on its way through the inferencer; `error` ends the way."""

    item: PictureInput
    image: np.ndarray | None = None
    crops: list[dict] = field(default_factory=list)
    samples: list[MeshDataSample] = field(default_factory=list)
    error: Exception | None = None
    seconds: float = 0.0


@INFERENCERS.register_module()
class MeshInferencer(BaseInferencer):
    """Recover people's meshes from pictures.

    Calling it gives an iterator with one dict a picture, in order:

    - ``predictions``: ``[people]``, one dict a person (see
      `deforhmr_mm.apis.results.person_result`) or, with ``return_datasamples``, one
      `MeshDataSample`
    - ``visualization``: ``[overlay]``, (H, W, 3) uint8 RGB, with ``return_vis``; else
      ``[]``
    - ``input``: the picture's path, or ``image_<index>`` for an array
    - ``error``: None, or why there is no result for this picture
    - ``files``: paths that were written
    - ``seconds``: reading, cropping and the network's share of its batch

    Arguments of a call beside ``inputs`` (a path, (H, W, 3) uint8 BGR array, folder,
    glob or a list of them), ``return_datasamples`` and ``batch_size`` (people):

    - ``bboxes``: see `deforhmr_mm.apis.inputs.BoxSource`; each picture is one person by
      default. ``bbox_format``: 'xyxy' or 'xywh'
    - ``focal_length``, ``principal_point``: pixels, for all pictures; the diagonal and
      the centre of each by default
    - ``return_vis``, ``draw_joints``: whether overlays are returned, and show 2D joints
    - ``out_dir``: where ``<name>_overlay.png``, ``<name>.glb`` (all people, camera at
      the origin, glTF's axes), ``<name>.json`` and ``<name>.npz`` are written
    - ``on_error``: 'raise' stops at the first picture that fails; 'continue' goes on
      and leaves the reason in ``error``. By default a single input raises; of several
      the others go on, and the log says what failed

    Args:
        model: A short name such as 'openbody-tiny', the path of a config, or a config.
        weights: The path of a checkpoint; a short name has its own.
        device: Where the model is to run; mmengine's choice by default.
        cfg_options: Settings that replace the config's, with dotted keys.
        show_progress: Whether a progress bar is shown.
    """

    preprocess_kwargs: set = {
        'bboxes',
        'bbox_format',
        'focal_length',
        'principal_point',
    }
    forward_kwargs: set = set()
    visualize_kwargs: set = {'draw_joints'}
    postprocess_kwargs: set = set()

    def __init__(
        self,
        model: str | PathLike | Config = 'openbody-tiny',
        weights: str | PathLike | None = None,
        device: str | None = None,
        cfg_options: dict | None = None,
        show_progress: bool = False,
    ) -> None:
        if not isinstance(model, Config):
            model, weights = resolve_model(fspath(model), weights)
        cfg = load_config(model, cfg_options)
        super().__init__(cfg, weights, device, scope=SCOPE, show_progress=show_progress)

    def __call__(
        self,
        inputs: str | PathLike | np.ndarray | Sequence,
        return_datasamples: bool = False,
        batch_size: int = 16,
        return_vis: bool = False,
        out_dir: str | PathLike | None = None,
        on_error: str | None = None,
        **kwargs: Any,
    ) -> Iterator[dict[str, Any]]:
        """Yield the results of each picture; see the class for the arguments.

        Raises:
            FileNotFoundError: If an input is not there.
            ValueError: If an input or a box cannot be used.
        """
        if batch_size < 1:
            raise ValueError(f'batch_size must be at least 1, got {batch_size}')
        preprocess, _, visualize, _ = self._dispatch_kwargs(**kwargs)
        items = expand_inputs(inputs)
        if on_error not in (None, 'raise', 'continue'):
            raise ValueError(f"on_error must be 'raise' or 'continue': {on_error!r}")
        if on_error is None:
            on_error = 'raise' if len(items) == 1 else 'log'
        batches = self.preprocess(items, batch_size, **preprocess)
        return self._run(
            batches,
            batch_size,
            on_error,
            dict(visualize, return_vis=return_vis, out_dir=out_dir),
            dict(
                return_datasample=return_datasamples,
                return_vis=return_vis,
                out_dir=out_dir,
            ),
        )

    def _run(
        self,
        batches: Iterable[list[_Picture]],
        batch_size: int,
        on_error: str,
        visualize_kwargs: dict,
        postprocess_kwargs: dict,
    ) -> Iterator[dict[str, Any]]:
        for pictures in batches:
            self.forward(pictures, batch_size)
            for picture in pictures:
                if picture.error is not None and on_error == 'raise':
                    raise picture.error
                overlays = self.visualize(
                    [picture], [picture.samples], **visualize_kwargs
                )
                result = self.postprocess([picture], overlays, **postprocess_kwargs)
                if picture.error is not None and on_error == 'log':
                    MMLogger.get_current_instance().error(result['error'])
                yield result

    def preprocess(
        self,
        inputs: Sequence[PictureInput],
        batch_size: int = 1,
        bboxes: object = None,
        bbox_format: str = 'xyxy',
        focal_length: float | None = None,
        principal_point: Sequence[float] | None = None,
    ) -> Iterator[list[_Picture]]:
        """Read and crop pictures, and group them to about `batch_size` people.

        Raises:
            ValueError: If `bboxes` are not of these inputs.
        """
        boxes = BoxSource(bboxes, inputs)

        def read(index: int, item: PictureInput) -> _Picture:
            start = time.perf_counter()
            picture = _Picture(item)
            try:
                image, path = read_input(item.source)
                people = check_bboxes(boxes.get(index, item), bbox_format, image)
                picture.crops = crop_people(
                    self.pipeline, image, people, path, focal_length, principal_point
                )
                picture.image = image
            except (OSError, ValueError) as error:
                picture.error = _with_name(error, item.name)
            picture.seconds = time.perf_counter() - start
            return picture

        def batches() -> Iterator[list[_Picture]]:
            batch: list[_Picture] = []
            for index, item in enumerate(self._track(inputs)):
                batch.append(read(index, item))
                people = sum(len(picture.crops) for picture in batch)
                # Pictures without people are not to pile up, either.
                if max(people, len(batch)) >= batch_size:
                    yield batch
                    batch = []
            if batch:
                yield batch

        return batches()

    def forward(self, inputs: list[_Picture], batch_size: int = 16) -> list[_Picture]:
        """Run the model on the people of a group of pictures, and add their samples."""
        crops = [crop for picture in inputs for crop in picture.crops]
        start = time.perf_counter()
        samples = []
        for first in range(0, len(crops), batch_size):
            part = crops[first : first + batch_size]
            samples.extend(predict_people(self.model, part))
        share = (time.perf_counter() - start) / max(1, len(crops))
        rest = iter(samples)
        for picture in inputs:
            picture.samples = [next(rest) for _ in picture.crops]
            picture.seconds += share * len(picture.crops)
            if not _are_finite(picture.samples):
                picture.error = ValueError(
                    f'{picture.item.name}: the model gave NaN or infinity; are its '
                    'weights those of a finished training?'
                )
        return inputs

    def visualize(
        self,
        inputs: list[_Picture],
        preds: list[list[MeshDataSample]],
        return_vis: bool = False,
        draw_joints: bool = False,
        out_dir: str | PathLike | None = None,
    ) -> list[np.ndarray]:
        """Return pictures with their people drawn over, where somebody wants them.

        Returns:
            (H, W, 3) uint8 RGB for each picture that did not fail; none if they are
            neither returned nor written.
        """
        if not return_vis and out_dir is None:
            return []
        return [
            self.visualizer.draw_people(
                np.ascontiguousarray(picture.image[..., ::-1]), people, draw_joints
            )
            for picture, people in zip(inputs, preds, strict=True)
            if picture.error is None
        ]

    def postprocess(
        self,
        preds: list[_Picture],
        visualization: list[np.ndarray],
        return_datasample: bool = False,
        return_vis: bool = False,
        out_dir: str | PathLike | None = None,
    ) -> dict[str, Any]:
        """Return the results of one picture (a list of one), and write its files."""
        (picture,) = preds
        result = {
            'input': picture.item.name,
            'predictions': [],
            'visualization': [],
            'error': None if picture.error is None else str(picture.error),
            'files': [],
            'seconds': picture.seconds,
        }
        if picture.error is not None:
            return result
        people = [person_result(sample) for sample in picture.samples]
        if out_dir is not None:
            (overlay,) = visualization
            result['files'] = self._write(picture, people, overlay, Path(out_dir))
        result['predictions'] = [picture.samples if return_datasample else people]
        result['visualization'] = visualization if return_vis else []
        return result

    def _write(
        self, picture: _Picture, people: list[dict], overlay: np.ndarray, folder: Path
    ) -> list[str]:
        """Encode all files of a picture first, so that a failure leaves none."""
        height, width = picture.image.shape[:2]
        image = {'path': picture.item.name, 'height': height, 'width': width}
        model = describe_model(self.model)
        stem = picture.item.stem
        files = {f'{stem}_overlay.png': encode_image(overlay)}
        if picture.samples:
            meshes = [
                (sample.pred_instances.vertices + sample.pred_instances.transl)[
                    0
                ].numpy()
                for sample in picture.samples
            ]
            faces = self.model.body_model.faces
            files[f'{stem}.glb'] = encode_meshes(meshes, faces, 'glb')
        files[f'{stem}.json'] = encode_json(people, image, model)
        files[f'{stem}.npz'] = encode_npz(picture.samples, image, model)
        for name, data in files.items():
            write_bytes(folder / name, data)
        return [str(folder / name) for name in files]

    def _init_model(
        self, cfg: Config, weights: str | PathLike | None, device: str = 'cpu'
    ) -> nn.Module:
        return init_model(cfg, weights, device)

    def _init_pipeline(self, cfg: Config) -> Compose:
        return build_test_pipeline(cfg)

    def _init_collate(self, cfg: Config) -> Callable:
        return pseudo_collate

    def _init_visualizer(self, cfg: Config) -> MeshVisualizer:
        return MeshVisualizer(
            f'mesh_inferencer_{id(self)}', faces=self.model.body_model.faces
        )

    def _track(self, items: Sequence[PictureInput]) -> Iterable[PictureInput]:
        return track(items, description='Pictures') if self.show_progress else items


def _are_finite(samples: Iterable[MeshDataSample]) -> bool:
    return all(
        bool(torch.isfinite(value).all())
        for sample in samples
        for value in sample.pred_instances.values()
    )


def _with_name(error: Exception, name: str) -> Exception:
    """Return an error whose message names the picture."""
    if name in str(error):
        return error
    named = ValueError(f'{name}: {error}')
    named.__cause__ = error
    return named
