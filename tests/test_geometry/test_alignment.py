import numpy as np
import pytest
import roma
import torch
from scipy.spatial.transform import Rotation

from deforhmr_mm.geometry import similarity_align

FLOAT = torch.float64


def align_by_svd(source, target, weights) -> np.ndarray:
    """Slow reference: Umeyama's solution for one cloud, in numpy."""
    weights = weights / weights.sum()
    source_mean, target_mean = weights @ source, weights @ target
    x, y = source - source_mean, target - target_mean
    u, d, vt = np.linalg.svd((weights[:, None] * y).T @ x)
    sign = np.diag([1, 1, np.sign(np.linalg.det(u) * np.linalg.det(vt))])
    scale = np.trace(np.diag(d) @ sign) / (weights @ (x**2).sum(1))
    return scale * x @ (u @ sign @ vt).T + target_mean


@pytest.mark.parametrize('batch', [(), (4,), (2, 3)])
@pytest.mark.parametrize('weighted', [False, True])
def test_against_umeyama(batch, weighted):
    source = torch.randn(*batch, 14, 3, dtype=FLOAT)
    target = torch.randn(*batch, 14, 3, dtype=FLOAT)
    weights = torch.rand(*batch, 14, dtype=FLOAT) if weighted else None
    aligned = similarity_align(source, target, weights)
    assert aligned.shape == source.shape
    for index in np.ndindex(*batch):
        one = weights[index].numpy() if weighted else np.ones(14)
        expected = align_by_svd(source[index].numpy(), target[index].numpy(), one)
        np.testing.assert_allclose(aligned[index].numpy(), expected, atol=1e-10)


def test_undoes_a_similarity_in_float32():
    source = torch.randn(50, 24, 3)
    rotation = roma.random_rotmat(50)
    scale = 0.5 + torch.rand(50, 1, 1)
    target = scale * source @ rotation.mT + 10 * torch.randn(50, 1, 3)
    aligned = similarity_align(source, target)
    assert aligned.dtype == torch.float32
    torch.testing.assert_close(aligned, target, atol=1e-4, rtol=0)


def test_identical_clouds_stay():
    source = torch.randn(3, 24, 3, dtype=FLOAT)
    torch.testing.assert_close(similarity_align(source, source), source)


def test_a_mirror_image_is_never_reached():
    source = torch.randn(30, 14, 3, dtype=FLOAT)
    target = source * torch.tensor([-1.0, 1, 1], dtype=FLOAT)
    aligned = similarity_align(source, target)
    # The best proper rotation leaves a residual, and it is the best scipy finds too.
    error = (aligned - target).square().sum((-1, -2))
    assert (error > 1e-3).all()
    for row in range(30):
        x = (source[row] - source[row].mean(0)).numpy()
        y = (target[row] - target[row].mean(0)).numpy()
        rotation = Rotation.align_vectors(y, x)[0].as_matrix()
        turned = x @ rotation.T
        best = ((turned * (turned * y).sum() / (x**2).sum() - y) ** 2).sum()
        assert error[row].item() == pytest.approx(best, rel=1e-8)


@pytest.mark.parametrize('dtype', [torch.float32, torch.float64])
def test_degenerate_clouds_give_numbers(dtype):
    line = torch.linspace(0, 1, 7, dtype=dtype)[:, None]
    axis = torch.tensor([1.0, 2, 3], dtype=dtype)
    cloud = torch.randn(7, 3, dtype=dtype)
    point = torch.full((7, 3), 0.1, dtype=dtype)
    cases = [
        (line * axis, line * axis.flip(0), line * axis.flip(0)),
        (point, cloud, cloud.mean(0).expand(7, 3)),
        (cloud, point, point),
        (point, 3 * point, 3 * point),
        (point * 0, point, point),
        (point * 0, point * 0, point * 0),
    ]
    source, target, expected = (
        torch.stack(parts) for parts in zip(*cases, strict=True)
    )
    source.requires_grad_()
    aligned = similarity_align(source, target)
    torch.testing.assert_close(aligned.detach(), expected, atol=1e-6, rtol=1e-5)
    aligned.square().sum().backward()
    assert torch.isfinite(source.grad).all()


def test_single_point_goes_to_its_target():
    source, target = torch.randn(5, 1, 3), torch.randn(5, 1, 3)
    torch.testing.assert_close(similarity_align(source, target), target)


def test_points_without_weight_have_no_say():
    source = torch.randn(4, 10, 3, dtype=FLOAT)
    target = torch.randn(4, 10, 3, dtype=FLOAT)
    weights = torch.ones(10, dtype=FLOAT)
    weights[7:] = 0
    aligned = similarity_align(source, target, weights)
    few = similarity_align(source[:, :7], target[:, :7])
    torch.testing.assert_close(aligned[:, :7], few)
    nothing = similarity_align(source, target, torch.zeros(4, 10, dtype=FLOAT))
    torch.testing.assert_close(nothing, source)


def test_broadcast_empty_and_unchanged_inputs():
    source = torch.randn(1, 9, 3)
    target = torch.randn(4, 9, 3)
    before = source.clone(), target.clone()
    one_by_one = torch.stack([similarity_align(source[0], row) for row in target])
    torch.testing.assert_close(similarity_align(source, target), one_by_one)
    assert torch.equal(source, before[0]) and torch.equal(target, before[1])
    assert similarity_align(torch.zeros(0, 9, 3), torch.zeros(0, 9, 3)).shape == (
        0,
        9,
        3,
    )


def test_gradient():
    source = torch.randn(2, 6, 3, dtype=FLOAT, requires_grad=True)
    target = torch.randn(2, 6, 3, dtype=FLOAT, requires_grad=True)
    weights = torch.rand(2, 6, dtype=FLOAT)
    assert torch.autograd.gradcheck(
        lambda x, y: similarity_align(x, y, weights), (source, target)
    )


def test_wrong_shapes_are_named():
    with pytest.raises(ValueError, match=r'source: .* got \(5, 2\)'):
        similarity_align(torch.zeros(5, 2), torch.zeros(5, 2))
    with pytest.raises(ValueError, match=r'source: .* got \(0, 3\)'):
        similarity_align(torch.zeros(0, 3), torch.zeros(0, 3))
    with pytest.raises(ValueError, match=r'target: .* got \(4, 3\)'):
        similarity_align(torch.zeros(5, 3), torch.zeros(4, 3))
    with pytest.raises(ValueError, match=r'weights: .* got \(4,\)'):
        similarity_align(torch.zeros(5, 3), torch.zeros(5, 3), torch.ones(4))
