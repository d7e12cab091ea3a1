import pytest
import torch
import torch.nn.functional as F

from deforhmr_mm.geometry.sampling import cell_centres
from deforhmr_mm.models.layers import (
    DeformableCrossAttention,
    DeformableDecoder,
    OffsetNetwork,
    SampledGridBias,
)

CHANNELS, DIMS, QUERIES, SIZE = 16, 24, 5, (4, 3)


def make(**kwargs):
    torch.manual_seed(0)
    options = dict(in_channels=CHANNELS, num_queries=QUERIES, feat_size=SIZE)
    options |= dict(num_heads=4, head_dims=6, num_groups=4, kernel_size=3)
    return DeformableCrossAttention(DIMS, **options | kwargs)


def inputs(batch=2):
    generator = torch.Generator().manual_seed(1)
    features = torch.randn(batch, CHANNELS, *SIZE, generator=generator)
    return features, torch.randn(batch, QUERIES, DIMS, generator=generator)


def enlarge_offsets(attention, factor=50.0):
    with torch.no_grad():
        attention.offsets.pointwise.weight.mul_(factor)


def test_zero_offsets_equal_attention_to_the_cells_themselves():
    attention = make()
    torch.nn.init.zeros_(attention.offsets.pointwise.weight)
    features, queries = inputs()
    context = features.flatten(2).transpose(1, 2)

    def heads(x):
        return x.unflatten(-1, (4, -1)).transpose(1, 2)

    bias = attention.bias.grids.flatten(2)[None]  # sampled at its own cells
    read = F.scaled_dot_product_attention(
        heads(attention.query_proj(queries)),
        heads(attention.key_proj(context)),
        heads(attention.value_proj(context)),
        attn_mask=bias.expand(2, -1, -1, -1),
    )
    expected = attention.out_proj(read.transpose(1, 2).flatten(2))
    got = attention(queries, attention.encode_context(features))
    torch.testing.assert_close(got, expected, rtol=1e-5, atol=1e-5)


@pytest.mark.parametrize('share_groups', [False, True])
def test_offsets_never_exceed_s_cells(share_groups):
    attention = make(max_offset=1.5, share_groups=share_groups)
    enlarge_offsets(attention, 1e4)
    features, _ = inputs()
    moved = attention.sampling_positions(features) - cell_centres(*SIZE)
    cells = moved.abs() / torch.tensor([2 / SIZE[1], 2 / SIZE[0]])
    assert cells.max() <= 1.5 + 1e-4
    assert cells.max() > 1.4  # the bound is reached, so the test can fail


def test_places_are_of_single_precision_also_with_bfloat16():
    attention = make()
    torch.nn.init.zeros_(attention.offsets.pointwise.weight)
    features, _ = inputs()
    with torch.autocast('cpu', dtype=torch.bfloat16):
        positions = attention.encode_context(features.bfloat16()).positions
    assert positions.dtype == torch.float32
    cells = cell_centres(*SIZE).expand_as(positions)
    torch.testing.assert_close(positions, cells, atol=0, rtol=0)


def test_positions_depend_on_the_context_alone():
    attention = make()
    features, queries = inputs()
    context = attention.encode_context(features)
    first = attention(queries, context)
    second = attention(queries.flip(1), context)
    assert not torch.allclose(first, second)
    torch.testing.assert_close(
        context.positions, attention.encode_context(features).positions
    )
    assert not torch.allclose(
        context.positions, attention.encode_context(features * 2 + 1).positions
    )


def test_groups_have_offset_filters_of_their_own():
    network = OffsetNetwork(CHANNELS, num_groups=4, kernel_size=3)
    features, _ = inputs()
    before = network(features)
    changed = features.clone()
    changed[:, : CHANNELS // 4] += torch.randn(1, CHANNELS // 4, *SIZE)
    after = network(changed)
    assert not torch.allclose(before[:, 0], after[:, 0])
    torch.testing.assert_close(before[:, 1:], after[:, 1:])


def test_each_query_and_head_reads_its_own_grid():
    bias = SampledGridBias(num_heads=4, num_queries=QUERIES, grid_size=SIZE)
    positions = torch.rand(2, 2, 7, 2) * 2 - 1
    got = bias(positions)
    assert got.shape == (2, 4, QUERIES, 7)
    for head in range(4):
        group = head // 2  # four heads over two groups
        for query in range(QUERIES):
            grid = bias.grids[head, query].expand(2, 1, *SIZE)
            expected = F.grid_sample(
                grid,
                positions[:, group, :, None],
                padding_mode='border',
                align_corners=False,
            )
            torch.testing.assert_close(got[:, head, query], expected[:, 0, :, 0])


def test_permuting_tokens_with_their_grids_permutes_the_output():
    attention = make()
    features, queries = inputs()
    context = attention.encode_context(features)
    before = attention(queries, context)
    order = torch.tensor([3, 0, 4, 1, 2])
    with torch.no_grad():
        attention.bias.grids.copy_(attention.bias.grids[:, order].clone())
    permuted = attention.encode_context(features)
    after = attention(queries[:, order], permuted)
    torch.testing.assert_close(after, before[:, order])
    assert torch.equal(permuted.positions, context.positions)


def test_gradients_reach_offsets_and_match_finite_differences():
    attention = make().double()
    enlarge_offsets(attention)
    features, queries = (x.double() for x in inputs(batch=1))
    features.requires_grad_()

    def run(features):
        return attention(queries, attention.encode_context(features))

    assert torch.autograd.gradcheck(run, (features,), eps=1e-7, atol=1e-5)
    run(features).sum().backward()
    assert attention.offsets.depthwise.weight.grad.abs().max() > 0


def test_attention_weights_are_those_that_forward_uses():
    attention = make()
    features, queries = inputs()
    context = attention.encode_context(features)
    weights = attention.attention(queries, context)
    torch.testing.assert_close(weights.sum(-1), torch.ones(2, 4, QUERIES))
    read = (weights @ context.value).transpose(1, 2).flatten(2)
    torch.testing.assert_close(
        attention.out_proj(read), attention(queries, context), rtol=1e-5, atol=1e-5
    )


def test_regular_attention_samples_nothing():
    attention = make(deformable=False)
    features, _ = inputs()
    context = attention.encode_context(features)
    torch.testing.assert_close(
        context.positions, cell_centres(*SIZE).expand(2, 4, -1, -1)
    )
    assert not any('offsets' in name for name, _ in attention.named_parameters())


@pytest.mark.parametrize('share_groups', [False, True])
def test_a_start_at_zero_is_regular_attention_that_learns_offsets(share_groups):
    features, queries = inputs()
    attention = make(zero_start=True, share_groups=share_groups)
    regular = make(deformable=False)
    missing, unexpected = regular.load_state_dict(attention.state_dict(), strict=False)
    assert not missing and all(key.startswith('offsets.') for key in unexpected)
    context = attention.encode_context(features)
    torch.testing.assert_close(
        context.positions, cell_centres(*SIZE).expand(2, 4, -1, -1)
    )
    read = attention(queries, context)
    expected = regular(queries, regular.encode_context(features))
    torch.testing.assert_close(read, expected)
    read.square().sum().backward()
    assert attention.offsets.pointwise.weight.grad.abs().amax() > 0


@pytest.mark.parametrize(
    ('kwargs', 'message'),
    [
        (
            dict(num_groups=3, num_heads=3),
            'num_groups=3 does not divide in_channels=16.*; 1 would fit',
        ),
        (
            dict(num_groups=8),
            'num_groups=8 does not divide num_heads=4.*; 1, 2, 4 would fit',
        ),
        (dict(position_bias='grids'), "'grid', 'learned', 'sine', None"),
        (
            dict(position_bias='sine', num_groups=2, num_heads=2, in_channels=12),
            'multiple of four channels',
        ),
        (dict(kernel_size=4), 'kernel_size must be odd'),
    ],
)
def test_options_that_do_not_fit_are_refused(kwargs, message):
    with pytest.raises(ValueError, match=message):
        make(**kwargs)


def test_features_of_another_size_are_refused():
    with pytest.raises(ValueError, match=r'in_channels, \*feat_size'):
        make().encode_context(torch.rand(1, CHANNELS, 4, 4))


def test_decoder_updates_every_token_and_takes_an_empty_batch():
    decoder = DeformableDecoder(
        2,
        DIMS,
        num_heads=4,
        head_dims=6,
        ffn_dims=16,
        cross_attention=dict(
            in_channels=CHANNELS, num_queries=QUERIES, feat_size=SIZE, num_groups=2
        ),
    )
    features, queries = inputs()
    out = decoder(queries, decoder.encode_context(features))
    assert out.shape == queries.shape and not torch.allclose(out, queries)
    empty = decoder(queries[:0], decoder.encode_context(features[:0]))
    assert empty.shape == (0, QUERIES, DIMS)
