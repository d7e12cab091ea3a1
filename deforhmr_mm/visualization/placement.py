"""Where a body stands before a camera, from its joints in the picture."""

from __future__ import annotations

import numpy as np


def fit_translation(
    joints: np.ndarray,
    keypoints: np.ndarray,
    confidence: np.ndarray,
    focal_length: float,
    principal_point: np.ndarray,
) -> np.ndarray | None:
    """Translation that brings projected joints nearest to 2D joints.

    A pinhole camera sees joint (X, Y, Z) + t at pixel (u, v) if
    ``f (X + t_x) = (u - p_x) (Z + t_z)`` and the same holds for Y and v: two equations
    a joint, linear in t. They are solved by least squares, weighted by the confidence.

    Args:
        joints: (K, 3) metres, camera axes, without translation.
        keypoints: (K, 2) pixels.
        confidence: (K,), 0 where a keypoint is unknown.
        focal_length: Pixels.
        principal_point: (2,) pixels.

    Returns:
        (3,) metres; None where fewer than three joints are known, or where no place
        before the camera fits.

    Example:
        >>> joints = np.array([[0.0, 0.0, 0.0], [0.5, 0.0, 0.0], [0.0, 1.0, 0.2]])
        >>> place = np.array([0.5, 0.0, 5.0])
        >>> seen = joints + place
        >>> pixels = 100 * seen[:, :2] / seen[:, 2:] + 50
        >>> fit_translation(joints, pixels, np.ones(3), 100.0, (50, 50)).round(4)
        array([0.5, 0. , 5. ])
    """
    known = (confidence > 0) & np.isfinite(keypoints).all(-1)
    if np.count_nonzero(known) < 3:
        return None
    joints = np.asarray(joints[known], dtype=np.float64)
    rays = (keypoints[known] - np.asarray(principal_point)) / focal_length
    weight = np.sqrt(confidence[known].astype(np.float64))[:, None]
    factors = np.zeros((len(joints), 2, 3))
    factors[:, 0, 0] = factors[:, 1, 1] = 1
    factors[:, :, 2] = -rays
    values = rays * joints[:, 2:] - joints[:, :2]
    transl, *_ = np.linalg.lstsq(
        (factors * weight[..., None]).reshape(-1, 3), (values * weight).ravel()
    )
    if (joints[:, 2] + transl[2] <= 0).any():
        return None
    return transl
