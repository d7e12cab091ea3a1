"""Pose blend shapes of a clip as a few morph targets."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from .influences import FRAMES_AT_ONCE


class Morphs(NamedTuple):
    """Morph targets and their weights over a clip.

    Attributes:
        targets: (K, V, 3) float32 metres, added to the rest pose.
        weights: (T, K) float32 in [0, 1], which is the range that every program shows.
            The first target is always on: it holds what the others count from.
        residual: Metres, the largest distance to the exact offsets over all vertices
            and frames; skinning does not make it larger.
    """

    targets: np.ndarray
    weights: np.ndarray
    residual: float


def fit_morphs(
    features: np.ndarray,
    posedirs: np.ndarray,
    tolerance: float = 5e-4,
    max_targets: int = 32,
) -> Morphs:
    """Compress the offsets of all frames by a singular value decomposition.

    SMPL has 207 pose blend shapes, too many to ship; the offsets of one clip need far
    fewer directions. Frames are handled in groups, so that memory does not grow with
    the clip.

    Args:
        features: (T, D) weights of the blend shapes, T > 0.
        posedirs: (D, V, 3) metres.
        tolerance: Metres that the residual is to stay below.
        max_targets: Targets at most; the residual may then stay above.

    Returns:
        The fewest targets that reach the tolerance, or `max_targets`.
    """
    shape = posedirs.shape[1:]
    flat = posedirs.reshape(len(posedirs), -1).astype(np.float64)
    mean = features.mean(axis=0)
    centred = features - mean
    scores, mix = _principal_directions(centred, flat, max_targets - 1)
    directions = (mix @ flat).astype(np.float32)
    residuals = _residuals(centred, scores, flat.astype(np.float32), directions)
    fine = np.flatnonzero(residuals <= tolerance)
    count = int(fine[0]) if len(fine) else len(directions)
    scores, directions = scores[:, :count], directions[:count]

    low, span = scores.min(axis=0), np.ptp(scores, axis=0)
    base = mean @ flat + low @ directions
    targets = np.concatenate((base[None], directions * span[:, None]))
    weights = np.concatenate((np.ones((len(scores), 1)), (scores - low) / span), axis=1)
    return Morphs(
        targets.reshape(-1, *shape).astype(np.float32),
        weights.astype(np.float32),
        float(residuals[count]),
    )


def _principal_directions(
    centred: np.ndarray, posedirs: np.ndarray, most: int
) -> tuple[np.ndarray, np.ndarray]:
    """The scores (T, K) and the directions (K, D), as mixtures of blend shapes.

    The singular values of centred @ posedirs are those of centred @ root with
    root @ root.T = posedirs @ posedirs.T, which is small.
    """
    values, vectors = np.linalg.eigh(posedirs @ posedirs.T)
    root = vectors * np.sqrt(np.maximum(values, 0))
    left, singular, _ = np.linalg.svd(centred @ root, full_matrices=False)
    # What is below this, micrometres over the whole mesh, is rounding.
    most = min(most, int((singular > 1e-6).sum()))
    left, singular = left[:, :most], singular[:most]
    return left * singular, (left / singular).T @ centred


def _residuals(
    centred: np.ndarray,
    scores: np.ndarray,
    posedirs: np.ndarray,
    directions: np.ndarray,
) -> np.ndarray:
    """(K + 1,) metres: the largest distance with the first 0, 1, ..., K directions."""
    largest = np.zeros(len(directions) + 1)
    for start in range(0, len(centred), FRAMES_AT_ONCE):
        frames = slice(start, start + FRAMES_AT_ONCE)
        rest = centred[frames].astype(np.float32) @ posedirs
        part = scores[frames].astype(np.float32)
        for count in range(len(largest)):
            if count:
                rest -= np.outer(part[:, count - 1], directions[count - 1])
            squares = np.einsum('nc,nc->n', *[rest.reshape(-1, 3)] * 2)
            largest[count] = max(largest[count], np.sqrt(squares.max()))
    return largest
