"""Joint names and links of the keypoint sets in use.

A joint that two sets share has the same name in both. Sets differ a little in where a
joint lies (hips above all: a mocap marker's, a labeller's and SMPL's hip are not the
same point); where the field treats them as one joint, so do the names, otherwise the
name carries the source as in `neck_lsp`.
"""

SMPL24 = (
    'pelvis',
    'left_hip',
    'right_hip',
    'spine1',
    'left_knee',
    'right_knee',
    'spine2',
    'left_ankle',
    'right_ankle',
    'spine3',
    'left_foot',
    'right_foot',
    'neck',
    'left_collar',
    'right_collar',
    'head',
    'left_shoulder',
    'right_shoulder',
    'left_elbow',
    'right_elbow',
    'left_wrist',
    'right_wrist',
    'left_hand',
    'right_hand',
)

SMPL_PARENTS = (
    *(-1, 0, 0, 0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 9, 9, 12, 13, 14, 16, 17, 18, 19),
    *(20, 21),
)
"""Parent of every SMPL joint in the order of `smpl24`; -1 for the root."""

# smplx's order of the vertices that it appends to SMPL's joints.
LANDMARKS21 = (
    'nose',
    'right_eye',
    'left_eye',
    'right_ear',
    'left_ear',
    'left_big_toe',
    'left_small_toe',
    'left_heel',
    'right_big_toe',
    'right_small_toe',
    'right_heel',
    'left_thumb',
    'left_index',
    'left_middle',
    'left_ring',
    'left_pinky',
    'right_thumb',
    'right_index',
    'right_middle',
    'right_ring',
    'right_pinky',
)

COCO17 = (
    'nose',
    'left_eye',
    'right_eye',
    'left_ear',
    'right_ear',
    'left_shoulder',
    'right_shoulder',
    'left_elbow',
    'right_elbow',
    'left_wrist',
    'right_wrist',
    'left_hip',
    'right_hip',
    'left_knee',
    'right_knee',
    'left_ankle',
    'right_ankle',
)

# OpenPose BODY_25, the `openpose` key of SPIN's files. Its mid-hip is our pelvis.
OPENPOSE25 = (
    'nose',
    'neck',
    'right_shoulder',
    'right_elbow',
    'right_wrist',
    'left_shoulder',
    'left_elbow',
    'left_wrist',
    'pelvis',
    'right_hip',
    'right_knee',
    'right_ankle',
    'left_hip',
    'left_knee',
    'left_ankle',
    'right_eye',
    'left_eye',
    'right_ear',
    'left_ear',
    'left_big_toe',
    'left_small_toe',
    'left_heel',
    'right_big_toe',
    'right_small_toe',
    'right_heel',
)

# The `part` and `S` keys of SPIN's files.
SPIN24 = (
    'right_ankle',
    'right_knee',
    'right_hip',
    'left_hip',
    'left_knee',
    'left_ankle',
    'right_wrist',
    'right_elbow',
    'right_shoulder',
    'left_shoulder',
    'left_elbow',
    'left_wrist',
    'neck_lsp',
    'head_top',
    'pelvis_mpii',
    'thorax_mpii',
    'spine_h36m',
    'jaw_h36m',
    'head_h36m',
    'nose',
    'left_eye',
    'right_eye',
    'left_ear',
    'right_ear',
)

# HMR2.0's `extra_keypoints_*`: SPIN's 24 without the five of the face.
HMR2_EXTRA19 = SPIN24[:19]

# Rows of SPIN's J_regressor_h36m.
H36M17 = (
    'pelvis',
    'left_hip',
    'left_knee',
    'left_ankle',
    'right_hip',
    'right_knee',
    'right_ankle',
    'spine_h36m',
    'neck_h36m',
    'jaw_h36m',
    'head_h36m',
    'left_shoulder',
    'left_elbow',
    'left_wrist',
    'right_shoulder',
    'right_elbow',
    'right_wrist',
)

H36M_EVAL_JOINTS = (
    'right_ankle',
    'right_knee',
    'right_hip',
    'left_hip',
    'left_knee',
    'left_ankle',
    'right_wrist',
    'right_elbow',
    'right_shoulder',
    'left_shoulder',
    'left_elbow',
    'left_wrist',
    'neck_h36m',
    'head_h36m',
)
"""The 14 joints of `h36m17` that are scored, in LSP's order (SPIN's H36M_TO_J14)."""


def _limb_links(*chains: tuple[str, ...]) -> tuple[tuple[str, str], ...]:
    """Links of chains of joints, each chain given for one side and taken on both."""
    return tuple(
        (_on_side(side, first), _on_side(side, second))
        for chain in chains
        for side in ('left', 'right')
        for first, second in zip(chain[:-1], chain[1:], strict=True)
    )


def _on_side(side: str, name: str) -> str:
    return name.replace('*', side)


_ARM = ('*_shoulder', '*_elbow', '*_wrist')
_LEG = ('*_hip', '*_knee', '*_ankle')
_FACE = ('nose', '*_eye', '*_ear')
_FOOT = ('*_ankle', '*_heel')
_TOES = ('*_ankle', '*_big_toe', '*_small_toe')
_FINGERS = tuple(
    ('*_hand', f'*_{finger}')
    for finger in ('thumb', 'index', 'middle', 'ring', 'pinky')
)
_SMPL24_LINKS = tuple(
    (SMPL24[parent], SMPL24[child])
    for child, parent in enumerate(SMPL_PARENTS)
    if parent >= 0
)

DEFINITIONS = {
    'smpl24': (SMPL24, _SMPL24_LINKS),
    'smpl45': (
        SMPL24 + LANDMARKS21,
        (
            *_SMPL24_LINKS,
            ('head', 'nose'),
            *_limb_links(_FACE, _FOOT, _TOES, *_FINGERS),
        ),
    ),
    'coco17': (
        COCO17,
        (
            ('left_shoulder', 'right_shoulder'),
            ('left_hip', 'right_hip'),
            *_limb_links(_FACE, _ARM, _LEG, ('*_shoulder', '*_hip')),
        ),
    ),
    'openpose25': (
        OPENPOSE25,
        (
            ('pelvis', 'neck'),
            ('neck', 'nose'),
            *_limb_links(_FACE, ('neck', *_ARM), ('pelvis', *_LEG), _FOOT, _TOES),
        ),
    ),
    'spin24': (
        SPIN24,
        (
            ('pelvis_mpii', 'spine_h36m'),
            ('spine_h36m', 'thorax_mpii'),
            ('thorax_mpii', 'neck_lsp'),
            ('neck_lsp', 'jaw_h36m'),
            ('jaw_h36m', 'head_h36m'),
            ('head_h36m', 'head_top'),
            ('jaw_h36m', 'nose'),
            *_limb_links(_FACE, ('thorax_mpii', *_ARM), ('pelvis_mpii', *_LEG)),
        ),
    ),
    'hmr2_extra19': (
        HMR2_EXTRA19,
        (
            ('pelvis_mpii', 'spine_h36m'),
            ('spine_h36m', 'thorax_mpii'),
            ('thorax_mpii', 'neck_lsp'),
            ('neck_lsp', 'jaw_h36m'),
            ('jaw_h36m', 'head_h36m'),
            ('head_h36m', 'head_top'),
            *_limb_links(('thorax_mpii', *_ARM), ('pelvis_mpii', *_LEG)),
        ),
    ),
    'h36m17': (
        H36M17,
        (
            ('pelvis', 'spine_h36m'),
            ('spine_h36m', 'neck_h36m'),
            ('neck_h36m', 'jaw_h36m'),
            ('jaw_h36m', 'head_h36m'),
            *_limb_links(('neck_h36m', *_ARM), ('pelvis', *_LEG)),
        ),
    ),
}
"""Names and links of every set that comes with the project."""
