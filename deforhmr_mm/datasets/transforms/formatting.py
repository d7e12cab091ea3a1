"""From the pipeline's dictionary to the model's inputs."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import torch
from mmcv.transforms import BaseTransform
from mmengine.structures import InstanceData

from deforhmr_mm.registry import TRANSFORMS
from deforhmr_mm.structures import MeshDataSample

__all__ = ['PackMeshInputs']

LABEL_KEYS = (
    'global_orient',
    'body_pose',
    'betas',
    'has_pose',
    'has_betas',
    'has_smpl',
    'keypoints',
    'keypoints_conf',
    'joints_3d',
    'joints_3d_conf',
    'transl',
)


@TRANSFORMS.register_module()
class PackMeshInputs(BaseTransform):
    """Pack crop and labels.

    Required Keys:
        - img: (H, W, 3) uint8, BGR

    The result is a new dictionary of

    - inputs: (3, H, W) uint8 tensor, BGR
    - data_samples: `MeshDataSample` of one person; ``gt_instances`` has the labels as
      float32 tensors of one row, its metainfo the meta keys that are there

    The labels that `MeshDataset` lists are packed where they are there. `label_keys`
    are others, or those of them that must be there.

    Args:
        meta_keys: Keys that go to the metainfo.
        label_keys: Keys of further labels, numbers of the shape (1, ...). Every sample
            must have them, since a batch is one tensor of each label: where the value
            is not known, put in a filler beside a weight of 0.

    Raises:
        TypeError: If `label_keys` is a string.
        ValueError: From `transform`, if a sample has no label of `label_keys`, or not
            one row of it.
    """

    def __init__(
        self,
        meta_keys: Sequence[str] = (
            'img_path',
            'img_archive',
            'img_id',
            'sample_id',
            'dataset_name',
            'person_id',
            'gender',
            'ori_shape',
            'flip',
            'focal_length',
            'principal_point',
            'image_affine',
            'input_size',
            'input_center',
            'input_scale',
            'input_affine',
        ),
        label_keys: Sequence[str] = (),
    ) -> None:
        if isinstance(label_keys, str):
            raise TypeError(
                f'label_keys must be a list of keys, but is the string {label_keys!r}.'
            )
        self.meta_keys = tuple(meta_keys)
        self.label_keys = tuple(label_keys)

    def transform(self, results: dict[str, Any]) -> dict[str, Any]:
        """Pack `results`; see the class."""
        image = np.ascontiguousarray(results['img'].transpose(2, 0, 1))
        self._check_own_labels(results)
        labels = InstanceData()
        for key in dict.fromkeys((*LABEL_KEYS, *self.label_keys)):
            if key in results:
                values = np.array(results[key], dtype=np.float32, order='C')
                labels.set_field(torch.from_numpy(values), key)
        sample = MeshDataSample(
            metainfo={key: results[key] for key in self.meta_keys if key in results}
        )
        if len(labels) > 0:
            sample.gt_instances = labels
        return {'inputs': torch.from_numpy(image), 'data_samples': sample}

    def _check_own_labels(self, results: dict[str, Any]) -> None:
        for key in self.label_keys:
            if key not in results:
                raise ValueError(
                    f'PackMeshInputs: label_keys names {key!r}, but '
                    f'{results.get("sample_id", "the sample")} has none. The data set '
                    'or a transform must set it in every sample; where it is not '
                    'known, to a filler beside a weight of 0.'
                )
            shape = np.shape(results[key])
            if shape[:1] != (1,):
                raise ValueError(
                    f'PackMeshInputs: the label {key!r} must have one row for the one '
                    f'person, shape (1, ...), but has {shape}.'
                )
