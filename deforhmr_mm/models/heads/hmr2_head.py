"""HMR2.0's head: one token reads the features and gives all parameters."""

from collections.abc import Sequence
from pathlib import Path

import torch
from mmengine.model import BaseModule
from torch import Tensor, nn

from deforhmr_mm.geometry.rotations import rot6d_to_rotmat
from deforhmr_mm.models.heads.feature_levels import pick_level
from deforhmr_mm.models.heads.mean_params import load_start
from deforhmr_mm.models.layers import TokenDecoder, check_feature_shape
from deforhmr_mm.registry import MODELS

NUM_JOINTS = 24
READOUT_GAIN = 0.01


@MODELS.register_module()
class HMR2Head(BaseModule):
    """Regress SMPL parameters from one token, as HMR2.0 does.

    Source: Goel et al., "Humans in 4D: Reconstructing and Tracking Humans with
    Transformers", ICCV 2023, and its public code, whose parameter names these are. A
    zero token is embedded, reads the features in a transformer decoder, and linear
    readouts predict residuals on the mean parameters. They start almost at zero, as
    with HMR2.0's option ``INIT_DECODER_XAVIER``: an untrained head predicts the mean
    body, and never a camera of negative scale.

    HMR2.0 reads 6D rotations as this project does, first three numbers = first column.
    Its published buffer ``init_body_pose`` comes from a row-major file and is no mean
    pose in that reading, which its readout has learned to make up for: it is a constant
    that belongs to the weights. A head that starts from `mean_params` gets the layout
    right from the beginning.

    Args:
        in_channels: channels of the features.
        num_layers: decoder layers.
        embed_dims: width of the token.
        num_heads: attention heads.
        head_dims: width of a head.
        ffn_dims: hidden width of the feed-forward parts.
        num_iters: how many times the residual is added. As in HMR2.0 the token is not
            told the estimate, so that every round adds the same.
        num_betas: shape coefficients.
        mean_params: npz of mean parameters (see `load_mean_params`); None starts from
            the rest pose.
        feat_level: which level is read where the backbone gives several.
        init_cfg: mmengine's weight initialisation.

    Raises:
        ValueError: if `num_iters` is below 1, or `mean_params` has too few betas.
    """

    def __init__(
        self,
        in_channels: int = 1280,
        num_layers: int = 6,
        embed_dims: int = 1024,
        num_heads: int = 8,
        head_dims: int = 64,
        ffn_dims: int = 1024,
        num_iters: int = 1,
        num_betas: int = 10,
        mean_params: str | Path | None = None,
        feat_level: int = -1,
        init_cfg: dict | None = None,
    ) -> None:
        super().__init__(init_cfg=init_cfg)
        if num_iters < 1:
            raise ValueError(f'num_iters must be at least 1, got {num_iters}')
        self.num_iters = num_iters
        self.feat_level = feat_level
        self.in_channels = in_channels
        self.transformer = TokenDecoder(
            num_layers, embed_dims, num_heads, head_dims, ffn_dims, in_channels
        )
        self.decpose = nn.Linear(embed_dims, NUM_JOINTS * 6)
        self.decshape = nn.Linear(embed_dims, num_betas)
        self.deccam = nn.Linear(embed_dims, 3)
        for readout in (self.decpose, self.decshape, self.deccam):
            nn.init.xavier_uniform_(readout.weight, gain=READOUT_GAIN)
            nn.init.zeros_(readout.bias)
        means = load_start(mean_params, num_betas)
        self.register_buffer('init_body_pose', means.rot6d.reshape(1, -1))
        self.register_buffer('init_betas', means.betas[None])
        self.register_buffer('init_cam', means.camera[None])

    def forward(self, feats: Tensor | Sequence[Tensor]) -> dict[str, Tensor]:
        """Regress the body.

        Args:
            feats: (B, C, H, W) features; of several levels `feat_level` is taken.

        Returns:
            ``global_orient`` (B, 1, 3, 3) body to camera, ``body_pose`` (B, 23, 3, 3)
            relative to the parent joint, ``betas`` (B, num_betas), ``camera`` (B, 3)
            crop camera (s, tx, ty), whose s nothing keeps positive; all fp32.

        Raises:
            ValueError: if there is no such level, it is no map, or has other channels.
        """
        feats = pick_level(feats, self.feat_level)
        check_feature_shape(feats, self.in_channels)
        context = feats.flatten(2).transpose(1, 2)  # (B, H * W, C)
        token = self.transformer(feats.new_zeros(len(feats), 1, 1), context)
        # The residuals decide millimetres: fp32 also under autocast.
        with torch.autocast(token.device.type, enabled=False):
            token = token[:, 0].float()
            rot6d = self.init_body_pose + self.num_iters * self.decpose(token)
            betas = self.init_betas + self.num_iters * self.decshape(token)
            camera = self.init_cam + self.num_iters * self.deccam(token)
            rotmats = rot6d_to_rotmat(rot6d.unflatten(-1, (NUM_JOINTS, 6)))
        return dict(
            global_orient=rotmats[:, :1],
            body_pose=rotmats[:, 1:],
            betas=betas,
            camera=camera,
        )
