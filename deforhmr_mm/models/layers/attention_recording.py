"""What a model's deformable cross-attentions look at, for figures and analyses."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import NamedTuple

import torch
from torch import Tensor, nn

from deforhmr_mm.models.layers.deformable_cross_attention import (
    DeformableCrossAttention,
    EncodedContext,
)
from deforhmr_mm.models.layers.ms_deform_cross_attention import MSDeformCrossAttention
from deforhmr_mm.models.layers.token_decoder import TokenCrossAttention

# Why others cannot be recorded.
_OTHERS = {
    MSDeformCrossAttention: (
        'with MSDeformCrossAttention every query samples places of its own, so that '
        'there are no common positions over which attention could be summed'
    ),
    TokenCrossAttention: (
        "HMR2.0's decoder reads all cells by ordinary attention and samples nothing"
    ),
}


class RecordedAttention(NamedTuple):
    """Attention of one layer in one forward pass, detached, float32.

    Attributes:
        layer: number of the layer, from 0.
        feat_size: rows and columns of the feature map.
        weights: (B, heads, Q, N) attention, 1 in sum over the N positions.
        positions: (B, G, N, 2) normalised (x, y) where the features were sampled, for
            each group of channels; `deforhmr_mm.geometry.sampling.cell_centres` has the
            cells that they come from, in the same order.
    """

    layer: int
    feat_size: tuple[int, int]
    weights: Tensor
    positions: Tensor

    def head_positions(self, head: int) -> Tensor:
        """The (B, N, 2) positions of the group that a head belongs to.

        The heads are split evenly over the groups, as the position bias has it.
        """
        heads, groups = self.weights.shape[1], self.positions.shape[1]
        return self.positions[:, head * groups // heads]


@contextmanager
def record_attention(model: nn.Module) -> Iterator[list[RecordedAttention]]:
    """Record the deformable cross-attention of all layers of a model.

    Attention weights are computed beside what the layers do, only within this context;
    elsewhere the fused attention never forms them.

    Args:
        model: with `DeformableCrossAttention` in it, of `deformable` or regular form.

    Yields:
        A list that grows by one entry for each call of a layer, in the order of the
        calls: with several rounds of error feedback, all layers of the first one first.

    Raises:
        ValueError: if the model has no such layer; the message says what it has.

    Example:
        >>> attention = DeformableCrossAttention(
        ...     8, in_channels=4, num_queries=3, feat_size=(2, 2), num_heads=2,
        ...     num_groups=2)
        >>> context = attention.encode_context(torch.rand(1, 4, 2, 2))
        >>> with record_attention(attention) as records:
        ...     _ = attention(torch.rand(1, 3, 8), context)
        >>> records[0].weights.shape, records[0].positions.shape
        (torch.Size([1, 2, 3, 4]), torch.Size([1, 2, 4, 2]))
    """
    layers = [m for m in model.modules() if isinstance(m, DeformableCrossAttention)]
    if not layers:
        raise ValueError(
            'attention can be recorded of DeformableCrossAttention alone, and '
            f'{type(model).__name__} has none: {_what_it_has(model)}'
        )
    records: list[RecordedAttention] = []
    handles = []
    try:
        for number, layer in enumerate(layers):
            handles.append(layer.register_forward_hook(_recorder(number, records)))
        yield records
    finally:
        for handle in handles:
            handle.remove()


def _recorder(number: int, records: list[RecordedAttention]):
    @torch.no_grad()
    def record(
        layer: DeformableCrossAttention,
        inputs: tuple[Tensor, EncodedContext],
        output: Tensor,
    ) -> None:
        weights = layer.attention(*inputs).detach().float()
        positions = inputs[1].positions.detach().float()
        records.append(RecordedAttention(number, layer.feat_size, weights, positions))

    return record


def _what_it_has(model: nn.Module) -> str:
    for module in model.modules():
        for kind, reason in _OTHERS.items():
            if isinstance(module, kind):
                return reason
    return 'it has no cross-attention that is known'
