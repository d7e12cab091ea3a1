"""From our encoders' one feature map to what mmpose's heads read."""

import torch.nn.functional as F
from mmengine.model import BaseModule
from torch import Tensor

from deforhmr_mm.registry import MODELS


@MODELS.register_module()
class FeatureMapNeck(BaseModule):
    """Enlarge an encoder's feature map and give it in a tuple, for mmpose's heads.

    Our encoders return their map as a tensor; mmpose's heads read the last of a tuple
    of maps. With a ReLU and four times the size, before a head of one 3x3 convolution,
    it makes ViTPose's "simple" decoder (Xu et al., NeurIPS 2022, equation 4), as
    mmpose's ``FeatureMapProcessor`` does for encoders that return tuples.

    Args:
        scale_factor: how much larger the map becomes, by bilinear interpolation.
        apply_relu: clip the features at zero first.

    Raises:
        ValueError: if `scale_factor` is not positive.
    """

    def __init__(self, scale_factor: float = 1.0, apply_relu: bool = False) -> None:
        super().__init__()
        if scale_factor <= 0:
            raise ValueError(f'scale_factor must be positive, got {scale_factor}')
        self.scale_factor = scale_factor
        self.apply_relu = apply_relu

    def forward(self, features: Tensor) -> tuple[Tensor]:
        """Map (B, C, H, W) to one (B, C, `scale_factor` H, `scale_factor` W)."""
        if self.apply_relu:
            features = F.relu(features)
        if self.scale_factor != 1.0:
            features = F.interpolate(
                features, scale_factor=self.scale_factor, mode='bilinear'
            )
        return (features,)
