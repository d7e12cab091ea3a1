import numpy as np
import pytest
import roma
import torch
from scipy.spatial.transform import Rotation

from deforhmr_mm.geometry import (
    check_rot6d,
    mean_rotation,
    rot6d_from_row_major,
    rot6d_to_rotmat,
    rot6d_to_row_major,
    rotmat_to_rot6d,
)


def gram_schmidt(rot6d: np.ndarray) -> np.ndarray:
    """Slow reference: one 6D rotation, column by column."""
    first, second = rot6d[:3], rot6d[3:]
    x = first / np.linalg.norm(first)
    y = second - (x @ second) * x
    y /= np.linalg.norm(y)
    return np.stack([x, y, np.cross(x, y)], axis=1)


@pytest.mark.parametrize('batch', [(), (5,), (2, 3), (0,), (2, 0, 24)])
@pytest.mark.parametrize('dtype', [torch.float32, torch.float64])
def test_rot6d_to_rotmat_is_gram_schmidt(batch, dtype):
    rot6d = torch.randn(*batch, 6, dtype=dtype)
    rotmat = rot6d_to_rotmat(rot6d)
    assert rotmat.shape == (*batch, 3, 3)
    assert rotmat.dtype == dtype
    expected = [gram_schmidt(row) for row in rot6d.double().reshape(-1, 6).numpy()]
    expected = torch.tensor(np.array(expected).reshape(*batch, 3, 3), dtype=dtype)
    torch.testing.assert_close(rotmat, expected, atol=1e-5, rtol=1e-5)


def test_rot6d_round_trip():
    rotmat = roma.random_rotmat((4, 24), dtype=torch.float64)
    torch.testing.assert_close(rot6d_to_rotmat(rotmat_to_rot6d(rotmat)), rotmat)


def test_rot6d_to_rotmat_ignores_length_and_what_is_parallel():
    rotmat = roma.random_rotmat(7, dtype=torch.float64)
    rot6d = rotmat_to_rot6d(rotmat)
    first, second = rot6d[:, :3], rot6d[:, 3:]
    stretched = torch.cat([3 * first, 0.2 * second - 1.7 * first], dim=-1)
    torch.testing.assert_close(rot6d_to_rotmat(stretched), rotmat)


def test_layouts_hold_the_same_columns():
    rotmat = roma.random_rotmat((2, 5))
    row_major = rotmat[..., :2].reshape(2, 5, 6)  # as SPIN writes it
    torch.testing.assert_close(rot6d_from_row_major(row_major), rotmat_to_rot6d(rotmat))
    torch.testing.assert_close(rot6d_to_row_major(rotmat_to_rot6d(rotmat)), row_major)


def test_rotation_gradients():
    rot6d = torch.randn(4, 6, dtype=torch.float64, requires_grad=True)
    assert torch.autograd.gradcheck(rot6d_to_rotmat, rot6d)
    assert torch.autograd.gradcheck(rot6d_from_row_major, rot6d)
    assert torch.autograd.gradcheck(rot6d_to_row_major, rot6d)
    rotmat = roma.random_rotmat(4, dtype=torch.float64).requires_grad_()
    assert torch.autograd.gradcheck(rotmat_to_rot6d, rotmat)


def test_gradient_is_finite_at_the_identity():
    rot6d = torch.tensor([1.0, 0, 0, 0, 1, 0], requires_grad=True)
    rot6d_to_rotmat(rot6d).sum().backward()
    assert torch.isfinite(rot6d.grad).all()


@pytest.mark.parametrize(
    'function',
    [rot6d_to_rotmat, rot6d_from_row_major, rot6d_to_row_major, rotmat_to_rot6d],
)
def test_wrong_shape_is_named(function):
    with pytest.raises(ValueError, match=r'expected shape .* got \(2, 5\)'):
        function(torch.zeros(2, 5))


def test_inputs_are_left_alone():
    rot6d = torch.randn(3, 6)
    before = rot6d.clone()
    rot6d_to_rotmat(rot6d)
    rot6d_to_row_major(rot6d).add_(1)
    assert torch.equal(rot6d, before)


IDENTITY = [1.0, 0, 0, 0, 1, 0]


@pytest.mark.parametrize(
    'bad',
    [
        [0.0, 0, 0, 0, 1, 0],
        [1.0, 0, 0, 0, 0, 0],
        [1.0, 2, 3, -2, -4, -6],
        [float('nan'), 0, 0, 0, 1, 0],
        [float('inf'), 0, 0, 0, 1, 0],
    ],
)
def test_check_rot6d_names_the_degenerate_entry(bad):
    rot6d = torch.tensor([[IDENTITY, IDENTITY], [IDENTITY, bad]])
    with pytest.raises(ValueError, match=r'mean\.npz.*\[1, 1\] is degenerate'):
        check_rot6d(rot6d, 'mean.npz')


def test_check_rot6d_accepts_rotations_of_any_length():
    rotmat = roma.random_rotmat((3, 24))
    check_rot6d(1e-3 * rotmat_to_rot6d(rotmat), 'pose')
    check_rot6d(torch.zeros(0, 6), 'pose')
    check_rot6d(torch.tensor(IDENTITY), 'pose')
    with pytest.raises(ValueError, match=r'pose: expected shape'):
        check_rot6d(torch.zeros(24, 9), 'pose')


def test_mean_rotation_against_scipy():
    rotmat = roma.random_rotmat((9, 2), dtype=torch.float64)
    mean = mean_rotation(rotmat)
    for joint in range(2):
        expected = Rotation.from_matrix(rotmat[:, joint].numpy()).mean().as_matrix()
        np.testing.assert_allclose(mean[joint].numpy(), expected, atol=1e-9)


def test_mean_rotation_follows_a_common_turn():
    rotmat = roma.random_rotmat((6, 4), dtype=torch.float64)
    turn = roma.random_rotmat(dtype=torch.float64)
    torch.testing.assert_close(
        mean_rotation(turn @ rotmat), turn @ mean_rotation(rotmat)
    )
    one = rotmat[:1]
    torch.testing.assert_close(mean_rotation(one), one[0])


def test_mean_rotation_of_nothing_is_refused():
    with pytest.raises(ValueError, match=r'at least one rotation'):
        mean_rotation(torch.zeros(0, 24, 3, 3))
    with pytest.raises(ValueError, match=r'at least one rotation'):
        mean_rotation(torch.eye(3))
