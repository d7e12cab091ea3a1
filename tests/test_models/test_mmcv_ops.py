"""Which of mmcv's two ways is taken; the GPU and its kernel are stand-ins."""

import warnings

import pytest
import torch

from deforhmr_mm.models.layers import MMCVSampler, MSDeformCrossAttention, mmcv_ops
from deforhmr_mm.models.layers.mmcv_ops import (
    deformable_attention,
    im2col_step,
    mmcv_has_cuda_kernel,
)

DEVICE = torch.device('cpu')


@pytest.fixture(autouse=True)
def asked_anew():
    mmcv_has_cuda_kernel.cache_clear()
    yield
    mmcv_has_cuda_kernel.cache_clear()


@pytest.fixture
def compiled(monkeypatch):
    """Let mmcv say what it was compiled for: compiled('13.0')."""
    ops = pytest.importorskip('mmcv.ops', exc_type=ImportError)

    def call(version):
        monkeypatch.setattr(ops, 'get_compiling_cuda_version', lambda: version)

    return call


@pytest.fixture
def kernel(monkeypatch):
    """What the stand-in for the kernel was called with; it does what torch does."""
    calls = []

    def by_kernel(*arguments):
        calls.append(arguments)
        return mmcv_ops._by_torch(*arguments)

    monkeypatch.setattr(mmcv_ops, '_by_kernel', by_kernel)
    return calls


class OnCuda(torch.Tensor):
    """A tensor on a CPU that says that it is on a GPU."""

    is_cuda = True


def test_the_kernel_is_tried_once_on_each_device(compiled, kernel):
    compiled('13.0')
    with warnings.catch_warnings():
        warnings.simplefilter('error')
        assert mmcv_has_cuda_kernel(DEVICE) and mmcv_has_cuda_kernel(DEVICE)
    assert len(kernel) == 1
    assert mmcv_ops._by_torch(*kernel[0]).abs().min() > 0  # zeros would be seen


def test_a_kernel_of_another_gpu_leaves_zeros_and_is_not_used(compiled, monkeypatch):
    compiled('13.0')
    monkeypatch.setattr(
        mmcv_ops, '_by_kernel', lambda *given: 0 * mmcv_ops._by_torch(*given)
    )
    with pytest.warns(UserWarning, match='wrong values on cpu.*not compiled for'):
        assert not mmcv_has_cuda_kernel(DEVICE)


def test_without_cuda_ops_nothing_is_tried(compiled, kernel):
    compiled('not available')
    assert not mmcv_has_cuda_kernel(DEVICE)
    assert not kernel


def test_without_ops_there_is_no_kernel(monkeypatch, kernel):
    monkeypatch.setattr(mmcv_ops, 'mmcv_ops_error', lambda: 'no _ext')
    assert not mmcv_has_cuda_kernel(DEVICE)
    assert not kernel


@pytest.mark.parametrize('here', [True, False])
def test_cuda_tensors_go_to_the_kernel_where_there_is_one(here, kernel, monkeypatch):
    pytest.importorskip('mmcv.ops', exc_type=ImportError)
    monkeypatch.setattr(mmcv_ops, 'mmcv_has_cuda_kernel', lambda device: here)
    value = torch.rand(2, 6, 4, 3)
    places, weights = torch.rand(2, 5, 4, 1, 7, 2), torch.rand(2, 5, 4, 1, 7)
    expected = deformable_attention(value, (2, 3), places, weights)
    assert expected.shape == (2, 5, 12) and not kernel
    got = deformable_attention(value.as_subclass(OnCuda), (2, 3), places, weights)
    assert len(kernel) == here
    assert torch.equal(got.as_subclass(torch.Tensor), expected)


def test_sampler_and_attention_run_on_a_gpu_without_a_kernel(kernel, monkeypatch):
    pytest.importorskip('mmcv.ops', exc_type=ImportError)
    monkeypatch.setattr(mmcv_ops, 'mmcv_has_cuda_kernel', lambda device: False)
    features, positions = torch.rand(2, 8, 4, 3), torch.rand(2, 2, 5, 2)
    sampled = MMCVSampler()(features.as_subclass(OnCuda), positions)
    assert torch.equal(
        sampled.as_subclass(torch.Tensor), MMCVSampler()(features, positions)
    )
    attention = MSDeformCrossAttention(8, 8, 5, (4, 3), num_heads=2)
    attention.reset_parameters()
    queries = torch.rand(2, 5, 8)
    read = attention(
        queries.as_subclass(OnCuda),
        attention.encode_context(features.as_subclass(OnCuda)),
    )
    expected = attention(queries, attention.encode_context(features))
    assert torch.equal(read.as_subclass(torch.Tensor), expected)
    assert not kernel


@pytest.mark.parametrize('batch', range(1, 200))
def test_step_divides_the_batch_and_is_the_largest_that_does(batch):
    step = im2col_step(batch)
    assert batch % step == 0 and step <= 64
    assert not any(
        batch % larger == 0 for larger in range(step + 1, min(batch, 64) + 1)
    )
