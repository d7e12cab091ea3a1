"""The decoder: tokens that read the features by deformable cross-attention."""

from typing import NamedTuple

import torch.nn.functional as F
from torch import Tensor, nn

from deforhmr_mm.registry import MODELS


class SelfAttention(nn.Module):
    """Multi-head self-attention of the query tokens."""

    def __init__(self, embed_dims: int, num_heads: int, head_dims: int) -> None:
        super().__init__()
        self.num_heads = num_heads
        self.qkv_proj = nn.Linear(embed_dims, 3 * num_heads * head_dims, bias=False)
        self.out_proj = nn.Linear(num_heads * head_dims, embed_dims)

    def forward(self, tokens: Tensor) -> Tensor:
        """Mix the tokens (B, Q, D) -> (B, Q, D)."""
        qkv = self.qkv_proj(tokens).unflatten(-1, (3, self.num_heads, -1))
        query, key, value = qkv.permute(2, 0, 3, 1, 4)
        mixed = F.scaled_dot_product_attention(query, key, value)
        return self.out_proj(mixed.transpose(1, 2).flatten(2))


class DeformableDecoderLayer(nn.Module):
    """Self-attention, deformable cross-attention and feed-forward, pre-norm.

    Args:
        cross_attention: the layer's cross-attention.
        embed_dims: D, width of the query tokens.
        num_heads: heads of the self-attention.
        head_dims: width of a head of the self-attention.
        ffn_dims: hidden width of the feed-forward part.
    """

    def __init__(
        self,
        cross_attention: nn.Module,
        embed_dims: int,
        num_heads: int,
        head_dims: int,
        ffn_dims: int,
    ) -> None:
        super().__init__()
        self.self_norm = nn.LayerNorm(embed_dims)
        self.self_attention = SelfAttention(embed_dims, num_heads, head_dims)
        self.cross_norm = nn.LayerNorm(embed_dims)
        self.cross_attention = cross_attention
        self.ffn_norm = nn.LayerNorm(embed_dims)
        self.ffn = nn.Sequential(
            nn.Linear(embed_dims, ffn_dims), nn.GELU(), nn.Linear(ffn_dims, embed_dims)
        )

    def forward(self, tokens: Tensor, context: NamedTuple) -> Tensor:
        """Update the tokens (B, Q, D) with what they read from the encoded context."""
        tokens = tokens + self.self_attention(self.self_norm(tokens))
        tokens = tokens + self.cross_attention(self.cross_norm(tokens), context)
        return tokens + self.ffn(self.ffn_norm(tokens))


class DeformableDecoder(nn.Module):
    """A stack of decoder layers that all read the same features (method: section 3).

    What a layer's deformable cross-attention samples does not depend on the queries, so
    the samples, keys and values of all layers are made before the first token moves: on
    a GPU in one pass, which starts fewer kernels; on a CPU layer by layer, where the
    smaller arrays stay in its caches (tools/analysis_tools/benchmark_decoder.py).

    Args:
        num_layers: L.
        embed_dims: D, width of the query tokens.
        num_heads: heads of both attentions.
        head_dims: width of a head.
        ffn_dims: hidden width of the feed-forward parts.
        cross_attention: config of the layers' cross-attention, the same for all:
            ``type`` (`DeformableCrossAttention` by default), ``in_channels``,
            ``num_queries``, ``feat_size``, and its options.
    """

    def __init__(
        self,
        num_layers: int,
        embed_dims: int,
        num_heads: int,
        head_dims: int,
        ffn_dims: int,
        cross_attention: dict,
    ) -> None:
        super().__init__()
        config = dict(
            dict(type='DeformableCrossAttention'),
            embed_dims=embed_dims,
            num_heads=num_heads,
            head_dims=head_dims,
            **cross_attention,
        )
        self.layers = nn.ModuleList(
            DeformableDecoderLayer(
                MODELS.build(config), embed_dims, num_heads, head_dims, ffn_dims
            )
            for _ in range(num_layers)
        )
        self.norm = nn.LayerNorm(embed_dims)

    def reset_parameters(self) -> None:
        """Uniform starting values (Glorot), or what a cross-attention has itself."""
        for module in self.modules():
            if isinstance(module, nn.Linear):
                nn.init.xavier_uniform_(module.weight)
                if module.bias is not None:
                    nn.init.zeros_(module.bias)
        for layer in self.layers:
            if hasattr(layer.cross_attention, 'reset_parameters'):
                layer.cross_attention.reset_parameters()

    def encode_context(
        self, features: Tensor, one_pass: bool | None = None
    ) -> list[NamedTuple]:
        """What every layer attends to in (B, C, H, W) features.

        Args:
            features: as `DeformableCrossAttention.encode_context` takes them.
            one_pass: all contexts batched, or layer by layer, to the same result;
                by default batched on a GPU.
        """
        attentions = [layer.cross_attention for layer in self.layers]
        if features.is_cuda if one_pass is None else one_pass:
            return attentions[0].encode_contexts(attentions, features)
        return [attention.encode_context(features) for attention in attentions]

    def forward(self, tokens: Tensor, contexts: list[NamedTuple]) -> Tensor:
        """Decode.

        Args:
            tokens: (B, Q, D) query tokens.
            contexts: one encoded context for each layer, from `encode_context`.

        Returns:
            (B, Q, D) normalised tokens after the last layer.
        """
        for layer, context in zip(self.layers, contexts, strict=True):
            tokens = layer(tokens, context)
        return self.norm(tokens)
