"""Query-agnostic deformable cross-attention, the idea of DeforHMR."""

from typing import NamedTuple

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from deforhmr_mm.geometry.sampling import cell_centres, sample_groups
from deforhmr_mm.models.layers.offsets import OffsetNetwork
from deforhmr_mm.models.layers.position_bias import SampledGridBias


class EncodedContext(NamedTuple):
    """What the queries of one layer look at; it does not depend on them.

    Attributes:
        key: (B, heads, N, d) keys.
        value: (B, heads, N, d) values.
        positions: (B, G, N, 2) normalised (x, y) where the features were sampled.
        bias: (B, heads, Q, N) position bias, or None.
    """

    key: Tensor
    value: Tensor
    positions: Tensor
    bias: Tensor | None


class DeformableCrossAttention(nn.Module):
    """Attend from query tokens to features sampled at context-driven positions.

    Every cell of the feature map moves by an offset computed from the features alone,
    one for each group of channels; the features are sampled there, and all queries
    attend to the same samples (DeforHMR, section 3; Deformable-DETR predicts offsets
    from each query instead). The two halves are separate: `encode_context` does all
    that does not depend on the queries, `forward` attends.

    Args:
        embed_dims: D, width of the query tokens.
        in_channels: C, channels of the features.
        num_queries: Q, number of query tokens, each with bias grids of its own.
        feat_size: rows and columns of the feature map, and of the bias grids.
        num_heads: attention heads; a multiple of `num_groups`.
        head_dims: width d of a head.
        num_groups: G, groups of channels with offsets of their own.
        kernel_size: side of the offset network's depthwise filters, in cells.
        max_offset: s, the largest offset in cells.
        share_groups: share the offset filters between groups, as DAT does.
        deformable: False samples at the cell centres: ordinary cross-attention.
        position_bias: add the sampled per-query grids to the logits.

    Raises:
        ValueError: if the groups do not divide the channels or the heads.
    """

    def __init__(
        self,
        embed_dims: int,
        in_channels: int,
        num_queries: int,
        feat_size: tuple[int, int],
        num_heads: int = 8,
        head_dims: int = 64,
        num_groups: int = 8,
        kernel_size: int = 5,
        max_offset: float = 2.0,
        share_groups: bool = False,
        deformable: bool = True,
        position_bias: bool = True,
    ) -> None:
        super().__init__()
        if num_heads % num_groups:
            raise ValueError(
                f'num_groups={num_groups} does not divide num_heads={num_heads}: each '
                "head reads one group's positions"
            )
        inner_dims = num_heads * head_dims
        self.num_heads = num_heads
        self.num_groups = num_groups
        self.in_channels = in_channels
        self.feat_size = tuple(feat_size)
        self.offsets = (
            OffsetNetwork(
                in_channels, num_groups, kernel_size, max_offset, share_groups
            )
            if deformable
            else None
        )
        self.bias = (
            SampledGridBias(num_heads, num_queries, self.feat_size)
            if position_bias
            else None
        )
        self.query_proj = nn.Linear(embed_dims, inner_dims, bias=False)
        self.key_proj = nn.Linear(in_channels, inner_dims, bias=False)
        self.value_proj = nn.Linear(in_channels, inner_dims, bias=False)
        self.out_proj = nn.Linear(inner_dims, embed_dims)

    def sampling_positions(self, features: Tensor) -> Tensor:
        """Where the features are sampled: (B, G, N, 2) normalised (x, y)."""
        batch, _, height, width = features.shape
        # bfloat16 has no room for a position: at least float32, also under autocast.
        dtype = torch.promote_types(features.dtype, torch.float32)
        reference = cell_centres(height, width, features.device, dtype)
        reference = reference.expand(batch, self.num_groups, -1, -1)
        if self.offsets is None:
            return reference
        return reference + self.offsets(features).to(dtype)

    def encode_context(self, features: Tensor) -> EncodedContext:
        """Sample the features and project them to keys and values.

        Args:
            features: (B, C, H, W) context, (H, W) = `feat_size`.

        Returns:
            Keys, values, positions and bias, for any number of calls to `forward`.

        Raises:
            ValueError: if the channels or the size are not those of the constructor.
        """
        expected = (self.in_channels, *self.feat_size)
        if tuple(features.shape[1:]) != expected:
            raise ValueError(
                f'the head was built for features of (in_channels, *feat_size) = '
                f'{expected}, but the backbone gave {tuple(features.shape[1:])}; set '
                'in_channels and feat_size of the head to what the backbone gives'
            )
        positions = self.sampling_positions(features)
        if self.offsets is None:
            context = features.flatten(2).transpose(1, 2)
        else:
            context = sample_groups(features.to(positions.dtype), positions)
        return EncodedContext(
            key=self._split_heads(self.key_proj(context)),
            value=self._split_heads(self.value_proj(context)),
            positions=positions,
            bias=None if self.bias is None else self.bias(positions),
        )

    def forward(self, queries: Tensor, context: EncodedContext) -> Tensor:
        """Attend.

        Args:
            queries: (B, Q, D) normalised query tokens.
            context: what `encode_context` made of the features.

        Returns:
            (B, Q, D) what the tokens read.
        """
        query = self._split_heads(self.query_proj(queries))
        bias = None if context.bias is None else context.bias.to(query.dtype)
        read = F.scaled_dot_product_attention(
            query, context.key, context.value, attn_mask=bias
        )
        return self.out_proj(read.transpose(1, 2).flatten(2))

    def attention(self, queries: Tensor, context: EncodedContext) -> Tensor:
        """Attention weights (B, heads, Q, N), for looking at them."""
        query = self._split_heads(self.query_proj(queries))
        logits = query @ context.key.transpose(-1, -2) / query.shape[-1] ** 0.5
        if context.bias is not None:
            logits = logits + context.bias
        return torch.softmax(logits, dim=-1)

    def _split_heads(self, x: Tensor) -> Tensor:
        return x.unflatten(-1, (self.num_heads, -1)).transpose(1, 2)
