"""Similarity alignment of point clouds (Procrustes)."""

import roma
import torch
from torch import Tensor


def similarity_align(
    source: Tensor, target: Tensor, weights: Tensor | None = None
) -> Tensor:
    """Move source points onto target points by the best similarity transform.

    Rotation (never a reflection), positive scale and translation that minimise the
    weighted sum of squared distances. No input gives NaN: a source whose points
    coincide (a single point, say) goes to the target's centroid; where the best
    rotation is not unique (collinear points) one of the best is taken; where no weight
    is positive the source comes back as it is.

    Source: Umeyama, "Least-squares estimation of transformation parameters between
    two point patterns", PAMI 1991; computed by roma.

    Args:
        source: (..., N, 3), any unit, N > 0.
        target: (..., N, 3), same unit.
        weights: (..., N), not negative; None for equal weights.

    Returns:
        Aligned source (..., N, 3), dtype and device of the source.

    Raises:
        ValueError: The shapes are not as given above.

    Example:
        >>> source = torch.tensor([[0.0, 0, 0], [1, 0, 0], [0, 1, 0], [0, 0, 1]])
        >>> turn = torch.tensor([[0.0, -1, 0], [1, 0, 0], [0, 0, 1]])
        >>> target = 2 * source @ turn.T + torch.tensor([5.0, 6.0, 7.0])
        >>> error = similarity_align(source, target) - target
        >>> bool(error.abs().max() < 1e-5)
        True
    """
    if source.shape[-1:] != (3,) or source.ndim < 2 or source.shape[-2] == 0:
        raise ValueError(
            f'source: expected shape (..., N, 3) with N > 0, got {tuple(source.shape)}'
        )
    if target.shape[-2:] != source.shape[-2:]:
        raise ValueError(
            f'target: expected shape (..., {source.shape[-2]}, 3) as the source, got '
            f'{tuple(target.shape)}'
        )
    source, target = torch.broadcast_tensors(source, target.to(source))
    if weights is None:
        weights = torch.ones_like(source[..., 0])
    elif weights.shape[-1:] != source.shape[-2:-1]:
        raise ValueError(
            f'weights: expected shape (..., {source.shape[-2]}), got '
            f'{tuple(weights.shape)}'
        )
    weights = weights.to(source).expand(source.shape[:-1])
    total = weights.sum(-1, keepdim=True)
    has_weight = total > 0
    weights = weights / total.where(has_weight, 1.0)

    centred, source_mean = _centre(source, weights)
    target, target_mean = _centre(target, weights)
    spread = (weights.unsqueeze(-1) * centred.square()).sum((-1, -2)).sqrt()
    rounding = 8 * torch.finfo(source.dtype).eps * source.abs().amax((-1, -2))
    is_solid = (spread > rounding)[..., None, None]
    # A stand-in for the others keeps roma's division by the variance finite, and the
    # gradient with it.
    stand_in = torch.ones_like(centred)
    rotation, scale = roma.rigid_vectors_registration(
        torch.where(is_solid, centred, stand_in),
        target,
        weights.where(has_weight, 1.0),
        compute_scaling=True,
    )
    turned = scale[..., None, None] * centred @ rotation.transpose(-1, -2)
    aligned = torch.where(is_solid, turned, 0.0) + target_mean
    return torch.where(has_weight.unsqueeze(-1), aligned, source)


def _centre(points: Tensor, weights: Tensor) -> tuple[Tensor, Tensor]:
    """Points less their weighted mean, and that mean (..., 1, 3)."""
    mean = (weights.unsqueeze(-1) * points).sum(-2, keepdim=True)
    return points - mean, mean
