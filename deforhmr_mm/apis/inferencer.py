"""`MeshInferencer`: from pictures and videos to meshes, files and overlays."""

from __future__ import annotations

import itertools
import time
from collections.abc import Callable, Iterator, Sequence
from os import PathLike, fspath
from typing import Any

import numpy as np
from mmengine.config import Config
from mmengine.dataset import Compose, pseudo_collate
from mmengine.infer import BaseInferencer
from mmengine.logging import MMLogger
from torch import nn

from deforhmr_mm.registry import INFERENCERS, VISUALIZERS
from deforhmr_mm.structures import MeshDataSample
from deforhmr_mm.visualization import MeshVisualizer

from .box_source import BoxSource
from .detectors import PersonDetector, build_detector
from .display import LIVE_WAIT, check_display
from .inference import (
    SCOPE,
    build_test_pipeline,
    init_model,
    load_config,
    predict_people,
)
from .inputs import InputItem, expand_inputs
from .live_run import run_live
from .model_zoo import resolve_model
from .output_options import OutputOptions
from .people_finder import PeopleFinder
from .picture_run import run_pictures
from .pictures import Picture, check_finite, with_name
from .results import person_result
from .run_options import CameraOptions, RunOptions
from .video_run import run_video


@INFERENCERS.register_module()
class MeshInferencer(BaseInferencer):
    """Recover people's meshes from pictures, videos and cameras.

    Calling it gives an iterator with one dict a picture, in order; a video gives one a
    frame. Nothing is done before it is asked for:

    - ``predictions``: ``[people]``, one dict a person (see
      `deforhmr_mm.apis.results.person_result`) or, with ``return_datasamples``, one
      `MeshDataSample`
    - ``visualization``: ``[overlay]``, (H, W, 3) uint8 RGB, with ``return_vis``; else
      ``[]``
    - ``input``: the path, or ``image_<index>`` for an array
    - ``frame``: number of the frame; None for a picture
    - ``error``: None, or why there is no result for this input
    - ``files``: paths that were written; those of a video come with its last frame
    - ``seconds``: reading, cropping and the network's share of its batch

    What an input may be: the path or URL of a picture or a video, a (H, W, 3) uint8 BGR
    array, a folder, a glob, 'webcam' or 'webcam:1', or a list of any of them.

    Arguments of a call beside ``inputs``, ``return_datasamples`` and ``batch_size``
    (people that go through the network together, of one or of several pictures):

    - ``bboxes``: see `deforhmr_mm.apis.box_source.BoxSource`; the detector's by
      default. ``bbox_format``: 'xyxy' or 'xywh'. ``bbox_thr``: boxes with a lower score
      are left out
    - ``focal_length``: pixels, or where they are from, see
      `deforhmr_mm.apis.camera_info.resolve_camera`: by default a picture's EXIF data,
      or else its diagonal. ``principal_point``: (x, y) pixels; the centre by default
    - ``tracking``, ``smooth``: for videos and cameras, whether people are followed from
      frame to frame (ids, gaps bridged, one shape each), and whether what is recovered
      is smoothed. Both are on by default; smoothing needs tracking
    - ``return_vis``, ``show``, ``wait_time``: whether overlays are returned, or shown
      in a window for so many seconds each (0: until a key is pressed)
    - ``draw_joints``, ``draw_bbox``: whether overlays show 2D joints, and boxes with
      ids
    - ``out_dir``, ``vis_out_dir``, ``pred_out_dir``, ``formats``, ``bvh_scale``: see
      `deforhmr_mm.apis.output_options.OutputOptions`; nothing is written by default
    - ``on_error``: 'raise' stops at the first input that fails; 'continue' goes on
      and leaves the reason in ``error``. By default a single input raises; of several
      the others go on, and the log says what failed

    Args:
        model: A short name such as 'openbody-tiny', the path of a config, or a config.
        weights: The path of a checkpoint; a short name has its own.
        device: Where the model is to run; mmengine's choice by default.
        det_model: Who finds people where no boxes are given: the path of an mmdet
            config (or ``mmdet::rtmdet/NAME.py``, one that mmdet brings), 'opencv',
            'whole_image', or a callable that turns a (H, W, 3) uint8 BGR picture into
            boxes (N, 4) and scores (N,). By default OpenCV's detector
            if the installed OpenCV has one, else the whole picture is one person; the
            log says which.
        det_weights: The checkpoint of an mmdet detector.
        cfg_options: Settings that replace the config's, with dotted keys.
        show_progress: Whether progress bars are shown, in a terminal.
    """

    preprocess_kwargs: set = {
        'bboxes',
        'bbox_format',
        'bbox_thr',
        'focal_length',
        'principal_point',
    }
    forward_kwargs: set = {'tracking', 'smooth'}
    visualize_kwargs: set = {'show', 'wait_time', 'draw_joints', 'draw_bbox'}
    postprocess_kwargs: set = {'vis_out_dir', 'pred_out_dir', 'formats', 'bvh_scale'}

    def __init__(
        self,
        model: str | PathLike | Config = 'openbody-tiny',
        weights: str | PathLike | None = None,
        device: str | None = None,
        det_model: str | PathLike | PersonDetector | None = None,
        det_weights: str | PathLike | None = None,
        cfg_options: dict | None = None,
        show_progress: bool = False,
    ) -> None:
        if not isinstance(model, Config):
            model, weights = resolve_model(fspath(model), weights)
        cfg = load_config(model, cfg_options)
        super().__init__(cfg, weights, device, scope=SCOPE, show_progress=show_progress)
        # Where no device is named, mmengine has chosen one.
        device = next(self.model.parameters()).device
        self._det_arguments = (det_model, det_weights, device)
        self._detector: PersonDetector | None = None

    @property
    def detector(self) -> PersonDetector:
        """Who finds people; built when it is first needed."""
        if self._detector is None:
            # All boxes: `bbox_thr` decides, and may be another in each call.
            self._detector = build_detector(*self._det_arguments, score_thr=0.0)
        return self._detector

    def __call__(
        self,
        inputs: str | PathLike | np.ndarray | int | Sequence,
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
            ValueError: If an input, a box or an argument cannot be used.
        """
        preprocess, forward, visualize, postprocess = self._dispatch_kwargs(**kwargs)
        items = expand_inputs(inputs)
        if on_error not in (None, 'raise', 'continue'):
            raise ValueError(f"on_error must be 'raise' or 'continue': {on_error!r}")
        if on_error is None:
            on_error = 'raise' if len(items) == 1 else 'log'
        options = RunOptions(
            batch_size=batch_size,
            return_datasamples=return_datasamples,
            return_vis=return_vis,
            outputs=OutputOptions.of(out_dir, **postprocess),
            **forward,
            **visualize,
        )
        if options.show:
            check_display()
        options.outputs.warn_of_unused({item.kind for item in items})
        finder, camera = self._sources(items, **preprocess)
        return self._run(items, finder, camera, options, on_error)

    def _sources(
        self,
        items: Sequence[InputItem],
        bboxes: object = None,
        bbox_format: str = 'xyxy',
        bbox_thr: float = 0.3,
        focal_length: float | str | None = 'auto',
        principal_point: Sequence[float] | None = None,
    ) -> tuple[PeopleFinder, CameraOptions]:
        boxes = BoxSource(bboxes, items, bbox_format)
        finder = PeopleFinder(boxes, lambda: self.detector, bbox_thr)
        return finder, CameraOptions(focal_length, principal_point)

    def _run(
        self,
        items: Sequence[InputItem],
        finder: PeopleFinder,
        camera: CameraOptions,
        options: RunOptions,
        on_error: str,
    ) -> Iterator[dict[str, Any]]:
        numbered = list(enumerate(items))
        for kind, group in itertools.groupby(numbered, key=lambda pair: pair[1].kind):
            if kind == 'image':
                results = run_pictures(self, list(group), finder, camera, options)
            else:
                results = itertools.chain.from_iterable(
                    self._run_moving(index, item, finder, camera, options)
                    for index, item in group
                )
            for picture, files in results:
                if picture.error is not None and on_error == 'raise':
                    raise picture.error
                overlays = self.visualize([picture], [picture.samples], options)
                result = self.postprocess([picture], overlays, options)
                if picture.error is not None and on_error == 'log':
                    MMLogger.get_current_instance().error(result['error'])
                yield dict(result, files=files)

    def _run_moving(
        self,
        index: int,
        item: InputItem,
        finder: PeopleFinder,
        camera: CameraOptions,
        options: RunOptions,
    ) -> Iterator[tuple[Picture, list[str]]]:
        """Run a video or a camera; what is wrong with it ends it, not the others."""
        run = run_video if item.kind == 'video' else run_live
        try:
            yield from run(self, index, item, finder, camera, options)
        except (OSError, ValueError) as error:
            yield Picture(item, error=with_name(error, item.name)), []

    def forward(self, inputs: list[Picture], batch_size: int = 16) -> list[Picture]:
        """Run the model on the people of a group of pictures, and add their samples."""
        crops = [crop for picture in inputs for crop in picture.crops]
        start = time.perf_counter()
        samples: list[MeshDataSample] = []
        for first in range(0, len(crops), batch_size):
            part = crops[first : first + batch_size]
            samples.extend(predict_people(self.model, part))
        share = (time.perf_counter() - start) / max(1, len(crops))
        rest = iter(samples)
        for picture in inputs:
            picture.samples = [next(rest) for _ in picture.crops]
            picture.seconds += share * len(picture.crops)
            try:
                check_finite(picture.samples, picture.item.name)
            except ValueError as error:
                picture.error = error
            picture.crops = []
        return inputs

    def visualize(
        self,
        inputs: list[Picture],
        preds: list[list[MeshDataSample]],
        options: RunOptions,
    ) -> list[np.ndarray]:
        """Return pictures with their people drawn over, and show them if asked to.

        Returns:
            (H, W, 3) uint8 RGB for each picture that did not fail; none if they are
            neither returned, nor shown, nor written.
        """
        if not options.needs_overlay:
            return []
        overlays = []
        for picture, people in zip(inputs, preds, strict=True):
            if picture.error is not None:
                continue
            if picture.overlay is None:  # a camera's: nothing else has drawn it
                picture.overlay = self.draw(picture.rgb, people, options)
            overlays.append(picture.overlay)
            if options.show:
                self.visualizer.show(
                    picture.overlay,
                    win_name=picture.item.name,
                    # A camera does not wait for somebody to press a key.
                    wait_time=options.wait_time
                    or (LIVE_WAIT if picture.item.kind == 'webcam' else 0),
                )
        return overlays

    def draw(
        self,
        image: np.ndarray,
        people: Sequence[MeshDataSample],
        options: RunOptions,
    ) -> np.ndarray:
        """Return a (H, W, 3) uint8 RGB picture with its people drawn over."""
        return self.visualizer.draw_people(
            image,
            people,
            **options.marks,
        )

    def postprocess(
        self,
        preds: list[Picture],
        visualization: list[np.ndarray],
        options: RunOptions,
    ) -> dict[str, Any]:
        """Return the results of one picture (a list of one)."""
        (picture,) = preds
        result = {
            'input': picture.item.name,
            'frame': picture.frame,
            'predictions': [],
            'visualization': [],
            'error': None if picture.error is None else str(picture.error),
            'seconds': picture.seconds,
        }
        if picture.error is not None:
            return result
        result['predictions'] = [
            picture.samples
            if options.return_datasamples
            else [person_result(sample) for sample in picture.samples]
        ]
        result['visualization'] = visualization if options.return_vis else []
        return result

    def _init_model(
        self, cfg: Config, weights: str | PathLike | None, device: str = 'cpu'
    ) -> nn.Module:
        return init_model(cfg, weights, device)

    def _init_pipeline(self, cfg: Config) -> Compose:
        return build_test_pipeline(cfg)

    def _init_collate(self, cfg: Config) -> Callable:
        return pseudo_collate

    def _init_visualizer(self, cfg: Config) -> MeshVisualizer:
        settings = dict(cfg.get('visualizer') or {})
        # Backends write files into a work directory, which inference has not.
        for name in ('vis_backends', 'save_dir', 'name'):
            settings.pop(name, None)
        kind = settings.pop('type', MeshVisualizer)
        kind = VISUALIZERS.get(kind) if isinstance(kind, str) else kind
        if kind is None or not issubclass(kind, MeshVisualizer):
            kind, settings = MeshVisualizer, {}
        # Not by the registry, which keeps what it builds under a name for ever.
        visualizer = kind(**settings)
        visualizer.faces = self.model.body_model.faces
        return visualizer
