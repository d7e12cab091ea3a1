"""Training losses."""

from .mesh_losses import (
    Joints2DLoss,
    Joints3DLoss,
    SMPLParamLoss,
    VertexLoss,
    masked_mse,
)

__all__ = [
    'Joints2DLoss',
    'Joints3DLoss',
    'SMPLParamLoss',
    'VertexLoss',
    'masked_mse',
]
