"""Where the tokens of an encoder lie in its input."""

from collections.abc import Sequence
from typing import NamedTuple

from torch import Tensor, nn


class TokenGrid(NamedTuple):
    """Centres of an encoder's tokens: token j is centred on pixel first + stride * j.

    The same in x and y; the centre of the top left pixel is (0, 0).

    Attributes:
        stride: pixels from one token to the next.
        first: pixel of the first token's centre.
    """

    stride: float
    first: float

    def pixels(self, positions: Tensor, feat_size: tuple[int, int]) -> Tensor:
        """Pixels of the input, from positions on the feature map.

        Args:
            positions: (..., 2) normalised (x, y), see `deforhmr_mm.geometry.sampling`.
            feat_size: rows and columns of the feature map.

        Returns:
            (..., 2) pixels (x, y).

        Example:
            >>> import torch
            >>> grid = TokenGrid(stride=16, first=5.5)
            >>> grid.pixels(torch.tensor([-0.75, 0.75]), (4, 4))  # cells 0 and 3
            tensor([ 5.5000, 53.5000])
        """
        size = positions.new_tensor(feat_size[::-1])
        return self.first + self.stride * ((positions + 1) * size - 1) / 2


def conv_token_grid(convs: Sequence[nn.Conv2d]) -> TokenGrid:
    """The grid that convolutions make, one after the other, of square filters.

    A filter of k pixels that starts p pixels outside of its input is centred first on
    pixel (k - 1) / 2 - p of it.

    Example:
        >>> conv_token_grid([nn.Conv2d(3, 8, kernel_size=16, stride=16, padding=2)])
        TokenGrid(stride=16.0, first=5.5)
    """
    stride, first = 1.0, 0.0
    for conv in convs:
        reach = (conv.kernel_size[0] - 1) * conv.dilation[0] / 2
        first += stride * (reach - conv.padding[0])
        stride *= conv.stride[0]
    return TokenGrid(stride, first)
