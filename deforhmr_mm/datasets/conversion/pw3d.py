"""3DPW's sequence files.

A file holds lists with one entry for each person and F frames; poses and translations
are in the world's frame, `cam_poses` lead from there to the camera's. Frame f is
picture ``image_%05d.jpg`` with f itself (`img_frame_ids` counts the 60 Hz recording).
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from deforhmr_mm.body_models import SMPL
from deforhmr_mm.body_models.safe_pickle import load_pickled_arrays

from ..labels import AnnotationError
from .camera_frame import move_translations, rest_pelvis, smpl_joints, turn_roots
from .columns import Columns, box_around, place_joints
from .raw_values import expect_array, expect_gender, expect_keys

__all__ = ['POSES_2D_NAMES', 'convert_sequence', 'read_sequence']

POSES_2D_NAMES = (
    'nose',
    'neck',
    *(f'right_{name}' for name in ('shoulder', 'elbow', 'wrist')),
    *(f'left_{name}' for name in ('shoulder', 'elbow', 'wrist')),
    *(f'right_{name}' for name in ('hip', 'knee', 'ankle')),
    *(f'left_{name}' for name in ('hip', 'knee', 'ankle')),
    *('right_eye', 'left_eye', 'right_ear', 'left_ear'),
)
"""Order of `poses2d`: OpenPose's with 18 joints."""

# Between the rest pelvis of one frame and another; more says that `jointPositions` was
# made with another body than `trans`.
_PELVIS_TOLERANCE = 1e-3


def read_sequence(path: Path) -> dict[str, Any]:
    """Read a sequence file without running anything in it.

    Raises:
        UnsafePickleError: If the file names anything but numpy.
        AnnotationError: If it lacks something, or sizes do not fit.
    """
    content = load_pickled_arrays(path, 'a 3DPW sequence')
    keys = ('poses', 'betas', 'poses2d', 'genders', 'campose_valid', 'cam_poses')
    keys += ('cam_intrinsics', 'sequence')
    expect_keys(path, content, keys)
    cameras = expect_array(path, 'cam_poses', content['cam_poses'], None, 4, 4)
    frames = len(cameras)
    people = len(content['poses'])
    for key, shape in (
        ('poses', (frames, 72)),
        ('betas', (None,)),
        ('poses2d', (frames, 3, 18)),
        ('campose_valid', (frames,)),
        ('trans', (frames, 3)),
        ('jointPositions', (frames, 72)),
    ):
        if key not in content:
            continue
        if len(content[key]) != people:
            raise AnnotationError(
                f'{path}: {key} is of {len(content[key])} people, poses of {people}.'
            )
        for person, values in enumerate(content[key]):
            expect_array(path, f'{key}[{person}]', values, *shape)
    if len(content['genders']) != people:
        raise AnnotationError(
            f'{path}: genders is of {len(content["genders"])} people, poses of '
            f'{people}.'
        )
    expect_array(path, 'cam_intrinsics', content['cam_intrinsics'], 3, 3)
    return content


def convert_sequence(path: Path, bodies: Mapping[str, SMPL] | None = None) -> Columns:
    """Labels of a sequence's people, in the camera's frame.

    Kept are the frames where the camera is known (`campose_valid`) and a joint was
    found in the picture. ``openpose`` has the joints found, around which the box is.
    ``transl`` is what is added to the posed body: the body turns about its pelvis and
    not about the origin, so it needs the pelvis in the rest pose. That comes from
    `bodies`, else from `jointPositions` less `trans` where it is the same in all
    frames; without either there is no ``transl``.

    Args:
        path: The ``.pkl`` file.
        bodies: SMPL by gender, 'm' and 'f'. With it, the box is around the body's 24
            joints instead.

    Returns:
        Columns of N people; ``person_id`` is the position in the file's lists.
    """
    content = read_sequence(path)
    cameras = np.asarray(content['cam_poses'], dtype=np.float64)
    intrinsics = np.asarray(content['cam_intrinsics'], dtype=np.float64)
    sequence = str(content['sequence'])
    rows: dict[str, list[np.ndarray]] = {}
    for person in range(len(content['poses'])):
        detected = np.swapaxes(content['poses2d'][person], 1, 2).astype(np.float64)
        seen = detected[..., 2] > 0
        valid = np.asarray(content['campose_valid'][person]).astype(bool)
        frames = np.flatnonzero(valid & seen.any(axis=1))
        gender = expect_gender(path, content['genders'][person], ('m', 'f'))
        betas = np.asarray(content['betas'][person], dtype=np.float64)[:10]
        pose = np.array(content['poses'][person], dtype=np.float64)[frames]
        pose[:, :3] = turn_roots(cameras[frames], pose[:, :3])
        pelvis = _rest_pelvis(content, person, betas, frames, bodies, gender)
        center, scale = box_around(detected[frames, :, :2], seen[frames])
        transl = np.full((len(frames), 3), np.nan)
        if pelvis is not None:
            world = np.asarray(content['trans'][person], dtype=np.float64)[frames]
            transl = move_translations(cameras[frames], world, pelvis)
            if bodies is not None and len(frames):
                joints = smpl_joints(bodies[gender], pose, betas) + transl[:, None]
                points = joints @ intrinsics.T
                center, scale = box_around(points[..., :2] / points[..., 2:])
        # One joint has no extent; such a box cannot be cut out.
        usable = scale > 0
        new = {
            'imgname': [f'imageFiles/{sequence}/image_{f:05d}.jpg' for f in frames],
            'gender': [gender] * len(frames),
            'center': center,
            'scale': scale,
            'openpose': place_joints(detected[frames], POSES_2D_NAMES, 'openpose25'),
            'pose': pose,
            'shape': np.tile(betas, (len(frames), 1)),
            'has_smpl': np.ones(len(frames)),
            'transl': transl,
            'focal_l': np.full(len(frames), intrinsics[0, 0]),
            'principal_point': np.tile(intrinsics[:2, 2], (len(frames), 1)),
            'person_id': np.full(len(frames), person),
        }
        for key, values in new.items():
            rows.setdefault(key, []).append(np.asarray(values)[usable])
    return {key: np.concatenate(values) for key, values in rows.items()}


def _rest_pelvis(
    content: Mapping[str, Any],
    person: int,
    betas: np.ndarray,
    frames: np.ndarray,
    bodies: Mapping[str, SMPL] | None,
    gender: str,
) -> np.ndarray | None:
    """(3,) metres, or None if nothing tells it."""
    if 'trans' not in content or not len(frames):
        return None
    if bodies is not None:
        return rest_pelvis(bodies[gender], betas)
    if 'jointPositions' not in content:
        return None
    joints = np.asarray(content['jointPositions'][person], dtype=np.float64)
    offsets = (joints[:, :3] - np.asarray(content['trans'][person]))[frames]
    pelvis = np.median(offsets, axis=0)
    return pelvis if np.abs(offsets - pelvis).max() <= _PELVIS_TOLERANCE else None
