"""Deformable-DETR's cross-attention, which DeforHMR defines itself against."""

from collections.abc import Sequence
from typing import NamedTuple

import torch
from torch import Tensor, nn

from deforhmr_mm.models.layers.feature_shape import check_feature_shape
from deforhmr_mm.models.layers.mmcv_ops import deformable_attention, mmcv_ops_error
from deforhmr_mm.registry import MODELS


class FlatContext(NamedTuple):
    """Features as a list of cells.

    Attributes:
        cells: (B, N, D) projected features, row by row.
        size: rows and columns.
    """

    cells: Tensor
    size: tuple[int, int]


@MODELS.register_module()
class MSDeformCrossAttention(nn.Module):
    """Each query samples the features at points that it chooses itself (Zhu et al.).

    Reference point, offsets and weights of the points are linear in the query, so that
    every query reads other places: the thing that DeforHMR's query-agnostic attention
    is not. The attention is mmcv's ``MultiScaleDeformableAttention`` on one level. Its
    own ``forward`` calls the kernel on every GPU, also where there is none for it; here
    mmcv's plain torch form takes its place, as on a CPU. The kernel knows no bfloat16
    and blurs positions in float16: under autocast all of it runs in float32.

    Args:
        embed_dims: D, width of the query tokens and of the attention; a multiple of
            `num_heads`.
        in_channels: C, channels of the features.
        num_queries: number of query tokens; any number can be attended from.
        feat_size: rows and columns of the feature map.
        num_heads: attention heads.
        head_dims: not used: mmcv's heads are `embed_dims` / `num_heads` wide.
        num_points: points that a head of a query samples.

    Raises:
        ImportError: if mmcv has no compiled ops.
        ValueError: if the heads do not divide `embed_dims`.
    """

    def __init__(
        self,
        embed_dims: int,
        in_channels: int,
        num_queries: int,
        feat_size: tuple[int, int],
        num_heads: int = 8,
        head_dims: int = 64,
        num_points: int = 4,
    ) -> None:
        super().__init__()
        if reason := mmcv_ops_error():
            raise ImportError(
                'MSDeformCrossAttention needs mmcv with its compiled ops, and mmcv.ops '
                f'does not import ({reason}); `make install-test` compiles them'
            )
        from mmcv.ops import MultiScaleDeformableAttention

        self.in_channels = in_channels
        self.feat_size = tuple(feat_size)
        self.context_proj = nn.Linear(in_channels, embed_dims)
        self.reference = nn.Linear(embed_dims, 2)
        self.attn = MultiScaleDeformableAttention(
            embed_dims,
            num_heads,
            num_levels=1,
            num_points=num_points,
            dropout=0.0,
            batch_first=True,
        )

    def reset_parameters(self) -> None:
        """The starting values of Deformable-DETR; points start around the centre."""
        nn.init.xavier_uniform_(self.context_proj.weight)
        nn.init.zeros_(self.context_proj.bias)
        nn.init.xavier_uniform_(self.reference.weight)
        nn.init.zeros_(self.reference.bias)
        self.attn.init_weights()

    def encode_context(self, features: Tensor) -> FlatContext:
        """Project the (B, C, H, W) features; all else depends on the queries.

        Raises:
            ValueError: if the channels or the size are not those of the constructor.
        """
        check_feature_shape(features, self.in_channels, self.feat_size)
        cells = features.flatten(2).transpose(1, 2)
        return FlatContext(self.context_proj(cells), self.feat_size)

    @staticmethod
    def encode_contexts(
        layers: Sequence['MSDeformCrossAttention'], features: Tensor
    ) -> list[FlatContext]:
        """`encode_context` of every layer."""
        return [layer.encode_context(features) for layer in layers]

    def forward(self, queries: Tensor, context: FlatContext) -> Tensor:
        """Attend from (B, Q, D) normalised tokens -> (B, Q, D) what they read."""
        if len(queries) == 0:
            return torch.zeros_like(queries)
        attn, heads = self.attn, self.attn.num_heads
        rows, columns = context.size
        with torch.autocast(queries.device.type, enabled=False):
            queries = queries.float()
            centres = self.reference(queries).sigmoid()[:, :, None, None, None]
            value = attn.value_proj(context.cells.float())
            offsets = attn.sampling_offsets(queries)  # cells
            offsets = offsets.unflatten(-1, (heads, 1, -1, 2))
            weights = attn.attention_weights(queries).unflatten(-1, (heads, -1))
            read = deformable_attention(
                value.unflatten(-1, (heads, -1)),
                context.size,
                centres + offsets / offsets.new_tensor([columns, rows]),
                weights.softmax(-1)[:, :, :, None],
            )
            return attn.output_proj(read)
