"""Distances between recovered and true points, for each point or each body.

All functions take numpy arrays or torch tensors, with any leading dimensions, and
return the type that they were given. Units are those of the input.
"""

from typing import TypeVar

import numpy as np
import torch
from torch import Tensor

from deforhmr_mm.geometry import similarity_align

ArrayOrTensor = TypeVar('ArrayOrTensor', np.ndarray, Tensor)


def point_errors(
    pred: ArrayOrTensor,
    target: ArrayOrTensor,
    pred_pelvis: ArrayOrTensor,
    target_pelvis: ArrayOrTensor,
) -> ArrayOrTensor:
    """Distance of each point after the pelvis of each body is moved to the origin.

    Args:
        pred: (..., N, 3) recovered points.
        target: (..., N, 3) true points.
        pred_pelvis: (..., 3) pelvis of the recovered body.
        target_pelvis: (..., 3) pelvis of the true body.

    Returns:
        (..., N) distances.

    Raises:
        ValueError: The shapes are not as given above.

    Example:
        >>> target = np.array([[0.0, 0, 0], [0, 0, 1]])
        >>> pred = np.array([[5.0, 0, 0], [5, 3, 5]])
        >>> point_errors(pred, target, pred[0], target[0])
        array([0., 5.])
    """
    pred_points, target_points, pred_root, target_root = _as_tensors(
        pred, target, pred_pelvis, target_pelvis
    )
    for name, root in (('pred_pelvis', pred_root), ('target_pelvis', target_root)):
        if root.shape[-1:] != (3,):
            raise ValueError(
                f'{name}: expected shape (..., 3), got {tuple(root.shape)}'
            )
    pred_points = pred_points - pred_root.unsqueeze(-2)
    target_points = target_points - target_root.unsqueeze(-2)
    return _as_given((pred_points - target_points).norm(dim=-1), pred)


def pa_point_errors(pred: ArrayOrTensor, target: ArrayOrTensor) -> ArrayOrTensor:
    """Distance of each point after the best similarity transform of each body.

    Args:
        pred: (..., N, 3) recovered points.
        target: (..., N, 3) true points.

    Returns:
        (..., N) distances.

    Raises:
        ValueError: The shapes are not as given above.

    Example:
        >>> target = np.array([[0.0, 0, 0], [0, 0, 1], [0, 1, 0]])
        >>> pa_point_errors(3 * target + 2, target).round(12)
        array([0., 0., 0.])
    """
    pred_points, target_points = _as_tensors(pred, target)
    aligned = similarity_align(pred_points, target_points)
    return _as_given((aligned - target_points).norm(dim=-1), pred)


def mpjpe(
    pred: ArrayOrTensor,
    target: ArrayOrTensor,
    pred_pelvis: ArrayOrTensor,
    target_pelvis: ArrayOrTensor,
) -> ArrayOrTensor:
    """Mean distance of joints after the pelvis of each body is moved to the origin.

    Args:
        pred: (..., J, 3) recovered joints.
        target: (..., J, 3) true joints.
        pred_pelvis: (..., 3) pelvis of the recovered body.
        target_pelvis: (..., 3) pelvis of the true body.

    Returns:
        (...) mean over the joints of each body.

    Raises:
        ValueError: The shapes are not as given above.

    Example:
        >>> target = np.array([[0.0, 0, 0], [0, 0, 1]])
        >>> pred = np.array([[5.0, 0, 0], [5, 3, 5]])
        >>> float(mpjpe(pred, target, pred[0], target[0]))
        2.5
    """
    return pve(pred, target, pred_pelvis, target_pelvis)


def pa_mpjpe(pred: ArrayOrTensor, target: ArrayOrTensor) -> ArrayOrTensor:
    """Mean distance of joints after the best similarity transform of each body.

    Args:
        pred: (..., J, 3) recovered joints.
        target: (..., J, 3) true joints.

    Returns:
        (...) mean over the joints of each body.

    Raises:
        ValueError: The shapes are not as given above.

    Example:
        >>> target = np.array([[0.0, 0, 0], [0, 0, 1], [0, 1, 0]])
        >>> float(pa_mpjpe(3 * target + 2, target).round(12))
        0.0
    """
    return pa_point_errors(pred, target).mean(-1)


def pa_pve(pred: ArrayOrTensor, target: ArrayOrTensor) -> ArrayOrTensor:
    """Mean distance of vertices after the best similarity transform of each body.

    The transform is fitted to the vertices themselves (that of PA-MPJPE to the joints).

    Args:
        pred: (..., V, 3) recovered vertices.
        target: (..., V, 3) true vertices.

    Returns:
        (...) mean over the vertices of each body.

    Raises:
        ValueError: The shapes are not as given above.
    """
    return pa_mpjpe(pred, target)


def pve(
    pred: ArrayOrTensor,
    target: ArrayOrTensor,
    pred_pelvis: ArrayOrTensor,
    target_pelvis: ArrayOrTensor,
    weights: ArrayOrTensor | None = None,
) -> ArrayOrTensor:
    """Mean distance of vertices after the pelvis of each body is moved to the origin.

    Args:
        pred: (..., V, 3) recovered vertices.
        target: (..., V, 3) true vertices.
        pred_pelvis: (..., 3) pelvis of the recovered body, by the protocol's rule.
        target_pelvis: (..., 3) pelvis of the true body.
        weights: (V,) weights of the vertices, such as the surface that belongs to each;
            equal weights by default.

    Returns:
        (...) mean over the vertices of each body.

    Raises:
        ValueError: The shapes are not as given above.

    Example:
        >>> target = np.zeros((2, 3))
        >>> pred = np.array([[0.0, 0, 0], [0, 3, 4]])
        >>> float(pve(pred, target, pred[0], target[0], weights=np.array([3.0, 1.0])))
        1.25
    """
    distance = point_errors(pred, target, pred_pelvis, target_pelvis)
    if weights is None:
        return distance.mean(-1)
    weights = torch.as_tensor(weights)
    if weights.shape != distance.shape[-1:]:
        raise ValueError(
            f'weights: expected one for each of {distance.shape[-1]} points, got shape '
            f'{tuple(weights.shape)}'
        )
    distance = torch.as_tensor(distance)
    weights = weights.to(distance)
    return _as_given((distance * weights).sum(-1) / weights.sum(), pred)


def _as_tensors(
    pred: ArrayOrTensor, target: ArrayOrTensor, *others: ArrayOrTensor
) -> list[Tensor]:
    tensors = [torch.as_tensor(value) for value in (pred, target, *others)]
    shapes = [tuple(tensor.shape) for tensor in tensors[:2]]
    if shapes[0][-1:] != (3,) or shapes[0][-2:] != shapes[1][-2:]:
        raise ValueError(
            'pred and target: expected shapes (..., N, 3) with the same N, got '
            f'{shapes[0]} and {shapes[1]}'
        )
    return tensors


def _as_given(error: Tensor, like: ArrayOrTensor) -> ArrayOrTensor:
    return error if isinstance(like, Tensor) else error.numpy()
