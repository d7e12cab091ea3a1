import numpy as np
import pytest
import roma
import torch

from deforhmr_mm.evaluation import mpjpe, pa_mpjpe, pve


def mean_distance(pred, target, pred_pelvis, target_pelvis, weights=None) -> float:
    """Slow reference: point by point."""
    weights = np.ones(len(pred)) if weights is None else weights
    total = sum(
        w * np.sqrt((((p - pred_pelvis) - (t - target_pelvis)) ** 2).sum())
        for w, p, t in zip(weights, pred, target, strict=True)
    )
    return total / weights.sum()


@pytest.mark.parametrize('batch', [(), (3,), (2, 3)])
def test_against_point_by_point(batch):
    rng = np.random.default_rng(0)
    pred, target = rng.normal(size=(2, *batch, 24, 3))
    roots = rng.normal(size=(2, *batch, 3))
    weights = rng.uniform(size=24)
    joint_error = mpjpe(pred, target, *roots)
    vertex_error = pve(pred, target, *roots, weights=weights)
    assert joint_error.shape == batch
    for at in np.ndindex(*batch):
        parts = (pred[at], target[at], roots[0][at], roots[1][at])
        np.testing.assert_allclose(joint_error[at], mean_distance(*parts))
        np.testing.assert_allclose(vertex_error[at], mean_distance(*parts, weights))


def test_equal_weights_are_no_weights():
    pred, target = torch.randn(2, 4, 50, 3, dtype=torch.float64)
    roots = (pred[:, 0], target[:, 0])
    weights = torch.full((50,), 0.3, dtype=torch.float64)
    torch.testing.assert_close(
        pve(pred, target, *roots, weights=weights), pve(pred, target, *roots)
    )


def test_points_without_weight_do_not_count():
    pred, target = torch.randn(2, 3, 9, 3, dtype=torch.float64)
    roots = torch.randn(2, 3, 3, dtype=torch.float64)
    counted = torch.tensor([0, 2, 3, 5, 8])
    weights = torch.zeros(9, dtype=torch.float64)
    weights[counted] = 1
    few = pred[:, counted], target[:, counted]
    torch.testing.assert_close(
        mpjpe(pred, target, *roots, weights=weights), mpjpe(*few, *roots)
    )
    torch.testing.assert_close(pa_mpjpe(pred, target, weights), pa_mpjpe(*few))
    # Others for each body, and labels that are not there.
    each = weights.repeat(3, 1)
    each[1] = 1 - each[1]
    lost = torch.where(each[..., None] > 0, target, float('nan'))
    errors = mpjpe(pred, lost, *roots, weights=each)
    torch.testing.assert_close(errors[::2], mpjpe(*few, *roots)[::2])
    others = [part[1:2, [1, 4, 6, 7]] for part in (pred, target)]
    torch.testing.assert_close(errors[1:2], mpjpe(*others, *roots[:, 1:2]))
    assert mpjpe(pred, target, *roots, weights=0 * each).isnan().all()


def test_invariances():
    pred, target = torch.randn(2, 5, 24, 3, dtype=torch.float64)
    moved = pred + torch.randn(5, 1, 3, dtype=torch.float64)
    torch.testing.assert_close(
        mpjpe(moved, target, moved[:, 0], target[:, 0]),
        mpjpe(pred, target, pred[:, 0], target[:, 0]),
    )
    turn = roma.random_rotmat(5, dtype=torch.float64)
    similar = 2.5 * moved @ turn.mT
    torch.testing.assert_close(pa_mpjpe(similar, target), pa_mpjpe(pred, target))


def test_perfect_prediction_scores_zero_and_a_shift_its_length():
    target = torch.randn(3, 24, 3, dtype=torch.float64)
    assert mpjpe(target, target, target[:, 0], target[:, 0]).eq(0).all()
    assert pa_mpjpe(target, target).max() < 1e-12
    fixed = torch.zeros(3, 3, dtype=torch.float64)
    shifted = target + torch.tensor([0.0, 0.3, 0.4], dtype=torch.float64)
    torch.testing.assert_close(
        mpjpe(shifted, target, fixed, fixed), torch.full((3,), 0.5, dtype=torch.float64)
    )


def test_a_mirrored_body_does_not_score_zero():
    target = torch.randn(6, 14, 3, dtype=torch.float64)
    mirrored = target * torch.tensor([-1.0, 1, 1], dtype=torch.float64)
    assert (pa_mpjpe(mirrored, target) > 0.1).all()


def test_arrays_give_arrays_and_tensors_tensors():
    array = np.zeros((2, 24, 3), dtype=np.float32)
    root = array[:, 0]
    for error in (mpjpe(array, array, root, root), pa_mpjpe(array, array)):
        assert isinstance(error, np.ndarray) and error.dtype == np.float32
    tensor = torch.zeros(0, 24, 3)
    for error in (mpjpe(tensor, tensor, tensor[:, 0], tensor[:, 0]),):
        assert isinstance(error, torch.Tensor) and error.shape == (0,)
    assert pa_mpjpe(tensor, tensor).shape == (0,)


def test_shapes_are_checked():
    joints, root = np.zeros((2, 24, 3)), np.zeros((2, 3))
    with pytest.raises(ValueError, match=r'got \(2, 24, 3\) and \(2, 14, 3\)'):
        mpjpe(joints, joints[:, :14], root, root)
    with pytest.raises(ValueError, match=r'pred_pelvis: .* got \(2, 2\)'):
        mpjpe(joints, joints, root[:, :2], root)
    with pytest.raises(ValueError, match=r'24 points, got shape \(3,\)'):
        pve(joints, joints, root, root, weights=np.ones(3))
    with pytest.raises(ValueError, match=r'got shape \(3, 24\) for .* \(2, 24\)'):
        mpjpe(joints, joints, root, root, weights=np.ones((3, 24)))
