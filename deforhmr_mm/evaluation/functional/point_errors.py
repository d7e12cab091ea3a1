"""Distances between recovered and true points, for each point or each body.

All functions take numpy arrays or torch tensors, with any leading dimensions, and
return the type that they were given. Units are those of the input.
"""

from typing import TypeVar

import numpy as np
import torch
from torch import Tensor

from deforhmr_mm.geometry import similarity_align

from .means import mean_over_points

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


def pa_point_errors(
    pred: ArrayOrTensor, target: ArrayOrTensor, weights: ArrayOrTensor | None = None
) -> ArrayOrTensor:
    """Distance of each point after the best similarity transform of each body.

    Args:
        pred: (..., N, 3) recovered points.
        target: (..., N, 3) true points; finite also where the weight is 0.
        weights: (..., N) how much each point counts in the fit, not negative; equal
            weights by default.

    Returns:
        (..., N) distances, those of points of weight 0 as well.

    Raises:
        ValueError: The shapes are not as given above.

    Example:
        >>> target = np.array([[0.0, 0, 0], [0, 0, 1], [0, 1, 0]])
        >>> pa_point_errors(3 * target + 2, target).round(12)
        array([0., 0., 0.])
    """
    pred_points, target_points = _as_tensors(pred, target)
    shares = None if weights is None else torch.as_tensor(weights)
    aligned = similarity_align(pred_points, target_points, shares)
    return _as_given((aligned - target_points).norm(dim=-1), pred)


def mpjpe(
    pred: ArrayOrTensor,
    target: ArrayOrTensor,
    pred_pelvis: ArrayOrTensor,
    target_pelvis: ArrayOrTensor,
    weights: ArrayOrTensor | None = None,
) -> ArrayOrTensor:
    """Mean distance of joints after the pelvis of each body is moved to the origin.

    Args:
        pred: (..., J, 3) recovered joints.
        target: (..., J, 3) true joints; where the weight is 0 they may be anything.
        pred_pelvis: (..., 3) pelvis of the recovered body.
        target_pelvis: (..., 3) pelvis of the true body.
        weights: (..., J) or (J,), such as 1 where a joint is labelled and 0 where it is
            not; equal weights by default.

    Returns:
        (...) mean over the joints of each body; NaN where no weight is positive.

    Raises:
        ValueError: The shapes are not as given above.

    Example:
        >>> target = np.array([[0.0, 0, 0], [0, 0, 1]])
        >>> pred = np.array([[5.0, 0, 0], [5, 3, 5]])
        >>> float(mpjpe(pred, target, pred[0], target[0]))
        2.5
    """
    return pve(pred, target, pred_pelvis, target_pelvis, weights)


def pa_mpjpe(
    pred: ArrayOrTensor, target: ArrayOrTensor, weights: ArrayOrTensor | None = None
) -> ArrayOrTensor:
    """Mean distance of joints after the best similarity transform of each body.

    Args:
        pred: (..., J, 3) recovered joints.
        target: (..., J, 3) true joints; finite also where the weight is 0.
        weights: (..., J) or (J,), for the fit and for the mean, not negative; equal
            weights by default.

    Returns:
        (...) mean over the joints of each body; NaN where no weight is positive.

    Raises:
        ValueError: The shapes are not as given above.

    Example:
        >>> target = np.array([[0.0, 0, 0], [0, 0, 1], [0, 1, 0]])
        >>> float(pa_mpjpe(3 * target + 2, target).round(12))
        0.0
    """
    return mean_over_points(pa_point_errors(pred, target, weights), weights)


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
        weights: (..., V) or (V,) weights of the vertices, such as the surface that
            belongs to each; equal weights by default.

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
    return mean_over_points(distance, weights)


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
