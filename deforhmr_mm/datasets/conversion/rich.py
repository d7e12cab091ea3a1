"""RICH: the npz of SMPL-X parameters that circulates.

SMPL-X's parameters are not SMPL's, so none are written as such. What SMPL can be
trained on and scored with is SMPL's joints of SMPL-X's surface.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np

from deforhmr_mm.structures import get_keypoint_set

from ..labels import AnnotationError
from ..readers.npz import NpzColumns, open_npz
from .columns import Columns, box_around, place_joints
from .raw_values import expect_gender
from .smplx_body import SMPLXJoints

__all__ = ['convert_rich']

# A person's box in pixels is larger than this, its side over 200 is smaller.
_LARGEST_OVER_200 = 20.0
_GENDERS = {'m': 'male', 'f': 'female', 'n': 'neutral'}


def convert_rich(path: Path, smpl_joints: SMPLXJoints | None = None) -> Columns:
    """Labels of a RICH npz.

    Args:
        path: Has ``imgname``, ``gender`` and ``cam_int`` (N, 3, 3), and
            ``smplx_grot`` (N, 3), ``smplx_pose`` (N, 63), ``smplx_betas`` (N, 10 or
            more), ``smplx_trans`` (N, 3), camera frame; perhaps ``center`` (N, 2) and
            ``scale`` (N,), in pixels or over 200, which its median tells.
        smpl_joints: Makes SMPL's joints. Without it, joints are unknown and the file
            must have the boxes.

    Returns:
        Columns of N people: box, ``gender``, ``focal_l`` and ``principal_point``, and
        with `smpl_joints` also ``S`` and ``part``, those of the 24 joints that
        `spin24` has. A file without boxes gets them around the 24 joints.

    Raises:
        FileNotFoundError: If there is no such file.
        AnnotationError: If a key is missing or has another shape.
    """
    if not path.is_file():
        raise FileNotFoundError(f'there is no annotation file {path}')
    with open_npz(path) as file:
        size = 4 if file.read('cam_int').shape[-1] == 4 else 3
        cameras = file.floats('cam_int', size, size)[:, :3, :3].astype(np.float64)
        known = tuple(_GENDERS.values())
        letters = [expect_gender(path, g, known) for g in file.strings('gender')]
        genders = [_GENDERS[letter] for letter in letters]
        columns: Columns = {
            'imgname': np.array(file.strings('imgname'), dtype=str),
            'gender': np.array(letters),
            'focal_l': cameras[:, 0, 0],
            'principal_point': cameras[:, :2, 2],
        }
        if smpl_joints is not None:
            joints = _joints(file, genders, smpl_joints)
        elif 'center' not in file or 'scale' not in file:
            raise AnnotationError(
                f"{path}: there is no 'center' and 'scale'; without SMPL-X's model "
                'there is nothing to draw boxes around.'
            )
        if 'center' in file and 'scale' in file:
            columns['center'] = file.floats('center', 2)
            scale = file.floats('scale')
            in_pixels = np.median(scale) > _LARGEST_OVER_200
            columns['scale'] = scale / 200 if in_pixels else scale
    if smpl_joints is None:
        # Known of no joint; says what kind of file it is.
        return {**columns, 'part': np.zeros((len(cameras), 24, 3))}
    return {**_labels(joints, cameras), **columns}


def _joints(
    file: NpzColumns, genders: list[str], smpl_joints: SMPLXJoints
) -> np.ndarray:
    root, body = file.floats('smplx_grot', 3), file.floats('smplx_pose', 63)
    betas = file.read('smplx_betas')
    if betas.ndim != 2 or len(betas) != file.num_rows or betas.dtype.kind != 'f':
        raise AnnotationError(
            f"{file.path}: key 'smplx_betas' must hold numbers of shape "
            f'({file.num_rows}, B), but came with shape {betas.shape}.'
        )
    pose = np.concatenate([root, body], axis=1).astype(np.float64)
    transl = file.floats('smplx_trans', 3).astype(np.float64)
    joints = np.zeros((file.num_rows, 24, 3))
    for gender in sorted(set(genders)):
        rows = np.flatnonzero(np.array(genders) == gender)
        joints[rows] = smpl_joints(
            gender, pose[rows], betas[rows, :10].astype(np.float64), transl[rows]
        )
    return joints


def _labels(joints: np.ndarray, cameras: np.ndarray) -> Columns:
    names = get_keypoint_set('smpl24').names
    pixels = np.einsum('nij,nkj->nki', cameras, joints)
    pixels = pixels[..., :2] / pixels[..., 2:]
    known = np.ones((*joints.shape[:2], 1))
    center, scale = box_around(pixels)
    part = np.concatenate([pixels, known], axis=-1)
    local = np.concatenate([joints - joints[:, :1], known], axis=-1)
    return {
        'center': center,
        'scale': scale,
        'part': place_joints(part, names),
        'S': place_joints(local, names),
    }
