"""The DeforHMR head: pose and shape tokens that read deformably sampled features."""

from collections.abc import Sequence
from pathlib import Path

import torch
import torch.nn.functional as F
from mmengine.model import BaseModule
from torch import Tensor, nn

from deforhmr_mm.geometry.rotations import rot6d_to_rotmat
from deforhmr_mm.models.heads.feature_levels import pick_level
from deforhmr_mm.models.heads.mean_params import load_start
from deforhmr_mm.models.layers import DeformableDecoder, TokenwiseLinear
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
    from the shape token, or from a token of its own.

    Args:
        in_channels: channels of the features.
        feat_size: rows and columns of the features.
        num_layers: decoder layers.
        embed_dims: width of the tokens.
        num_heads: attention heads.
        head_dims: width of a head.
        ffn_dims: hidden width of the feed-forward parts.
        cross_attention: config of the cross-attention: options of
            `DeformableCrossAttention`, or another ``type`` with its options.
        multi_query: a token for each joint and one for the shape; False gives one token
            for everything, as HMR2.0 has (the other side of the paper's ablation).
        shared_readout: one linear map reads the rotations of all pose tokens, as we
            read the paper; False gives each token a map of its own. A single query has
            a map of its own for each joint in any case.
        camera_token: read the camera from a token of its own.
        box_info: tell the tokens where the crop lies in the full camera, as CLIFF does
            (Li et al., ECCV 2022): a body off the optical axis looks turned.
        num_iters: rounds of error feedback.
        num_betas: shape coefficients.
        token_std: deviation of the learned tokens at the start.
        mean_params: npz of mean parameters (see `load_mean_params`); None starts from
            the rest pose.
        feat_level: which level is read where the backbone gives several.
        init_cfg: mmengine's weight initialisation.

    Raises:
        ValueError: if an option does not fit the others; the message names it.
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
        cross_attention: dict | None = None,
        multi_query: bool = True,
        shared_readout: bool = True,
        camera_token: bool = False,
        box_info: bool = False,
        num_iters: int = 1,
        num_betas: int = 10,
        token_std: float = 0.02,
        mean_params: str | Path | None = None,
        feat_level: int = -1,
        init_cfg: dict | None = None,
    ) -> None:
        super().__init__(init_cfg=init_cfg)
        if num_iters < 1:
            raise ValueError(f'num_iters must be at least 1, got {num_iters}')
        if num_layers < 1:
            raise ValueError(f'num_layers must be at least 1, got {num_layers}')
        if camera_token and not multi_query:
            raise ValueError(
                'camera_token=True needs multi_query=True: a single query reads '
                'everything, the camera too'
            )
        self.num_iters = num_iters
        self.multi_query = multi_query
        self.feat_level = feat_level
        num_queries = NUM_POSE_TOKENS + 1 + camera_token if multi_query else 1
        # Joints that one token is conditioned on and reads out.
        joints = 1 if multi_query else NUM_POSE_TOKENS
        self.tokens = nn.Parameter(torch.empty(num_queries, embed_dims))
        self.pose_embed = nn.Linear(6 * joints, embed_dims)
        self.betas_embed = nn.Linear(num_betas, embed_dims)
        self.camera_embed = nn.Linear(3, embed_dims) if camera_token else None
        self.box_embed = nn.Linear(BOX_INFO, embed_dims) if box_info else None
        self.decoder = DeformableDecoder(
            num_layers,
            embed_dims,
            num_heads,
            head_dims,
            ffn_dims,
            cross_attention=dict(
                cross_attention or {},
                in_channels=in_channels,
                num_queries=num_queries,
                feat_size=feat_size,
            ),
        )
        if multi_query and not shared_readout:
            self.pose_readout = TokenwiseLinear(NUM_POSE_TOKENS, embed_dims, 6)
        else:
            self.pose_readout = nn.Linear(embed_dims, 6 * joints)
        self.betas_readout = nn.Linear(embed_dims, num_betas)
        self.camera_readout = nn.Linear(embed_dims, 3)
        self._init_from_scratch(token_std)
        means = load_start(mean_params, num_betas)
        # In the checkpoint, so that a trained head needs no file of means.
        self.register_buffer('mean_rot6d', means.rot6d)
        self.register_buffer('mean_betas', means.betas)
        self.register_buffer('mean_camera', means.camera)

    @property
    def needs_box_info(self) -> bool:
        """Whether `forward` reads where the crops lie in the full camera."""
        return self.box_embed is not None

    def _init_from_scratch(self, token_std: float) -> None:
        nn.init.trunc_normal_(self.tokens, std=token_std)
        self.decoder.reset_parameters()
        for readout in (self.pose_readout, self.betas_readout, self.camera_readout):
            # Each token's map, where there are several.
            maps = readout.weight.detach().view(-1, *readout.weight.shape[-2:])
            for weight in maps:
                nn.init.xavier_uniform_(weight, gain=READOUT_GAIN)
            nn.init.zeros_(readout.bias)

    def forward(
        self, feats: Tensor | Sequence[Tensor], box_info: Tensor | None = None
    ) -> dict[str, Tensor]:
        """Regress the body.

        Args:
            feats: (B, C, H, W) features; of several levels `feat_level` is taken.
            box_info: (B, 3) centre of the crop relative to the principal point (x, y),
                and height of the crop, all over the focal length; read if the head was
                built with `box_info`.

        Returns:
            ``global_orient`` (B, 1, 3, 3) body to camera, ``body_pose`` (B, 23, 3, 3)
            relative to the parent joint, ``betas`` (B, num_betas), ``camera`` (B, 3)
            crop camera (s, tx, ty) with s > 0; all fp32.

        Raises:
            ValueError: if there is no such level, the features are not of the size that
                the head was built for, or it was built with `box_info` and none is
                given.
        """
        feats = pick_level(feats, self.feat_level)
        batch = len(feats)
        base_tokens = self._base_tokens(box_info)
        contexts = self.decoder.encode_context(feats)
        rot6d = self.mean_rot6d.expand(batch, -1, -1)
        betas = self.mean_betas.expand(batch, -1)
        raw_camera = _camera_to_raw(self.mean_camera).expand(batch, -1)
        for _ in range(self.num_iters):
            tokens = base_tokens + self._condition(rot6d, betas, raw_camera)
            tokens = self.decoder(tokens, contexts)
            # The residuals decide millimetres: fp32 also under autocast.
            with torch.autocast(tokens.device.type, enabled=False):
                pose, shape, camera = self._token_roles(tokens.float())
                rot6d = rot6d + self.pose_readout(pose).reshape(rot6d.shape)
                betas = betas + self.betas_readout(shape)
                raw_camera = raw_camera + self.camera_readout(camera)
        rotmats = rot6d_to_rotmat(rot6d)
        return dict(
            global_orient=rotmats[:, :1],
            body_pose=rotmats[:, 1:],
            betas=betas,
            camera=_raw_to_camera(raw_camera),
        )

    def _base_tokens(self, box_info: Tensor | None) -> Tensor:
        """The learned tokens (Q, D), or (B, Q, D) with the crop's place added."""
        if self.box_embed is None:
            return self.tokens
        if box_info is None:
            raise ValueError(
                'the head was built with box_info=True: forward needs box_info (B, 3); '
                'a MeshEstimator computes it where it is called with data_samples'
            )
        return self.tokens + self.box_embed(box_info)[:, None]

    def _condition(self, rot6d: Tensor, betas: Tensor, raw_camera: Tensor) -> Tensor:
        """What the current estimate adds to each token: (B, Q, D)."""
        shape = self.betas_embed(betas)[:, None]
        if not self.multi_query:
            return shape + self.pose_embed(rot6d.flatten(1))[:, None]
        parts = [self.pose_embed(rot6d), shape]
        if self.camera_embed is not None:
            parts.append(self.camera_embed(raw_camera)[:, None])
        return torch.cat(parts, dim=1)

    def _token_roles(self, tokens: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """The tokens that pose (B, 24 or 1, D), shape and camera (B, D) are read of."""
        if not self.multi_query:
            return tokens, tokens[:, 0], tokens[:, 0]
        # The last one is the camera's own, or else the shape token again.
        return tokens[:, :NUM_POSE_TOKENS], tokens[:, NUM_POSE_TOKENS], tokens[:, -1]


def _camera_to_raw(camera: Tensor) -> Tensor:
    """Inverse of `_raw_to_camera` for one camera (3,)."""
    scale = camera[:1]
    # log(exp(scale) - 1), which does not overflow in this form.
    return torch.cat((scale + (-torch.expm1(-scale)).log(), camera[1:]))


def _raw_to_camera(raw: Tensor) -> Tensor:
    """Crop cameras (B, 3) from unbounded numbers; softplus keeps the scale positive."""
    return torch.cat((F.softplus(raw[:, :1]), raw[:, 1:]), dim=1)
