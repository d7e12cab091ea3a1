"""Base poses of people who sit, kneel and lie, in anatomical angles (degrees)."""

import numpy as np
from synthetic.base_poses import arm, legs, pose

SEATED: dict[str, tuple[np.ndarray, str]] = {
    'typing': (
        pose(both={**legs(90, 92), **arm(32, 14, 18, 84)}, torso_bend=8),
        'seat',
    ),
    'reading_seated': (
        pose(both={**legs(88, 80), **arm(36, 14, 34, 98)}, head_bend=34, torso_bend=12),
        'seat',
    ),
    'eating_seated': (
        pose(
            both=legs(92, 92, hip_abd=8),
            right=arm(46, 26, 26, 126),
            left=arm(34, 16, 26, 78),
            torso_bend=14,
        ),
        'seat',
    ),
    'seated_arm_over_back': (
        pose(
            both=legs(82, 80, hip_abd=18),
            left=arm(-10, 82, 0, 44),
            right=arm(22, 18, 30, 60),
            root_pitch=-12,
        ),
        'seat',
    ),
    'ankle_on_knee': (
        pose(
            left=legs(92, 96, 0, hip_abd=30, hip_twist=50),
            right=legs(88, 88),
            both=arm(30, 20, 30, 62),
        ),
        'seat',
    ),
    'cycling': (
        pose(
            left={**legs(96, 104, 0), **arm(66, 12, 8, 18)},
            right={**legs(44, 42, 0), **arm(66, 12, 8, 18)},
            torso_bend=30,
            root_pitch=20,
            head_bend=-28,
        ),
        'seat',
    ),
    'riding': (
        pose(both={**legs(64, 74, 5, hip_abd=32, hip_twist=10), **arm(26, 16, 18, 74)}),
        'seat',
    ),
    'driving': (
        pose(both={**legs(80, 62, 0), **arm(62, 18, 8, 44)}, root_pitch=-14),
        'seat',
    ),
    'catcher': (
        pose(
            both=legs(116, 132, 20, hip_abd=34, hip_twist=26),
            left=arm(66, 30, 0, 56),
            right=arm(20, 26, 20, 78),
            torso_bend=24,
            root_pitch=10,
            head_bend=-18,
        ),
        'seat',
    ),
    'deep_squat': (
        pose(
            both={
                **legs(118, 138, 22, hip_abd=24, hip_twist=18),
                **arm(48, 14, 34, 74),
            },
            torso_bend=20,
        ),
        'seat',
    ),
    'side_sitting': (
        pose(
            left=legs(74, 112, -20, hip_abd=30, hip_twist=40),
            right={**legs(60, 116, -20, hip_twist=-30), **arm(-16, 44, 0, 6)},
            torso_side=-12,
        ),
        'seat',
    ),
    'legs_stretched': (
        pose(both={**legs(88, 4, -10), **arm(44, 14, 5, 12)}, torso_bend=22),
        'seat',
    ),
    'straddle': (
        pose(
            both={**legs(84, 6, -14, hip_abd=44), **arm(62, 20, 5, 14)}, torso_bend=28
        ),
        'seat',
    ),
    'tying_shoes': (
        pose(
            left=legs(104, 106, 10),
            right=legs(10, 96, 0, toe_flex=30),
            both=arm(74, 8, 16, 22),
            torso_bend=54,
            root_pitch=14,
        ),
        'seat',
    ),
    'weeding': (
        pose(
            both=legs(62, 134, -40),
            right=arm(78, 14, 4, 16),
            left=arm(60, 20, 6, 40),
            torso_bend=44,
            root_pitch=18,
        ),
        'seat',
    ),
    'sunbathing': (
        pose(both={**arm(20, 128, -60, 126), **legs(10, 16)}, root_pitch=-84),
        'floor',
    ),
    'reclining': (
        pose(
            left={**arm(40, 26, 10, 40), **legs(44, 70)},
            right={**arm(20, 68, 30, 104), **legs(14, 16)},
            root_roll=-64,
            torso_side=18,
        ),
        'floor',
    ),
    'sleeping_curled': (
        pose(
            both={**legs(78, 96, -10), **arm(64, 14, 30, 104)},
            root_roll=86,
            torso_bend=30,
        ),
        'floor',
    ),
    'reading_on_belly': (
        pose(
            both={**arm(64, 24, 10, 92), **legs(-4, 24)},
            root_pitch=80,
            torso_bend=-24,
            head_bend=-24,
        ),
        'floor',
    ),
    'sit_up': (
        pose(
            both={**arm(64, 20, 10, 20), **legs(58, 88)},
            root_pitch=-48,
            torso_bend=34,
        ),
        'floor',
    ),
}
