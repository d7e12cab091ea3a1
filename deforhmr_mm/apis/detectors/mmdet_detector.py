"""Detectors of mmdet, by config and checkpoint."""

from __future__ import annotations

import importlib
import logging
import shutil
import warnings
from os import PathLike
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np
import torch
from mmengine.config import Config
from mmengine.dataset import Compose
from mmengine.hub import get_config
from mmengine.logging import print_log
from mmengine.registry import DefaultScope

from deforhmr_mm.engine.checkpoints import CheckpointError, load_checkpoint_safely
from deforhmr_mm.models.layers.mmcv_ops import mmcv_has_cuda_kernel
from deforhmr_mm.whole_files import whole_file

from ..downloads import download, is_url, name_in_url
from ..inference import ConfigError, load_config
from .base import Detections, tidy_detections

__all__ = ['MMDetDetector']

SCOPE = 'mmdet'
# How the packages are installed that are not called as the module they hold. imaug asks
# for two distributions of OpenCV beside the one that is there.
PACKAGES = {
    'cv2': 'opencv-python-headless',
    'imgaug': '--no-deps imaug',
    'mmdet': '--no-deps onedl-mmdetection',
    'skimage': 'scikit-image',
}


class MMDetDetector:
    """People found by any detector of mmdet 3.

    The weights are opened without running code from them. Which of the classes people
    are is read from the checkpoint, the config or, where neither names classes, COCO's.

    Attributes:
        name: The config's name, for logs and results.
        model: mmdet's detector.

    Args:
        config: Path of an mmdet config, or the config.
        checkpoint: Path or address of the weights; those of an address are kept in
            torch's cache. Without it the detector is random, which the log says.
        device: Where it is to run. Where mmcv has no kernels for that GPU, which mmdet
            calls for overlapping boxes, it runs on the CPU, which the log says.
        score_thr: Lower scores are dropped.
        nms_iou: Of two boxes that overlap more, the less sure one is dropped, after
            what the model does itself; None keeps both.
        category: Name of the class.

    Raises:
        ImportError: If mmdet is not installed, or cannot be imported.
        FileNotFoundError: If a file is not there.
        ConfigError: If the config is not that of a detector.
        CheckpointError: If the weights are damaged, unsafe or of another model.
        DownloadError: If they cannot be fetched.
        ValueError: If the device cannot be used, or no class is called so.
    """

    def __init__(
        self,
        config: str | PathLike | Config,
        checkpoint: str | PathLike | None = None,
        device: str | torch.device = 'cpu',
        score_thr: float = 0.3,
        nms_iou: float | None = 0.65,
        category: str = 'person',
    ) -> None:
        self._apis = import_mmdet()
        self.score_thr, self.nms_iou = score_thr, nms_iou
        cfg = load_config(config)
        label = Path(cfg.filename).stem if cfg.filename else 'a config'
        self.name = f"mmdet's {label}"
        with _scope_of(cfg):
            self.model = self._build(cfg, label)
            classes = _class_names(self.model, {})
            if checkpoint is None:
                print_log(
                    f'the detector {label} has no weights: it is random and so are '
                    'its boxes',
                    'current',
                    logging.WARNING,
                )
            else:
                classes = _load_weights(self.model, _local_file(checkpoint))
            try:
                self.model = self.model.to(device).eval()
            except (RuntimeError, AssertionError) as error:
                reason = str(error).splitlines()[0]
                raise ValueError(
                    f'the device {device} cannot be used: {reason}'
                ) from error
            if not _can_run_on(torch.device(device)):
                print_log(
                    f'the detector {label} runs on the CPU: mmcv was compiled without '
                    f'its kernels for {device}',
                    'current',
                    logging.WARNING,
                )
                self.model = self.model.to('cpu')
            self._pipeline = _test_pipeline(cfg)
        self._label = _find_class(classes, category, label)

    def __call__(self, image: np.ndarray) -> Detections:
        """Find people in a picture.

        Args:
            image: (H, W, 3) uint8 BGR.
        """
        result = self._apis.inference_detector(
            self.model, image, test_pipeline=self._pipeline
        )
        found = result.pred_instances.cpu()
        found = found[found.labels == self._label]
        return tidy_detections(
            found.bboxes.numpy(),
            found.scores.numpy(),
            image.shape,
            self.score_thr,
            self.nms_iou,
        )

    def _build(self, cfg: Config, label: str) -> torch.nn.Module:
        try:
            # It warns that there is no checkpoint, which comes later.
            with warnings.catch_warnings(record=True):
                return self._apis.init_detector(cfg, None, device='cpu')
        # A config can be wrong in any way.
        except Exception as error:
            raise ConfigError(
                f'mmdet cannot build a detector from {label}: {error}'
            ) from error


def import_mmdet() -> ModuleType:
    """Return `mmdet.apis`.

    Raises:
        ImportError: If mmdet is not there, lacks a package or does not fit the
            installed mmcv; the message says what to install.
    """
    try:
        return importlib.import_module('mmdet.apis')
    # mmdet asserts the versions of mmcv and mmengine.
    except (ImportError, AssertionError) as error:
        missing = (getattr(error, 'name', None) or 'mmdet').partition('.')[0]
        reason = str(error).splitlines()[0]
        raise ImportError(
            f'detectors by config need mmdet, which cannot be imported ({reason}): '
            f'pip install {PACKAGES.get(missing, missing)}, or `make install-test` in '
            'a checkout, which installs all that it needs'
        ) from error


def load_packaged_config(name: str) -> Config:
    """Return a config that the installed mmdet brings.

    Args:
        name: ``mmdet::FOLDER/NAME.py``, as in mmengine's `get_config`.

    Raises:
        ImportError: See `import_mmdet`.
        FileNotFoundError: If mmdet brings no such config.
    """
    import_mmdet()
    try:
        return get_config(name)
    except (FileNotFoundError, OSError, AssertionError, RuntimeError) as error:
        raise FileNotFoundError(
            f'det_model: the installed mmdet brings no config {name!r} '
            f'({str(error).splitlines()[0]})'
        ) from error


def _can_run_on(device: torch.device) -> bool:
    return device.type != 'cuda' or mmcv_has_cuda_kernel(device)


def _scope_of(cfg: Config) -> Any:
    """Let the types in a config be looked up in mmdet, and not for longer."""
    return DefaultScope.overwrite_default_scope(cfg.get('default_scope', SCOPE))


def _test_pipeline(cfg: Config) -> Compose:
    from mmdet.utils import get_test_pipeline_cfg

    pipeline = get_test_pipeline_cfg(cfg.copy())
    pipeline[0]['type'] = 'mmdet.LoadImageFromNDArray'
    return Compose(pipeline)


def _local_file(checkpoint: str | PathLike) -> Path:
    """Path of a checkpoint; one with an address is fetched once."""
    if not is_url(checkpoint):
        return Path(checkpoint)
    path = Path(torch.hub.get_dir()) / 'checkpoints' / name_in_url(checkpoint)
    if not path.is_file():
        with whole_file(path) as part, download(checkpoint) as file:
            shutil.copyfile(file, part)
    return path


def _load_weights(model: torch.nn.Module, path: Path) -> list[str]:
    """Load weights that have to be there for every part; return the classes' names."""
    checkpoint = load_checkpoint_safely(path)
    try:
        missing, _ = model.load_state_dict(checkpoint['state_dict'], strict=False)
    except RuntimeError as error:
        reason = ' '.join(line.strip() for line in str(error).splitlines()[:2])
        raise CheckpointError(
            f'the checkpoint {path} is of another detector: {reason}'
        ) from error
    # Files of old versions lack these counters, which only training needs.
    missing = [key for key in missing if not key.endswith('num_batches_tracked')]
    if missing:
        raise CheckpointError(
            f'the checkpoint {path} is of another detector: it lacks {len(missing)} '
            f'weights ({", ".join(missing[:3])}{", ..." if missing[3:] else ""})'
        )
    return _class_names(model, checkpoint.get('meta') or {})


def _class_names(model: torch.nn.Module, meta: dict) -> list[str]:
    """Names of the classes: the checkpoint's, the config's or mmdet's default."""
    of_file = {
        str(key).lower(): value
        for key, value in {**meta, **(meta.get('dataset_meta') or {})}.items()
    }
    dataset = model.cfg.get('test_dataloader', {}).get('dataset', {})
    of_config = dataset.get('metainfo') or {}
    names = (
        of_file.get('classes')
        or of_config.get('classes')
        or model.dataset_meta['classes']
    )
    return [names] if isinstance(names, str) else list(names)


def _find_class(classes: list[str], category: str, label: str) -> int:
    folded = [str(name).lower() for name in classes]
    if category.lower() not in folded:
        more = ', ...' if classes[10:] else ''
        raise ValueError(
            f'the detector {label} has no class {category!r}, only '
            f'{", ".join(map(str, classes[:10]))}{more}'
        )
    return folded.index(category.lower())
