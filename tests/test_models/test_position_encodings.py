import math

import torch

from deforhmr_mm.geometry.sampling import cell_centres
from deforhmr_mm.models.layers import (
    DeformableCrossAttention,
    LearnedKeyPosition,
    SineKeyPosition,
)


def test_learned_encoding_is_its_grid_at_the_cells_and_its_border_outside():
    torch.manual_seed(0)
    encoding = LearnedKeyPosition(6, (4, 3))
    at_cells = encoding(cell_centres(4, 3).expand(2, 3, -1, -1))
    expected = encoding.grid.flatten(1).T.expand(2, -1, -1)
    torch.testing.assert_close(at_cells, expected)
    outside = encoding(torch.tensor([-9.0, -9.0]).expand(1, 3, 1, 2))
    torch.testing.assert_close(outside[0, 0], encoding.grid[:, 0, 0])


def test_learned_encoding_reads_each_groups_channels_at_its_positions():
    torch.manual_seed(0)
    encoding = LearnedKeyPosition(4, (2, 2))
    corners = cell_centres(2, 2)
    positions = torch.stack((corners[:1], corners[3:]))[None]  # two groups, one key
    expected = torch.cat((encoding.grid[:2, 0, 0], encoding.grid[2:, 1, 1]))
    torch.testing.assert_close(encoding(positions)[0, 0], expected)


def test_sine_encoding_by_hand():
    encoding = SineKeyPosition(in_channels=16, num_groups=2)
    positions = torch.tensor([[[[0.5, -0.25]], [[0.0, 1.0]]]])
    expected = []
    for x, y in ((0.5, -0.25), (0.0, 1.0)):
        for value in (x, y):
            angles = [math.pi * (value + 1) * 1e4**-power for power in (0, 0.5)]
            expected += [math.sin(a) for a in angles] + [math.cos(a) for a in angles]
    torch.testing.assert_close(encoding(positions)[0, 0], torch.tensor(expected))


def test_encodings_go_to_the_keys_and_not_to_the_values():
    torch.manual_seed(0)
    options = dict(
        embed_dims=8, in_channels=8, num_queries=3, feat_size=(4, 3), num_heads=2,
        head_dims=4, num_groups=2,
    )  # fmt: skip
    features = torch.randn(1, 8, 4, 3)
    without = DeformableCrossAttention(**options, position_bias=None)
    for kind in ('sine', 'learned'):
        attention = DeformableCrossAttention(**options, position_bias=kind)
        attention.load_state_dict(without.state_dict(), strict=False)
        plain, context = (a.encode_context(features) for a in (without, attention))
        torch.testing.assert_close(context.value, plain.value)
        added = attention.key_position(context.positions) @ attention.key_proj.weight.T
        difference = (context.key - plain.key).transpose(1, 2).flatten(2)
        torch.testing.assert_close(difference, added, rtol=1e-4, atol=1e-5)
        assert context.bias is None


def test_bias_grid_may_be_finer_than_the_features():
    torch.manual_seed(0)
    attention = DeformableCrossAttention(
        8, 8, 3, (4, 3), num_heads=2, head_dims=4, num_groups=2, grid_size=(8, 6)
    )
    with torch.no_grad():  # a plane: sampling it anywhere gives x
        attention.bias.grids.copy_(cell_centres(8, 6)[:, 0].view(8, 6))
        attention.offsets.pointwise.weight.mul_(10)
    context = attention.encode_context(torch.randn(1, 8, 4, 3))
    x = context.positions[..., 0].clamp(-5 / 6, 5 / 6)
    torch.testing.assert_close(context.bias, x[:, :, None].expand(-1, -1, 3, -1))
