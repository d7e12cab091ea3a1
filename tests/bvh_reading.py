"""A second reading of BVH files: tokens, one after the other, and their kinematics."""

from typing import NamedTuple

import numpy as np


class BVH(NamedTuple):
    names: list
    parents: list
    offsets: np.ndarray
    end_sites: dict
    channels: list
    frame_time: float
    rows: np.ndarray

    def positions(self):
        """(T, J, 3) of all joints, offsets and channels applied in the file's order."""
        placed = np.empty((len(self.rows), len(self.names), 3))
        for t, row in enumerate(self.rows):
            values = iter(row)
            matrices = []
            for joint, parent in enumerate(self.parents):
                matrix = np.eye(4) if parent < 0 else matrices[parent].copy()
                matrix = matrix @ translation(self.offsets[joint])
                for channel in self.channels[joint]:
                    matrix = matrix @ MOVES[channel](next(values))
                matrices.append(matrix)
                placed[t, joint] = matrix[:3, 3]
            assert next(values, None) is None
        return placed


def translation(offset):
    matrix = np.eye(4)
    matrix[:3, 3] = offset
    return matrix


def rotation(axis, degrees):
    first, second = (axis + 1) % 3, (axis + 2) % 3
    cosine, sine = np.cos(np.deg2rad(degrees)), np.sin(np.deg2rad(degrees))
    matrix = np.eye(4)
    matrix[first, first] = matrix[second, second] = cosine
    matrix[first, second], matrix[second, first] = -sine, sine
    return matrix


MOVES = {
    'Xposition': lambda value: translation((value, 0, 0)),
    'Yposition': lambda value: translation((0, value, 0)),
    'Zposition': lambda value: translation((0, 0, value)),
    'Xrotation': lambda value: rotation(0, value),
    'Yrotation': lambda value: rotation(1, value),
    'Zrotation': lambda value: rotation(2, value),
}


def read_bvh(data: bytes) -> BVH:
    text, _, motion = data.decode('ascii').partition('MOTION')
    words = iter(text.split())
    assert next(words) == 'HIERARCHY'
    names, parents, offsets, channels, ends, open_ones = [], [], [], [], {}, []
    for word in words:
        if word in ('ROOT', 'JOINT'):
            assert (word == 'ROOT') == (not open_ones)
            parents.append(open_ones[-1] if open_ones else -1)
            names.append(next(words))
            assert next(words) == '{'
            open_ones.append(len(names) - 1)
        elif word == 'End':
            assert [next(words) for _ in range(3)] == ['Site', '{', 'OFFSET']
            ends[names[open_ones[-1]]] = [float(next(words)) for _ in range(3)]
            assert next(words) == '}'
        elif word == 'OFFSET':
            offsets.append([float(next(words)) for _ in range(3)])
        elif word == 'CHANNELS':
            channels.append([next(words) for _ in range(int(next(words)))])
        else:
            assert word == '}'
            open_ones.pop()
    assert not open_ones
    lines = motion.strip().splitlines()
    assert lines[0].startswith('Frames: ') and lines[1].startswith('Frame Time: ')
    rows = np.array([[float(value) for value in line.split()] for line in lines[2:]])
    assert len(rows) == int(lines[0].split()[1])
    time = float(lines[1].split()[2])
    return BVH(names, parents, np.array(offsets), ends, channels, time, rows)
