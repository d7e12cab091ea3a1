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
    - data_samples: `MeshDataSample` of one person; ``gt_instances`` has the label keys
      that are there (`HMRDataset` lists them) as float32 tensors of one row, its
      metainfo the meta keys that are there

    Args:
        meta_keys: Keys that go to the metainfo.
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
    ) -> None:
        self.meta_keys = tuple(meta_keys)

    def transform(self, results: dict[str, Any]) -> dict[str, Any]:
        """Pack `results`; see the class."""
        image = np.ascontiguousarray(results['img'].transpose(2, 0, 1))
        labels = InstanceData()
        for key in LABEL_KEYS:
            if key in results:
                values = np.array(results[key], dtype=np.float32, order='C')
                labels.set_field(torch.from_numpy(values), key)
        sample = MeshDataSample(
            metainfo={key: results[key] for key in self.meta_keys if key in results}
        )
        if len(labels) > 0:
            sample.gt_instances = labels
        return {'inputs': torch.from_numpy(image), 'data_samples': sample}
