"""What labels carry, and in which ranges: pure functions on a `LabelRecord`."""

from __future__ import annotations

from collections import Counter

import numpy as np

from .labels import LabelRecord

__all__ = ['count_labels', 'label_ranges', 'share_inside']


def count_labels(labels: LabelRecord) -> dict[str, int | dict[str, int]]:
    """Count what the rows of a file carry.

    Returns:
        ``people``, ``pictures``; people ``with_`` each kind of label (for joints: with
        at least one); ``genders`` and their counts.
    """

    def rows(mask: np.ndarray) -> int:
        return int(np.count_nonzero(mask))

    camera = np.isfinite(labels.focal_length) & np.isfinite(labels.principal_point).all(
        -1
    )
    return {
        'people': len(labels),
        'pictures': len(set(labels.image_names)),
        'with_pose': rows(labels.has_pose > 0),
        'with_betas': rows(labels.has_betas > 0),
        'with_keypoints': rows((labels.keypoints[..., 2] > 0).any(-1)),
        'with_joints_3d': rows((labels.joints_3d[..., 3] > 0).any(-1)),
        'with_translation': rows(np.isfinite(labels.transl).all(-1)),
        'with_camera': rows(camera),
        'genders': dict(sorted(Counter(labels.genders).items())),
    }


def label_ranges(
    labels: LabelRecord, picture_sizes: np.ndarray | None = None
) -> dict[str, dict[str, float | None]]:
    """Ranges of the numbers that a file carries; None where it has none.

    Args:
        labels: N people.
        picture_sizes: (N, 2) width and height, pixels; NaN where unknown.

    Returns:
        ``box_height_px``: quantiles; ``betas_abs``: the same of each person's largest;
        ``depth_m``: quantiles of the translation's depth; ``joints``: mean number of
        labelled joints of a person, in 2D and 3D, and the share of the 2D joints that
        lie in the picture; ``boxes``: share of the boxes that lie wholly in it.
    """
    known = labels.keypoints[..., 2] > 0
    joints_in = boxes_in = np.zeros(0)
    if picture_sizes is not None:
        points, sizes = labels.keypoints[..., :2], picture_sizes[:, None]
        inside = ((points >= -0.5) & (points <= sizes - 0.5)).all(-1)
        joints_in = inside[known & np.isfinite(sizes).all(-1)]
        whole = share_inside(labels, picture_sizes)
        boxes_in = whole[np.isfinite(whole)] > 1 - 1e-6
    return {
        'box_height_px': _quantiles(labels.scale[:, 1]),
        'betas_abs': _quantiles(np.abs(labels.betas[labels.has_betas > 0]).max(-1)),
        'depth_m': _quantiles(labels.transl[:, 2]),
        'joints': {
            'mean_2d': _mean(known.sum(-1)),
            'mean_3d': _mean((labels.joints_3d[..., 3] > 0).sum(-1)),
            'share_2d_in_picture': _mean(joints_in),
        },
        'boxes': {'share_in_picture': _mean(boxes_in)},
    }


def share_inside(labels: LabelRecord, picture_sizes: np.ndarray) -> np.ndarray:
    """Return (N,) the share of each box's area that is in its picture; NaN: unknown."""
    # Pixels are centred on whole numbers: a picture starts at -0.5.
    low = np.maximum(labels.center - labels.scale / 2, -0.5)
    high = np.minimum(labels.center + labels.scale / 2, picture_sizes - 0.5)
    return np.clip(high - low, 0, None).prod(-1) / labels.scale.prod(-1)


def _mean(values: np.ndarray) -> float | None:
    return float(values.mean()) if values.size else None


def _quantiles(values: np.ndarray) -> dict[str, float | None]:
    values = values[np.isfinite(values)]
    names = {'min': 0, '5%': 0.05, 'median': 0.5, '95%': 0.95, 'max': 1}
    return {
        name: float(np.quantile(values, share)) if values.size else None
        for name, share in names.items()
    }
