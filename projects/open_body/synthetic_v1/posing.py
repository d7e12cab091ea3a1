"""Drawing poses for a split: the usual ones, wild ones, and the rare split's own."""

import numpy as np
from scipy.spatial.transform import Rotation
from synthetic.camera import Camera, heading
from synthetic.poses import HIGH, LOW, PoseSampler, clip_to_limits, to_rotmats

from .pose_bank import TRAIN_POSES, TRAIN_SHARES
from .poses_rare import RARE, RARE_PITCH, RARE_SHARES

WILD_SHARE = 0.08  # of the usual poses: pulled towards a random one within the limits
WILD_PULL = (0.25, 0.6)
RARE_WILD_SHARE = 0.45
RARE_PULL = (0.6, 1.0)
ANY_TURN_SHARE = 0.3  # of the rare poses in the air: turned at random
TRIES = 25
_ROOT = 2  # the first angles are those of the whole body


class Posing:
    """Draws poses.

    Args:
        rest_joints: (24, 3) of the mean body, metres.
        parents: (24,).
    """

    def __init__(self, rest_joints: np.ndarray, parents: np.ndarray) -> None:
        self.usual = PoseSampler(TRAIN_POSES, TRAIN_SHARES, rest_joints, parents)
        self.rare = PoseSampler(RARE, RARE_SHARES, rest_joints, parents)

    def sample(
        self, rng: np.random.Generator, camera: Camera, rare: bool
    ) -> tuple[str, float, np.ndarray]:
        """Name of the base pose, yaw (radians, uniform), rotations (24, 3, 3).

        Args:
            rng: Source of randomness.
            camera: The first rotation turns the body's frame into this one's.
            rare: Whether to draw from the poses that training never sees.
        """
        name, angles, tilt = self._rare(rng) if rare else self._usual(rng)
        rotations = to_rotmats(angles)
        yaw = rng.uniform(-np.pi, np.pi)
        rotations[0] = camera.rotation @ heading(yaw) @ tilt @ rotations[0]
        return name, yaw, rotations

    def _usual(self, rng: np.random.Generator) -> tuple[str, np.ndarray, np.ndarray]:
        name, angles = self.usual.sample(rng)
        if rng.random() < WILD_SHARE:
            angles = self._pulled(rng, self.usual, angles, WILD_PULL)
        return name, angles, np.eye(3)

    def _rare(self, rng: np.random.Generator) -> tuple[str, np.ndarray, np.ndarray]:
        name, angles = self.rare.sample(rng)
        pitch = RARE_PITCH[RARE[name][1]]
        tilt = Rotation.from_euler('X', pitch + rng.normal(0, 12), degrees=True)
        if rng.random() < RARE_WILD_SHARE:
            angles = self._pulled(rng, self.rare, angles, RARE_PULL)
            if rng.random() < ANY_TURN_SHARE:
                tilt = Rotation.from_quat(rng.normal(size=4))
        return name, angles, tilt.as_matrix()

    @staticmethod
    def _pulled(
        rng: np.random.Generator,
        sampler: PoseSampler,
        angles: np.ndarray,
        pull: tuple[float, float],
    ) -> np.ndarray:
        """Angles drawn towards random ones; the first that does not collide."""
        for _ in range(TRIES):
            share = np.full(len(angles), rng.uniform(*pull))
            share[:_ROOT] = 0
            mixed = (1 - share) * angles + share * rng.uniform(LOW, HIGH)
            mixed = clip_to_limits(mixed)
            if not sampler.collides(mixed):
                return mixed
        return angles
