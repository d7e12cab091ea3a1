"""PCK of COCO's joints: of groups of joints, of each joint and of each person."""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from deforhmr_mm.structures import get_keypoint_set

from .thresholds import keypoint_pck

_LIMBS = tuple(
    f'{side}_{part}'
    for part in ('elbow', 'wrist', 'knee', 'ankle')
    for side in ('left', 'right')
)
_TRUNK = ('left_shoulder', 'right_shoulder', 'left_hip', 'right_hip')

COCO_GROUPS: dict[str, tuple[str, ...]] = {
    'limbs': _LIMBS,
    'body': _LIMBS + _TRUNK,
    'all': get_keypoint_set('coco17').names,
}
"""Joints that are scored together: limbs, these with shoulders and hips, and all 17."""


class Share(NamedTuple):
    """How many joints are near their labels.

    Attributes:
        pck: Percent; None where nothing is counted.
        counted: Number of joints.
    """

    pck: float | None
    counted: int


class CocoPCK(NamedTuple):
    """Shares of P people.

    Attributes:
        groups: Of all people, by the names of `COCO_GROUPS`.
        joints: Of all people, by COCO's 17 names.
        people: P dicts like `groups`, one a person.
    """

    groups: dict[str, Share]
    joints: dict[str, Share]
    people: list[dict[str, Share]]


def coco_pck(
    pred: np.ndarray,
    target: np.ndarray,
    visible: np.ndarray,
    size: np.ndarray,
    threshold: float = 0.1,
) -> CocoPCK:
    """Score COCO's joints by `keypoint_pck`.

    Args:
        pred: (P, 17, 2) pixels, in the order of ``coco17``.
        target: (P, 17, 2) pixels.
        visible: (P, 17) bool, which joints count.
        size: (P,) pixels of each person, positive, such as the height of its box.
        threshold: Share of the size that a joint may be off, positive.

    Raises:
        ValueError: The shapes are not as given above, or the threshold or a size is not
            positive.

    Example:
        >>> target = np.zeros((1, 17, 2))
        >>> pred = target + [0, 9]
        >>> pred[0, get_keypoint_set('coco17').index('left_knee')] = [0, 11]
        >>> scores = coco_pck(pred, target, np.ones((1, 17), bool), np.array([100.0]))
        >>> scores.groups['limbs'], scores.joints['left_knee']
        (Share(pck=87.5, counted=8), Share(pck=0.0, counted=1))
    """
    joints = get_keypoint_set('coco17')
    if target.shape[1:] != (len(joints), 2) or target.ndim != 3:
        raise ValueError(
            f'target: expected shape (P, {len(joints)}, 2), got {target.shape}'
        )
    # Of all joints first, for its checks.
    keypoint_pck(pred, target, visible, size, threshold)

    def share(names: Sequence[str], who: slice = np.s_[:]) -> Share:
        part = (who, list(joints.indices(names)))
        counted = int(np.count_nonzero(visible[part]))
        if counted == 0:
            return Share(None, 0)
        pck = keypoint_pck(
            pred[part], target[part], visible[part], size[who], threshold
        )
        return Share(float(pck), counted)

    return CocoPCK(
        groups={name: share(names) for name, names in COCO_GROUPS.items()},
        joints={name: share([name]) for name in joints.names},
        people=[
            {name: share(names, one) for name, names in COCO_GROUPS.items()}
            for one in (np.s_[i : i + 1] for i in range(len(target)))
        ],
    )
