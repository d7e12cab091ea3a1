"""A linear map for each token."""

import math

import torch
from torch import Tensor, nn


class TokenwiseLinear(nn.Module):
    """As many linear maps as there are tokens, each for the token at its place.

    Args:
        num_tokens: tokens.
        in_dims: width of a token.
        out_dims: numbers that are read of each.
    """

    def __init__(self, num_tokens: int, in_dims: int, out_dims: int) -> None:
        super().__init__()
        # As `nn.Linear` starts.
        bound = 1 / math.sqrt(in_dims)
        self.weight = nn.Parameter(torch.empty(num_tokens, out_dims, in_dims))
        self.bias = nn.Parameter(torch.empty(num_tokens, out_dims))
        nn.init.uniform_(self.weight, -bound, bound)
        nn.init.uniform_(self.bias, -bound, bound)

    def forward(self, tokens: Tensor) -> Tensor:
        """Read the tokens.

        Args:
            tokens: (B, num_tokens, in_dims).

        Returns:
            (B, num_tokens, out_dims).
        """
        return torch.einsum('btd,tod->bto', tokens, self.weight) + self.bias
