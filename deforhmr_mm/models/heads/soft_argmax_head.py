"""Auxiliary 2D keypoints from the encoder's features, for encoders trained from scratch."""

import torch
from mmengine.model import BaseModule
from torch import Tensor, nn

from deforhmr_mm.geometry.sampling import cell_centres
from deforhmr_mm.registry import MODELS


@MODELS.register_module()
class SoftArgmaxHead(BaseModule):
    """Locate keypoints as the mean position under a softmax over the feature map.

    An encoder that starts from random weights learns slowly from 25 decoder tokens alone;
    this gives every cell a direct signal (integral regression, Sun et al., ECCV 2018). It
    is used in training only and takes no part in inference.

    Args:
        in_channels: channels of the features.
        num_keypoints: keypoints to locate.
        loss_weight: weight of the loss.
        margin: keypoints up to this far outside of the crop, in crop widths and heights,
            still count; further ones cannot be seen.
        init_cfg: mmengine's weight initialisation.
    """

    def __init__(
        self,
        in_channels: int,
        num_keypoints: int = 45,
        loss_weight: float = 1.0,
        margin: float = 0.0,
        init_cfg: dict | None = None,
    ) -> None:
        super().__init__(init_cfg=init_cfg)
        self.logits = nn.Conv2d(in_channels, num_keypoints, 1)
        self.loss_weight = loss_weight
        self.margin = margin

    def forward(self, feats: Tensor) -> Tensor:
        """Keypoints (B, K, 2) as normalised (x, y), [-1, 1] over the crop."""
        height, width = feats.shape[-2:]
        with torch.autocast(feats.device.type, enabled=False):
            weights = self.logits(feats.float()).flatten(2).softmax(dim=-1)  # (B, K, N)
            return weights @ cell_centres(height, width, feats.device)

    def loss(
        self, feats: Tensor, keypoints: Tensor, confidence: Tensor
    ) -> dict[str, Tensor]:
        """L1 distance to the labels.

        Args:
            feats: (B, C, H, W) features.
            keypoints: (B, K, 2) labels, normalised (x, y) over the crop.
            confidence: (B, K) weight of each label.

        Returns:
            ``loss_aux_keypoints``.
        """
        inside = (keypoints.abs() <= 1 + 2 * self.margin).all(dim=-1)
        weight = confidence * inside
        # A label outside may be anything, also not a number.
        target = torch.where(inside[..., None], keypoints, 0)
        error = (self(feats) - target).abs().sum(dim=-1)
        loss = (error * weight).sum() / weight.sum().clamp(min=1)
        return dict(loss_aux_keypoints=self.loss_weight * loss)
