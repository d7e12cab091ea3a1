"""EMDB's sequences (Kaufmann et al., EMDB, ICCV 2023).

A sequence is a folder ``P0/09_outdoor_walk`` with ``images/00000.jpg``, ... and
``P0_09_outdoor_walk_data.pkl``: F frames of one person, SMPL's parameters in the
world's frame, and the camera's extrinsics, which lead from there to the camera's (x
right, y down, z forward). The layout was taken from ``dataset.md`` and
``visualize.py`` of https://github.com/eth-ait/emdb; hmr4d/dataset/emdb/utils.py of
https://github.com/zju3dv/GVHMR reads the same. The code here is our own.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from deforhmr_mm.body_models import SMPL
from deforhmr_mm.body_models.safe_pickle import load_pickled_arrays
from deforhmr_mm.structures import get_keypoint_set

from ..labels import AnnotationError
from .camera_frame import move_translations, rest_pelvis, smpl_joints, turn_roots
from .columns import Columns, box_around, place_joints
from .raw_values import expect_array, expect_gender, expect_keys

__all__ = [
    'SPLITS',
    'EMDBSequence',
    'convert_sequence',
    'find_sequences',
    'read_sequence',
]

SPLITS = {'emdb1': 17, 'emdb2': 25, 'all': 81}
"""How many sequences EMDB has of each; some belong to both emdb1 and emdb2."""

_GENDERS = ('male', 'female', 'neutral')
_KEYS = ('name', 'gender', 'emdb1', 'emdb2', 'n_frames', 'good_frames_mask', 'kp2d')
_GROUPS = {
    'camera': ('intrinsics', 'extrinsics'),
    'smpl': ('poses_root', 'poses_body', 'trans', 'betas'),
    'bboxes': ('bboxes', 'invalid_idxs'),
}
# `kp2d` are the joints of the labelled body itself: more than this share of the box
# says that another body was given.
_JOINTS_TOLERANCE = 0.01
# Between R R^T and the identity, for cameras that were rounded.
_RIGID_TOLERANCE = 1e-3


@dataclass(frozen=True)
class EMDBSequence:
    """What a sequence's file holds of F frames.

    Attributes:
        folder: The pictures' folder, relative to the data set's.
        splits: Those of `SPLITS` that the sequence belongs to.
        gender: 'm', 'f' or 'n'.
        usable: (F,) bool, the good frames with a valid box.
        intrinsics: (3, 3) pixels.
        extrinsics: (F, 4, 4) from the world to the camera, metres.
        pose: (F, 72) axis-angle, root first, in the world.
        transl: (F, 3) metres, added to the posed body in the world.
        betas: (10,) of the body of that gender.
        joints_2d: (F, 24, 2) SMPL's joints, pixels.
        corners: (F, 2, 2) upper left and lower right corner of the box, pixels.
    """

    folder: str
    splits: frozenset[str]
    gender: str
    usable: np.ndarray
    intrinsics: np.ndarray
    extrinsics: np.ndarray
    pose: np.ndarray
    transl: np.ndarray
    betas: np.ndarray
    joints_2d: np.ndarray
    corners: np.ndarray


def find_sequences(root: Path, split: str) -> list[Path]:
    """The files of a split's sequences, by the flags in them.

    Args:
        root: EMDB's folder, with ``P0`` to ``P9``.
        split: One of `SPLITS`.

    Raises:
        FileNotFoundError: If there are no sequences.
        AnnotationError: If a file is not what it must be, or none is of the split.
    """
    files = sorted(root.glob('*/*/*_data.pkl'))
    if not files:
        raise FileNotFoundError(
            f'there are no sequences (such as P0/09_outdoor_walk/*_data.pkl) in {root}'
        )
    found = [path for path in files if split in read_sequence(path).splits]
    if not found:
        raise AnnotationError(
            f'{root}: none of the {len(files)} sequences that are there is of {split}; '
            f'EMDB has {SPLITS[split]} of it.'
        )
    return found


def read_sequence(path: Path) -> EMDBSequence:
    """Read a sequence's file without running anything in it.

    Raises:
        UnsafePickleError: If the file names anything but numpy.
        AnnotationError: If it lacks something, sizes do not fit, or it lies in another
            sequence's folder.
    """
    content = load_pickled_arrays(path, 'an EMDB sequence')
    expect_keys(path, content, (*_KEYS, *_GROUPS))
    frames = int(expect_array(path, 'n_frames', content['n_frames']))

    def numbers(name: str, *shape: int) -> np.ndarray:
        group, _, key = name.rpartition('.')
        values = content[group] if group else content
        return expect_array(path, name, values[key], *shape).astype(np.float64)

    for group, keys in _GROUPS.items():
        _expect_group(path, group, content[group], keys)
    corners = numbers('bboxes.bboxes', frames, 4).reshape(frames, 2, 2)
    usable = numbers('good_frames_mask', frames) > 0
    usable &= (corners[:, 1] > corners[:, 0]).all(axis=1)
    usable[_invalid_boxes(path, content['bboxes']['invalid_idxs'], frames)] = False
    root = numbers('smpl.poses_root', frames, 3)
    body = numbers('smpl.poses_body', frames, 69)
    return EMDBSequence(
        folder=_folder(path, content['name']),
        splits=frozenset({'all', *(key for key in ('emdb1', 'emdb2') if numbers(key))}),
        gender=expect_gender(path, content['gender'], _GENDERS),
        usable=usable,
        intrinsics=numbers('camera.intrinsics', 3, 3),
        extrinsics=numbers('camera.extrinsics', frames, 4, 4),
        pose=np.concatenate([root, body], axis=1),
        transl=numbers('smpl.trans', frames, 3),
        betas=numbers('smpl.betas', 10),
        joints_2d=numbers('kp2d', frames, 24, 2),
        corners=corners,
    )


def convert_sequence(path: Path, bodies: Mapping[str, SMPL] | None = None) -> Columns:
    """Labels of a sequence's usable frames, in the camera's frame.

    ``part`` has those of `kp2d` that `spin24` names. ``transl`` needs the pelvis of the
    rest pose (see `camera_frame`), so it is there with `bodies` alone; they must give
    the joints of `kp2d`.

    Args:
        path: The ``.pkl`` file.
        bodies: SMPL by gender, 'm', 'f' and 'n', at least the person's.

    Returns:
        Columns of N frames; the person is number 0.

    Raises:
        AnnotationError: As `read_sequence`; a camera is no rotation; there is no body
            of the person's gender, or it is another one than the labels are of.
    """
    whole = read_sequence(path)
    frames = np.flatnonzero(whole.usable)
    cameras = whole.extrinsics[frames]
    _expect_rotations(path, cameras[:, :3, :3], frames)
    pose = whole.pose[frames]
    pose[:, :3] = turn_roots(cameras, pose[:, :3])
    corners, joints_2d = whole.corners[frames], whole.joints_2d[frames]
    center, scale = box_around(corners)
    transl = np.full((len(frames), 3), np.nan)
    if bodies is not None and len(frames):
        body = _body(path, whole.gender, bodies)
        pelvis = rest_pelvis(body, whole.betas)
        transl = move_translations(cameras, whole.transl[frames], pelvis)
        joints = smpl_joints(body, pose, whole.betas) + transl[:, None]
        _expect_same_joints(path, joints @ whole.intrinsics.T, joints_2d, corners)
    known = np.isfinite(joints_2d).all(axis=-1, keepdims=True)
    part = np.concatenate([np.where(known, joints_2d, 0), known], axis=-1)
    return {
        'imgname': np.array([f'{whole.folder}/{f:05d}.jpg' for f in frames], dtype=str),
        'gender': np.full(len(frames), whole.gender),
        'center': center,
        'scale': scale,
        'part': place_joints(part, get_keypoint_set('smpl24').names),
        'pose': pose,
        'shape': np.tile(whole.betas, (len(frames), 1)),
        'has_smpl': np.ones(len(frames)),
        'transl': transl,
        'focal_l': np.full(len(frames), whole.intrinsics[0, 0]),
        'principal_point': np.tile(whole.intrinsics[:2, 2], (len(frames), 1)),
        'person_id': np.zeros(len(frames)),
    }


def _expect_group(path: Path, name: str, value: Any, keys: tuple[str, ...]) -> None:
    if not isinstance(value, Mapping):
        raise AnnotationError(
            f'{path}: {name} must be a dictionary of {", ".join(keys)}, but is '
            f'{type(value).__name__}.'
        )
    expect_keys(path, value, keys, name)


def _folder(path: Path, name: Any) -> str:
    """The pictures' folder; the file must lie where its name says."""
    subject, sequence = path.parts[-3:-1]
    if name != f'{subject}_{sequence}':
        raise AnnotationError(
            f'{path}: the file is of {name!r}, but its folders say '
            f"'{subject}_{sequence}'. Lay the folders out as EMDB has them."
        )
    return f'{subject}/{sequence}/images'


def _invalid_boxes(path: Path, value: Any, frames: int) -> np.ndarray:
    rows = expect_array(path, 'bboxes.invalid_idxs', value, None).astype(np.int64)
    if rows.size and not 0 <= rows.min() <= rows.max() < frames:
        raise AnnotationError(
            f'{path}: bboxes.invalid_idxs must be between 0 and {frames - 1}, the '
            f'last frame, but are from {rows.min()} to {rows.max()}.'
        )
    return rows


def _expect_rotations(path: Path, turns: np.ndarray, frames: np.ndarray) -> None:
    error = np.abs(turns @ np.swapaxes(turns, 1, 2) - np.eye(3)).max(axis=(1, 2))
    good = (error <= _RIGID_TOLERANCE) & (np.linalg.det(turns) > 0)
    if not good.all():
        raise AnnotationError(
            f'{path}: camera.extrinsics of {(~good).sum()} good frames, the first of '
            f'them {frames[~good][0]}, hold no rotation in their first three rows and '
            'columns.'
        )


def _body(path: Path, gender: str, bodies: Mapping[str, SMPL]) -> SMPL:
    if gender not in bodies:
        name = next(name for name in _GENDERS if name[0] == gender)
        raise AnnotationError(
            f"{path}: the person is {name}, and SMPL's {name} model was not given. "
            f'Name it, too: --{name}-smpl FILE.'
        )
    return bodies[gender]


def _expect_same_joints(
    path: Path, points: np.ndarray, joints_2d: np.ndarray, corners: np.ndarray
) -> None:
    """Compare joints in the camera, (F, 24, 3) times the intrinsics, with `kp2d`."""
    distances = np.linalg.norm(points[..., :2] / points[..., 2:] - joints_2d, axis=-1)
    sides = (corners[:, 1] - corners[:, 0]).max(axis=1)
    off = float(np.nanmedian(distances / sides[:, None]))
    if off > _JOINTS_TOLERANCE:
        raise AnnotationError(
            f"{path}: the given SMPL models' joints lie {off:.1%} of the box's side "
            'from those of kp2d, which are of the body that the labels belong to. Give '
            "SMPL's own models, male and female not exchanged; without any, the file "
            'is converted without translations.'
        )
