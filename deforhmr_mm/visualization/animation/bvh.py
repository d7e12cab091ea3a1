"""One person's movement as a BVH file: the skeleton without the surface."""

from __future__ import annotations

import warnings

import numpy as np
from scipy.spatial.transform import Rotation

from deforhmr_mm.body_models import SMPL
from deforhmr_mm.structures import PersonMotion

from .rig import BodyRig, rig_from_body
from .tracks import y_up_tracks

_ROTATION_CHANNELS = 'Zrotation Xrotation Yrotation'
_ROOT_CHANNELS = f'Xposition Yposition Zposition {_ROTATION_CHANNELS}'
# Below this |cos x| the angles about z and y turn about the same axis.
_LOCKED = 1e-5


def encode_bvh(
    person: PersonMotion, body: SMPL, fps: float, scale: float = 1.0
) -> bytes:
    """Return a BVH file of one person's movement.

    The skeleton is SMPL's, in the rest pose of the person's shape; y is up and the
    camera, at the origin, looks along -z. The file starts at the person's first frame
    and ends at the last; in frames between them in which the person is not there, the
    pose before is held. The root's offset is zero, since programs differ in whether
    its position counts from there.

    Args:
        person: The person, in at least one frame.
        body: The body.
        fps: Frames a second.
        scale: Units of the file a metre: 1 for metres, Blender's unit; 100 for
            centimetres, which MotionBuilder and Maya expect.

    Raises:
        ValueError: If the person is in no frame, `fps` or `scale` is not positive, or
            the betas do not fit the body.
    """
    if len(person) == 0:
        raise ValueError(
            f'a BVH file needs a frame, and person {person.person_id} has none'
        )
    for name, value in (('fps', fps), ('scale', scale)):
        if not (np.isfinite(value) and value > 0):
            raise ValueError(f'{name} must be a positive number, got {value}')
    try:
        rig = rig_from_body(body, person.betas)
    except ValueError as error:
        raise ValueError(f'person {person.person_id}: {error}') from error
    tracks = y_up_tracks(person, rig)
    angles = continuous_euler_angles(tracks.rotations)
    order = _depth_first(rig.parents)
    rows = np.concatenate(
        (scale * tracks.root_positions, angles[:, order].reshape(len(person), -1)),
        axis=1,
    )
    frames = np.arange(person.frames[0], person.frames[-1] + 1)
    held = np.searchsorted(person.frames, frames, side='right') - 1
    lines = [
        'HIERARCHY',
        *_hierarchy(rig, scale),
        'MOTION',
        f'Frames: {len(frames)}',
        f'Frame Time: {1 / fps:.9f}',
        *(' '.join(f'{value:.6f}' for value in row) for row in rows[held]),
    ]
    return '\n'.join([*lines, '']).encode('ascii')


def continuous_euler_angles(rotations: np.ndarray) -> np.ndarray:
    """Angles (z, x, y) in degrees with R = Rz Rx Ry that change as little as they can.

    Every rotation has two triples of angles, and each angle may count full turns; the
    triple that lies nearest to the frame before is taken. Where x is a quarter turn
    only a sum of z and y is determined: both then change by the same amount.

    Args:
        rotations: (T, J, 3, 3).

    Returns:
        (T, J, 3) float64; those of the first frame are in [-180, 180].

    Example:
        >>> turns = Rotation.from_euler('x', [[80.0], [100.0]], degrees=True)
        >>> continuous_euler_angles(turns.as_matrix()[:, None])[:, 0].round(6) + 0
        array([[  0.,  80.,   0.],
               [  0., 100.,   0.]])
    """
    length, count = rotations.shape[:2]
    with warnings.catch_warnings():
        # scipy says that x is a quarter turn; it is seen to below.
        warnings.filterwarnings('ignore', message='Gimbal lock')
        flat = Rotation.from_matrix(rotations.reshape(-1, 3, 3)).as_euler('ZXY', True)
    angles = flat.reshape(length, count, 3)
    for now in range(1, length):
        before = angles[now - 1]
        other = angles[now] * (1, -1, 1) + 180
        choices = [_near(choice, before) for choice in (angles[now], other)]
        steps = [np.abs(choice - before).sum(axis=-1) for choice in choices]
        nearest = np.where((steps[0] <= steps[1])[:, None], *choices)
        angles[now] = _share_locked(nearest, before)
    return angles


def _near(angles: np.ndarray, before: np.ndarray) -> np.ndarray:
    """The same angles, with as many full turns as bring them nearest to others."""
    return angles + 360 * np.round((before - angles) / 360)


def _share_locked(angles: np.ndarray, before: np.ndarray) -> np.ndarray:
    """Where z and y turn about one axis, give each half of the change."""
    x = np.deg2rad(angles[:, 1])
    locked = np.abs(np.cos(x)) < _LOCKED
    # With x = 90 degrees R depends on z + y alone, with x = -90 on z - y.
    sign = np.sign(np.sin(x))
    change = (angles - before)[:, 0] + sign * (angles - before)[:, 2]
    change -= 360 * np.round(change / 360)
    shared = angles.copy()
    shared[:, 0] = before[:, 0] + change / 2
    shared[:, 2] = before[:, 2] + sign * change / 2
    return np.where(locked[:, None], shared, angles)


def _children(parents: np.ndarray, joint: int) -> list[int]:
    return np.flatnonzero(parents == joint).tolist()


def _depth_first(parents: np.ndarray, joint: int = 0) -> list[int]:
    """The joints in the order in which the hierarchy names them."""
    order = [joint]
    for child in _children(parents, joint):
        order += _depth_first(parents, child)
    return order


def _hierarchy(rig: BodyRig, scale: float, joint: int = 0, depth: int = 0) -> list[str]:
    """The lines of a joint and of all below it."""
    offset = scale * rig.joint_offsets()[joint]
    word = 'JOINT' if depth else 'ROOT'
    channels = _ROTATION_CHANNELS if depth else _ROOT_CHANNELS
    lines = [
        f'{word} {rig.joint_names[joint]}',
        '{',
        f'  OFFSET {_numbers(offset)}',
        f'  CHANNELS {len(channels.split())} {channels}',
    ]
    children = _children(rig.parents, joint)
    for child in children:
        lines += _hierarchy(rig, scale, child, depth + 1)
    if not children:
        end = _numbers(scale * _end_site(rig, joint))
        lines += ['  End Site', '  {', f'    OFFSET {end}', '  }']
    lines.append('}')
    return [f'  {line}' for line in lines] if depth else lines


def _end_site(rig: BodyRig, joint: int) -> np.ndarray:
    """(3,) metres from a last joint on to where the surface ends: the crown, a tip."""
    bone = rig.joint_offsets()[joint]
    bone = bone / np.linalg.norm(bone)
    own = rig.blend_weights.argmax(axis=1) == joint
    reach = ((rig.vertices[own] - rig.joints[joint]) @ bone).max(initial=0.0)
    # Programs make nothing of a bone without length.
    return bone * max(reach, 0.01)


def _numbers(values: np.ndarray) -> str:
    return ' '.join(f'{value:.6f}' for value in values)
