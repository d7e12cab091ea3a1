"""Base poses of sport, in anatomical angles (degrees)."""

import numpy as np
from synthetic.base_poses import arm, legs, pose

SPORT: dict[str, tuple[np.ndarray, str]] = {
    'ski_tuck': (
        pose(
            both={**legs(84, 82, 18), **arm(48, 18, 30, 96)},
            torso_bend=34,
            root_pitch=18,
            head_bend=-26,
        ),
        'up',
    ),
    'ski_turn': (
        pose(
            both=legs(38, 48, 16),
            left=arm(28, 42, 0, 52),
            right=arm(36, 36, 4, 60),
            torso_bend=20,
            root_roll=14,
        ),
        'up',
    ),
    'nordic_ski': (
        pose(
            left={**legs(40, 46, 14), **arm(-34, 18, 0, 26)},
            right={
                **legs(-18, 14, 10, toe_flex=20, hip_abd=16),
                **arm(66, 18, 0, 66),
            },
            torso_bend=30,
            root_pitch=10,
            head_bend=-14,
        ),
        'up',
    ),
    'double_pole': (
        pose(
            both={**legs(34, 34, 14), **arm(-22, 18, 0, 34)},
            torso_bend=46,
            root_pitch=20,
            head_bend=-20,
        ),
        'up',
    ),
    'bat_stance': (
        pose(
            left={**arm(76, 8, 48, 92), **legs(28, 34, 8, hip_abd=18)},
            right={**arm(52, 58, 10, 116), **legs(24, 38, 10, hip_abd=20)},
            torso_twist=-30,
            head_twist=50,
            torso_bend=12,
        ),
        'up',
    ),
    'bat_swing': (
        pose(
            left={**arm(78, 30, 0, 14), **legs(16, 6, 0, hip_abd=24)},
            right={
                **arm(72, 4, 34, 42),
                **legs(-4, 40, -10, hip_abd=20, toe_flex=25),
            },
            torso_twist=36,
            torso_side=-8,
        ),
        'up',
    ),
    'golf_address': (
        pose(
            both={**arm(46, 6, 18, 10), **legs(24, 22, 4, hip_abd=12)},
            torso_bend=30,
            root_pitch=12,
        ),
        'up',
    ),
    'golf_finish': (
        pose(
            left=arm(64, 74, -30, 110),
            right={**arm(112, 20, 40, 82), **legs(4, 34, -20, toe_flex=30)},
            torso_twist=42,
            head_twist=20,
        ),
        'up',
    ),
    'tennis_serve': (
        pose(
            left=arm(148, 22, 0, 8),
            right={**arm(0, 112, -62, 104), **legs(-10, 34, 10)},
            torso_side=14,
            head_bend=-34,
        ),
        'up',
    ),
    'tennis_forehand': (
        pose(
            right={**arm(14, 74, -20, 34), **legs(22, 40, 10, hip_abd=18)},
            left={**arm(64, 46, 0, 36), **legs(34, 38, 10, hip_abd=14)},
            torso_twist=-32,
            torso_bend=10,
        ),
        'up',
    ),
    'ball_kick': (
        pose(
            right={**legs(-24, 84, -30), **arm(26, 44, 0, 30)},
            left={**legs(18, 22, 10), **arm(-20, 66, 0, 24)},
            torso_twist=18,
            torso_side=10,
        ),
        'up',
    ),
    'follow_through': (
        pose(
            right={**legs(86, 14, -28, hip_abd=-8), **arm(-26, 40, 0, 28)},
            left={**legs(0, 14, 0, toe_flex=15), **arm(48, 50, 10, 30)},
            root_pitch=-12,
        ),
        'up',
    ),
    'basketball_shot': (
        pose(
            right=arm(128, 14, 6, 74, wrist_flex=-40),
            left=arm(112, 20, 24, 84),
            both={**legs(16, 26, -20)},
        ),
        'up',
    ),
    'dribbling': (
        pose(
            right={**arm(34, 18, 10, 62), **legs(40, 52, 14)},
            left={**arm(20, 42, 10, 60), **legs(8, 40, 10, toe_flex=20)},
            torso_bend=32,
            head_bend=-14,
        ),
        'up',
    ),
    'volleyball_dig': (
        pose(
            both={**arm(62, 8, 26, 8), **legs(58, 66, 16, hip_abd=20)},
            torso_bend=18,
            root_pitch=14,
        ),
        'up',
    ),
    'goalkeeper': (
        pose(
            both={**arm(38, 46, -10, 66), **legs(44, 54, 16, hip_abd=22)},
            torso_bend=20,
        ),
        'up',
    ),
    'boxing_punch': (
        pose(
            right={**arm(88, 12, 18, 6), **legs(-8, 22, 12)},
            left={**arm(46, 18, 22, 128), **legs(30, 28, 10)},
            torso_twist=28,
        ),
        'up',
    ),
    'surfing': (
        pose(
            left={**arm(34, 84, 0, 26), **legs(54, 66, 16, hip_abd=26)},
            right={**arm(0, 92, -10, 22), **legs(48, 70, 18, hip_abd=28)},
            torso_bend=24,
            head_twist=46,
        ),
        'up',
    ),
    'skating': (
        pose(
            left={**legs(58, 62, 16), **arm(-30, 30, 0, 20)},
            right={**legs(-8, 8, 0, hip_abd=36), **arm(54, 30, 0, 50)},
            torso_bend=38,
            root_pitch=14,
            head_bend=-24,
        ),
        'up',
    ),
    'jump_reach': (
        pose(
            right={**arm(162, 16, 0, 14), **legs(-6, 44, -34)},
            left={**arm(24, 54, 0, 44), **legs(38, 70, -30)},
            torso_side=8,
        ),
        'up',
    ),
}
