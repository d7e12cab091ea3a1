"""Which detector a caller means."""

from __future__ import annotations

import functools
import logging
from os import PathLike, fspath
from pathlib import Path

import cv2
import torch
from mmengine.config import Config
from mmengine.logging import print_log

from .base import PersonDetector
from .mmdet_detector import MMDetDetector, load_packaged_config
from .opencv_people import OpenCVPeopleDetector
from .whole_image import WholeImage

__all__ = ['build_detector', 'default_detector']

NAMED = {'opencv': OpenCVPeopleDetector, 'whole_image': WholeImage}


def build_detector(
    det_model: str | PathLike | Config | PersonDetector | None = None,
    det_weights: str | PathLike | None = None,
    device: str | torch.device = 'cpu',
    score_thr: float = 0.3,
    nms_iou: float | None = 0.65,
    category: str = 'person',
) -> PersonDetector:
    """Return a detector; which one it is, its `name` says.

    Args:
        det_model: None (`default_detector`), 'opencv', 'whole_image', an mmdet config
            (its path, ``mmdet::FOLDER/NAME.py`` for one that the installed mmdet
            brings, or the config itself), or a detector: anything that can be called
            as a `PersonDetector` is, with or without a name. It is returned as it is.
        det_weights: Path or address of the weights of an mmdet config.
        device: Where an mmdet model is to run.
        score_thr: Boxes of an mmdet model with lower scores are dropped.
        nms_iou: See `MMDetDetector`.
        category: Class of an mmdet model.

    Raises:
        FileNotFoundError: If there is no such config.
        TypeError: If `det_model` is none of these.
        ValueError: If there are weights for something that has none, or as
            `MMDetDetector` says.
        ImportError: If a package is missing.
    """
    is_config = isinstance(det_model, Config)
    is_detector = not is_config and callable(det_model)
    is_named = isinstance(det_model, str) and det_model in NAMED
    if det_model is None or is_detector or is_named:
        if det_weights is not None:
            raise ValueError(
                f'det_weights={str(det_weights)!r} need the mmdet config that they are '
                f'of as det_model, got {det_model!r}'
            )
        if is_detector:
            return det_model
        return NAMED[det_model]() if is_named else default_detector()
    config = det_model if is_config else _find_config(det_model)
    return MMDetDetector(
        config, det_weights, device, score_thr, nms_iou, category=category
    )


def _find_config(det_model: str | PathLike) -> str | Config:
    """The path of a config, or one that mmdet brings."""
    if not isinstance(det_model, str | PathLike):
        raise TypeError(
            'det_model must be an mmdet config or its path, a callable, None or one of '
            f'{", ".join(map(repr, NAMED))}, but is of type {type(det_model).__name__}'
        )
    path = fspath(det_model)
    if path.startswith('mmdet::'):
        return load_packaged_config(path)
    if not Path(path).is_file():
        raise FileNotFoundError(
            f'det_model: there is no mmdet config {path!r}; it may also be '
            f'mmdet::FOLDER/NAME.py for one of the installed mmdet, '
            + ' or '.join(map(repr, NAMED))
        )
    return path


@functools.cache
def default_detector() -> PersonDetector:
    """Return OpenCV's detector if it has one, else `WholeImage`: neither is downloaded.

    The log says which, the first time; it warns of the whole picture.
    """
    if OpenCVPeopleDetector.is_available():
        detector = OpenCVPeopleDetector()
        print_log(
            f'people are found by: {detector.name} (OpenCV {cv2.__version__} has it); '
            'give det_model for another',
            'current',
        )
        return detector
    detector = WholeImage()
    print_log(
        f'nobody looks for people (OpenCV {cv2.__version__} has no people detector): '
        f'{detector.name}. Where that is wrong, give their boxes (bboxes, --bbox or '
        '--bbox-file), or an mmdet config with its weights (det_model and det_weights, '
        '--det-model and --det-weights), or a detector of your own, any callable, as '
        'det_model: see docs/inference.md',
        'current',
        logging.WARNING,
    )
    return detector
