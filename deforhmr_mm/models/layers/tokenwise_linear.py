"""A linear map for each token."""

import math
from typing import Any

import torch
from torch import Tensor, nn


class TokenwiseLinear(nn.Module):
    """As many linear maps as there are tokens, each for the token at its place.

    The weights of one `nn.Linear`, which read all tokens, load too: each token's map
    starts as a copy of it.

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

    def _load_from_state_dict(
        self, state_dict: dict[str, Tensor], prefix: str, *args: Any
    ) -> None:
        for name, own in self.named_parameters():
            given = state_dict.get(prefix + name)
            if given is not None and given.shape == own.shape[1:]:
                state_dict[prefix + name] = given.expand_as(own)
        super()._load_from_state_dict(state_dict, prefix, *args)

    def forward(self, tokens: Tensor) -> Tensor:
        """Read the tokens.

        Args:
            tokens: (B, num_tokens, in_dims).

        Returns:
            (B, num_tokens, out_dims).
        """
        return torch.einsum('btd,tod->bto', tokens, self.weight) + self.bias
