"""Query-agnostic deformable cross-attention, the idea of DeforHMR."""

from collections.abc import Sequence
from typing import NamedTuple

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from deforhmr_mm.geometry.sampling import cell_centres
from deforhmr_mm.models.layers.feature_shape import check_feature_shape
from deforhmr_mm.models.layers.key_positions import LearnedKeyPosition, SineKeyPosition
from deforhmr_mm.models.layers.offsets import OffsetNetwork, batched_offsets
from deforhmr_mm.models.layers.position_bias import SampledGridBias, sample_bias_grids
from deforhmr_mm.registry import MODELS

POSITION_BIASES = ('grid', 'learned', 'sine', None)


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


@MODELS.register_module()
class DeformableCrossAttention(nn.Module):
    """Attend from query tokens to features sampled at context-driven positions.

    Every cell of the feature map moves by an offset computed from the features alone,
    one for each group of channels; the features are sampled there, and all queries
    attend to the same samples (DeforHMR, section 3; Deformable-DETR predicts offsets
    from each query instead). The two halves are separate: `encode_context` does all
    that does not depend on the queries, `forward` attends. For a decoder's layers,
    which read the same features, `encode_contexts` does the first half in one pass.

    Args:
        embed_dims: D, width of the query tokens.
        in_channels: C, channels of the features.
        num_queries: Q, number of query tokens, each with bias grids of its own.
        feat_size: rows and columns of the feature map.
        num_heads: attention heads; a multiple of `num_groups`.
        head_dims: width d of a head.
        num_groups: G, groups of channels with offsets of their own.
        kernel_size: side of the offset network's depthwise filters, in cells.
        max_offset: s, the largest offset in cells.
        share_groups: share the offset filters between groups, as DAT does.
        zero_start: offsets are zero before training, so that it starts as regular
            attention; otherwise they are random.
        deformable: False samples at the cell centres: ordinary cross-attention.
        position_bias: ``'grid'`` adds a learned grid of each head and query, read at
            the keys' positions, to the logits (the paper's); ``'learned'`` and
            ``'sine'`` add an encoding of their positions to the keys; None does
            neither.
        grid_size: rows and columns of the bias grids or the learned encoding;
            `feat_size` by default.
        sampler: config of the sampler; see `deforhmr_mm.models.layers.samplers`.

    Raises:
        ValueError: if the groups do not divide the channels or the heads, or an option
            has no such value.
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
        zero_start: bool = False,
        deformable: bool = True,
        position_bias: str | None = 'grid',
        grid_size: tuple[int, int] | None = None,
        sampler: dict | None = None,
    ) -> None:
        super().__init__()
        _check_options(num_groups, num_heads, in_channels, position_bias)
        inner_dims = num_heads * head_dims
        self.num_queries = num_queries
        self.num_heads = num_heads
        self.num_groups = num_groups
        self.in_channels = in_channels
        self.feat_size = tuple(feat_size)
        self.sampler = MODELS.build(sampler or dict(type='AutoSampler'))
        self.offsets = (
            OffsetNetwork(
                in_channels,
                num_groups,
                kernel_size,
                max_offset,
                share_groups,
                zero_start,
            )
            if deformable
            else None
        )
        grid_size = tuple(grid_size or feat_size)
        self.bias = self.key_position = None
        if position_bias == 'grid':
            self.bias = SampledGridBias(num_heads, num_queries, grid_size)
        elif position_bias == 'learned':
            self.key_position = LearnedKeyPosition(in_channels, grid_size)
        elif position_bias == 'sine':
            self.key_position = SineKeyPosition(in_channels, num_groups)
        self.query_proj = nn.Linear(embed_dims, inner_dims, bias=False)
        self.key_proj = nn.Linear(in_channels, inner_dims, bias=False)
        self.value_proj = nn.Linear(in_channels, inner_dims, bias=False)
        self.out_proj = nn.Linear(inner_dims, embed_dims)

    def sampling_positions(self, features: Tensor) -> Tensor:
        """Where the features are sampled: (B, G, N, 2) normalised (x, y)."""
        reference = _references(features).expand(len(features), self.num_groups, -1, -1)
        if self.offsets is None:
            return reference
        return reference + self.offsets(features).to(reference.dtype)

    def encode_context(self, features: Tensor) -> EncodedContext:
        """Sample the features and project them to keys and values.

        Args:
            features: (B, C, H, W) context, (H, W) = `feat_size`.

        Returns:
            Keys, values, positions and bias, for any number of calls to `forward`.

        Raises:
            ValueError: if the channels or the size are not those of the constructor.
        """
        check_feature_shape(features, self.in_channels, self.feat_size)
        positions = self.sampling_positions(features)
        if self.offsets is None:
            context = features.flatten(2).transpose(1, 2)
        else:
            context = self.sampler(features, positions)
        keyed = context
        if self.key_position is not None:
            keyed = context + self.key_position(positions).to(context.dtype)
        return EncodedContext(
            key=self._split_heads(self.key_proj(keyed)),
            value=self._split_heads(self.value_proj(context)),
            positions=positions,
            bias=None if self.bias is None else self.bias(positions),
        )

    @staticmethod
    def encode_contexts(
        layers: Sequence['DeformableCrossAttention'], features: Tensor
    ) -> list[EncodedContext]:
        """`encode_context` of several layers with the same options, in one pass.

        Args:
            layers: the L attentions of a decoder.
            features: (B, C, H, W) context that all of them read.

        Returns:
            What each layer's `encode_context` gives.
        """
        first, count = layers[0], len(layers)
        check_feature_shape(features, first.in_channels, first.feat_size)
        batch, groups = len(features), first.num_groups
        reference = _references(features)
        # (B, L * G, N, 2): each layer's groups behind one another.
        positions = reference.expand(batch, count * groups, -1, -1)
        # From here on context is (B, L, N, C).
        if first.offsets is None:
            # Every layer reads the cells themselves.
            context = features.flatten(2).transpose(1, 2)[:, None]
            context = context.expand(-1, count, -1, -1)
        else:
            offsets = batched_offsets([layer.offsets for layer in layers], features)
            positions = positions + offsets.flatten(1, 2).to(reference.dtype)
            # The sampler sees one layer after the other as more positions of a group.
            by_group = positions.unflatten(1, (count, groups)).transpose(1, 2)
            context = first.sampler(features, by_group.flatten(2, 3))
            context = context.unflatten(1, (count, len(reference)))
        keyed = context
        if first.key_position is not None:
            places = positions.unflatten(1, (count, groups)).unbind(1)
            encoded = [
                layer.key_position(place)
                for layer, place in zip(layers, places, strict=True)
            ]
            keyed = context + torch.stack(encoded, dim=1).to(context.dtype)
        keys = _project(keyed, [layer.key_proj.weight for layer in layers])
        values = _project(context, [layer.value_proj.weight for layer in layers])
        biases: Sequence[Tensor | None] = [None] * count
        if first.bias is not None:
            grids = torch.cat([layer.bias.grids for layer in layers])
            sampled = sample_bias_grids(grids.to(positions.dtype), positions)
            biases = sampled.unflatten(1, (count, -1)).unbind(1)
        split = first._split_heads
        return [
            EncodedContext(split(keys[index]), split(values[index]), place, bias)
            for index, (place, bias) in enumerate(
                zip(
                    positions.unflatten(1, (count, groups)).unbind(1),
                    biases,
                    strict=True,
                )
            )
        ]

    def forward(self, queries: Tensor, context: EncodedContext) -> Tensor:
        """Attend.

        Args:
            queries: (B, Q, D) normalised query tokens.
            context: what `encode_context` made of the features.

        Returns:
            (B, Q, D) what the tokens read.

        Raises:
            ValueError: if there are bias grids for another number of tokens.
        """
        if self.bias is not None and queries.shape[1] != self.num_queries:
            raise ValueError(
                f'the attention has bias grids for num_queries={self.num_queries}, '
                f'but {queries.shape[1]} tokens came: build it with their number, or '
                'with position_bias=None'
            )
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


def _check_options(
    num_groups: int, num_heads: int, in_channels: int, position_bias: str | None
) -> None:
    for name, whole, why in (
        ('num_heads', num_heads, "each head reads one group's positions"),
        ('in_channels', in_channels, 'each group has as many channels'),
    ):
        if whole % num_groups:
            fitting = [
                str(groups)
                for groups in range(1, num_heads + 1)
                if num_heads % groups == 0 and in_channels % groups == 0
            ]
            raise ValueError(
                f'num_groups={num_groups} does not divide {name}={whole}: {why}; '
                f'{", ".join(fitting)} would fit'
            )
    if position_bias not in POSITION_BIASES:
        raise ValueError(
            f'position_bias must be one of {POSITION_BIASES}, got {position_bias!r}'
        )


def _references(features: Tensor) -> Tensor:
    """Centres of the features' cells, (N, 2)."""
    height, width = features.shape[-2:]
    # bfloat16 has no room for a position: at least float32, also under autocast.
    dtype = torch.promote_types(features.dtype, torch.float32)
    return cell_centres(height, width, features.device, dtype)


def _project(context: Tensor, weights: Sequence[Tensor]) -> Tensor:
    """Each layer's (B, L, N, C) context by its own (I, C) weight -> (L, B, N, I)."""
    batch, _, count, _ = context.shape
    by_layer = context.transpose(0, 1).flatten(1, 2)  # (L, B * N, C)
    stacked = torch.stack(list(weights)).transpose(1, 2)
    return torch.bmm(by_layer, stacked).unflatten(1, (batch, count))
