"""Training losses."""

from .mesh_losses import (
    Joints2DLoss,
    Joints3DLoss,
    SMPLParamLoss,
    VertexLoss,
    masked_mse,
)
from .weighted_mean import weighted_mean

__all__ = [
    'Joints2DLoss',
    'Joints3DLoss',
    'SMPLParamLoss',
    'VertexLoss',
    'masked_mse',
    'weighted_mean',
]
