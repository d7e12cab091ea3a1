"""The mean body and the mean crop camera of a data set's labels."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import torch
from mmengine.dataset import BaseDataset
from torch import Tensor

from deforhmr_mm.geometry import full_to_crop_camera, mean_rotation
from deforhmr_mm.registry import DATASETS

from .labels import AnnotationError

__all__ = ['build_labels', 'mean_body', 'mean_crop_camera', 'read_labels']

SMPL_LABELS = ('global_orient', 'body_pose', 'betas', 'has_smpl')
CAMERA_LABELS = (
    'transl',
    'focal_length',
    'principal_point',
    'bbox_center',
    'bbox_scale',
)
CACHED = 'CachedFeatureDataset'
"""By its name, for it is a part of the engine, which data sets do not import."""


def build_labels(dataloader: dict[str, Any]) -> BaseDataset:
    """Data set of a dataloader's config that reads annotations and no picture.

    Raises:
        ValueError: If it is, or has in it, a cache of features.
    """
    return DATASETS.build(_without_pipelines(dataloader['dataset']))


def _without_pipelines(config: Any) -> Any:
    """Copy of a data set config in which every pipeline is empty."""
    if isinstance(config, dict):
        kind = config.get('type', '')
        name = kind if isinstance(kind, str) else getattr(kind, '__name__', '')
        # A name can come with its registry's: 'deforhmr_mm.CachedFeatureDataset'.
        if name.rpartition('.')[2] == CACHED:
            raise ValueError(
                'labels are read from annotations, but the data set is a '
                f'{CACHED} ({config.get("cache_dir", "no cache_dir")}): give the '
                'config that the cache was made with'
            )
        return {
            key: [] if key == 'pipeline' else _without_pipelines(value)
            for key, value in config.items()
        }
    if isinstance(config, list | tuple):
        return [_without_pipelines(value) for value in config]
    return config


def read_labels(
    dataset: BaseDataset, keys: tuple[str, ...] = SMPL_LABELS
) -> Iterator[dict[str, Tensor]]:
    """Labels of every sample as `HMRDataset` gives them, as tensors."""
    for index in range(len(dataset)):
        sample = dataset[index]
        yield {key: torch.as_tensor(sample[key]) for key in keys}


def mean_body(dataset: BaseDataset) -> dict[str, Tensor]:
    """Mean pose and shape over the samples with SMPL labels.

    A mean rotation is the chordal one: the rotation nearest to the arithmetic mean of
    the matrices. Where people face every direction alike, their headings cancel in it,
    so that of the mean global orientation only the common upright axis is well
    determined, and the heading is whatever small imbalance is left.

    Args:
        dataset: people without a pipeline, see `build_labels`.

    Returns:
        ``global_orient`` (1, 1, 3, 3) body to camera, ``body_pose`` (1, 23, 3, 3)
        relative to the parent joint, ``betas`` (1, 10); float32.

    Raises:
        AnnotationError: if no sample has SMPL labels.
    """
    labels = [label for label in read_labels(dataset) if label['has_smpl'].item() > 0]
    if not labels:
        raise AnnotationError(
            'the data set has no sample with SMPL labels (has_smpl = 1)'
        )
    stacked = {
        key: torch.cat([label[key] for label in labels]).double()
        for key in SMPL_LABELS
        if key != 'has_smpl'
    }
    return {
        'global_orient': mean_rotation(stacked['global_orient'])[None].float(),
        'body_pose': mean_rotation(stacked['body_pose'])[None].float(),
        'betas': stacked['betas'].mean(0, keepdim=True).float(),
    }


def mean_crop_camera(dataset: BaseDataset) -> Tensor:
    """Mean crop camera (s, tx, ty) of the samples whose place in space is known.

    Args:
        dataset: people without a pipeline, see `build_labels`.

    Returns:
        (3,) float32.

    Raises:
        AnnotationError: if no sample has a translation, a focal length and a principal
            point.
    """
    cameras = []
    for label in read_labels(dataset, CAMERA_LABELS):
        label = {key: value.double() for key, value in label.items()}
        camera = full_to_crop_camera(
            label['transl'][0],
            label['bbox_center'],
            label['bbox_scale'][1],
            label['principal_point'],
            label['focal_length'],
        )
        # Unknown labels are NaN, and so is what is made of them.
        if camera.isfinite().all():
            cameras.append(camera)
    if not cameras:
        raise AnnotationError(
            'the data set has no sample with transl, focal_length and principal_point'
        )
    return torch.stack(cameras).mean(0).float()
