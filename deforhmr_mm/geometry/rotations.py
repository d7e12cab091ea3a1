"""Rotations: the 6D representation and the mean of rotations.

One 6D layout is used inside this project: the first three numbers are the first
column of the rotation matrix, the next three the second column. SPIN's files store
the same six numbers row by row of the 3x2 matrix; they are converted at the border
with :func:`rot6d_from_row_major`.
"""

import roma
import torch
from torch import Tensor


def rot6d_to_rotmat(rot6d: Tensor) -> Tensor:
    """Turn 6D rotations into rotation matrices by Gram-Schmidt.

    Source: Zhou et al., "On the Continuity of Rotation Representations in Neural
    Networks", CVPR 2019, equation 15.

    Args:
        rot6d: (..., 6), first column then second column, of any positive length.
            Where the two are parallel or one is zero the result is undefined
            (usually NaN); :func:`check_rot6d` refuses such values.

    Returns:
        Rotation matrices (..., 3, 3), same dtype and device.

    Raises:
        ValueError: The last dimension is not 6.

    Example:
        >>> rot6d_to_rotmat(torch.tensor([1.0, 0.0, 0.0, 5.0, 0.0, 2.0]))
        tensor([[ 1.,  0.,  0.],
                [ 0.,  0., -1.],
                [ 0.,  1.,  0.]])
    """
    _expect_six(rot6d, 'rot6d')
    columns = rot6d.unflatten(-1, (2, 3)).transpose(-1, -2)  # (..., 3, 2)
    return roma.special_gramschmidt(columns)


def rotmat_to_rot6d(rotmat: Tensor) -> Tensor:
    """Turn rotation matrices into 6D: first column, then second column.

    Args:
        rotmat: (..., 3, 3).

    Returns:
        (..., 6), same dtype and device.

    Raises:
        ValueError: The last two dimensions are not (3, 3).

    Example:
        >>> rotmat_to_rot6d(torch.tensor([[0.0, -1, 0], [1, 0, 0], [0, 0, 1]]))
        tensor([ 0.,  1.,  0., -1.,  0.,  0.])
    """
    _expect_matrix(rotmat, 'rotmat')
    return rotmat[..., :2].transpose(-1, -2).flatten(-2)


def rot6d_from_row_major(rot6d: Tensor) -> Tensor:
    """Convert SPIN's 6D layout (the 3x2 matrix row by row) into ours.

    Args:
        rot6d: (..., 6) as (r00, r01, r10, r11, r20, r21).

    Returns:
        (..., 6) as (r00, r10, r20, r01, r11, r21).

    Raises:
        ValueError: The last dimension is not 6.

    Example:
        >>> rot6d_from_row_major(torch.tensor([0, 1, 10, 11, 20, 21]))
        tensor([ 0, 10, 20,  1, 11, 21])
    """
    _expect_six(rot6d, 'rot6d')
    return rot6d.unflatten(-1, (3, 2)).transpose(-1, -2).flatten(-2)


def rot6d_to_row_major(rot6d: Tensor) -> Tensor:
    """Convert our 6D layout into SPIN's (the 3x2 matrix row by row).

    Args:
        rot6d: (..., 6) as (r00, r10, r20, r01, r11, r21).

    Returns:
        (..., 6) as (r00, r01, r10, r11, r20, r21).

    Raises:
        ValueError: The last dimension is not 6.

    Example:
        >>> rot6d_to_row_major(torch.tensor([0, 10, 20, 1, 11, 21]))
        tensor([ 0,  1, 10, 11, 20, 21])
    """
    _expect_six(rot6d, 'rot6d')
    return rot6d.unflatten(-1, (2, 3)).transpose(-1, -2).flatten(-2)


def check_rot6d(rot6d: Tensor, name: str, min_sine: float = 1e-3) -> None:
    """Refuse 6D rotations that do not determine a rotation.

    Args:
        rot6d: (..., 6) in either layout that was converted to ours.
        name: What the values are and where they came from, for the message.
        min_sine: Smallest accepted sine of the angle between the two columns.

    Raises:
        ValueError: A value is not finite, a column is zero, or the two columns are
            parallel; the message names the first such entry.

    Example:
        >>> check_rot6d(torch.tensor([[1.0, 0, 0, 0, 1, 0]]), 'mean pose')
        >>> check_rot6d(torch.tensor([[1.0, 0, 0, 2, 0, 0]]), 'mean pose')
        Traceback (most recent call last):
        ...
        ValueError: mean pose: 6D rotation [0] is degenerate: its two columns \
(1.0, 0.0, 0.0) and (2.0, 0.0, 0.0) must be finite, non-zero and not parallel
    """
    if rot6d.shape[-1:] != (6,):
        raise ValueError(f'{name}: expected shape (..., 6), got {tuple(rot6d.shape)}')
    columns = rot6d.detach().double().unflatten(-1, (2, 3))
    lengths = columns.norm(dim=-1)
    area = torch.linalg.cross(columns[..., 0, :], columns[..., 1, :]).norm(dim=-1)
    # NaN compares false, so that a non-finite entry is degenerate as well.
    fine = (
        (lengths > 1e-6).all(-1)
        & torch.isfinite(columns).all(-1).all(-1)
        & (area > min_sine * lengths.prod(-1))
    )
    if fine.all():
        return
    index = (~fine).nonzero()[0].tolist()
    values = rot6d.detach()[tuple(index)].tolist()
    first, second = tuple(values[:3]), tuple(values[3:])
    raise ValueError(
        f'{name}: 6D rotation {index} is degenerate: its two columns {first} and '
        f'{second} must be finite, non-zero and not parallel'
    )


def mean_rotation(rotmat: Tensor) -> Tensor:
    """Chordal mean: the rotation with the least sum of squared Frobenius distances.

    It is undetermined where the rotations cancel out (their arithmetic mean has no
    nearest rotation); one of the minimisers is returned then.

    Source: Hartley et al., "Rotation Averaging", IJCV 2013, section 5.3.

    Args:
        rotmat: (N, ..., 3, 3), N > 0; the mean is over the first dimension.

    Returns:
        (..., 3, 3), same dtype and device.

    Raises:
        ValueError: N is 0, or the shape is not (N, ..., 3, 3).

    Example:
        >>> axis = torch.tensor([0.0, 0.0, 1.0])
        >>> turns = roma.rotvec_to_rotmat(torch.tensor([[0.2], [0.8]]) * axis)
        >>> roma.rotmat_to_rotvec(mean_rotation(turns))
        tensor([0.0000, 0.0000, 0.5000])
    """
    _expect_matrix(rotmat, 'rotmat')
    if rotmat.ndim < 3 or rotmat.shape[0] == 0:
        raise ValueError(
            'rotmat: expected at least one rotation in shape (N, ..., 3, 3), got '
            f'{tuple(rotmat.shape)}'
        )
    return roma.special_procrustes(rotmat.mean(0))


def _expect_six(value: Tensor, name: str) -> None:
    if value.shape[-1:] != (6,):
        raise ValueError(f'{name}: expected shape (..., 6), got {tuple(value.shape)}')


def _expect_matrix(value: Tensor, name: str) -> None:
    if value.shape[-2:] != (3, 3):
        raise ValueError(
            f'{name}: expected shape (..., 3, 3), got {tuple(value.shape)}'
        )
