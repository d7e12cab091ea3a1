"""What all results files have in common: version, columns, conventions, the model."""

from __future__ import annotations

from typing import Any

import numpy as np
from torch import nn

import deforhmr_mm
from deforhmr_mm.structures import get_keypoint_set

# The first number changes when a reader of the old files would not understand the new.
SCHEMA_VERSION = '2.0'

JOINTS = get_keypoint_set('smpl45')

CONVENTIONS = {
    'camera_frame': 'x right, y down, z forward; metres; the camera is at the origin',
    'rotations': 'axis-angle in radians; global_orient: from body to camera frame',
    'transl': 'metres, camera frame: the origin of the body model, not its pelvis',
    'pelvis': 'metres, camera frame: the joint pelvis, which is joints_3d[pelvis]',
    'joints_3d': 'metres, camera frame, transl included',
    'joints_2d': (
        'pixels of the picture; joints_2d = focal_length * (x, y) / z + principal_point'
    ),
    'focal_length_source': (
        "'given' by the caller, from the file's 'exif' data, or 'default': the diagonal"
    ),
    'crop_camera': '(s, tx, ty) of the crop; transl is the camera of the whole picture',
    'bbox': 'left, top, right, bottom in pixels',
    'observed': 'false where nobody saw the person and the box is interpolated',
    'pixels': 'the centre of the top left pixel is (0, 0)',
}

ANY = None  # a dimension of any length

# The shape of one row of each column: one person in one picture or frame.
PERSON_COLUMNS: dict[str, tuple[int | None, ...]] = {
    'global_orient': (3,),
    'body_pose': (23, 3),
    'global_orient_rotmat': (3, 3),
    'body_pose_rotmat': (23, 3, 3),
    'betas': (ANY,),
    'transl': (3,),
    'pelvis': (3,),
    'joints_3d': (len(JOINTS), 3),
    'joints_2d': (len(JOINTS), 2),
    'bboxes': (4,),
    'bbox_scores': (),
    'observed': (),
    'person_ids': (),
}
CAMERA_COLUMNS: dict[str, tuple[int | None, ...]] = {
    'focal_length': (),
    'focal_length_source': (),
    'principal_point': (2,),
}
PICTURE_COLUMNS = {**PERSON_COLUMNS, 'crop_camera': (3,), **CAMERA_COLUMNS}
VIDEO_COLUMNS = {**PERSON_COLUMNS, 'frames': ()}

# Columns that do not hold float32.
COLUMN_TYPES: dict[str, type] = {
    'observed': np.bool_,
    'person_ids': np.int64,
    'frames': np.int64,
    'focal_length_source': np.str_,
}


def describe_model(model: nn.Module) -> dict[str, Any]:
    """Return what results say of the model that made them: weights and body."""
    checkpoint = getattr(model, 'checkpoint_info', None)
    return {
        'checkpoint': None if checkpoint is None else checkpoint.name,
        'checkpoint_sha256': None if checkpoint is None else checkpoint.sha256,
        'body_name': model.body_model.body_name,
        'body_fingerprint': model.body_model.fingerprint,
    }


def json_head(kind: str, model: dict[str, Any]) -> dict[str, Any]:
    """Return the keys that every JSON file begins with; `kind` is image or video."""
    return {
        'schema_version': SCHEMA_VERSION,
        'generator': f'deforhmr_mm {deforhmr_mm.__version__}',
        'kind': kind,
        'model': model,
        'conventions': CONVENTIONS,
    }


def npz_head(kind: str, model: dict[str, Any]) -> dict[str, Any]:
    """Return the scalars that every NPZ file has; what is None becomes empty text."""
    return {
        'schema_version': SCHEMA_VERSION,
        'generator': f'deforhmr_mm {deforhmr_mm.__version__}',
        'kind': kind,
        **{key: '' if value is None else value for key, value in model.items()},
        'joint_names': np.array(JOINTS.names),
    }


def empty_column(name: str, shape: tuple[int | None, ...]) -> np.ndarray:
    """Return a column of nobody; betas have 10 numbers."""
    sizes = [10 if size is ANY else size for size in shape]
    return np.zeros((0, *sizes), COLUMN_TYPES.get(name, np.float32))
