"""All layers' contexts in one pass equal those made layer by layer."""

import pytest
import torch

from deforhmr_mm.models.layers import DeformableDecoder

CHANNELS, DIMS, QUERIES, SIZE, LAYERS = 16, 24, 5, (4, 3), 3
VARIANTS = {
    'paper': {},
    'one group': dict(num_groups=1),
    'shared filters': dict(share_groups=True),
    'regular': dict(deformable=False),
    'regular without bias': dict(deformable=False, position_bias=None),
    'learned': dict(position_bias='learned'),
    'learned regular': dict(position_bias='learned', deformable=False),
    'sine': dict(position_bias='sine'),
    'no bias': dict(position_bias=None),
    'finer grid': dict(grid_size=(8, 6)),
}


def make(**options):
    torch.manual_seed(0)
    options = dict(num_groups=4, kernel_size=3) | options
    decoder = DeformableDecoder(
        LAYERS,
        DIMS,
        num_heads=4,
        head_dims=6,
        ffn_dims=16,
        cross_attention=dict(
            in_channels=CHANNELS, num_queries=QUERIES, feat_size=SIZE, **options
        ),
    )
    with torch.no_grad():  # offsets that matter, norms and biases of each layer's own
        for name, parameter in decoder.named_parameters():
            if 'offsets' in name or 'grid' in name:
                parameter.add_(torch.randn_like(parameter))
    return decoder


def layer_by_layer(decoder, tokens, features):
    for layer in decoder.layers:
        tokens = layer(tokens, layer.cross_attention.encode_context(features))
    return decoder.norm(tokens)


@pytest.mark.parametrize('options', VARIANTS.values(), ids=VARIANTS)
@pytest.mark.parametrize('batch', [0, 1, 3])
def test_values_and_gradients_are_those_of_single_layers(options, batch):
    decoder = make(**options)
    features = torch.randn(batch, CHANNELS, *SIZE, requires_grad=True)
    tokens = torch.randn(batch, QUERIES, DIMS)
    outputs, gradients = [], []
    for run in (
        lambda: decoder(tokens, decoder.encode_context(features, one_pass=True)),
        lambda: layer_by_layer(decoder, tokens, features),
    ):
        decoder.zero_grad()
        features.grad = None
        outputs.append(run())
        (outputs[-1] * torch.linspace(-1, 1, DIMS)).sum().backward()
        named = {name: p.grad for name, p in decoder.named_parameters()}
        gradients.append(named | dict(features=features.grad))
    torch.testing.assert_close(*outputs, rtol=1e-5, atol=1e-5)
    torch.testing.assert_close(*gradients, rtol=1e-4, atol=1e-5)
    if batch and 'offsets' in ' '.join(gradients[0]):
        depthwise = 'layers.1.cross_attention.offsets.depthwise.weight'
        assert gradients[0][depthwise].abs().max() > 1e-4


@pytest.mark.parametrize('options', VARIANTS.values(), ids=VARIANTS)
def test_every_field_of_a_context_is_the_single_layers(options):
    decoder = make(**options)
    features = torch.randn(2, CHANNELS, *SIZE)
    contexts = decoder.encode_context(features, one_pass=True)
    for layer, context in zip(decoder.layers, contexts, strict=True):
        single = layer.cross_attention.encode_context(features)
        torch.testing.assert_close(context, single, rtol=1e-5, atol=1e-5)


def test_layers_look_at_places_of_their_own():
    decoder = make()
    features = torch.randn(1, CHANNELS, *SIZE)
    contexts = decoder.encode_context(features, one_pass=True)
    assert not torch.allclose(contexts[0].positions, contexts[1].positions)
    assert not torch.allclose(contexts[0].bias, contexts[1].bias)


def test_a_cpu_goes_layer_by_layer_unless_told_otherwise(monkeypatch):
    decoder = make()
    features = torch.randn(1, CHANNELS, *SIZE)

    def refuse(*args):
        raise AssertionError('in one pass')

    monkeypatch.setattr(
        type(decoder.layers[0].cross_attention), 'encode_contexts', refuse
    )
    assert len(decoder.encode_context(features)) == LAYERS
    with pytest.raises(AssertionError, match='in one pass'):
        decoder.encode_context(features, one_pass=True)
