"""More base poses: sport, work and rest; and those that training never sees."""

import numpy as np
from synthetic.base_poses import BASE_POSES, _arm, _legs, _pose

Base = dict[str, tuple[np.ndarray, str]]

MORE: Base = {
    'hands_in_pockets': (_pose(both=_arm(-6, 22, 28, 42, hand_curl=20)), 'up'),
    'one_hand_in_pocket': (
        _pose(left=_arm(-6, 22, 28, 42), right={**_arm(2, 12, 5, 14), **_legs(8, 14)}),
        'up',
    ),
    'holding_one_thing': (_pose(right=_arm(22, 14, 26, 92), left=_arm(0, 11, 4, 8)), 'up'),
    'drinking': (_pose(right=_arm(58, 34, 22, 132), head_bend=-12), 'up'),
    'selfie': (_pose(right=_arm(82, 34, 0, 22), head_side=8, head_twist=-8), 'up'),
    'photographing': (_pose(both=_arm(62, 22, 22, 112), head_bend=6), 'up'),
    'clapping': (_pose(both=_arm(44, 14, 34, 84)), 'up'),
    'hugging': (_pose(both=_arm(74, 26, 44, 62), torso_bend=8), 'up'),
    'shrugging': (_pose(both=_arm(8, 26, -48, 88, collar_raise=14)), 'up'),
    'salute': (_pose(right=_arm(44, 72, 10, 128)), 'up'),
    'leaning_side': (
        _pose(left=_arm(30, 72, 0, 22), right=_legs(10, 18, hip_abd=10), torso_side=12),
        'up',
    ),
    'pushing': (
        _pose(
            both=_arm(74, 14, 4, 34),
            left=_legs(42, 44, 12),
            right=_legs(-14, 16, 18),
            torso_bend=24,
            root_pitch=14,
        ),
        'up',
    ),
    'pulling': (
        _pose(
            both=_arm(58, 14, 4, 26),
            left=_legs(48, 40, 6),
            right=_legs(28, 54, 20),
            root_pitch=-20,
        ),
        'up',
    ),
    'sweeping': (
        _pose(
            left=_arm(58, 12, 30, 62),
            right={**_arm(34, 18, 16, 30), **_legs(-6, 10)},
            torso_bend=22,
            torso_twist=-20,
        ),
        'up',
    ),
    'carrying_on_shoulder': (
        _pose(right=_arm(58, 52, -30, 138), left=_arm(-6, 18, 4, 18), torso_side=6),
        'up',
    ),
    'carrying_two_bags': (_pose(both=_arm(0, 11, 0, 5, hand_curl=40), torso_bend=5), 'up'),
    'climbing_stairs': (
        _pose(
            left={**_legs(64, 74, 8), **_arm(-18, 14, 5, 30)},
            right={**_legs(-6, 8, 10, toe_flex=20), **_arm(38, 20, 5, 36)},
            torso_bend=12,
        ),
        'up',
    ),
    'ski_tuck': (
        _pose(
            both={**_legs(84, 82, 18), **_arm(48, 18, 30, 96)},
            torso_bend=34,
            root_pitch=18,
            head_bend=-26,
        ),
        'up',
    ),
    'ski_turn': (
        _pose(
            both=_legs(38, 48, 16),
            left=_arm(28, 42, 0, 52),
            right=_arm(36, 36, 4, 60),
            torso_bend=20,
            root_roll=14,
        ),
        'up',
    ),
    'nordic_ski': (
        _pose(
            left={**_legs(40, 46, 14), **_arm(-34, 18, 0, 26)},
            right={**_legs(-18, 14, 10, toe_flex=20, hip_abd=16), **_arm(66, 18, 0, 66)},
            torso_bend=30,
            root_pitch=10,
            head_bend=-14,
        ),
        'up',
    ),
    'double_pole': (
        _pose(
            both={**_legs(34, 34, 14), **_arm(-22, 18, 0, 34)},
            torso_bend=46,
            root_pitch=20,
            head_bend=-20,
        ),
        'up',
    ),
    'bat_stance': (
        _pose(
            left={**_arm(76, 8, 48, 92), **_legs(28, 34, 8, hip_abd=18)},
            right={**_arm(52, 58, 10, 116), **_legs(24, 38, 10, hip_abd=20)},
            torso_twist=-30,
            head_twist=50,
            torso_bend=12,
        ),
        'up',
    ),
    'bat_swing': (
        _pose(
            left={**_arm(78, 30, 0, 14), **_legs(16, 6, 0, hip_abd=24)},
            right={**_arm(72, 4, 34, 42), **_legs(-4, 40, -10, hip_abd=20, toe_flex=25)},
            torso_twist=36,
            torso_side=-8,
        ),
        'up',
    ),
    'golf_address': (
        _pose(
            both={**_arm(46, 6, 18, 10), **_legs(24, 22, 4, hip_abd=12)},
            torso_bend=30,
            root_pitch=12,
        ),
        'up',
    ),
    'golf_finish': (
        _pose(
            left=_arm(64, 74, -30, 110),
            right={**_arm(112, 20, 40, 82), **_legs(4, 34, -20, toe_flex=30)},
            torso_twist=42,
            head_twist=20,
        ),
        'up',
    ),
    'tennis_serve': (
        _pose(
            left=_arm(148, 22, 0, 8),
            right={**_arm(0, 112, -62, 104), **_legs(-10, 34, 10)},
            torso_side=14,
            head_bend=-34,
        ),
        'up',
    ),
    'tennis_forehand': (
        _pose(
            right={**_arm(14, 74, -20, 34), **_legs(22, 40, 10, hip_abd=18)},
            left={**_arm(64, 46, 0, 36), **_legs(34, 38, 10, hip_abd=14)},
            torso_twist=-32,
            torso_bend=10,
        ),
        'up',
    ),
    'ball_kick': (
        _pose(
            right={**_legs(-24, 84, -30), **_arm(26, 44, 0, 30)},
            left={**_legs(18, 22, 10), **_arm(-20, 66, 0, 24)},
            torso_twist=18,
            torso_side=10,
        ),
        'up',
    ),
    'follow_through': (
        _pose(
            right={**_legs(86, 14, -28, hip_abd=-8), **_arm(-26, 40, 0, 28)},
            left={**_legs(0, 14, 0, toe_flex=15), **_arm(48, 50, 10, 30)},
            root_pitch=-12,
        ),
        'up',
    ),
    'basketball_shot': (
        _pose(
            right=_arm(128, 14, 6, 74, wrist_flex=-40),
            left=_arm(112, 20, 24, 84),
            both={**_legs(16, 26, -20)},
        ),
        'up',
    ),
    'dribbling': (
        _pose(
            right={**_arm(34, 18, 10, 62), **_legs(40, 52, 14)},
            left={**_arm(20, 42, 10, 60), **_legs(8, 40, 10, toe_flex=20)},
            torso_bend=32,
            head_bend=-14,
        ),
        'up',
    ),
    'volleyball_dig': (
        _pose(
            both={**_arm(62, 8, 26, 8), **_legs(58, 66, 16, hip_abd=20)},
            torso_bend=18,
            root_pitch=14,
        ),
        'up',
    ),
    'goalkeeper': (
        _pose(both={**_arm(38, 46, -10, 66), **_legs(44, 54, 16, hip_abd=22)}, torso_bend=20),
        'up',
    ),
    'boxing_punch': (
        _pose(
            right={**_arm(88, 12, 18, 6), **_legs(-8, 22, 12)},
            left={**_arm(46, 18, 22, 128), **_legs(30, 28, 10)},
            torso_twist=28,
        ),
        'up',
    ),
    'surfing': (
        _pose(
            left={**_arm(34, 84, 0, 26), **_legs(54, 66, 16, hip_abd=26)},
            right={**_arm(0, 92, -10, 22), **_legs(48, 70, 18, hip_abd=28)},
            torso_bend=24,
            head_twist=46,
        ),
        'up',
    ),
    'skating': (
        _pose(
            left={**_legs(58, 62, 16), **_arm(-30, 30, 0, 20)},
            right={**_legs(-8, 8, 0, hip_abd=36), **_arm(54, 30, 0, 50)},
            torso_bend=38,
            root_pitch=14,
            head_bend=-24,
        ),
        'up',
    ),
    'jump_reach': (
        _pose(
            right={**_arm(162, 16, 0, 14), **_legs(-6, 44, -34)},
            left={**_arm(24, 54, 0, 44), **_legs(38, 70, -30)},
            torso_side=8,
        ),
        'up',
    ),
    'stretching_quad': (
        _pose(left={**_legs(-12, 134, -30), **_arm(-42, 12, 10, 36)}, right=_arm(84, 30, 0, 8)),
        'up',
    ),
    'stretching_across': (
        _pose(left=_arm(84, 4, 40, 10), right=_arm(66, 10, 44, 112)), 'up',
    ),
    'dance_swing': (
        _pose(
            left={**_arm(30, 120, -10, 44), **_legs(20, 34, 5, hip_abd=16)},
            right={**_arm(10, 62, 30, 78), **_legs(4, 8, 0, hip_abd=22)},
            torso_side=-16,
            torso_twist=16,
        ),
        'up',
    ),
    'dance_hip': (
        _pose(
            left={**_arm(0, 146, -20, 82), **_legs(26, 44, 0, hip_twist=30)},
            right=_arm(-14, 48, 56, 96),
            torso_side=20,
        ),
        'up',
    ),
    'bowing': (_pose(both=_arm(8, 10, 20, 16), torso_bend=44, root_pitch=18), 'up'),
    'sprint_start': (
        _pose(
            left={**_legs(96, 88, 16), **_arm(86, 14, 5, 6)},
            right={**_legs(40, 84, 10, toe_flex=30), **_arm(80, 14, 5, 6)},
            torso_bend=24,
            root_pitch=64,
            head_bend=-20,
        ),
        'hands_down',
    ),
    'crawling': (
        _pose(
            left={**_legs(104, 96, -40), **_arm(62, 12, 5, 20)},
            right={**_legs(64, 84, -40), **_arm(104, 14, 5, 10)},
            root_pitch=82,
            head_bend=-34,
        ),
        'hands_down',
    ),
    'downward_dog': (
        _pose(both={**_arm(165, 16, 0, 6), **_legs(84, 8, 14)}, root_pitch=108, torso_bend=6),
        'hands_down',
    ),
    'push_up_low': (
        _pose(both={**_arm(20, 44, 0, 98), **_legs(2, 4, 18, toe_flex=30)}, root_pitch=84),
        'hands_down',
    ),
    'typing': (_pose(both={**_legs(90, 92), **_arm(32, 14, 18, 84)}, torso_bend=8), 'seat'),
    'reading_seated': (
        _pose(both={**_legs(88, 80), **_arm(36, 14, 34, 98)}, head_bend=34, torso_bend=12),
        'seat',
    ),
    'eating_seated': (
        _pose(
            both=_legs(92, 92, hip_abd=8),
            right=_arm(46, 26, 26, 126),
            left=_arm(34, 16, 26, 78),
            torso_bend=14,
        ),
        'seat',
    ),
    'seated_arm_over_back': (
        _pose(
            both=_legs(82, 80, hip_abd=18),
            left=_arm(-10, 82, 0, 44),
            right=_arm(22, 18, 30, 60),
            root_pitch=-12,
        ),
        'seat',
    ),
    'ankle_on_knee': (
        _pose(
            left=_legs(92, 96, 0, hip_abd=30, hip_twist=50),
            right=_legs(88, 88),
            both=_arm(30, 20, 30, 62),
        ),
        'seat',
    ),
    'cycling': (
        _pose(
            left={**_legs(96, 104, 0), **_arm(66, 12, 8, 18)},
            right={**_legs(44, 42, 0), **_arm(66, 12, 8, 18)},
            torso_bend=30,
            root_pitch=20,
            head_bend=-28,
        ),
        'seat',
    ),
    'riding': (
        _pose(both={**_legs(64, 74, 5, hip_abd=32, hip_twist=10), **_arm(26, 16, 18, 74)}),
        'seat',
    ),
    'driving': (_pose(both={**_legs(80, 62, 0), **_arm(62, 18, 8, 44)}, root_pitch=-14), 'seat'),
    'catcher': (
        _pose(
            both=_legs(116, 132, 20, hip_abd=34, hip_twist=26),
            left=_arm(66, 30, 0, 56),
            right=_arm(20, 26, 20, 78),
            torso_bend=24,
            root_pitch=10,
            head_bend=-18,
        ),
        'seat',
    ),
    'deep_squat': (
        _pose(
            both={**_legs(118, 138, 22, hip_abd=24, hip_twist=18), **_arm(48, 14, 34, 74)},
            torso_bend=20,
        ),
        'seat',
    ),
    'side_sitting': (
        _pose(
            left=_legs(74, 112, -20, hip_abd=30, hip_twist=40),
            right={**_legs(60, 116, -20, hip_twist=-30), **_arm(-16, 44, 0, 6)},
            torso_side=-12,
        ),
        'seat',
    ),
    'legs_stretched': (
        _pose(both={**_legs(88, 4, -10), **_arm(44, 14, 5, 12)}, torso_bend=22), 'seat',
    ),
    'straddle': (
        _pose(both={**_legs(84, 6, -14, hip_abd=44), **_arm(62, 20, 5, 14)}, torso_bend=28),
        'seat',
    ),
    'tying_shoes': (
        _pose(
            left=_legs(104, 106, 10),
            right=_legs(10, 96, 0, toe_flex=30),
            both=_arm(74, 8, 16, 22),
            torso_bend=54,
            root_pitch=14,
        ),
        'seat',
    ),
    'weeding': (
        _pose(
            both=_legs(62, 134, -40),
            right=_arm(78, 14, 4, 16),
            left=_arm(60, 20, 6, 40),
            torso_bend=44,
            root_pitch=18,
        ),
        'seat',
    ),
    'sunbathing': (
        _pose(both={**_arm(20, 128, -60, 126), **_legs(10, 16)}, root_pitch=-84), 'floor',
    ),
    'reclining': (
        _pose(
            left={**_arm(40, 26, 10, 40), **_legs(44, 70)},
            right={**_arm(20, 68, 30, 104), **_legs(14, 16)},
            root_roll=-64,
            torso_side=18,
        ),
        'floor',
    ),
    'sleeping_curled': (
        _pose(both={**_legs(78, 96, -10), **_arm(64, 14, 30, 104)}, root_roll=86, torso_bend=30),
        'floor',
    ),
    'reading_on_belly': (
        _pose(
            both={**_arm(64, 24, 10, 92), **_legs(-4, 24)},
            root_pitch=80,
            torso_bend=-24,
            head_bend=-24,
        ),
        'floor',
    ),
    'sit_up': (
        _pose(both={**_arm(64, 20, 10, 20), **_legs(58, 88)}, root_pitch=-48, torso_bend=34),
        'floor',
    ),
}  # fmt: skip
TRAIN_POSES: Base = {**BASE_POSES, **MORE}
TRAIN_SHARES = {'up': 0.68, 'seat': 0.21, 'floor': 0.06, 'hands_down': 0.05}

# Never in train, val and test: the split of rare poses draws from these.
RARE: Base = {
    'handstand': (_pose(both=_arm(168, 14, 0, 4)), 'air'),
    'handstand_split': (
        _pose(both=_arm(168, 14, 0, 4), left=_legs(82, 4), right=_legs(-24, 6)), 'air',
    ),
    'headstand': (_pose(both=_arm(150, 24, 10, 88)), 'air'),
    'cartwheel': (_pose(both={**_arm(0, 158, 0, 4), 'hip_abd': 56}), 'air'),
    'somersault': (
        _pose(both={**_legs(120, 136, -30), **_arm(62, 20, 24, 72)}, torso_bend=60), 'air',
    ),
    'dive': (_pose(both={**_arm(174, 8, 0, 2), **_legs(4, 2, -44)}, torso_bend=10), 'air'),
    'fall_back': (
        _pose(both={**_arm(60, 62, 0, 30), **_legs(44, 34)}, torso_bend=14), 'air',
    ),
    'bridge': (
        _pose(both={**_arm(172, 24, 0, 8), **_legs(-24, 84, 0)}, torso_bend=-25), 'back',
    ),
    'crab': (
        _pose(both={**_arm(-48, 20, 0, 8), **_legs(52, 92, 0)}, torso_bend=-8), 'back',
    ),
    'candle': (
        _pose(both={**_arm(-40, 16, 10, 62), **_legs(6, 4)}, torso_bend=66), 'air',
    ),
    'plow': (_pose(both={**_arm(-30, 12, 0, 6), **_legs(118, 4)}, torso_bend=76), 'back'),
    'boat': (_pose(both={**_legs(94, 8), **_arm(76, 14, 5, 8)}, root_pitch=-44), 'still'),
    'split_front': (
        _pose(left=_legs(88, 2, -20), right=_legs(-25, 6, -30), both=_arm(0, 88, 0, 6)),
        'still',
    ),
    'split_side': (_pose(both={**_legs(28, 2, -20, hip_abd=65), **_arm(0, 92, 0, 6)}), 'still'),
    'high_kick': (
        _pose(left=_legs(120, 4, -20), right=_legs(-8, 4, 0), both=_arm(20, 60, 0, 40)),
        'still',
    ),
    'standing_bow': (
        _pose(
            left={**_legs(-25, 78, -30, hip_abd=10), **_arm(-50, 10, 0, 10)},
            right=_arm(120, 14, 0, 6),
            root_pitch=48,
            torso_bend=-22,
        ),
        'still',
    ),
    'limbo': (
        _pose(both={**_legs(-20, 104, 24, hip_abd=20), **_arm(20, 92, 0, 20)}, root_pitch=-52,
              torso_bend=-16),
        'still',
    ),
    'crow': (
        _pose(
            both={**_legs(120, 140, -20, hip_abd=40, hip_twist=30), **_arm(84, 16, 10, 34)},
            root_pitch=70,
            torso_bend=30,
        ),
        'still',
    ),
    'archer': (
        _pose(left=_arm(30, 90, 0, 4), right=_arm(20, 94, 14, 145), torso_twist=40,
              head_twist=60, both=_legs(70, 92, 14, hip_abd=40, hip_twist=30)),
        'still',
    ),
    'fencing_lunge': (
        _pose(
            left={**_legs(88, 74, 0, hip_abd=20), **_arm(82, 20, 0, 4)},
            right={**_legs(-24, 2, 10, hip_abd=38), **_arm(-40, 70, 0, 12)},
            torso_bend=14,
            torso_twist=-30,
        ),
        'still',
    ),
}  # fmt: skip
RARE_SHARES = {'air': 0.4, 'back': 0.2, 'still': 0.4}
# How the whole body is turned, degrees about its own x axis: what limits leave out.
RARE_PITCH = {'air': 180.0, 'back': -90.0, 'still': 0.0}
