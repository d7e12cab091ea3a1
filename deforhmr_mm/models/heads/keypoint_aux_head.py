"""Auxiliary 2D keypoints, for encoders that are trained from scratch."""

from collections.abc import Sequence

import torch
from mmengine.model import BaseModule
from torch import Tensor, nn

from deforhmr_mm.geometry.sampling import cell_centres
from deforhmr_mm.models.heads.feature_levels import pick_level
from deforhmr_mm.models.losses import weighted_mean
from deforhmr_mm.registry import MODELS


@MODELS.register_module()
class KeypointAuxHead(BaseModule):
    """Say in which cell of the feature map each keypoint lies.

    Meant for an encoder that starts from random weights: every cell gets a signal of
    its own, beside what reaches it through the decoder's 25 tokens. It is used in
    training only and takes no part in inference.

    The cells are those of patches. A convolutional stem's features are centred half a
    cell up and left of them, a constant that the encoder learns.

    Args:
        in_channels: channels of the features.
        num_keypoints: keypoints to locate.
        sigma: width of the Gaussian that a label is spread with, in cells.
        loss_weight: weight of the loss.
        feat_level: which level is read where the backbone gives several.
        init_cfg: mmengine's weight initialisation.
    """

    def __init__(
        self,
        in_channels: int,
        num_keypoints: int = 45,
        sigma: float = 0.75,
        loss_weight: float = 1.0,
        feat_level: int = -1,
        init_cfg: dict | None = None,
    ) -> None:
        super().__init__(init_cfg=init_cfg)
        self.logits = nn.Conv2d(in_channels, num_keypoints, 1)
        self.sigma = sigma
        self.loss_weight = loss_weight
        self.feat_level = feat_level

    def forward(self, feats: Tensor) -> Tensor:
        """Log-probabilities (B, K, H * W) of each keypoint's cell."""
        with torch.autocast(feats.device.type, enabled=False):
            return self.logits(feats.float()).flatten(2).log_softmax(dim=-1)

    def loss(
        self, feats: Tensor | Sequence[Tensor], target: dict[str, Tensor]
    ) -> dict[str, Tensor]:
        """Cross-entropy against the spread labels.

        Args:
            feats: (B, C, H, W) features; of several levels `feat_level` is taken.
            target: ``keypoints_normalized`` (B, K, 2) labels (x, y) over the crop,
                in [-1, 1] inside of it, and ``keypoints_conf`` (B, K) their weights. A
                keypoint outside of the crop cannot be seen, and does not count.

        Returns:
            ``loss_aux_keypoints``.
        """
        feats = pick_level(feats, self.feat_level)
        return self.keypoint_loss(self(feats), feats.shape[-2:], target)

    def keypoint_loss(
        self,
        log_probs: Tensor,
        feat_size: tuple[int, int],
        target: dict[str, Tensor],
    ) -> dict[str, Tensor]:
        """`loss` of log-probabilities (B, K, H * W) over `feat_size` = (H, W) cells."""
        height, width = feat_size
        keypoints = target['keypoints_normalized']
        inside = self.inside_crop(keypoints)
        weight = target['keypoints_conf'] * inside
        # A label outside may be anything, also not a number.
        centre = torch.where(inside[..., None], keypoints, 0)
        cells = centre.new_tensor((width / 2, height / 2))
        offset = (
            centre[:, :, None] - cell_centres(height, width, centre.device)
        ) * cells
        spread = offset.square().sum(dim=-1) / (2 * self.sigma**2)
        labels = (-spread).softmax(dim=-1)  # (B, K, H * W)
        entropy = -(labels * log_probs).sum(dim=-1)
        loss = self.loss_weight * weighted_mean(entropy, weight)
        return dict(loss_aux_keypoints=loss)

    @staticmethod
    def inside_crop(keypoints: Tensor) -> Tensor:
        """Which of the normalised (..., 2) keypoints lie inside of the crop."""
        return (keypoints.abs() <= 1).all(dim=-1)
