"""The plain vision transformer of ViTPose and HMR2.0, which takes their weights."""

import math
from collections.abc import Iterator, Sequence
from typing import NamedTuple

import torch
import torch.nn.functional as F
from mmengine.model import BaseModule
from mmengine.registry import DefaultScope
from torch import Tensor, nn

from deforhmr_mm.models.layers.token_grid import TokenGrid, conv_token_grid
from deforhmr_mm.registry import MODELS


class FrozenWeightsError(ValueError):
    """A checkpoint lacks weights of an encoder that is frozen."""


class ViTArch(NamedTuple):
    """Size of a vision transformer."""

    embed_dims: int
    depth: int
    num_heads: int


ARCHS = {
    'tiny': ViTArch(192, 12, 3),
    'small': ViTArch(384, 12, 12),
    'base': ViTArch(768, 12, 12),
    'large': ViTArch(1024, 24, 16),
    'huge': ViTArch(1280, 32, 16),
}

# ViTPose pads the patch convolution, so that token j is centred on pixel 16 j + 5.5.
PATCH_PADDING = 2
# Every ViT of this family normalises with this epsilon.
NORM_EPS = 1e-6


class Attention(nn.Module):
    """Multi-head self-attention with one joint projection for query, key and value."""

    def __init__(self, embed_dims: int, num_heads: int) -> None:
        super().__init__()
        self.num_heads = num_heads
        self.qkv = nn.Linear(embed_dims, 3 * embed_dims)
        self.proj = nn.Linear(embed_dims, embed_dims)

    def forward(self, x: Tensor) -> Tensor:
        """Mix the tokens `x` (B, N, C) -> (B, N, C)."""
        batch, tokens, channels = x.shape
        width = channels // self.num_heads
        qkv = self.qkv(x).view(batch, tokens, 3, self.num_heads, width)
        query, key, value = qkv.permute(2, 0, 3, 1, 4)  # each (B, heads, N, d)
        mixed = F.scaled_dot_product_attention(query, key, value)
        return self.proj(mixed.transpose(1, 2).reshape(batch, tokens, channels))


class MLP(nn.Module):
    """Two linear layers with a GELU between them."""

    def __init__(self, embed_dims: int, hidden_dims: int) -> None:
        super().__init__()
        self.fc1 = nn.Linear(embed_dims, hidden_dims)
        self.fc2 = nn.Linear(hidden_dims, embed_dims)

    def forward(self, x: Tensor) -> Tensor:
        """Map each token of `x` (..., C) on its own -> (..., C)."""
        return self.fc2(F.gelu(self.fc1(x)))


class Block(nn.Module):
    """Pre-norm transformer layer with stochastic depth."""

    def __init__(
        self, embed_dims: int, num_heads: int, mlp_ratio: float, drop_path: float
    ) -> None:
        super().__init__()
        self.norm1 = nn.LayerNorm(embed_dims, eps=NORM_EPS)
        self.attn = Attention(embed_dims, num_heads)
        self.norm2 = nn.LayerNorm(embed_dims, eps=NORM_EPS)
        self.mlp = MLP(embed_dims, int(embed_dims * mlp_ratio))
        self.drop_path = drop_path

    def forward(self, x: Tensor) -> Tensor:
        """Transform the tokens `x` (B, N, C) -> (B, N, C)."""
        x = x + self._drop(self.attn(self.norm1(x)))
        return x + self._drop(self.mlp(self.norm2(x)))

    def _drop(self, branch: Tensor) -> Tensor:
        """Drop the whole residual branch of some samples, in training only."""
        if not self.training or self.drop_path == 0:
            return branch
        keep = 1 - self.drop_path
        mask = branch.new_empty(len(branch), 1, 1).bernoulli_(keep)
        return branch * (mask / keep)


class PatchEmbed(nn.Module):
    """Padded patch convolution, as in ViTPose."""

    def __init__(self, embed_dims: int, patch_size: int) -> None:
        super().__init__()
        self.proj = nn.Conv2d(
            3, embed_dims, patch_size, stride=patch_size, padding=PATCH_PADDING
        )

    @property
    def token_grid(self) -> TokenGrid:
        """Where the tokens' centres lie in the input."""
        return conv_token_grid([self.proj])

    def forward(self, images: Tensor) -> Tensor:
        """Cut (B, 3, H, W) pictures into a (B, C, H / patch, W / patch) map."""
        return self.proj(images)


class ConvLayer(nn.Sequential):
    """3x3 convolution, batch normalisation and ReLU."""

    def __init__(self, in_channels: int, out_channels: int, stride: int) -> None:
        super().__init__(
            nn.Conv2d(in_channels, out_channels, 3, stride, padding=1, bias=False),
            nn.BatchNorm2d(out_channels),
            nn.ReLU(inplace=True),
        )


class ConvStem(nn.Module):
    """A small convolutional network in place of the patch convolution.

    Meant for training from random weights, where early convolutions are reported to
    help transformers (Xiao et al., NeurIPS 2021). Each stage halves the picture and
    then refines it by residual layers. The channels double from 32 up to `embed_dims`;
    with S stages, token j is centred on pixel 2**S * j.

    Args:
        embed_dims: channels of the result.
        refinements: how many residual layers each stage has.
    """

    def __init__(self, embed_dims: int, refinements: Sequence[int]) -> None:
        super().__init__()
        widths = [min(32 << stage, embed_dims) for stage in range(len(refinements))]
        self.halve = nn.ModuleList(
            ConvLayer(inside, outside, stride=2)
            for inside, outside in zip([3, *widths], widths, strict=False)
        )
        self.refine = nn.ModuleList(
            nn.ModuleList(ConvLayer(width, width, stride=1) for _ in range(count))
            for width, count in zip(widths, refinements, strict=True)
        )
        self.proj = nn.Conv2d(widths[-1], embed_dims, 1)
        self.to(memory_format=torch.channels_last)

    @property
    def token_grid(self) -> TokenGrid:
        """Where the tokens' centres lie in the input; refining moves none."""
        return conv_token_grid([layer[0] for layer in self.halve])

    def forward(self, images: Tensor) -> Tensor:
        """Reduce (B, 3, H, W) pictures to a (B, C, H / 2**S, W / 2**S) map."""
        # Convolutions are faster with the channels last, on CPUs as on GPUs.
        x = images.contiguous(memory_format=torch.channels_last)
        for halve, refine in zip(self.halve, self.refine, strict=True):
            x = halve(x)
            for layer in refine:
                x = x + layer(x)
        return self.proj(x)


@MODELS.register_module()
class ViT(BaseModule):
    """Vision transformer encoder of ViTPose (Xu et al., 2022) and HMR2.0.

    It has no class token, but its position embedding keeps one leading entry, which is
    added to every position, and the patch convolution pads by two pixels. The parameter
    names are ViTPose's (``patch_embed.proj``, ``pos_embed``, ``blocks.i.attn.qkv``,
    ..., ``last_norm``).

    Args:
        arch: ``'tiny'``, ``'small'``, ``'base'``, ``'large'``, ``'huge'``, or a dict
            with ``embed_dims``, ``depth`` and ``num_heads``.
        img_size: height and width of the input in pixels, multiples of `patch_size`.
        patch_size: side of a patch in pixels.
        conv_stem: cut the picture with a small convolutional network in place of
            ViTPose's one patch convolution: for training from random weights, and not
            compatible with published ones. The residual layers of each of its stages,
            of which each halves the picture: five for `patch_size` 32.
        mlp_ratio: hidden width of the feed-forward part over the embedding width.
        drop_path_rate: stochastic depth of the last layer; it grows linearly over
            layers.
        frozen: keep all weights as they are: no gradient, no training mode, ever.
        init_cfg: mmengine's weight initialisation, such as
            ``dict(type='Pretrained', checkpoint='vitpose.pth')``.

    Raises:
        ValueError: if `arch` is unknown, `img_size` is no multiple of `patch_size`, or
            the stages of the convolutional stem do not lead to `patch_size`.
    """

    def __init__(
        self,
        arch: str | dict = 'huge',
        img_size: tuple[int, int] = (256, 192),
        patch_size: int = 16,
        conv_stem: Sequence[int] | None = None,
        mlp_ratio: float = 4.0,
        drop_path_rate: float = 0.0,
        frozen: bool = False,
        init_cfg: dict | None = None,
    ) -> None:
        super().__init__(init_cfg=init_cfg)
        sizes = self._resolve_arch(arch)
        height, width = img_size
        if height % patch_size or width % patch_size:
            raise ValueError(
                f'img_size must be a multiple of patch_size={patch_size}, '
                f'got {img_size}'
            )
        self.embed_dims = sizes.embed_dims
        self.img_size = (height, width)
        self.feat_size = (height // patch_size, width // patch_size)
        self.frozen = frozen

        if conv_stem is None:
            self.patch_embed = PatchEmbed(sizes.embed_dims, patch_size)
        elif 2 ** len(conv_stem) == patch_size:
            self.patch_embed = ConvStem(sizes.embed_dims, conv_stem)
        else:
            raise ValueError(
                f'conv_stem={tuple(conv_stem)} has {len(conv_stem)} stages, and each '
                f'halves the picture: they make patch_size={2 ** len(conv_stem)}, not '
                f'{patch_size}'
            )
        num_patches = self.feat_size[0] * self.feat_size[1]
        self.pos_embed = nn.Parameter(torch.zeros(1, num_patches + 1, self.embed_dims))
        self.blocks = nn.ModuleList(
            Block(
                sizes.embed_dims,
                sizes.num_heads,
                mlp_ratio,
                drop_path_rate * index / max(sizes.depth - 1, 1),
            )
            for index in range(sizes.depth)
        )
        self.last_norm = nn.LayerNorm(self.embed_dims, eps=NORM_EPS)
        self._init_from_scratch()
        if frozen:
            self.requires_grad_(False)
            self.eval()

    @property
    def token_grid(self) -> TokenGrid:
        """Where the tokens' centres lie in the input."""
        return self.patch_embed.token_grid

    @staticmethod
    def _resolve_arch(arch: str | dict) -> ViTArch:
        if isinstance(arch, dict):
            return ViTArch(**arch)
        if arch not in ARCHS:
            raise ValueError(f'arch must be one of {sorted(ARCHS)}, got {arch!r}')
        return ARCHS[arch]

    def _init_from_scratch(self) -> None:
        nn.init.trunc_normal_(self.pos_embed, std=0.02)
        for module in self.modules():
            if isinstance(module, nn.Linear):
                nn.init.trunc_normal_(module.weight, std=0.02)
                nn.init.zeros_(module.bias)

    def init_weights(self) -> None:
        """Initialise by `init_cfg`; a frozen encoder has to get every weight from it.

        Local files are opened without running code from them
        (`deforhmr_mm.engine.SafePretrainedInit`).

        Raises:
            FrozenWeightsError: if the checkpoint of a frozen encoder lacks some, or
                statistics of a batch norm: they would stay as they are for ever, which
                mmengine only logs.
            FileNotFoundError: if there is no such file.
            CheckpointError: if the file is damaged, or could run code.
        """
        source = self.init_cfg if isinstance(self.init_cfg, dict) else {}
        must_load = self.frozen and source.get('type') == 'Pretrained'
        if must_load and not self.is_init:
            for _, weight in self._named_weights():
                nn.init.constant_(weight, math.nan)
        # Else a model that is built outside of a runner gets mmengine's own loader.
        with DefaultScope.overwrite_default_scope('deforhmr_mm'):
            super().init_weights()
        missing = [
            name for name, weight in self._named_weights() if weight.isnan().any()
        ]
        if must_load and missing:
            raise FrozenWeightsError(
                f'{source["checkpoint"]}: {len(missing)} of '
                f'{len(list(self._named_weights()))} weights of the frozen encoder are '
                f'not there, or of another shape ({", ".join(missing[:3])}, ...). Of a '
                "checkpoint of a whole model, add prefix='backbone.' to init_cfg; "
                'tools/model_converters brings published ones into shape'
            )

    def _named_weights(self) -> Iterator[tuple[str, Tensor]]:
        """Parameters, and the buffers that a checkpoint has to bring as well."""
        yield from self.named_parameters()
        for name, buffer in self.named_buffers():
            if buffer.is_floating_point():
                yield name, buffer

    def train(self, mode: bool = True) -> 'ViT':
        """Switch the training mode; a frozen encoder stays in evaluation mode."""
        return super().train(mode and not self.frozen)

    def forward(self, images: Tensor) -> Tensor:
        """Encode pictures.

        Args:
            images: (B, 3, H, W) normalised pictures, (H, W) = `img_size`.

        Returns:
            (B, C, H / patch, W / patch) features of the last layer, normalised.

        Raises:
            ValueError: if the pictures have another size.
        """
        if tuple(images.shape[-2:]) != self.img_size:
            raise ValueError(
                f'ViT was built for img_size={self.img_size} (height, width), but got '
                f'pictures of {tuple(images.shape[-2:])}; change img_size in the '
                'config or the input_size of the pipeline'
            )
        if self.frozen:
            with torch.no_grad():
                return self._encode(images)
        return self._encode(images)

    def _encode(self, images: Tensor) -> Tensor:
        x = self.patch_embed(images).flatten(2).transpose(1, 2)  # (B, N, C)
        x = x + self.pos_embed[:, 1:] + self.pos_embed[:, :1]
        for block in self.blocks:
            x = block(x)
        x = self.last_norm(x)
        return x.transpose(1, 2).unflatten(2, self.feat_size)
