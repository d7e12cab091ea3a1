"""From anny's rest pose (arms at 45 degrees) to SMPL's T-pose.

Each joint gets a world rotation that carries its segment from anny's rest pose to the
T-pose. The mesh is then *un-posed*: the T-pose template is the mesh which SMPL's linear
blend skinning carries exactly onto anny's own rest mesh. (Skinning it the other way
round would bake the collapse of linear blending into the shoulders of every pose; this
way the body is undistorted where people mostly hold their arms.)
"""

from __future__ import annotations

import numpy as np
from scipy.spatial.transform import Rotation

from .skeleton import PARENTS, joint_index, mirror_joint_name

NUM_JOINTS = len(PARENTS)

#: Directions of the left limbs in the T-pose, SMPL's axes (x left, y up, z forward).
_DIRECTIONS = {
    'left_shoulder': (1.0, -0.04, -0.06),
    'left_elbow': (1.0, 0.0, 0.0),
    'left_wrist': (1.0, 0.0, 0.0),
    'left_hip': (0.09, -1.0, 0.0),
    'left_knee': (-0.034, -1.0, -0.09),
}
#: The joint that a limb's direction points to.
_NEXT = {
    'left_shoulder': 'left_elbow',
    'left_elbow': 'left_wrist',
    'left_wrist': 'left_hand',
    'left_hip': 'left_knee',
    'left_knee': 'left_ankle',
}
_MIRROR = np.diag([-1.0, 1.0, 1.0])


def _unit(vector: np.ndarray) -> np.ndarray:
    return vector / np.linalg.norm(vector, axis=-1, keepdims=True)


def _frame(first: np.ndarray, second: np.ndarray) -> np.ndarray:
    """(3, 3) right-handed frame whose columns start with the two given directions."""
    first = _unit(first)
    third = _unit(np.cross(first, second))
    return np.stack((first, np.cross(third, first), third), axis=-1)


def _shortest_rotation(source: np.ndarray, target: np.ndarray) -> np.ndarray:
    """(B, 3, 3) smallest rotations that turn unit (B, 3) vectors onto one unit (3,)."""
    axis = np.cross(source, target)
    sine = np.linalg.norm(axis, axis=-1, keepdims=True)
    angle = np.arctan2(sine, (source * target).sum(-1, keepdims=True))
    return Rotation.from_rotvec(axis / np.maximum(sine, 1e-12) * angle).as_matrix()


def mean_rotations(heads: np.ndarray, knuckles: np.ndarray) -> np.ndarray:
    """World rotations (24, 3, 3) that bring the mean body's segments to the T-pose.

    Upper arms turn so that elbows bend forward, hands so that the palms look down; the
    forearm takes half of the twist between the two. Feet stay flat; the trunk stays.

    Args:
        heads: (24, 3) joints of the mean body at anny's rest.
        knuckles: (2, 3) heads of the left index and little finger.
    """
    at = {name: heads[joint_index(name)] for name in (*_NEXT, *_NEXT.values())}
    limb = {name: _unit(at[_NEXT[name]] - at[name]) for name in _NEXT}
    goal = {name: _unit(np.array(value)) for name, value in _DIRECTIONS.items()}
    down, forward = np.array([0.0, -1.0, 0.0]), np.array([0.0, 0.0, 1.0])

    hinge = np.cross(limb['left_shoulder'], limb['left_elbow'])
    shoulder = (
        _frame(goal['left_shoulder'], down) @ _frame(limb['left_shoulder'], hinge).T
    )
    across = knuckles[0] - knuckles[1]
    wrist = _frame(goal['left_wrist'], forward) @ _frame(limb['left_wrist'], across).T
    by_hinge = _frame(goal['left_elbow'], down) @ _frame(limb['left_elbow'], hinge).T
    # The twist left over between forearm and hand, about the forearm's direction.
    left_over = (
        Rotation.from_matrix(wrist @ by_hinge.T).as_rotvec() @ goal['left_elbow']
    )
    elbow = Rotation.from_rotvec(goal['left_elbow'] * left_over / 2).as_matrix()
    elbow = elbow @ by_hinge

    left = {
        'left_shoulder': shoulder,
        'left_elbow': elbow,
        'left_wrist': wrist,
        'left_hand': wrist,
        'left_hip': _shortest_rotation(limb['left_hip'][None], goal['left_hip'])[0],
        'left_knee': _shortest_rotation(limb['left_knee'][None], goal['left_knee'])[0],
    }
    rotations = np.tile(np.eye(3), (NUM_JOINTS, 1, 1))
    for name, rotation in left.items():
        rotations[joint_index(name)] = rotation
        rotations[joint_index(mirror_joint_name(name))] = _MIRROR @ rotation @ _MIRROR
    return rotations


def shape_rotations(heads: np.ndarray, mean: np.ndarray) -> np.ndarray:
    """The same T-pose for other shapes: the limbs of each point in the same directions.

    Args:
        heads: (B, 24, 3) joints at anny's rest.
        mean: (24, 3, 3) the mean body's rotations; each shape adds the smallest turn.

    Returns:
        (B, 24, 3, 3) world rotations from anny's rest to the T-pose.
    """
    rotations = np.tile(mean, (heads.shape[0], 1, 1, 1))
    for left, following in _NEXT.items():
        if left == 'left_wrist':
            continue
        for name, end in (
            (left, following),
            (mirror_joint_name(left), mirror_joint_name(following)),
        ):
            joint = joint_index(name)
            limb = _unit(heads[:, joint_index(end)] - heads[:, joint]) @ mean[joint].T
            goal = _unit(np.array(_DIRECTIONS[left]))
            goal = goal if name == left else _MIRROR @ goal
            rotations[:, joint] = _shortest_rotation(limb, goal) @ mean[joint]
    return rotations


def posed_joints(heads: np.ndarray, rotations: np.ndarray) -> np.ndarray:
    """Joints (B, 24, 3) after turning every segment by its world rotation."""
    posed = heads.copy()
    for joint, parent in enumerate(PARENTS):
        if parent >= 0:
            offset = (heads[:, joint] - heads[:, parent])[..., None]
            posed[:, joint] = posed[:, parent] + (rotations[:, parent] @ offset)[..., 0]
    return posed


def unpose(
    vertices: np.ndarray, heads: np.ndarray, rotations: np.ndarray, weights: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """T-pose whose skinning gives the rest mesh back.

    Args:
        vertices: (B, V, 3) meshes at anny's rest.
        heads: (B, 24, 3) their joints.
        rotations: (B, 24, 3, 3) world rotations from rest to T-pose.
        weights: (V, 24) blend weights.

    Returns:
        T-pose vertices (B, V, 3) and joints (B, 24, 3), pelvis where it was.
    """
    joints = posed_joints(heads, rotations)
    back = np.swapaxes(rotations, -1, -2)
    shift = heads - (back @ joints[..., None])[..., 0]
    linear = np.einsum('vj,bjn->bvn', weights, back.reshape(*back.shape[:2], 9))
    offset = np.einsum('vj,bjn->bvn', weights, shift)
    linear = linear.reshape(*linear.shape[:2], 3, 3)
    return np.linalg.solve(linear, (vertices - offset)[..., None])[..., 0], joints


def local_rotations(rotations: np.ndarray) -> np.ndarray:
    """SMPL pose (24, 3, 3) that carries the T-pose back to anny's rest pose."""
    back = np.swapaxes(rotations, -1, -2)
    local = back.copy()
    for joint, parent in enumerate(PARENTS):
        if parent >= 0:
            local[joint] = back[parent].T @ back[joint]
    return local
