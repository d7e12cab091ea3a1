"""Labels of a small batch, for models of any config."""

import numpy as np
import pytest
import torch
from mmengine.structures import InstanceData

from deforhmr_mm.structures import MeshDataSample


@pytest.fixture
def samples() -> list[MeshDataSample]:
    """Two people with their places in the picture; the second has no SMPL labels."""
    made = []
    for has_smpl in (1.0, 0.0):
        sample = MeshDataSample(
            metainfo=dict(
                ori_shape=(480, 640),
                input_size=(192, 256),
                input_center=np.array([200.0, 260.0]),
                input_scale=np.array([150.0, 200.0]),
            )
        )
        sample.gt_instances = InstanceData(
            global_orient=torch.diag(torch.tensor([1.0, -1.0, -1.0]))[None, None],
            body_pose=torch.eye(3).expand(1, 23, 3, 3),
            betas=torch.full((1, 10), 0.5),
            has_pose=torch.tensor([has_smpl]),
            has_betas=torch.tensor([has_smpl]),
            has_smpl=torch.tensor([has_smpl]),
            keypoints=192 * torch.rand(1, 45, 2),
            keypoints_conf=torch.ones(1, 45),
            joints_3d=torch.randn(1, 45, 3),
            joints_3d_conf=torch.ones(1, 45),
        )
        made.append(sample)
    return made
