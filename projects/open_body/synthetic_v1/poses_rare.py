"""Poses that training never sees: the split of rare poses draws from them alone."""

import numpy as np
from synthetic.base_poses import arm, legs, pose

RARE: dict[str, tuple[np.ndarray, str]] = {
    'handstand': (pose(both=arm(168, 14, 0, 4)), 'air'),
    'handstand_split': (
        pose(both=arm(168, 14, 0, 4), left=legs(82, 4), right=legs(-24, 6)),
        'air',
    ),
    'headstand': (pose(both=arm(150, 24, 10, 88)), 'air'),
    'cartwheel': (pose(both={**arm(0, 158, 0, 4), 'hip_abd': 56}), 'air'),
    'somersault': (
        pose(both={**legs(120, 136, -30), **arm(62, 20, 24, 72)}, torso_bend=60),
        'air',
    ),
    'dive': (
        pose(both={**arm(174, 8, 0, 2), **legs(4, 2, -44)}, torso_bend=10),
        'air',
    ),
    'fall_back': (
        pose(both={**arm(60, 62, 0, 30), **legs(44, 34)}, torso_bend=14),
        'air',
    ),
    'bridge': (
        pose(both={**arm(172, 24, 0, 8), **legs(-24, 84, 0)}, torso_bend=-25),
        'back',
    ),
    'crab': (
        pose(both={**arm(-48, 20, 0, 8), **legs(52, 92, 0)}, torso_bend=-8),
        'back',
    ),
    'candle': (
        pose(both={**arm(-40, 16, 10, 62), **legs(6, 4)}, torso_bend=66),
        'air',
    ),
    'plow': (
        pose(both={**arm(-30, 12, 0, 6), **legs(118, 4)}, torso_bend=76),
        'back',
    ),
    'boat': (
        pose(both={**legs(94, 8), **arm(76, 14, 5, 8)}, root_pitch=-44),
        'still',
    ),
    'split_front': (
        pose(left=legs(88, 2, -20), right=legs(-25, 6, -30), both=arm(0, 88, 0, 6)),
        'still',
    ),
    'split_side': (
        pose(both={**legs(28, 2, -20, hip_abd=65), **arm(0, 92, 0, 6)}),
        'still',
    ),
    'high_kick': (
        pose(left=legs(120, 4, -20), right=legs(-8, 4, 0), both=arm(20, 60, 0, 40)),
        'still',
    ),
    'standing_bow': (
        pose(
            left={**legs(-25, 78, -30, hip_abd=10), **arm(-50, 10, 0, 10)},
            right=arm(120, 14, 0, 6),
            root_pitch=48,
            torso_bend=-22,
        ),
        'still',
    ),
    'limbo': (
        pose(
            both={**legs(-20, 104, 24, hip_abd=20), **arm(20, 92, 0, 20)},
            root_pitch=-52,
            torso_bend=-16,
        ),
        'still',
    ),
    'crow': (
        pose(
            both={
                **legs(120, 140, -20, hip_abd=40, hip_twist=30),
                **arm(84, 16, 10, 34),
            },
            root_pitch=70,
            torso_bend=30,
        ),
        'still',
    ),
    'archer': (
        pose(
            left=arm(30, 90, 0, 4),
            right=arm(20, 94, 14, 145),
            torso_twist=40,
            head_twist=60,
            both=legs(70, 92, 14, hip_abd=40, hip_twist=30),
        ),
        'still',
    ),
    'fencing_lunge': (
        pose(
            left={**legs(88, 74, 0, hip_abd=20), **arm(82, 20, 0, 4)},
            right={**legs(-24, 2, 10, hip_abd=38), **arm(-40, 70, 0, 12)},
            torso_bend=14,
            torso_twist=-30,
        ),
        'still',
    ),
}
RARE_SHARES = {'air': 0.4, 'back': 0.2, 'still': 0.4}
# How the whole body is turned, degrees about its own x axis: what limits leave out.
RARE_PITCH = {'air': 180.0, 'back': -90.0, 'still': 0.0}
