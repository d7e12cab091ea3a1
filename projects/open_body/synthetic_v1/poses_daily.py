"""Base poses of work and rest on the feet and hands, in degrees."""

import numpy as np
from synthetic.base_poses import arm, legs, pose

DAILY: dict[str, tuple[np.ndarray, str]] = {
    'hands_in_pockets': (pose(both=arm(-6, 22, 28, 42, hand_curl=20)), 'up'),
    'one_hand_in_pocket': (
        pose(left=arm(-6, 22, 28, 42), right={**arm(2, 12, 5, 14), **legs(8, 14)}),
        'up',
    ),
    'holding_one_thing': (
        pose(right=arm(22, 14, 26, 92), left=arm(0, 11, 4, 8)),
        'up',
    ),
    'drinking': (pose(right=arm(58, 34, 22, 132), head_bend=-12), 'up'),
    'selfie': (pose(right=arm(82, 34, 0, 22), head_side=8, head_twist=-8), 'up'),
    'photographing': (pose(both=arm(62, 22, 22, 112), head_bend=6), 'up'),
    'clapping': (pose(both=arm(44, 14, 34, 84)), 'up'),
    'hugging': (pose(both=arm(74, 26, 44, 62), torso_bend=8), 'up'),
    'shrugging': (pose(both=arm(8, 26, -48, 88, collar_raise=14)), 'up'),
    'salute': (pose(right=arm(44, 72, 10, 128)), 'up'),
    'leaning_side': (
        pose(left=arm(30, 72, 0, 22), right=legs(10, 18, hip_abd=10), torso_side=12),
        'up',
    ),
    'pushing': (
        pose(
            both=arm(74, 14, 4, 34),
            left=legs(42, 44, 12),
            right=legs(-14, 16, 18),
            torso_bend=24,
            root_pitch=14,
        ),
        'up',
    ),
    'pulling': (
        pose(
            both=arm(58, 14, 4, 26),
            left=legs(48, 40, 6),
            right=legs(28, 54, 20),
            root_pitch=-20,
        ),
        'up',
    ),
    'sweeping': (
        pose(
            left=arm(58, 12, 30, 62),
            right={**arm(34, 18, 16, 30), **legs(-6, 10)},
            torso_bend=22,
            torso_twist=-20,
        ),
        'up',
    ),
    'carrying_on_shoulder': (
        pose(right=arm(58, 52, -30, 138), left=arm(-6, 18, 4, 18), torso_side=6),
        'up',
    ),
    'carrying_two_bags': (
        pose(both=arm(0, 11, 0, 5, hand_curl=40), torso_bend=5),
        'up',
    ),
    'climbing_stairs': (
        pose(
            left={**legs(64, 74, 8), **arm(-18, 14, 5, 30)},
            right={**legs(-6, 8, 10, toe_flex=20), **arm(38, 20, 5, 36)},
            torso_bend=12,
        ),
        'up',
    ),
    'stretching_quad': (
        pose(
            left={**legs(-12, 134, -30), **arm(-42, 12, 10, 36)},
            right=arm(84, 30, 0, 8),
        ),
        'up',
    ),
    'stretching_across': (
        pose(left=arm(84, 4, 40, 10), right=arm(66, 10, 44, 112)),
        'up',
    ),
    'dance_swing': (
        pose(
            left={**arm(30, 120, -10, 44), **legs(20, 34, 5, hip_abd=16)},
            right={**arm(10, 62, 30, 78), **legs(4, 8, 0, hip_abd=22)},
            torso_side=-16,
            torso_twist=16,
        ),
        'up',
    ),
    'dance_hip': (
        pose(
            left={**arm(0, 146, -20, 82), **legs(26, 44, 0, hip_twist=30)},
            right=arm(-14, 48, 56, 96),
            torso_side=20,
        ),
        'up',
    ),
    'bowing': (pose(both=arm(8, 10, 20, 16), torso_bend=44, root_pitch=18), 'up'),
    'sprint_start': (
        pose(
            left={**legs(96, 88, 16), **arm(86, 14, 5, 6)},
            right={**legs(40, 84, 10, toe_flex=30), **arm(80, 14, 5, 6)},
            torso_bend=24,
            root_pitch=64,
            head_bend=-20,
        ),
        'hands_down',
    ),
    'crawling': (
        pose(
            left={**legs(104, 96, -40), **arm(62, 12, 5, 20)},
            right={**legs(64, 84, -40), **arm(104, 14, 5, 10)},
            root_pitch=82,
            head_bend=-34,
        ),
        'hands_down',
    ),
    'downward_dog': (
        pose(
            both={**arm(165, 16, 0, 6), **legs(84, 8, 14)},
            root_pitch=108,
            torso_bend=6,
        ),
        'hands_down',
    ),
    'push_up_low': (
        pose(both={**arm(20, 44, 0, 98), **legs(2, 4, 18, toe_flex=30)}, root_pitch=84),
        'hands_down',
    ),
}
