"""Extra surfaces worn over the body: skirts and long hair, as simple open tubes."""

from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from scipy.spatial import cKDTree

from .body import Body


class Tube(NamedTuple):
    """An open sheet of vertices at rest in the mean shape, metres."""

    vertices: np.ndarray  # (E, 3)
    weights: np.ndarray  # (E, 24)
    faces: np.ndarray  # (G, 3)


@dataclass(frozen=True)
class Measures:
    """Where things are on the mean body at rest, in metres, T-pose, facing +z."""

    pelvis: np.ndarray
    neck: np.ndarray
    hip_y: float
    knee_y: float
    ankle_y: float
    toe_y: float
    waist_y: float
    chest_y: float
    shoulder_x: float
    elbow_x: float
    wrist_x: float
    nose: np.ndarray
    left_eye: np.ndarray
    ear_centre: np.ndarray
    ear_x: float
    head_top_y: float


def measure(body: Body) -> Measures:
    """Measure the body's mean shape."""
    joint = body.rest_joint
    ears = np.stack([joint('left_ear'), joint('right_ear')])
    return Measures(
        pelvis=joint('pelvis'),
        neck=joint('neck'),
        hip_y=joint('left_hip')[1],
        knee_y=joint('left_knee')[1],
        ankle_y=joint('left_ankle')[1],
        toe_y=body.template[:, 1].min(),
        waist_y=0.5 * (joint('spine1')[1] + joint('pelvis')[1]) + 0.06,
        chest_y=joint('spine3')[1],
        shoulder_x=joint('left_shoulder')[0],
        elbow_x=joint('left_elbow')[0],
        wrist_x=joint('left_wrist')[0],
        nose=joint('nose'),
        left_eye=joint('left_eye'),
        ear_centre=ears.mean(axis=0),
        ear_x=abs(ears[:, 0]).mean(),
        head_top_y=body.template[:, 1].max(),
    )


def _ramp(values: np.ndarray, low: float, high: float) -> np.ndarray:
    """Smooth step from 0 at `low` to 1 at `high`."""
    share = np.clip((values - low) / (high - low), 0, 1)
    return share * share * (3 - 2 * share)


def _grid_faces(rows: int, columns: int, closed: bool) -> np.ndarray:
    """Triangles of a grid of vertices; `closed` joins the last column to the first."""
    row, column = np.meshgrid(
        np.arange(rows - 1),
        np.arange(columns if closed else columns - 1),
        indexing='ij',
    )
    right = (column + 1) % columns
    a, b = row * columns + column, row * columns + right
    c, d = (row + 1) * columns + right, (row + 1) * columns + column
    first = np.stack([a, b, c], axis=-1).reshape(-1, 3)
    second = np.stack([a, c, d], axis=-1).reshape(-1, 3)
    return np.concatenate([first, second]).astype(np.int32)


def skirt(
    body: Body, measures: Measures, hem_y: float, flare: float, pleats: float
) -> Tube:
    """A skirt from the waist to `hem_y`.

    Args:
        body: The body that wears it.
        measures: Its measures.
        hem_y: Height of the hem at rest, metres.
        flare: How much wider than the body the hem is, metres.
        pleats: Depth of the folds at the hem, metres.
    """
    rows, columns = 9, 48
    height = np.linspace(measures.waist_y, hem_y, rows)
    angle = np.linspace(0, 2 * np.pi, columns, endpoint=False)
    not_arm = np.abs(body.template[:, 0]) < measures.shoulder_x * 1.6
    half_x, half_z, centre_z = [], [], []
    for y in height:
        near = not_arm & (np.abs(body.template[:, 1] - y) < 0.035)
        x, z = np.abs(body.template[near, 0]), body.template[near, 2]
        half_x.append(x.max())
        half_z.append(0.5 * np.ptp(z))
        centre_z.append(0.5 * (z.max() + z.min()))
    share = np.linspace(0, 1, rows)
    wide = np.maximum.accumulate(half_x) + 0.012 + flare * share
    deep = np.maximum.accumulate(half_z) + 0.012 + flare * share
    fold = 1 + (pleats / wide)[:, None] * share[:, None] * np.sin(12 * angle)
    x = wide[:, None] * np.cos(angle) * fold
    z = np.array(centre_z)[:, None] + deep[:, None] * np.sin(angle) * fold
    y = np.broadcast_to(height[:, None], x.shape)
    vertices = np.stack([x, y, z], axis=-1).reshape(-1, 3)

    left = _ramp(vertices[:, 0], -0.75 * half_x[0], 0.75 * half_x[0])
    on_legs = 1 - _ramp(vertices[:, 1], measures.hip_y - 0.06, measures.waist_y - 0.01)
    below_knee = 1 - _ramp(
        vertices[:, 1], measures.knee_y - 0.06, measures.knee_y + 0.06
    )
    weights = np.zeros((len(vertices), body.weights.shape[1]))
    for side, amount in (('left', left), ('right', 1 - left)):
        hip = body.joint_names.index(f'{side}_hip')
        knee = body.joint_names.index(f'{side}_knee')
        weights[:, knee] = amount * on_legs * below_knee
        weights[:, hip] = amount * on_legs * (1 - below_knee)
    weights[:, body.joint_names.index('pelvis')] += 1 - on_legs
    return Tube(vertices, weights, _grid_faces(rows, columns, closed=True))


def long_hair(body: Body, measures: Measures, length: float, volume: float) -> Tube:
    """Hair that hangs from the back and the sides of the head.

    Args:
        body: The body that wears it.
        measures: Its measures.
        length: How far below the ears it reaches, metres.
        volume: Distance from the head, metres.
    """
    rows, columns = 9, 25
    top = measures.left_eye[1] + 0.045
    height = np.linspace(top, measures.ear_centre[1] - length, rows)
    angle = np.linspace(np.radians(-14), np.radians(194), columns)
    share = np.linspace(0, 1, rows)[:, None]
    head = np.abs(body.template[:, 1] - measures.ear_centre[1]) < 0.05
    back = measures.ear_centre[2] - body.template[head, 2].min()
    wide = measures.ear_x + volume + 0.02 * share
    deep = back + volume + 0.03 * share
    x = wide * np.cos(angle)
    z = measures.ear_centre[2] + 0.01 - deep * np.sin(angle)
    y = np.broadcast_to(height[:, None], x.shape)
    vertices = np.stack([x, y, z], axis=-1).reshape(-1, 3)
    on_back = 1 - _ramp(vertices[:, 1], measures.neck[1] - 0.16, measures.neck[1] + 0.1)
    weights = np.zeros((len(vertices), body.weights.shape[1]))
    weights[:, body.joint_names.index('head')] = 1 - on_back
    weights[:, body.joint_names.index('spine3')] = on_back
    return Tube(vertices, weights, _grid_faces(rows, columns, closed=False))


def nearest_vertices(body: Body, points: np.ndarray) -> np.ndarray:
    """(E,) body vertex nearest to each of the points (E, 3) at rest."""
    return cKDTree(body.template).query(points)[1]
