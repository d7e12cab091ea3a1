"""The base poses, spelt out in anatomical angles (degrees, see :mod:`.poses`)."""

import numpy as np

from .poses import DOF_INDEX, clip_to_limits


def pose(
    both: dict[str, float] | None = None,
    left: dict[str, float] | None = None,
    right: dict[str, float] | None = None,
    **centre: float,
) -> np.ndarray:
    """Angles (D,): `both` sides first, then each side's own, then the centre's."""
    relaxed = {'shoulder_abd': 13, 'elbow_flex': 12, 'hip_abd': 4, 'hip_twist': 6}
    angles = np.zeros(len(DOF_INDEX))
    for side, own in (('left', left), ('right', right)):
        for name, value in {**relaxed, **(both or {}), **(own or {})}.items():
            angles[DOF_INDEX[f'{side}_{name}']] = value
    for name, value in centre.items():
        angles[DOF_INDEX[name]] = value
    return clip_to_limits(angles)


def legs(hip: float, knee: float, ankle: float = 0.0, **more: float) -> dict:
    return {'hip_flex': hip, 'knee_flex': knee, 'ankle_flex': ankle, **more}


def arm(
    flex: float, abd: float, twist: float, elbow: float, **more: float
) -> dict[str, float]:
    return {
        'shoulder_flex': flex,
        'shoulder_abd': abd,
        'shoulder_twist': twist,
        'elbow_flex': elbow,
        **more,
    }


# Groups: 'up' stands, 'seat' sits, crouches or kneels, 'floor' lies; in 'hands_down'
# the arms carry the body and are not exchanged.
BASE_POSES: dict[str, tuple[np.ndarray, str]] = {
    'standing': (pose(), 'up'),
    'standing_relaxed': (
        pose(both=arm(4, 14, 10, 20), left=legs(6, 14, 0, hip_abd=7), torso_bend=3),
        'up',
    ),
    'standing_wide': (pose(both={'hip_abd': 17, 'shoulder_abd': 18}), 'up'),
    'attention': (pose(both=arm(0, 7, 5, 3)), 'up'),
    'a_pose': (pose(both=arm(0, 42, 0, 5)), 'up'),
    't_pose': (pose(both=arm(0, 88, 0, 4)), 'up'),
    'arms_up': (pose(both=arm(0, 160, 0, 18), torso_bend=-4), 'up'),
    'arms_up_y': (pose(both=arm(0, 132, 0, 10)), 'up'),
    'goal_post': (pose(both=arm(0, 88, -75, 88)), 'up'),
    'hands_on_hips': (pose(both=arm(-14, 44, 62, 92, wrist_flex=20)), 'up'),
    'one_hand_on_hip': (pose(left=arm(-14, 44, 62, 92), right=legs(8, 16)), 'up'),
    'arms_crossed': (
        pose(
            left=arm(34, 20, 66, 92),
            right=arm(44, 20, 62, 92),
        ),
        'up',
    ),
    'hands_behind_back': (pose(both=arm(-34, 20, 80, 62)), 'up'),
    'hands_clasped_front': (pose(both=arm(22, 16, 56, 48)), 'up'),
    'hands_behind_head': (pose(both=arm(0, 130, -68, 130)), 'up'),
    'waving': (pose(left=arm(10, 95, -68, 75, wrist_flex=-10)), 'up'),
    'pointing_forward': (pose(right=arm(86, 12, 10, 5), head_twist=-5), 'up'),
    'pointing_side': (pose(left=arm(20, 86, 0, 6), head_twist=35), 'up'),
    'reaching_up': (pose(left=arm(150, 25, 0, 15), both={'toe_flex': 15}), 'up'),
    'reaching_forward': (
        pose(both=arm(78, 16, 10, 25), torso_bend=18, right=legs(15, 12)),
        'up',
    ),
    'carrying': (pose(both=arm(28, 14, 12, 82)), 'up'),
    'phone_call': (
        pose(right=arm(42, 32, 20, 138), head_side=-8, left=legs(8, 14)),
        'up',
    ),
    'phone_look': (pose(both=arm(28, 14, 32, 96), head_bend=28), 'up'),
    'thinking': (pose(right=arm(48, 18, 38, 128), left=arm(30, 16, 62, 88)), 'up'),
    'walking_contact': (
        pose(
            left={**legs(26, 6, 4), **arm(-24, 12, 5, 14)},
            right={**legs(-16, 14, 5, toe_flex=20), **arm(24, 12, 5, 28)},
            torso_twist=6,
        ),
        'up',
    ),
    'walking_passing': (
        pose(
            left={**legs(2, 5), **arm(-5, 12, 5, 15)},
            right={**legs(14, 52, 0), **arm(8, 12, 5, 20)},
        ),
        'up',
    ),
    'walking_push_off': (
        pose(
            left={**legs(18, 22, 8), **arm(-18, 13, 5, 20)},
            right={**legs(-14, 36, -18, toe_flex=25), **arm(22, 13, 8, 36)},
            torso_bend=5,
        ),
        'up',
    ),
    'running_drive': (
        pose(
            left={**legs(72, 88, 5), **arm(-44, 18, 10, 88)},
            right={**legs(-18, 26, -28), **arm(46, 16, 22, 92)},
            torso_bend=12,
            torso_twist=12,
        ),
        'up',
    ),
    'running_recovery': (
        pose(
            left={**legs(22, 24, 5), **arm(-22, 18, 8, 82)},
            right={**legs(6, 108, -15), **arm(32, 16, 18, 96)},
            torso_bend=14,
        ),
        'up',
    ),
    'lunge': (
        pose(
            left=legs(82, 86, 10),
            right=legs(-16, 44, 15, toe_flex=30),
            both=arm(10, 24, 20, 40),
        ),
        'up',
    ),
    'side_lunge': (
        pose(
            left=legs(62, 84, 15, hip_abd=34, hip_twist=25),
            right=legs(18, 4, 0, hip_abd=42),
            torso_bend=16,
            both=arm(50, 20, 20, 60),
        ),
        'up',
    ),
    'kick_front': (
        pose(
            left={**legs(82, 18, -20), **arm(-20, 40, 0, 50)},
            right={**legs(2, 14, 4), **arm(42, 36, 10, 80)},
            torso_bend=-4,
        ),
        'up',
    ),
    'kick_side': (
        pose(
            left=legs(48, 10, -10, hip_abd=56, hip_twist=-20),
            right=legs(4, 12, 4),
            both=arm(34, 30, 20, 96),
            torso_side=-24,
        ),
        'up',
    ),
    'fighting_stance': (
        pose(
            both=arm(44, 20, 18, 122),
            left=legs(26, 28, 8),
            right=legs(-4, 24, 6, hip_abd=14),
            torso_bend=10,
            torso_twist=-18,
        ),
        'up',
    ),
    'throwing': (
        pose(
            right=arm(10, 98, -60, 84),
            left={**arm(70, 30, 0, 22), **legs(30, 20, 5)},
            torso_twist=-24,
        ),
        'up',
    ),
    'jumping_star': (
        pose(both={**arm(0, 142, 0, 12), **legs(6, 8, -30, hip_abd=30)}),
        'up',
    ),
    'jumping_tuck': (
        pose(both={**arm(60, 34, 10, 50), **legs(72, 98, -25)}, torso_bend=14),
        'up',
    ),
    'bending_forward': (
        pose(
            both={**arm(62, 14, 5, 14), **legs(34, 14, 4)},
            torso_bend=52,
            root_pitch=24,
            head_bend=-12,
        ),
        'up',
    ),
    'touching_toes': (
        pose(
            both={**arm(78, 12, 5, 8), **legs(60, 6, 0)},
            torso_bend=76,
            root_pitch=58,
        ),
        'up',
    ),
    'picking_up': (
        pose(
            both=legs(78, 66, 14),
            right=arm(72, 14, 5, 12),
            left=arm(36, 24, 30, 64),
            torso_bend=36,
            root_pitch=26,
        ),
        'up',
    ),
    'tree': (
        pose(
            left=legs(58, 118, -10, hip_abd=46, hip_twist=46),
            both=arm(0, 158, 0, 32),
        ),
        'up',
    ),
    'warrior': (
        pose(
            left=legs(70, 74, 10, hip_abd=34, hip_twist=30),
            right=legs(-6, 4, 10, hip_abd=38),
            both=arm(0, 88, 0, 4),
            head_twist=58,
        ),
        'up',
    ),
    'arabesque': (
        pose(
            left=legs(-20, 18, -30),
            right=legs(48, 10, 0),
            both=arm(24, 92, 0, 12),
            torso_bend=14,
            root_pitch=50,
            head_bend=-34,
        ),
        'up',
    ),
    'side_bend': (
        pose(
            left=arm(0, 158, 0, 30),
            right=arm(-8, 40, 50, 80),
            torso_side=-28,
            both={'hip_abd': 14},
        ),
        'up',
    ),
    'sitting_chair': (
        pose(both={**legs(88, 88), **arm(24, 15, 20, 50), 'hip_abd': 9}),
        'seat',
    ),
    'sitting_leaning': (
        pose(
            both={**legs(96, 84, 2, hip_abd=16), **arm(46, 20, 32, 78)},
            torso_bend=30,
            root_pitch=6,
        ),
        'seat',
    ),
    'sitting_back': (
        pose(
            both={**legs(76, 66, -5, hip_abd=10), **arm(8, 26, 30, 52)},
            root_pitch=-20,
        ),
        'seat',
    ),
    'sitting_legs_crossed': (
        pose(
            left=legs(98, 82, 0, hip_abd=-12, hip_twist=2),
            right=legs(82, 90, 0, hip_abd=0),
            both=arm(26, 18, 40, 66),
        ),
        'seat',
    ),
    'sitting_floor': (
        pose(
            both={**legs(86, 16, -18, hip_abd=14), **arm(-30, 24, 0, 10)},
            root_pitch=-14,
            torso_bend=12,
        ),
        'seat',
    ),
    'sitting_cross_legged': (
        pose(
            both=arm(22, 24, 24, 52),
            left=legs(92, 122, -20, hip_abd=46, hip_twist=42),
            right=legs(100, 116, -20, hip_abd=50, hip_twist=46),
            torso_bend=14,
        ),
        'seat',
    ),
    'hugging_knees': (
        pose(both={**legs(112, 118, -10), **arm(60, 18, 34, 52)}, torso_bend=26),
        'seat',
    ),
    'crouching': (
        pose(
            both={
                **legs(108, 124, 22, hip_abd=20, hip_twist=14),
                **arm(58, 20, 24, 48),
            },
            torso_bend=26,
            root_pitch=16,
        ),
        'seat',
    ),
    'half_squat': (
        pose(
            both={**legs(72, 80, 18, hip_abd=16), **arm(78, 14, 5, 12)},
            torso_bend=12,
            root_pitch=16,
        ),
        'up',
    ),
    'kneeling_upright': (
        pose(both={**legs(2, 96, -40), **arm(6, 16, 14, 30)}),
        'seat',
    ),
    'kneeling_heels': (
        pose(both={**legs(66, 142, -42), **arm(18, 15, 20, 52)}),
        'seat',
    ),
    'kneeling_one_knee': (
        pose(
            left=legs(88, 90, 2),
            right=legs(-4, 92, 10, toe_flex=30),
            both=arm(28, 20, 28, 60),
            torso_bend=8,
        ),
        'seat',
    ),
    'all_fours': (
        pose(
            both={**legs(88, 88, -40), **arm(86, 12, 5, 6, wrist_flex=-58)},
            root_pitch=84,
            head_bend=-24,
        ),
        'hands_down',
    ),
    'plank': (
        pose(
            both={**legs(6, 4, 18, toe_flex=35), **arm(76, 14, 5, 6, wrist_flex=-55)},
            root_pitch=74,
            head_bend=-18,
        ),
        'hands_down',
    ),
    'lying_back': (
        pose(both={**arm(0, 28, -20, 18), 'ankle_flex': -22}, root_pitch=-88),
        'floor',
    ),
    'lying_back_knees_up': (
        pose(
            both={**arm(6, 34, 20, 52), **legs(44, 88, 0)},
            root_pitch=-86,
            head_bend=18,
        ),
        'floor',
    ),
    'lying_front': (
        pose(
            both={**arm(0, 128, -40, 78), 'ankle_flex': -42},
            root_pitch=88,
            head_twist=58,
        ),
        'floor',
    ),
    'lying_side': (
        pose(
            left={**legs(34, 48), **arm(72, 14, 10, 72)},
            right={**legs(20, 30), **arm(48, 20, 40, 42)},
            root_roll=88,
        ),
        'floor',
    ),
    'cobra': (
        pose(
            both={**arm(40, 14, 5, 24, wrist_flex=-50), 'ankle_flex': -42},
            torso_bend=-25,
            head_bend=-36,
            root_pitch=66,
        ),
        'hands_down',
    ),
}

# How often each group is drawn; the poses of a group share its part evenly.
GROUP_SHARES = {'up': 0.72, 'seat': 0.17, 'floor': 0.07, 'hands_down': 0.04}
