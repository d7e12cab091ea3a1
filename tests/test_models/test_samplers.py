import itertools
import math

import pytest
import torch

from deforhmr_mm.geometry.sampling import cell_centres
from deforhmr_mm.models.layers import mmcv_ops, samplers
from deforhmr_mm.models.layers.samplers import AutoSampler, MMCVSampler, TorchSampler
from deforhmr_mm.registry import MODELS

CHANNELS, GROUPS, COUNT, SIZE = 8, 2, 7, (4, 3)


def inputs(batch=2, dtype=torch.float32, device='cpu'):
    generator = torch.Generator().manual_seed(0)
    features = torch.randn(batch, CHANNELS, *SIZE, generator=generator)
    # Some lie outside of the map.
    positions = torch.rand(batch, GROUPS, COUNT, 2, generator=generator) * 2.6 - 1.3
    made = (features.to(device, dtype), positions.to(device, torch.float32))
    return tuple(tensor.requires_grad_() for tensor in made)


def run(sampler, features, positions):
    sampled = sampler(features, positions)
    weight = torch.linspace(-1, 1, sampled.numel(), device=sampled.device)
    gradients = torch.autograd.grad(
        (sampled * weight.view_as(sampled)).sum(), (features, positions)
    )
    return sampled.detach(), *gradients


def by_hand(features, positions):
    """Bilinear interpolation, number by number; zeros outside of the map."""
    height, width = SIZE
    sampled = torch.zeros(len(features), COUNT, CHANNELS)
    for item, count, channel in itertools.product(
        range(len(features)), range(COUNT), range(CHANNELS)
    ):
        x, y = positions[item, channel // (CHANNELS // GROUPS), count].tolist()
        column, row = ((x + 1) * width - 1) / 2, ((y + 1) * height - 1) / 2
        for i, j in itertools.product(
            (math.floor(row), math.floor(row) + 1),
            (math.floor(column), math.floor(column) + 1),
        ):
            if 0 <= i < height and 0 <= j < width:
                share = (1 - abs(row - i)) * (1 - abs(column - j))
                sampled[item, count, channel] += share * features[item, channel, i, j]
    return sampled


def test_torch_sampler_interpolates_as_by_hand():
    features, positions = inputs()
    sampled = TorchSampler()(features, positions)
    torch.testing.assert_close(sampled.detach(), by_hand(features.detach(), positions))


@pytest.mark.parametrize('batch', [1, 65, 100])
def test_mmcv_sampler_agrees_in_value_and_gradient(batch):
    expected = run(TorchSampler(), *inputs(batch))
    got = run(MMCVSampler(), *inputs(batch))
    torch.testing.assert_close(got, expected, rtol=1e-5, atol=1e-5)


@pytest.mark.parametrize('batch', [1, 65, 100])
def test_kernel_agrees_in_value_and_gradient_on_cuda(batch, kernel_device):
    expected = run(TorchSampler(), *inputs(batch))
    for sampler in (MMCVSampler(), AutoSampler(), TorchSampler()):
        got = run(sampler, *inputs(batch, device=kernel_device))
        got = tuple(tensor.cpu() for tensor in got)
        torch.testing.assert_close(got, expected, rtol=1e-5, atol=1e-5)


@pytest.mark.parametrize('kind', [MMCVSampler, AutoSampler, TorchSampler])
def test_without_a_kernel_torch_samples_on_cuda(kind, cuda_device, monkeypatch):
    for module in (mmcv_ops, samplers):
        monkeypatch.setattr(module, 'mmcv_has_cuda_kernel', lambda device: False)
    expected = run(TorchSampler(), *inputs())
    got = run(kind(), *inputs(device=cuda_device))
    got = tuple(tensor.cpu() for tensor in got)
    torch.testing.assert_close(got, expected, rtol=1e-5, atol=1e-5)


@pytest.mark.parametrize('dtype', [torch.float16, torch.bfloat16])
@pytest.mark.parametrize('kind', ['TorchSampler', 'MMCVSampler', 'AutoSampler'])
def test_half_precision_features_are_sampled_in_single(kind, dtype):
    features, positions = inputs(dtype=dtype)
    expected = by_hand(features.detach().float(), positions)
    with torch.autocast('cpu', dtype=dtype):
        sampled = MODELS.build(dict(type=kind))(features, positions)
    assert sampled.dtype == torch.float32
    torch.testing.assert_close(sampled.detach(), expected)


@pytest.mark.parametrize('dtype', [torch.float16, torch.bfloat16])
def test_kernel_samples_half_precision_in_single_on_cuda(dtype, kernel_device):
    features, positions = inputs(dtype=dtype, device=kernel_device)
    expected = by_hand(features.detach().float().cpu(), positions.cpu())
    with torch.autocast('cuda', dtype=dtype):
        sampled = MMCVSampler()(features, positions)
    torch.testing.assert_close(sampled.detach().cpu(), expected, rtol=1e-5, atol=1e-5)


@pytest.mark.parametrize('kind', [TorchSampler, MMCVSampler])
def test_gradients_match_finite_differences_away_from_the_kinks(kind):
    features, _ = inputs(batch=1, dtype=torch.float64)
    # Bilinear sampling has a kink at cell centres: stay a fifth of a cell away.
    shift = torch.tensor([0.4 / SIZE[1], -0.6 / SIZE[0]])
    positions = (cell_centres(*SIZE) + shift).expand(1, GROUPS, -1, -1).double()
    positions = positions.clone().requires_grad_()
    assert torch.autograd.gradcheck(kind(), (features, positions))


def test_empty_batch_gives_nothing_of_the_right_shape():
    for kind in (TorchSampler, MMCVSampler, AutoSampler):
        sampled = kind()(*inputs(batch=0))
        assert sampled.shape == (0, COUNT, CHANNELS)


def test_missing_ops_are_named_with_the_way_out(monkeypatch):
    monkeypatch.setattr(samplers, 'mmcv_ops_error', lambda: 'no _ext')
    with pytest.raises(ImportError, match='no _ext.*TorchSampler'):
        MMCVSampler()


@pytest.mark.parametrize(('kernel', 'chosen'), [(True, 'mmcv'), (False, 'torch')])
def test_default_takes_the_kernel_for_cuda_tensors_where_it_is_compiled(
    kernel, chosen, monkeypatch
):
    monkeypatch.setattr(samplers, 'mmcv_has_cuda_kernel', lambda device: kernel)
    monkeypatch.setattr(TorchSampler, 'forward', lambda *_: 'torch')
    monkeypatch.setattr(MMCVSampler, 'forward', lambda *_: 'mmcv')

    class OnCuda:
        is_cuda = True
        device = 'cuda:0'

    sampler = AutoSampler()
    assert sampler(OnCuda(), None) == chosen
    assert sampler(torch.zeros(1), None) == 'torch'
