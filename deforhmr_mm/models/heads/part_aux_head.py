"""Auxiliary supervision of the features at each joint, for encoders from scratch."""

from collections.abc import Sequence

import torch
from torch import Tensor, nn

from deforhmr_mm.models.heads.feature_levels import pick_level
from deforhmr_mm.models.heads.keypoint_aux_head import KeypointAuxHead
from deforhmr_mm.models.losses import masked_mse
from deforhmr_mm.registry import MODELS

ROT6D = 6


@MODELS.register_module()
class PartAuxHead(KeypointAuxHead):
    """Locate the keypoints, and tell each joint's depth and turn from where it lies.

    Beside the 2D keypoints of `KeypointAuxHead`, the features at each joint's place,
    averaged with the probabilities of its cells, give by a linear map the joint's
    position relative to the pelvis and the first two columns of its orientation, both
    in the camera's axes. So what a pose token is to read lies where it looks for it.
    Reading a body part's rotation from a part's features is PARE's idea (Kocabas et
    al., ICCV 2021); here it only trains the encoder.

    Args:
        in_channels: channels of the features.
        num_keypoints: keypoints to locate, the joints first.
        num_joints: joints of the skeleton.
        sigma: width of the Gaussian that a label is spread with, in cells.
        loss_weight: weight of the keypoints' loss.
        position_weight: weight of the squared error of positions, metres squared.
        orientation_weight: weight of the squared error of the orientations' columns.
        feat_level: which level is read where the backbone gives several.
        init_cfg: mmengine's weight initialisation.
    """

    def __init__(
        self,
        in_channels: int,
        num_keypoints: int = 45,
        num_joints: int = 24,
        sigma: float = 0.75,
        loss_weight: float = 1.0,
        position_weight: float = 20.0,
        orientation_weight: float = 2.0,
        feat_level: int = -1,
        init_cfg: dict | None = None,
    ) -> None:
        super().__init__(
            in_channels, num_keypoints, sigma, loss_weight, feat_level, init_cfg
        )
        self.num_joints = num_joints
        self.position_weight = position_weight
        self.orientation_weight = orientation_weight
        # One linear map a joint.
        self.weight = nn.Parameter(torch.empty(num_joints, in_channels, 3 + ROT6D))
        self.bias = nn.Parameter(torch.zeros(num_joints, 3 + ROT6D))
        nn.init.trunc_normal_(self.weight, std=0.02)

    def read_parts(self, feats: Tensor, log_probs: Tensor) -> tuple[Tensor, Tensor]:
        """Positions and orientations of the joints.

        Args:
            feats: (B, C, H, W) features.
            log_probs: (B, K, H * W) where each keypoint lies, from `forward`.

        Returns:
            (B, J, 3) metres and (B, J, 6): the first column, then the second one.
        """
        # The 2D labels alone say where to look.
        probs = log_probs[:, : self.num_joints].detach().exp()
        read = torch.einsum('bjn,bcn->bjc', probs, feats.float().flatten(2))
        parts = torch.einsum('bjc,jcd->bjd', read, self.weight) + self.bias
        return parts[..., :3], parts[..., 3:]

    def loss(
        self, feats: Tensor | Sequence[Tensor], target: dict[str, Tensor]
    ) -> dict[str, Tensor]:
        """Losses of keypoints, positions and orientations.

        Args:
            feats: (B, C, H, W) features; of several levels `feat_level` is taken.
            target: as `KeypointAuxHead.loss` reads it, and ``joints`` (B, J', 3),
                metres, pelvis first, ``orientations`` (B, J, 3, 3), ``has_smpl`` and
                ``has_pose`` (B,). A joint counts where it is inside the crop and its
                sample has SMPL labels; for its orientation the pose is enough.

        Returns:
            ``loss_aux_keypoints``, ``loss_aux_positions``, ``loss_aux_orientations``.
        """
        feats = pick_level(feats, self.feat_level)
        with torch.autocast(feats.device.type, enabled=False):
            log_probs = self(feats)
            losses = self.keypoint_loss(log_probs, feats.shape[-2:], target)
            position, columns = self.read_parts(feats, log_probs)
        joints = target['joints'][:, : self.num_joints]
        labels = target['orientations'].transpose(-1, -2)[..., :2, :].flatten(-2)
        inside = self.inside_crop(target['keypoints_normalized'][:, : self.num_joints])
        losses['loss_aux_positions'] = self.position_weight * masked_mse(
            position, joints - joints[:, :1], inside * target['has_smpl'][:, None]
        )
        losses['loss_aux_orientations'] = self.orientation_weight * masked_mse(
            columns, labels, inside * target['has_pose'][:, None]
        )
        return losses
