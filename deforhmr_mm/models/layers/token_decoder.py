"""HMR2.0's decoder: learned tokens that read all features by ordinary attention.

The arithmetic and the parameter names are those of the public code of HMR2.0 (Goel et
al., "Humans in 4D", ICCV 2023), so that its weights fit.
"""

from collections import OrderedDict

import torch
import torch.nn.functional as F
from torch import Tensor, nn


def _attend(query: Tensor, key: Tensor, value: Tensor, num_heads: int) -> Tensor:
    """Attention of (B, Q, h d) to (B, N, h d), by heads of consecutive channels."""
    query, key, value = (
        part.unflatten(-1, (num_heads, -1)).transpose(1, 2)  # (B, h, tokens, d)
        for part in (query, key, value)
    )
    mixed = F.scaled_dot_product_attention(query, key, value)
    return mixed.transpose(1, 2).flatten(2)


class TokenSelfAttention(nn.Module):
    """Attention among the tokens."""

    def __init__(self, embed_dims: int, num_heads: int, head_dims: int) -> None:
        super().__init__()
        self.num_heads = num_heads
        self.to_qkv = nn.Linear(embed_dims, 3 * num_heads * head_dims, bias=False)
        self.to_out = nn.Sequential(nn.Linear(num_heads * head_dims, embed_dims))

    def forward(self, tokens: Tensor) -> Tensor:
        """Mix the tokens (B, Q, D) -> (B, Q, D)."""
        query, key, value = self.to_qkv(tokens).chunk(3, dim=-1)
        return self.to_out(_attend(query, key, value, self.num_heads))


class TokenCrossAttention(nn.Module):
    """Attention of the tokens to the context."""

    def __init__(
        self, embed_dims: int, num_heads: int, head_dims: int, context_dims: int
    ) -> None:
        super().__init__()
        self.num_heads = num_heads
        self.to_q = nn.Linear(embed_dims, num_heads * head_dims, bias=False)
        self.to_kv = nn.Linear(context_dims, 2 * num_heads * head_dims, bias=False)
        self.to_out = nn.Sequential(nn.Linear(num_heads * head_dims, embed_dims))

    def forward(self, tokens: Tensor, context: Tensor) -> Tensor:
        """Read the context (B, N, C) for the tokens (B, Q, D) -> (B, Q, D)."""
        key, value = self.to_kv(context).chunk(2, dim=-1)
        return self.to_out(_attend(self.to_q(tokens), key, value, self.num_heads))


class FeedForward(nn.Module):
    """Two linear layers with a GELU between them."""

    def __init__(self, embed_dims: int, hidden_dims: int) -> None:
        super().__init__()
        # The public code has dropout (at rate 0) as 2: the names skip it.
        self.net = nn.Sequential(
            OrderedDict(
                {
                    '0': nn.Linear(embed_dims, hidden_dims),
                    '1': nn.GELU(),
                    '3': nn.Linear(hidden_dims, embed_dims),
                }
            )
        )

    def forward(self, tokens: Tensor) -> Tensor:
        """Map each token (..., D) on its own -> (..., D)."""
        return self.net(tokens)


class PreNormResidual(nn.Module):
    """Add to the tokens what a branch makes of the normalised tokens."""

    def __init__(self, embed_dims: int, branch: nn.Module) -> None:
        super().__init__()
        self.norm = nn.LayerNorm(embed_dims)
        self.fn = branch

    def forward(self, tokens: Tensor, *context: Tensor) -> Tensor:
        """Update the tokens (B, Q, D); the branch may read a context (B, N, C)."""
        return tokens + self.fn(self.norm(tokens), *context)


class CrossAttentionLayers(nn.Module):
    """The stack: self-attention, cross-attention and feed-forward, no last norm."""

    def __init__(
        self,
        num_layers: int,
        embed_dims: int,
        num_heads: int,
        head_dims: int,
        ffn_dims: int,
        context_dims: int,
    ) -> None:
        super().__init__()
        attention = (embed_dims, num_heads, head_dims)
        self.layers = nn.ModuleList(
            nn.ModuleList(
                PreNormResidual(embed_dims, branch)
                for branch in (
                    TokenSelfAttention(*attention),
                    TokenCrossAttention(*attention, context_dims),
                    FeedForward(embed_dims, ffn_dims),
                )
            )
            for _ in range(num_layers)
        )

    def forward(self, tokens: Tensor, context: Tensor) -> Tensor:
        """Update the tokens (B, Q, D) with what they read from (B, N, C)."""
        for self_attention, cross_attention, feed_forward in self.layers:
            tokens = self_attention(tokens)
            tokens = cross_attention(tokens, context)
            tokens = feed_forward(tokens)
        return tokens


class TokenDecoder(nn.Module):
    """Embed input tokens and let them read the context.

    Args:
        num_layers: L.
        embed_dims: D, width of the tokens inside.
        num_heads: heads of both attentions.
        head_dims: width of a head.
        ffn_dims: hidden width of the feed-forward parts.
        context_dims: C, channels of the context.
        num_tokens: Q.
        token_dims: width of an input token.
    """

    def __init__(
        self,
        num_layers: int,
        embed_dims: int,
        num_heads: int,
        head_dims: int,
        ffn_dims: int,
        context_dims: int,
        num_tokens: int = 1,
        token_dims: int = 1,
    ) -> None:
        super().__init__()
        self.to_token_embedding = nn.Linear(token_dims, embed_dims)
        self.pos_embedding = nn.Parameter(torch.randn(1, num_tokens, embed_dims))
        self.transformer = CrossAttentionLayers(
            num_layers, embed_dims, num_heads, head_dims, ffn_dims, context_dims
        )

    def forward(self, tokens: Tensor, context: Tensor) -> Tensor:
        """Decode.

        Args:
            tokens: (B, Q, token_dims) input tokens.
            context: (B, N, C) features.

        Returns:
            (B, Q, D) tokens after the last layer, not normalised.
        """
        tokens = self.to_token_embedding(tokens) + self.pos_embedding
        return self.transformer(tokens, context)
