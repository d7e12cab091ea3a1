"""Auxiliary 2D keypoints, for encoders that are trained from scratch."""

import torch
from mmengine.model import BaseModule
from torch import Tensor, nn

from deforhmr_mm.geometry.sampling import cell_centres
from deforhmr_mm.registry import MODELS


@MODELS.register_module()
class KeypointAuxHead(BaseModule):
    """Say in which cell of the feature map each keypoint lies.

    Meant for an encoder that starts from random weights: every cell gets a signal of
    its own, beside what reaches it through the decoder's 25 tokens. It is used in
    training only and takes no part in inference.

    Args:
        in_channels: channels of the features.
        num_keypoints: keypoints to locate.
        sigma: width of the Gaussian that a label is spread with, in cells.
        loss_weight: weight of the loss.
        init_cfg: mmengine's weight initialisation.
    """

    def __init__(
        self,
        in_channels: int,
        num_keypoints: int = 45,
        sigma: float = 0.75,
        loss_weight: float = 1.0,
        init_cfg: dict | None = None,
    ) -> None:
        super().__init__(init_cfg=init_cfg)
        self.logits = nn.Conv2d(in_channels, num_keypoints, 1)
        self.sigma = sigma
        self.loss_weight = loss_weight

    def forward(self, feats: Tensor) -> Tensor:
        """Log-probabilities (B, K, H * W) of each keypoint's cell."""
        with torch.autocast(feats.device.type, enabled=False):
            return self.logits(feats.float()).flatten(2).log_softmax(dim=-1)

    def loss(
        self, feats: Tensor, keypoints: Tensor, confidence: Tensor
    ) -> dict[str, Tensor]:
        """Cross-entropy against the spread labels.

        Args:
            feats: (B, C, H, W) features.
            keypoints: (B, K, 2) labels, normalised (x, y) over the crop. One outside of
                the crop cannot be seen, and does not count.
            confidence: (B, K) weight of each label.

        Returns:
            ``loss_aux_keypoints``.
        """
        height, width = feats.shape[-2:]
        inside = (keypoints.abs() <= 1).all(dim=-1)
        weight = confidence * inside
        # A label outside may be anything, also not a number.
        centre = torch.where(inside[..., None], keypoints, 0)
        cells = centre.new_tensor((width / 2, height / 2))
        offset = (
            centre[:, :, None] - cell_centres(height, width, feats.device)
        ) * cells
        spread = offset.square().sum(dim=-1) / (2 * self.sigma**2)
        target = (-spread).softmax(dim=-1)  # (B, K, H * W)
        entropy = -(target * self(feats)).sum(dim=-1)
        loss = (entropy * weight).sum() / weight.sum().clamp(min=1)
        return dict(loss_aux_keypoints=self.loss_weight * loss)
