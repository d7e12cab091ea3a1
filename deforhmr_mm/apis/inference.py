"""Build a model from a config and a checkpoint, and run it on people in one picture."""

from __future__ import annotations

import difflib
import hashlib
import logging
import re
import threading
from collections.abc import Sequence
from os import PathLike, fspath
from pathlib import Path
from typing import NamedTuple

import numpy as np
import torch
from mmengine.config import Config
from mmengine.dataset import Compose, pseudo_collate
from mmengine.logging import print_log
from mmengine.registry import DefaultScope, Registry
from torch import nn

from deforhmr_mm.datasets.transforms.pixel_formats import to_bgr
from deforhmr_mm.datasets.transforms.reading import read_image
from deforhmr_mm.engine.checkpoints import (
    CheckpointError,
    check_checkpoint_fits,
    load_checkpoint_safely,
)
from deforhmr_mm.geometry.boxes import (
    BBOX_PADDING,
    bbox_to_center_scale,
    validate_bboxes,
)
from deforhmr_mm.models.estimators import BodyMismatchError
from deforhmr_mm.registry import MODELS, TRANSFORMS
from deforhmr_mm.structures import MeshDataSample

from .camera_info import CameraInfo, resolve_camera

SCOPE = 'deforhmr_mm'

ImageInput = str | PathLike | np.ndarray

# mmengine keeps the default scope in one place for all threads.
_SCOPE_LOCK = threading.RLock()


class ConfigError(ValueError):
    """A config cannot be read, or names parts that do not exist."""


class CheckpointInfo(NamedTuple):
    """What weights a model holds: file name and sha256 of the file, in hex."""

    name: str
    sha256: str


def init_model(
    config: str | PathLike | Config,
    checkpoint: str | PathLike | None = None,
    device: str | torch.device = 'cpu',
    cfg_options: dict | None = None,
) -> nn.Module:
    """Build a model for inference.

    Args:
        config: Path of a config, or the config.
        checkpoint: Path of the weights; opened without running code from the file.
            Without it the model is random, which is said in the log.
        device: Where the model is to run.
        cfg_options: Settings that replace the config's, with dotted keys.

    Returns:
        The model in evaluation mode, with ``model.cfg`` (the config) and
        ``model.checkpoint_info`` (`CheckpointInfo` or None).

    Raises:
        FileNotFoundError: If a file is not there.
        ConfigError: If the config cannot be read, or a type in it is not known.
        CheckpointError: If the checkpoint is damaged, unsafe or of another model.
        BodyMismatchError: If it was trained for another body than the config's.
        ValueError: If the device cannot be used.
    """
    cfg = load_config(config, cfg_options)
    if 'model' not in cfg:
        raise ConfigError(f'config {_name(cfg)} has no `model`')
    model = _build(MODELS, cfg.model, cfg)
    model.cfg = cfg
    model.checkpoint_info = None
    if checkpoint is None:
        print_log(
            'no checkpoint is given: the model is random and so are its results',
            logger='current',
            level=logging.WARNING,
        )
    else:
        model.checkpoint_info = load_weights(model, checkpoint)
    try:
        return model.to(device).eval()
    except (RuntimeError, AssertionError) as error:
        reason = str(error).splitlines()[0]
        raise ValueError(f'the device {device} cannot be used: {reason}') from error


def load_config(
    config: str | PathLike | Config, cfg_options: dict | None = None
) -> Config:
    """Return a config of its own with the options merged in.

    Raises:
        FileNotFoundError: If the file is not there.
        ConfigError: If it cannot be read as a config.
    """
    if isinstance(config, Config):
        cfg = config.copy()
    else:
        path = Path(fspath(config))
        if not path.is_file():
            raise FileNotFoundError(f'the config {path} does not exist')
        try:
            cfg = Config.fromfile(path)
        except Exception as error:  # the config is code: anything can happen in it
            raise ConfigError(f'config {path} cannot be read: {error}') from error
    if cfg_options:
        try:
            cfg.merge_from_dict(cfg_options)
        except (KeyError, TypeError, IndexError) as error:
            raise ConfigError(f'options {cfg_options} do not fit: {error}') from error
    return cfg


def load_weights(model: nn.Module, checkpoint: str | PathLike) -> CheckpointInfo:
    """Load a checkpoint's weights, all of them or none.

    Raises:
        FileNotFoundError: If the file is not there.
        CheckpointError: If it is damaged, unsafe or of another model.
        BodyMismatchError: If it was trained for another body.
    """
    path = Path(fspath(checkpoint))
    check_checkpoint_fits(model, path)
    try:
        model.load_state_dict(load_checkpoint_safely(path)['state_dict'])
    except BodyMismatchError as error:
        raise BodyMismatchError(f'{path}: {error}') from error
    except RuntimeError as error:
        raise CheckpointError(
            f'the checkpoint {path} does not load: {error}'
        ) from error
    with path.open('rb') as file:
        digest = hashlib.sha256()
        while block := file.read(1 << 20):
            digest.update(block)
    return CheckpointInfo(path.name, digest.hexdigest())


def build_test_pipeline(cfg: Config) -> Compose:
    """Build the transforms that turn a picture and a box into the model's input.

    Raises:
        ConfigError: If the config has none, or a type in it is not known.
    """
    dataset = cfg.get('test_dataloader', {}).get('dataset', {})
    steps = dataset.get('pipeline', cfg.get('test_pipeline'))
    if steps is None:
        raise ConfigError(
            f'config {_name(cfg)} has neither test_dataloader.dataset.pipeline nor '
            'test_pipeline'
        )
    return Compose([_build(TRANSFORMS, step, cfg) for step in steps])


def bbox_to_crop(
    bbox: np.ndarray, bbox_padding: float = BBOX_PADDING
) -> tuple[np.ndarray, np.ndarray]:
    """Return the crop of a box: grown to the network's aspect, and enlarged.

    The whole box is in it, of people who are wider than tall, too, as in training with
    boxes of which both sides are known, or with ``HMRDataset(fit_wide=True)``.

    Args:
        bbox: (4,) left, top, right, bottom in pixels.
        bbox_padding: Enlargement; SPIN's by default.

    Returns:
        Centre (2,) and width and height (2,) of the crop in pixels.

    Example:
        >>> bbox_to_crop(np.array([10.0, 20.0, 40.0, 120.0]))
        (array([25., 70.]), array([ 90., 120.]))
    """
    return bbox_to_center_scale(bbox, bbox_padding)


def crop_people(
    pipeline: Compose,
    image: np.ndarray,
    bboxes: np.ndarray,
    img_path: str | None = None,
    camera: CameraInfo | None = None,
    scores: np.ndarray | None = None,
    bbox_padding: float = BBOX_PADDING,
) -> list[dict]:
    """Run the pipeline on every box of one picture.

    Args:
        pipeline: See `build_test_pipeline`.
        image: (H, W, 3) uint8 BGR.
        bboxes: (N, 4) left, top, right, bottom in pixels, checked.
        img_path: Name of the picture, for the data samples.
        camera: Of the whole picture; `resolve_camera`'s default if None.
        scores: (N,) of the boxes; 1 if None.
        bbox_padding: Enlargement of the boxes; a model has the one that it wants.

    Returns:
        N dicts of ``inputs`` and ``data_samples``.
    """
    if camera is None:
        camera = resolve_camera(None, image.shape[:2])
    if scores is None:
        scores = np.ones(len(bboxes))
    people = []
    for index, bbox in enumerate(bboxes):
        center, scale = bbox_to_crop(bbox, bbox_padding)
        person = pipeline(
            dict(
                img=image,
                img_path=img_path,
                img_id=0,
                sample_id=index,
                person_id=index,
                bbox_center=center,
                bbox_scale=scale,
                focal_length=camera.focal_length,
                principal_point=np.asarray(camera.principal_point, np.float32),
            )
        )
        person['data_samples'].set_metainfo(
            dict(
                bbox=bbox.tolist(),
                bbox_score=float(scores[index]),
                focal_length_source=camera.source,
            )
        )
        people.append(person)
    return people


@torch.no_grad()
def predict_people(model: nn.Module, people: Sequence[dict]) -> list[MeshDataSample]:
    """Run the model on a batch of crops.

    Args:
        model: See `init_model`.
        people: See `crop_people`; may be empty.

    Returns:
        The data samples with `pred_instances` on the CPU. ``bboxes`` are the boxes as
        they were given, without the margin of the crop.
    """
    if not people:
        return []
    samples = model.test_step(pseudo_collate(list(people)))
    for sample in samples:
        instances = sample.pred_instances
        instances.bboxes = torch.tensor([sample.bbox], dtype=torch.float32)
        sample.pred_instances = instances.cpu()
    return samples


def inference_topdown(
    model: nn.Module,
    img: ImageInput,
    bboxes: np.ndarray | Sequence | None = None,
    bbox_format: str = 'xyxy',
    focal_length: float | str | None = 'auto',
    principal_point: Sequence[float] | None = None,
) -> list[MeshDataSample]:
    """Recover the bodies of the people in one picture.

    Several threads may share a model.

    Args:
        model: See `init_model`.
        img: Path of a picture, or (H, W, 3) uint8 BGR (see `read_input`).
        bboxes: (N, 4) pixels, one box a person; if None, the whole picture is.
        bbox_format: 'xyxy' (left, top, right, bottom) or 'xywh'.
        focal_length: Pixels of the picture, or where they are from, see
            `resolve_camera`: by default its EXIF data, or else its diagonal.
        principal_point: (cx, cy) pixels of the picture; its centre if None.

    Returns:
        One sample a box, in order, with `pred_instances` in the camera of the whole
        picture (see `MeshDataSample`).

    Raises:
        FileNotFoundError: If the picture is not there.
        ValueError: If the picture cannot be read, or a box or the camera is not usable;
            the message names it.
    """
    image, path = read_input(img)
    boxes = check_bboxes(bboxes, bbox_format, image)
    pipeline = build_test_pipeline(model.cfg)
    camera = resolve_camera(path, image.shape[:2], focal_length, principal_point)
    people = crop_people(
        pipeline, image, boxes, path, camera, bbox_padding=model.bbox_padding
    )
    return predict_people(model, people)


def read_input(img: ImageInput) -> tuple[np.ndarray, str | None]:
    """Return a picture as (H, W, 3) uint8 BGR and its path, if it has one.

    Args:
        img: Path of a picture (see `decode_image` for what is read), or an array of a
            form that `to_bgr` takes: BGR, BGRA or grey, uint8 or uint16.

    Raises:
        FileNotFoundError: If it is not there.
        TypeError: If it is neither a path nor an array.
        ValueError: If it cannot be read.
    """
    if isinstance(img, np.ndarray):
        return to_bgr(img), None
    if not isinstance(img, str | PathLike):
        raise TypeError(
            'img must be the path of a picture or a numpy array in BGR order, got '
            f'{type(img).__module__}.{type(img).__name__}'
        )
    path = fspath(img)
    return read_image(path), path


def check_bboxes(
    bboxes: np.ndarray | Sequence | None, bbox_format: str, image: np.ndarray
) -> np.ndarray:
    """Return (N, 4) left, top, right, bottom; the whole picture for None.

    Raises:
        ValueError: See `deforhmr_mm.geometry.validate_bboxes`.
    """
    height, width = image.shape[:2]
    if bboxes is None:
        return np.array([[0, 0, width, height]], np.float32)
    return validate_bboxes(bboxes, bbox_format, (height, width))


def _build(registry: Registry, part: dict, cfg: Config) -> object:
    scope = cfg.get('default_scope', SCOPE)
    with _SCOPE_LOCK, DefaultScope.overwrite_default_scope(scope):
        try:
            return registry.build(part)
        except KeyError as error:
            raise ConfigError(_explain(str(error), registry, _name(cfg))) from error
        except TypeError as error:
            raise ConfigError(f'config {_name(cfg)} does not fit: {error}') from error


def _explain(message: str, registry: Registry, name: str) -> str:
    """Say which type a config got wrong, and which it may have meant."""
    found = re.search(r'(\S+) is not in the (\S+) registry', message.strip('"\''))
    if found is None:
        return f'config {name} cannot be built: {message}'
    known = [*MODELS.module_dict, *TRANSFORMS.module_dict]
    close = difflib.get_close_matches(found[1], known, n=1)
    hint = f'; did you mean {close[0]!r}?' if close else ''
    return f'config {name}: there is no type {found[1]!r} in {found[2]}{hint}'


def _name(cfg: Config) -> str:
    return str(cfg.filename or '(given as an object)')
