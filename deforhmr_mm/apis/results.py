"""What is known of recovered people, as plain values for JSON and as arrays for NPZ."""

from __future__ import annotations

import io
import json
from collections.abc import Sequence
from typing import Any

import numpy as np
import roma
from torch import nn

import deforhmr_mm
from deforhmr_mm.structures import MeshDataSample, get_keypoint_set

SCHEMA_VERSION = '1.0'

JOINTS = get_keypoint_set('smpl45')

CONVENTIONS = {
    'camera_frame': 'x right, y down, z forward; metres; the camera is at the origin',
    'rotations': 'axis-angle in radians; global_orient: from body to camera frame',
    'joints_3d': 'metres, camera frame, transl included',
    'joints_2d': (
        'pixels of the picture; joints_2d = focal_length * (x, y) / z + principal_point'
    ),
    'crop_camera': '(s, tx, ty) of the crop; transl is the camera of the whole picture',
    'bbox': 'left, top, right, bottom in pixels',
    'pixels': 'the centre of the top left pixel is (0, 0)',
}


def person_result(sample: MeshDataSample) -> dict[str, Any]:
    """Return what is known of one person as numbers, lists and strings.

    Args:
        sample: One person with `pred_instances`.

    Returns:
        ``bbox``, ``bbox_score``, ``smpl`` (``global_orient`` (3,) and ``body_pose``
        (23, 3) axis-angle, ``betas`` (10,)), ``crop_camera`` (3,), ``transl`` (3,)
        metres, ``focal_length`` and ``principal_point`` pixels, ``joints_3d`` (metres,
        with transl) and ``joints_2d`` (pixels) by joint name.
    """
    values = _arrays(sample)
    return {
        'bbox': values['bboxes'].tolist(),
        'bbox_score': float(values['bbox_scores']),
        'smpl': {
            'global_orient': values['global_orient'].tolist(),
            'body_pose': values['body_pose'].tolist(),
            'betas': values['betas'].tolist(),
        },
        'crop_camera': values['camera'].tolist(),
        'transl': values['transl'].tolist(),
        'focal_length': float(values['focal_length']),
        'principal_point': values['principal_point'].tolist(),
        'joints_3d': dict(zip(JOINTS.names, values['joints_3d'].tolist(), strict=True)),
        'joints_2d': dict(zip(JOINTS.names, values['joints_2d'].tolist(), strict=True)),
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


def encode_json(
    people: Sequence[dict], image: dict[str, Any], model: dict[str, Any]
) -> bytes:
    """Return the JSON file of one picture's people.

    Args:
        people: See `person_result`.
        image: The picture's ``path``, ``height`` and ``width``.
        model: See `describe_model`.

    Raises:
        ValueError: If a number is not finite.
    """
    document = {
        'schema_version': SCHEMA_VERSION,
        'generator': f'deforhmr_mm {deforhmr_mm.__version__}',
        'image': image,
        'model': model,
        'conventions': CONVENTIONS,
        'people': [dict(id=i, **person) for i, person in enumerate(people)],
    }
    return (json.dumps(document, indent=1, allow_nan=False) + '\n').encode()


def encode_npz(
    samples: Sequence[MeshDataSample], image: dict[str, Any], model: dict[str, Any]
) -> bytes:
    """Return the NPZ file of one picture's people, readable without pickle.

    Args:
        samples: N people with `pred_instances`.
        image: The picture's ``path``, ``height`` and ``width``.
        model: See `describe_model`.

    Returns:
        A file of ``global_orient`` (N, 3) and ``body_pose`` (N, 23, 3) axis-angle,
        ``global_orient_rotmat`` (N, 3, 3), ``body_pose_rotmat`` (N, 23, 3, 3),
        ``betas`` (N, 10), ``camera`` (N, 3), ``transl`` (N, 3), ``focal_length`` (N,),
        ``principal_point`` (N, 2), ``joints_3d`` (N, 45, 3), ``joints_2d`` (N, 45, 2),
        ``joint_names`` (45,), ``bboxes`` (N, 4), ``bbox_scores`` (N,), and as scalars
        what the picture and the model are.
    """
    people = [_arrays(sample) for sample in samples]
    columns = {
        key: np.stack([person[key] for person in people]).astype(np.float32)
        if people
        else np.zeros((0, *shape), np.float32)
        for key, shape in _SHAPES.items()
    }
    buffer = io.BytesIO()
    np.savez_compressed(
        buffer,
        schema_version=SCHEMA_VERSION,
        joint_names=np.array(JOINTS.names),
        image_path=image['path'],
        image_size=np.array([image['height'], image['width']]),
        **{key: np.array('' if v is None else v) for key, v in model.items()},
        **columns,
    )
    return buffer.getvalue()


# Arrays of one person.
_SHAPES: dict[str, tuple[int, ...]] = {
    'global_orient': (3,),
    'body_pose': (23, 3),
    'global_orient_rotmat': (3, 3),
    'body_pose_rotmat': (23, 3, 3),
    'betas': (10,),
    'camera': (3,),
    'transl': (3,),
    'focal_length': (),
    'principal_point': (2,),
    'joints_3d': (len(JOINTS), 3),
    'joints_2d': (len(JOINTS), 2),
    'bboxes': (4,),
    'bbox_scores': (),
}


def _arrays(sample: MeshDataSample) -> dict[str, np.ndarray]:
    person = sample.pred_instances
    values = {
        'global_orient': roma.rotmat_to_rotvec(person.global_orient[0, 0]),
        'body_pose': roma.rotmat_to_rotvec(person.body_pose[0]),
        'global_orient_rotmat': person.global_orient[0, 0],
        'body_pose_rotmat': person.body_pose[0],
        'joints_3d': person.joints[0] + person.transl[0],
        'joints_2d': person.keypoints[0],
    }
    for key in _SHAPES:
        if key not in values:
            values[key] = person[key][0]
    return {key: value.cpu().numpy() for key, value in values.items()}
