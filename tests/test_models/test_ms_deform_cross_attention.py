import pytest
import torch
import torch.nn.functional as F

from deforhmr_mm.models.heads import DeforHMRHead
from deforhmr_mm.models.layers import MSDeformCrossAttention, mmcv_ops
from deforhmr_mm.models.layers import ms_deform_cross_attention as module

DIMS, CHANNELS, QUERIES, SIZE, HEADS, POINTS = 8, 6, 5, (4, 3), 2, 3


def make():
    torch.manual_seed(0)
    attention = MSDeformCrossAttention(
        DIMS, CHANNELS, QUERIES, SIZE, num_heads=HEADS, num_points=POINTS
    )
    with torch.no_grad():
        for parameter in attention.parameters():
            parameter.copy_(torch.randn_like(parameter) * 0.5)
    return attention


def by_hand(attention, queries, features):
    """Every point of every head of every query on its own."""
    mmcv = attention.attn
    value = mmcv.value_proj(attention.context_proj(features.flatten(2).mT))
    maps = value.mT.unflatten(2, SIZE)  # (B, D, H, W)
    offsets = mmcv.sampling_offsets(queries).unflatten(-1, (HEADS, POINTS, 2))
    weights = mmcv.attention_weights(queries).unflatten(-1, (HEADS, POINTS))
    weights = weights.softmax(-1)
    centre = attention.reference(queries).sigmoid()
    rows, columns = SIZE
    read = []
    for head in range(HEADS):
        part = maps[:, head * DIMS // HEADS : (head + 1) * DIMS // HEADS]
        total = 0
        for point in range(POINTS):
            cells = offsets[:, :, head, point] / torch.tensor([columns, rows])
            place = 2 * (centre + cells) - 1
            sampled = F.grid_sample(part, place[:, :, None], align_corners=False)
            total = total + sampled[..., 0].mT * weights[:, :, head, point, None]
        read.append(total)
    return mmcv.output_proj(torch.cat(read, dim=-1))


@pytest.mark.parametrize('batch', [0, 1, 3])
def test_each_query_samples_points_of_its_own(batch):
    attention = make()
    features = torch.randn(batch, CHANNELS, *SIZE)
    queries = torch.randn(batch, QUERIES, DIMS)
    got = attention(queries, attention.encode_context(features))
    assert got.shape == queries.shape
    if batch:
        expected = by_hand(attention, queries, features)
        torch.testing.assert_close(got, expected, rtol=1e-5, atol=1e-5)


@pytest.mark.parametrize('batch', [1, 65, 100])
@pytest.mark.parametrize('kernel', [True, False])
def test_any_batch_runs_on_cuda(batch, kernel, cuda_device, monkeypatch):
    if kernel and not mmcv_ops.mmcv_has_cuda_kernel(cuda_device):
        pytest.skip("needs mmcv's kernel for this GPU: mmcv was compiled without it")
    monkeypatch.setattr(mmcv_ops, 'mmcv_has_cuda_kernel', lambda device: kernel)
    attention = make()
    features = torch.randn(batch, CHANNELS, *SIZE)
    queries = torch.randn(batch, QUERIES, DIMS)
    expected = attention(queries, attention.encode_context(features))
    attention, features, queries = (
        item.to(cuda_device) for item in (attention, features, queries)
    )
    got = attention(queries, attention.encode_context(features))
    torch.testing.assert_close(got.cpu(), expected, rtol=1e-4, atol=1e-4)


def test_it_runs_in_the_head_and_starts_as_in_deformable_detr():
    head = DeforHMRHead(
        in_channels=CHANNELS,
        feat_size=SIZE,
        num_layers=2,
        embed_dims=16,
        num_heads=4,
        ffn_dims=16,
        cross_attention=dict(type='MSDeformCrossAttention', num_points=POINTS),
    )
    inner = head.decoder.layers[1].cross_attention.attn
    assert not inner.sampling_offsets.weight.any()  # the points do not depend yet
    assert inner.sampling_offsets.bias.abs().max() == POINTS
    feats = torch.randn(2, CHANNELS, *SIZE, requires_grad=True)
    with torch.autocast('cpu', dtype=torch.bfloat16):
        out = head(feats)
    sum(value.square().sum() for value in out.values()).backward()
    assert out['body_pose'].dtype == torch.float32
    assert feats.grad.abs().max() > 0
    with pytest.raises(ValueError, match=r'in_channels, \*feat_size'):
        head(torch.randn(2, CHANNELS, 5, 5))


def test_missing_ops_are_named(monkeypatch):
    monkeypatch.setattr(module, 'mmcv_ops_error', lambda: 'no _ext')
    with pytest.raises(ImportError, match='no _ext'):
        make()
