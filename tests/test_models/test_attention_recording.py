"""Recorded attention is the attention that the layers used."""

import pytest
import torch

from deforhmr_mm.geometry.sampling import cell_centres
from deforhmr_mm.models.heads import DeforHMRHead, HMR2Head
from deforhmr_mm.models.layers import DeformableCrossAttention, record_attention
from deforhmr_mm.models.layers.samplers import mmcv_ops_error

CHANNELS, SIZE, LAYERS = 16, (4, 3), 2


def make_head(**kwargs):
    torch.manual_seed(0)
    options = dict(in_channels=CHANNELS, feat_size=SIZE, num_layers=LAYERS)
    options |= dict(embed_dims=24, num_heads=4, head_dims=6, ffn_dims=16)
    cross_attention = dict(num_groups=2) | kwargs.pop('cross_attention', {})
    return DeforHMRHead(**options, cross_attention=cross_attention, **kwargs).eval()


def features(batch=3):
    return torch.randn(
        batch, CHANNELS, *SIZE, generator=torch.Generator().manual_seed(1)
    )


def attentions(head):
    return [m for m in head.modules() if isinstance(m, DeformableCrossAttention)]


@pytest.mark.parametrize('deformable', [True, False])
def test_recorded_weights_reproduce_what_the_layers_give(deformable):
    head = make_head(cross_attention=dict(deformable=deformable))
    outputs = []
    handles = [
        layer.register_forward_hook(
            lambda _, inputs, out: outputs.append((inputs, out))
        )
        for layer in attentions(head)
    ]
    with torch.no_grad(), record_attention(head) as records:
        head(features())
    for handle in handles:
        handle.remove()
    assert [record.layer for record in records] == [0, 1]
    for layer, record, (inputs, output) in zip(
        attentions(head), records, outputs, strict=True
    ):
        assert record.weights.shape == (3, 4, 25, 12)
        assert record.feat_size == SIZE
        torch.testing.assert_close(record.weights.sum(-1), torch.ones(3, 4, 25))
        read = record.weights @ inputs[1].value
        expected = layer.out_proj(read.transpose(1, 2).flatten(2))
        torch.testing.assert_close(output, expected)
        torch.testing.assert_close(record.positions, inputs[1].positions)


def test_regular_attention_is_at_the_cells():
    head = make_head(cross_attention=dict(deformable=False))
    with torch.no_grad(), record_attention(head) as records:
        head(features())
    for record in records:
        expected = cell_centres(*SIZE).expand(3, 2, -1, -1)
        torch.testing.assert_close(record.positions, expected)


def test_heads_have_the_positions_of_their_group():
    head = make_head()
    for layer in attentions(head):
        layer.offsets.pointwise.weight.data.mul_(50)
    with torch.no_grad(), record_attention(head) as records:
        head(features())
    record = records[0]
    assert not torch.allclose(record.positions[:, 0], record.positions[:, 1])
    # Four heads, two groups.
    for number, group in enumerate((0, 0, 1, 1)):
        torch.testing.assert_close(
            record.head_positions(number), record.positions[:, group]
        )


def test_nothing_is_left_behind_and_nothing_changes():
    head = make_head()
    with torch.no_grad():
        before = head(features())
        with record_attention(head) as records:
            during = head(features())
        after = head(features())
    assert len(records) == LAYERS
    for key in before:
        assert torch.equal(before[key], during[key])
        assert torch.equal(before[key], after[key])
    with pytest.raises(RuntimeError, match='stop'), record_attention(head):
        raise RuntimeError('stop')
    assert not any(layer._forward_hooks for layer in attentions(head))


def test_every_round_of_feedback_is_recorded():
    head = make_head(num_iters=2)
    with torch.no_grad(), record_attention(head) as records:
        head(features())
    assert [record.layer for record in records] == [0, 1, 0, 1]


def test_records_take_no_part_in_training():
    head = make_head().train()
    with record_attention(head) as records:
        out = head(features())
    assert not records[0].weights.requires_grad
    out['betas'].sum().backward()


def test_other_heads_are_refused_with_the_reason():
    head = HMR2Head(CHANNELS, 1, 16, 2, 8, 16)
    with pytest.raises(ValueError, match=r"HMR2Head has none: HMR2\.0's decoder"):
        with record_attention(head):
            pass
    with pytest.raises(ValueError, match='no cross-attention'):
        with record_attention(torch.nn.Linear(2, 2)):
            pass


@pytest.mark.skipif(mmcv_ops_error() is not None, reason='needs mmcv.ops')
def test_ms_deform_attention_is_refused_with_the_reason():
    torch.manual_seed(0)
    head = DeforHMRHead(
        in_channels=CHANNELS,
        feat_size=SIZE,
        num_layers=1,
        embed_dims=16,
        num_heads=4,
        head_dims=4,
        ffn_dims=16,
        cross_attention=dict(type='MSDeformCrossAttention'),
    )
    with pytest.raises(ValueError, match='every query samples places of its own'):
        with record_attention(head):
            pass
