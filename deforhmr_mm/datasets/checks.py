"""What can be wrong with labels, found without a body model: pure functions.

Each check looks at all rows of a `LabelRecord` at once and returns a `Finding` that
names the rows, or None. A finding is a reason to look, not a proof: a limit is where no
right label was seen, and rows beyond it may still be right.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from deforhmr_mm.structures import get_keypoint_set

from .label_statistics import share_inside
from .labels import LabelRecord

__all__ = ['CHECKS', 'Finding', 'check_boxes', 'check_labels']

BETAS_LIMIT = 5.0
"""Standard deviations: a component beyond is one in 1.7 million by chance."""
POSE_LIMIT = float(np.pi) + 1e-3
"""Radians; a longer axis-angle vector says the same rotation in a longer way."""
BONE_LIMITS = (0.08, 0.75)
"""Metres: shortest and longest of a person's upper arm, forearm, thigh and shin."""
BONE_RATIO = 1.5
"""Largest ratio of the lengths of a left and a right bone."""
KEYPOINT_REACH = 1.0
"""Box heights that a labelled joint may lie outside of its box."""
BOX_SHARE = 0.25
"""Share of a box's area that should be in the picture."""
LIMBS = (
    ('shoulder', 'elbow'),
    ('elbow', 'wrist'),
    ('hip', 'knee'),
    ('knee', 'ankle'),
)
SIDED = ('shoulder', 'elbow', 'wrist', 'hip', 'knee', 'ankle')

_JOINTS = get_keypoint_set('smpl45')


@dataclass(frozen=True)
class Finding:
    """Rows of an annotation file that a check takes for wrong.

    Attributes:
        check: Name of the check, as 'large_betas'.
        message: What is wrong with the rows, with the worst value.
        rows: Their numbers, rising; empty where it is the file as a whole.
    """

    check: str
    message: str
    rows: tuple[int, ...] = ()


def check_labels(labels: LabelRecord) -> list[Finding]:
    """Run all checks that need no picture; returns what they found."""
    findings = (check(labels) for check in CHECKS)
    return [finding for finding in findings if finding is not None]


def check_finite(labels: LabelRecord) -> Finding | None:
    """Find NaN or infinity where a label is said to be."""
    points, joints = labels.keypoints, labels.joints_3d
    # Confidence that is NaN counts as said.
    said_2d, said_3d = ~(points[..., 2] <= 0), ~(joints[..., 3] <= 0)
    transl = labels.transl
    # NaN in all three is how "unknown" is written.
    unknown = np.isnan(transl).all(-1)
    bad = {
        'center': ~np.isfinite(labels.center).all(-1),
        'scale': ~np.isfinite(labels.scale).all(-1),
        'keypoints': (said_2d & ~np.isfinite(points).all(-1)).any(-1),
        'joints_3d': (said_3d & ~np.isfinite(joints).all(-1)).any(-1),
        'pose': (labels.has_pose > 0) & ~np.isfinite(labels.pose).all((1, 2)),
        'betas': (labels.has_betas > 0) & ~np.isfinite(labels.betas).all(-1),
        'transl': ~unknown & ~np.isfinite(transl).all(-1),
        'focal_length': np.isinf(labels.focal_length),
        'principal_point': np.isinf(labels.principal_point).any(-1),
    }
    names = [name for name, rows in bad.items() if rows.any()]
    mask = np.any(list(bad.values()), axis=0)
    return _finding('not_finite', mask, f'NaN or infinity in {", ".join(names)}')


def check_betas(labels: LabelRecord) -> Finding | None:
    """Find betas whose size is beyond `BETAS_LIMIT`."""
    largest = np.abs(labels.betas).max(-1) * (labels.has_betas > 0)
    return _beyond('large_betas', largest, BETAS_LIMIT, '|betas| above {limit:g}', '')


def check_pose(labels: LabelRecord) -> Finding | None:
    """Find axis-angle vectors longer than pi."""
    largest = np.linalg.norm(labels.pose, axis=-1).max(-1) * (labels.has_pose > 0)
    return _beyond(
        'large_angles', largest, POSE_LIMIT, 'a joint turned by more than pi', ' rad'
    )


def check_bones(labels: LabelRecord) -> Finding | None:
    """Find 3D limbs that are too short, too long, or unlike on the two sides."""
    shortest, longest = BONE_LIMITS
    mask = np.zeros(len(labels), dtype=bool)
    extremes = []
    for limb in LIMBS:
        left, right = (_bone_lengths(labels, side, limb) for side in ('left', 'right'))
        with np.errstate(invalid='ignore', divide='ignore'):
            ratio = np.maximum(left / right, right / left)
        bad = ratio > BONE_RATIO
        for lengths in (left, right):
            bad |= (lengths < shortest) | (lengths > longest)
            extremes.append(lengths[bad & np.isfinite(lengths)])
        mask |= bad
    lengths = np.concatenate(extremes)
    if not lengths.size:
        return None
    return _finding(
        'bone_lengths',
        mask,
        f'3D limbs outside of {shortest:g} to {longest:g} m, or left and right unlike '
        f'by more than {BONE_RATIO:g} times (theirs: {lengths.min():.3g} to '
        f'{lengths.max():.3g} m)',
    )


def check_keypoints(labels: LabelRecord) -> Finding | None:
    """Find labelled 2D joints that lie far outside of their person's box."""
    points, known = labels.keypoints[..., :2], labels.keypoints[..., 2] > 0
    outside = np.abs(points - labels.center[:, None]) - labels.scale[:, None] / 2
    share = np.where(known, outside.max(-1) / labels.scale[:, 1:], 0).max(-1)
    return _beyond(
        'far_keypoints',
        share,
        KEYPOINT_REACH,
        '2D joints more than {limit:g} box height outside of their box',
        ' box heights',
    )


def check_sides(labels: LabelRecord) -> Finding | None:
    """Find people whose left and right are not the same in 2D and in 3D.

    A pair of joints is compared where it is well apart in both: by a twentieth of the
    box's height, and by 0.15 m across the view. At least three pairs must be, and all
    of them must point the other way.
    """
    left = list(_JOINTS.indices(f'left_{name}' for name in SIDED))
    right = list(_JOINTS.indices(f'right_{name}' for name in SIDED))

    def differences(values: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        known = (values[:, left, -1] > 0) & (values[:, right, -1] > 0)
        return values[:, left, :2] - values[:, right, :2], known

    flat, known_2d = differences(labels.keypoints)
    solid, known_3d = differences(labels.joints_3d)
    flat_size, solid_size = (np.linalg.norm(d, axis=-1) for d in (flat, solid))
    usable = known_2d & known_3d
    usable &= (flat_size > labels.scale[:, 1:] / 20) & (solid_size > 0.15)
    # An angle of more than 120 degrees: perspective alone turns far less.
    opposite = (flat * solid).sum(-1) < -0.5 * flat_size * solid_size
    mask = (usable.sum(-1) >= 3) & (opposite | ~usable).all(-1)
    return _finding(
        'swapped_sides', mask, 'left and right are exchanged between 2D and 3D joints'
    )


def check_cameras(labels: LabelRecord) -> Finding | None:
    """Find translations that their camera sees far from the box, or behind it."""
    depth = labels.transl[:, 2]
    with np.errstate(invalid='ignore', divide='ignore'):
        seen = labels.transl[:, :2] / depth[:, None] * labels.focal_length[:, None]
        offset = np.abs(seen + labels.principal_point - labels.center).max(-1)
        mask = (depth <= 0) | (offset > labels.scale[:, 1])
    return _finding(
        'translation', mask, 'transl is behind the camera, or a box height off the box'
    )


def check_genders(labels: LabelRecord) -> Finding | None:
    """Find a column of genders that says the same of everyone: often a placeholder."""
    genders = set(labels.genders)
    if len(labels) < 2 or genders not in ({'male'}, {'female'}):
        return None
    return Finding(
        'one_gender',
        f'all {len(labels)} people are {genders.pop()}; files with a wrong gender '
        'column are in circulation',
    )


def check_boxes(labels: LabelRecord, picture_sizes: np.ndarray) -> list[Finding]:
    """Find boxes that their picture does not hold.

    Args:
        labels: N people.
        picture_sizes: (N, 2) width and height, pixels; NaN where unknown.

    Returns:
        Findings ``box_outside`` (box and picture do not meet) and
        ``box_mostly_outside`` (`BOX_SHARE` or less of its area is inside).
    """
    inside = share_inside(labels, picture_sizes)
    outside = inside == 0
    mostly = (inside > 0) & (inside <= BOX_SHARE)
    found = (
        _finding('box_outside', outside, 'the box lies outside of the picture'),
        _finding(
            'box_mostly_outside',
            mostly,
            f'{BOX_SHARE:g} of the box or less is in the picture',
        ),
    )
    return [finding for finding in found if finding is not None]


def _bone_lengths(labels: LabelRecord, side: str, limb: tuple[str, str]) -> np.ndarray:
    """(N,) metres, NaN where an end is not labelled."""
    ends = list(_JOINTS.indices(f'{side}_{name}' for name in limb))
    first, second = labels.joints_3d[:, ends].swapaxes(0, 1)
    length = np.linalg.norm(first[:, :3] - second[:, :3], axis=-1)
    return np.where((first[:, 3] > 0) & (second[:, 3] > 0), length, np.nan)


def _beyond(
    check: str, values: np.ndarray, limit: float, message: str, unit: str
) -> Finding | None:
    """Make a finding of the rows whose value is above a limit, with the largest."""
    mask = values > limit
    if not mask.any():
        return None
    worst = int(np.where(mask, values, -np.inf).argmax())
    text = message.format(limit=limit)
    return _finding(
        check, mask, f'{text} (up to {values[worst]:.4g}{unit}, row {worst})'
    )


def _finding(check: str, mask: np.ndarray, message: str) -> Finding | None:
    rows = tuple(np.flatnonzero(mask).tolist())
    return Finding(check, message, rows) if rows else None


CHECKS: tuple[Callable[[LabelRecord], Finding | None], ...] = (
    check_finite,
    check_betas,
    check_pose,
    check_bones,
    check_keypoints,
    check_sides,
    check_cameras,
    check_genders,
)
"""The checks of `check_labels`, in the order of its result."""
