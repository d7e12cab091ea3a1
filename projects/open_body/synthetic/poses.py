"""Body poses: anatomical joint angles within limits, around a set of base poses.

A pose is an array of angles in degrees, one for each entry of :data:`DOFS`. Angles
follow anatomy (flexion, abduction, inward twist), so limits are readable and the
mirror image is an exchange of left and right. Zero is a person standing upright with
the arms hanging straight down; SMPL's rest pose has the shoulders at 90 degrees.
"""

from typing import NamedTuple

import numpy as np
from scipy.spatial.transform import Rotation

SMPL_JOINTS = (
    'pelvis', 'left_hip', 'right_hip', 'spine1', 'left_knee', 'right_knee', 'spine2',
    'left_ankle', 'right_ankle', 'spine3', 'left_foot', 'right_foot', 'neck',
    'left_collar', 'right_collar', 'head', 'left_shoulder', 'right_shoulder',
    'left_elbow', 'right_elbow', 'left_wrist', 'right_wrist', 'left_hand',
    'right_hand',
)  # fmt: skip


class Dof(NamedTuple):
    """One angle: its limits and the usual spread around a base pose, in degrees."""

    low: float
    high: float
    noise: float


CENTRE_LIMITS = {
    'root_pitch': Dof(-110, 110, 4),  # of the whole body; + towards lying on the front
    'root_roll': Dof(-110, 110, 3),  # + towards the person's left
    'torso_bend': Dof(-25, 85, 6),  # + forwards; spread over the three spine joints
    'torso_side': Dof(-35, 35, 5),  # + towards the left
    'torso_twist': Dof(-45, 45, 7),  # + turns the chest to the left
    'head_bend': Dof(-45, 50, 9),
    'head_side': Dof(-30, 30, 5),
    'head_twist': Dof(-65, 65, 16),
}
SIDE_LIMITS = {
    'shoulder_flex': Dof(-50, 175, 12),  # swings the hanging arm forwards
    'shoulder_abd': Dof(4, 175, 9),  # lifts the arm sideways
    'shoulder_twist': Dof(-70, 85, 14),  # + turns the elbow's crease inwards
    'collar_raise': Dof(-8, 25, 3),
    'elbow_flex': Dof(0, 145, 13),
    'forearm_twist': Dof(-80, 80, 16),
    'wrist_flex': Dof(-60, 65, 10),
    'wrist_side': Dof(-20, 30, 5),
    'hand_curl': Dof(-8, 45, 12),
    'hip_flex': Dof(-25, 122, 7),
    'hip_abd': Dof(-18, 65, 5),
    'hip_twist': Dof(-35, 50, 7),  # + turns the knee outwards
    'knee_flex': Dof(0, 148, 8),
    'knee_twist': Dof(-8, 8, 2),
    'ankle_flex': Dof(-45, 25, 6),  # + lifts the toes
    'ankle_side': Dof(-15, 15, 3),
    'toe_flex': Dof(-10, 35, 5),  # + lifts the toes
}
DOFS: dict[str, Dof] = {
    **CENTRE_LIMITS,
    **{f'left_{name}': dof for name, dof in SIDE_LIMITS.items()},
    **{f'right_{name}': dof for name, dof in SIDE_LIMITS.items()},
}
DOF_NAMES = tuple(DOFS)
DOF_INDEX = {name: i for i, name in enumerate(DOF_NAMES)}
LOW = np.array([dof.low for dof in DOFS.values()], dtype=np.float64)
HIGH = np.array([dof.high for dof in DOFS.values()], dtype=np.float64)
NOISE = np.array([dof.noise for dof in DOFS.values()], dtype=np.float64)
UPPER_BODY = np.array(
    [
        any(word in name for word in ('shoulder', 'collar', 'elbow', 'forearm'))
        or any(word in name for word in ('wrist', 'hand', 'head'))
        for name in DOF_NAMES
    ]
)
ARM_DOFS = UPPER_BODY & np.array(['head' not in name for name in DOF_NAMES])
_CHANGES_SIGN = ('root_roll', 'torso_side', 'torso_twist', 'head_side', 'head_twist')
_MIRROR_SOURCE = np.array(
    [
        DOF_INDEX[
            name.replace('left_', 'right_')
            if name.startswith('left_')
            else name.replace('right_', 'left_')
        ]
        for name in DOF_NAMES
    ]
)
_MIRROR_SIGN = np.array([-1.0 if n in _CHANGES_SIGN else 1.0 for n in DOF_NAMES])

RANDOM_ARM_PROB = 0.15
ARMS_FROM_ANOTHER_PROB = 0.35
BLEND_PROB = 0.2
NOISE_SCALE_RANGE = (0.4, 1.5)
MAX_TRIES = 20


def clip_to_limits(angles: np.ndarray) -> np.ndarray:
    """Angles (..., D) in degrees, clipped to :data:`DOFS`' limits."""
    return np.clip(angles, LOW, HIGH)


def mirror(angles: np.ndarray) -> np.ndarray:
    """The mirror image of a pose (..., D): left and right exchanged."""
    return angles[..., _MIRROR_SOURCE] * _MIRROR_SIGN


def to_rotmats(angles: np.ndarray) -> np.ndarray:
    """Joint rotations of a pose.

    Args:
        angles: (D,) degrees, in the order of :data:`DOF_NAMES`.

    Returns:
        (24, 3, 3) rotations relative to SMPL's rest pose, joints in SMPL's order, in
        the body's frame (y up, facing +z, x to the person's left). The first is the
        tilt of the whole body, before any heading.
    """
    value = dict(zip(DOF_NAMES, angles, strict=True))
    rotations = np.tile(np.eye(3), (len(SMPL_JOINTS), 1, 1))

    def put(joint: str, axes: str, degrees: list[float]) -> None:
        # Upper case: intrinsic, the first axis outermost.
        matrix = Rotation.from_euler(axes, degrees, degrees=True).as_matrix()
        rotations[SMPL_JOINTS.index(joint)] = matrix

    put('pelvis', 'XZ', [value['root_pitch'], -value['root_roll']])
    torso = [value['torso_bend'], -value['torso_side'], value['torso_twist']]
    for joint in ('spine1', 'spine2', 'spine3'):
        put(joint, 'XZY', [angle / 3 for angle in torso])
    head = [value['head_bend'], -value['head_side'], value['head_twist']]
    for joint in ('neck', 'head'):
        put(joint, 'XZY', [angle / 2 for angle in head])
    for side in ('left', 'right'):
        _put_side(value, side, put)
        if side == 'right':
            _mirror_right(rotations)
    return rotations


def _put_side(value: dict[str, float], side: str, put) -> None:
    """Set one side's joints, as if it were the left one."""

    def get(name: str) -> float:
        return value[f'{side}_{name}']

    put(f'{side}_collar', 'Z', [get('collar_raise')])
    put(
        f'{side}_shoulder',
        'XZX',
        [-get('shoulder_flex'), get('shoulder_abd') - 90.0, get('shoulder_twist')],
    )
    put(f'{side}_elbow', 'YX', [-get('elbow_flex'), get('forearm_twist')])
    put(f'{side}_wrist', 'ZY', [-get('wrist_flex'), -get('wrist_side')])
    put(f'{side}_hand', 'Z', [-get('hand_curl')])
    put(f'{side}_hip', 'XZY', [-get('hip_flex'), get('hip_abd'), get('hip_twist')])
    put(f'{side}_knee', 'XY', [get('knee_flex'), get('knee_twist')])
    put(f'{side}_ankle', 'XZ', [-get('ankle_flex'), get('ankle_side')])
    put(f'{side}_foot', 'X', [-get('toe_flex')])


def _mirror_right(rotations: np.ndarray) -> None:
    """Turn the right side's rotations, written as the left's, into the right's."""
    flip = np.diag([-1.0, 1.0, 1.0])
    for i, name in enumerate(SMPL_JOINTS):
        if name.startswith('right_'):
            rotations[i] = flip @ rotations[i] @ flip


class PoseSampler:
    """Draws poses around base poses, within the limits, without gross collisions.

    Args:
        base_poses: name -> (angles (D,) in degrees, group); poses are blended within a
            group, and arms exchanged between all poses but those of 'hands_down'.
        group_shares: group -> how often it is drawn.
        rest_joints: (24, 3) SMPL joints of the mean shape at rest, metres; used to
            reject poses whose limbs go through the body.
        parents: (24,) the joints' parents.
    """

    def __init__(
        self,
        base_poses: dict[str, tuple[np.ndarray, str]],
        group_shares: dict[str, float],
        rest_joints: np.ndarray,
        parents: np.ndarray,
    ) -> None:
        self.base_poses = base_poses
        self.groups = tuple(group_shares)
        self.group_shares = np.array([group_shares[g] for g in self.groups])
        self.members = {
            group: [n for n, (_, own) in base_poses.items() if own == group]
            for group in self.groups
        }
        self.free_arms = [
            n for n, (_, own) in base_poses.items() if own != 'hands_down'
        ]
        self.rest_joints = rest_joints
        self.parents = parents

    def sample(self, rng: np.random.Generator) -> tuple[str, np.ndarray]:
        """One pose: the base pose's name and the angles (D,) in degrees."""
        name, angles = self._propose(rng)
        for _ in range(MAX_TRIES):
            if not self.collides(angles):
                break
            name, angles = self._propose(rng)
        return name, angles

    def _propose(self, rng: np.random.Generator) -> tuple[str, np.ndarray]:
        group = self.groups[rng.choice(len(self.groups), p=self.group_shares)]
        name, angles = self._draw(self.members[group], rng)
        if group != 'hands_down' and rng.random() < ARMS_FROM_ANOTHER_PROB:
            _, other = self._draw(self.free_arms, rng)
            angles = np.where(UPPER_BODY, other, angles)
        if rng.random() < BLEND_PROB:
            _, other = self._draw(self.members[group], rng)
            share = rng.uniform(0.1, 0.5)
            angles = (1 - share) * angles + share * other
        if group != 'hands_down' and rng.random() < RANDOM_ARM_PROB:
            share = rng.uniform(0.5, 1.0)
            anywhere = rng.uniform(LOW, HIGH)
            angles = np.where(ARM_DOFS, (1 - share) * angles + share * anywhere, angles)
        scale = rng.uniform(*NOISE_SCALE_RANGE)
        angles = angles + rng.normal(size=len(angles)) * NOISE * scale
        return name, clip_to_limits(angles)

    def _draw(
        self, names: list[str], rng: np.random.Generator
    ) -> tuple[str, np.ndarray]:
        name = names[rng.integers(len(names))]
        angles, _ = self.base_poses[name]
        return name, mirror(angles) if rng.random() < 0.5 else angles

    def collides(self, angles: np.ndarray) -> bool:
        """Whether limbs pass through the body: distances between bone capsules."""
        joints = self._joints(to_rotmats(angles))
        for first, second, limit in CAPSULE_PAIRS:
            a = _points_on(joints[[SMPL_JOINTS.index(j) for j in first]])
            b = _points_on(joints[[SMPL_JOINTS.index(j) for j in second]])
            distances = np.linalg.norm(a[:, None] - b[None], axis=-1)
            if distances.min() < limit:
                return True
        return False

    def _joints(self, rotations: np.ndarray) -> np.ndarray:
        world = [rotations[0]]
        positions = [self.rest_joints[0]]
        for i in range(1, len(SMPL_JOINTS)):
            parent = self.parents[i]
            offset = self.rest_joints[i] - self.rest_joints[parent]
            positions.append(positions[parent] + world[parent] @ offset)
            world.append(world[parent] @ rotations[i])
        return np.stack(positions)


def _points_on(ends: np.ndarray, count: int = 6) -> np.ndarray:
    """(count, 3) evenly spaced points between the two ends (2, 3)."""
    share = np.linspace(0.0, 1.0, count)[:, None]
    return ends[0] * (1 - share) + ends[1] * share


def _capsule_pairs() -> tuple[tuple[tuple[str, str], tuple[str, str], float], ...]:
    """Pairs of bones and the least distance between their axes, in metres."""
    pairs = [(('left_knee', 'left_ankle'), ('right_knee', 'right_ankle'), 0.07)]
    for side, other in (('left', 'right'), ('right', 'left')):
        forearm = (f'{side}_elbow', f'{side}_wrist')
        hand = (f'{side}_wrist', f'{side}_hand')
        pairs += [
            (forearm, ('pelvis', 'spine3'), 0.12),
            (hand, ('pelvis', 'spine3'), 0.11),
            (forearm, ('spine3', 'neck'), 0.11),
            (hand, ('spine3', 'neck'), 0.11),
            (forearm, ('neck', 'head'), 0.09),
            (hand, ('neck', 'head'), 0.09),
            (hand, (f'{side}_shoulder', f'{side}_shoulder'), 0.09),
            (forearm, (f'{other}_shoulder', f'{other}_elbow'), 0.06),
            (hand, (f'{side}_hip', f'{side}_knee'), 0.06),
            (hand, (f'{other}_hip', f'{other}_knee'), 0.06),
            (forearm, (f'{side}_hip', f'{side}_knee'), 0.06),
            (hand, (f'{side}_knee', f'{side}_ankle'), 0.05),
            (
                (f'{side}_knee', f'{side}_ankle'),
                (f'{other}_hip', f'{other}_knee'),
                0.07,
            ),
        ]
    pairs.append((('left_elbow', 'left_wrist'), ('right_elbow', 'right_wrist'), 0.04))
    return tuple(pairs)


CAPSULE_PAIRS = _capsule_pairs()
