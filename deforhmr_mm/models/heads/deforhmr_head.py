"""The DeforHMR head: pose and shape tokens that read deformably sampled features."""

import math
from pathlib import Path

import torch
import torch.nn.functional as F
from mmengine.model import BaseModule
from torch import Tensor, nn

from deforhmr_mm.geometry.rotations import rot6d_to_rotmat
from deforhmr_mm.models.heads.mean_params import facing_rest_pose, load_mean_params
from deforhmr_mm.models.layers import DeformableDecoder
from deforhmr_mm.registry import MODELS

NUM_POSE_TOKENS = 24
# Readouts start almost at zero, so that training starts at the mean body.
READOUT_GAIN = 0.01
# Direction of the crop's centre (x, y) and height of the crop, over the focal length.
BOX_INFO = 3


@MODELS.register_module()
class DeforHMRHead(BaseModule):
    """Regress SMPL parameters with 24 pose tokens and one shape token (DeforHMR).

    Each token is learned and conditioned on the current estimate, at first the mean
    parameters; the decoder reads the features, and linear readouts predict a residual
    on the estimate (error feedback; the paper has one round). The crop camera is read
    from the shape token.

    Args:
        in_channels: channels of the features.
        feat_size: rows and columns of the features.
        num_layers: decoder layers.
        embed_dims: width of the tokens.
        num_heads: attention heads.
        head_dims: width of a head.
        ffn_dims: hidden width of the feed-forward parts.
        num_groups: channel groups with sampling offsets of their own.
        kernel_size: side of the offset network's filters, in cells.
        max_offset: largest sampling offset, in cells.
        share_groups: share the offset filters between groups.
        deformable: False gives ordinary cross-attention.
        position_bias: add sampled per-query bias grids.
        num_iters: rounds of error feedback.
        num_betas: shape coefficients.
        box_info: tell the tokens where the crop lies in the full camera, as CLIFF does
            (Li et al., ECCV 2022): a body off the optical axis looks turned.
        mean_params: npz of mean parameters (see `load_mean_params`); None starts from
            the rest pose.
        init_cfg: mmengine's weight initialisation.
    """

    def __init__(
        self,
        in_channels: int = 1280,
        feat_size: tuple[int, int] = (16, 12),
        num_layers: int = 6,
        embed_dims: int = 1024,
        num_heads: int = 8,
        head_dims: int = 64,
        ffn_dims: int = 1024,
        num_groups: int = 8,
        kernel_size: int = 5,
        max_offset: float = 2.0,
        share_groups: bool = False,
        deformable: bool = True,
        position_bias: bool = True,
        num_iters: int = 1,
        num_betas: int = 10,
        box_info: bool = False,
        mean_params: str | Path | None = None,
        init_cfg: dict | None = None,
    ) -> None:
        super().__init__(init_cfg=init_cfg)
        if num_iters < 1:
            raise ValueError(f'num_iters must be at least 1, got {num_iters}')
        self.num_iters = num_iters
        num_queries = NUM_POSE_TOKENS + 1
        self.tokens = nn.Parameter(torch.empty(num_queries, embed_dims))
        self.pose_embed = nn.Linear(6, embed_dims)
        self.betas_embed = nn.Linear(num_betas, embed_dims)
        self.box_embed = nn.Linear(BOX_INFO, embed_dims) if box_info else None
        self.decoder = DeformableDecoder(
            num_layers,
            embed_dims,
            num_heads,
            head_dims,
            ffn_dims,
            cross_attention=dict(
                in_channels=in_channels,
                num_queries=num_queries,
                feat_size=feat_size,
                num_groups=num_groups,
                kernel_size=kernel_size,
                max_offset=max_offset,
                share_groups=share_groups,
                deformable=deformable,
                position_bias=position_bias,
            ),
        )
        self.pose_readout = nn.Linear(embed_dims, 6)
        self.betas_readout = nn.Linear(embed_dims, num_betas)
        self.camera_readout = nn.Linear(embed_dims, 3)
        self._init_from_scratch()

        means = (
            facing_rest_pose(num_betas)
            if mean_params is None
            else load_mean_params(mean_params)
        )
        if len(means.betas) < num_betas:
            raise ValueError(
                f'mean_params has {len(means.betas)} betas, the head '
                f'num_betas={num_betas}'
            )
        # In the checkpoint, so that a trained head needs no file of means.
        self.register_buffer('mean_rot6d', means.rot6d)
        self.register_buffer('mean_betas', means.betas[:num_betas])
        self.register_buffer('mean_camera', means.camera)

    @property
    def needs_box_info(self) -> bool:
        """Whether `forward` reads where the crops lie in the full camera."""
        return self.box_embed is not None

    def _init_from_scratch(self) -> None:
        nn.init.trunc_normal_(self.tokens, std=0.02)
        for module in self.decoder.modules():
            if isinstance(module, nn.Linear):
                nn.init.xavier_uniform_(module.weight)
                if module.bias is not None:
                    nn.init.zeros_(module.bias)
        for readout in (self.pose_readout, self.betas_readout, self.camera_readout):
            nn.init.xavier_uniform_(readout.weight, gain=READOUT_GAIN)
            nn.init.zeros_(readout.bias)

    def forward(
        self, feats: Tensor | tuple[Tensor, ...], box_info: Tensor | None = None
    ) -> dict[str, Tensor]:
        """Regress the body.

        Args:
            feats: (B, C, H, W) features; of several levels the last is taken.
            box_info: (B, 3) centre of the crop relative to the principal point (x, y),
                and height of the crop, all over the focal length; read if the head was
                built with `box_info`.

        Returns:
            ``global_orient`` (B, 1, 3, 3) body to camera, ``body_pose`` (B, 23, 3, 3)
            relative to the parent joint, ``betas`` (B, num_betas), ``camera`` (B, 3)
            crop camera (s, tx, ty) with s > 0; all fp32.

        Raises:
            ValueError: if the head was built with `box_info` and none is given.
        """
        if isinstance(feats, (tuple, list)):
            feats = feats[-1]
        batch = len(feats)
        base_tokens = self._base_tokens(box_info)
        contexts = self.decoder.encode_context(feats)
        rot6d = self.mean_rot6d.expand(batch, -1, -1)
        betas = self.mean_betas.expand(batch, -1)
        raw_camera = _camera_to_raw(self.mean_camera).expand(batch, -1)
        for _ in range(self.num_iters):
            tokens = base_tokens + torch.cat(
                (self.pose_embed(rot6d), self.betas_embed(betas)[:, None]), dim=1
            )
            tokens = self.decoder(tokens, contexts)
            # The residuals decide millimetres: fp32 also under autocast.
            with torch.autocast(tokens.device.type, enabled=False):
                tokens = tokens.float()
                shape_token = tokens[:, NUM_POSE_TOKENS]
                rot6d = rot6d + self.pose_readout(tokens[:, :NUM_POSE_TOKENS])
                betas = betas + self.betas_readout(shape_token)
                raw_camera = raw_camera + self.camera_readout(shape_token)
        rotmats = rot6d_to_rotmat(rot6d)
        return dict(
            global_orient=rotmats[:, :1],
            body_pose=rotmats[:, 1:],
            betas=betas,
            camera=_raw_to_camera(raw_camera),
        )

    def _base_tokens(self, box_info: Tensor | None) -> Tensor:
        """The learned tokens (25, D), or (B, 25, D) with the crop's place added."""
        if self.box_embed is None:
            return self.tokens
        if box_info is None:
            raise ValueError(
                'the head was built with box_info=True: forward needs box_info (B, 3); '
                'a MeshEstimator computes it where it is called with data_samples'
            )
        return self.tokens + self.box_embed(box_info)[:, None]


def _camera_to_raw(camera: Tensor) -> Tensor:
    """Inverse of `_raw_to_camera` for one camera (3,)."""
    raw_scale = math.log(math.expm1(float(camera[0])))
    return torch.cat((camera.new_tensor([raw_scale]), camera[1:]))


def _raw_to_camera(raw: Tensor) -> Tensor:
    """Crop cameras (B, 3) from unbounded numbers; softplus keeps the scale positive."""
    return torch.cat((F.softplus(raw[:, :1]), raw[:, 1:]), dim=1)
