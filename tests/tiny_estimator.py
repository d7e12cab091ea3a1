"""A whole model that is as small as one can be."""

import numpy as np

from deforhmr_mm.structures import MeshDataSample

HEAD = dict(
    type='DeforHMRHead',
    in_channels=16,
    num_layers=1,
    embed_dims=16,
    head_dims=4,
    ffn_dims=16,
)
CONFIG = dict(
    type='MeshEstimator',
    backbone=dict(type='ViT', arch=dict(embed_dims=16, depth=1, num_heads=2)),
    head=HEAD,
    losses=dict(
        smpl=dict(type='SMPLParamLoss'),
        joints_3d=dict(type='Joints3DLoss'),
        joints_2d=dict(type='Joints2DLoss'),
        vertices=dict(type='VertexLoss'),
    ),
    auxiliary_head=dict(type='KeypointAuxHead', in_channels=16),
)


def located(**changes):
    """A sample whose crop lies left of and below the picture's middle."""
    meta = dict(
        ori_shape=(480, 640),
        input_center=np.array([200.0, 260.0]),
        input_scale=np.array([150.0, 200.0]),
    )
    return MeshDataSample(metainfo=meta | changes)
