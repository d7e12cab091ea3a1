"""Affine maps of the plane, as (2, 3) matrices."""

from __future__ import annotations

import numpy as np

__all__ = ['apply_affine', 'compose_affine']


def apply_affine(matrix: np.ndarray, points: np.ndarray) -> np.ndarray:
    """Map points.

    Args:
        matrix: (2, 3).
        points: (..., 2).

    Returns:
        (..., 2) float32.

    Example:
        >>> apply_affine(np.array([[2.0, 0, 1], [0, 2, 3]]), np.array([10.0, 20]))
        array([21., 43.], dtype=float32)
    """
    return (points @ matrix[:, :2].T + matrix[:, 2]).astype(np.float32)


def compose_affine(outer: np.ndarray, inner: np.ndarray) -> np.ndarray:
    """Return the map that applies `inner`, then `outer`.

    Args:
        outer: (2, 3).
        inner: (2, 3).

    Returns:
        (2, 3) float32.

    Example:
        >>> double, shift = np.diag([2.0, 2])[:, :2], np.eye(2)
        >>> double = np.column_stack([double, [0, 0]])
        >>> shift = np.column_stack([shift, [5, 5]])
        >>> compose_affine(double, shift)[:, 2]
        array([10., 10.], dtype=float32)
    """
    linear = outer[:, :2] @ inner[:, :2]
    offset = outer[:, :2] @ inner[:, 2] + outer[:, 2]
    return np.column_stack([linear, offset]).astype(np.float32)
