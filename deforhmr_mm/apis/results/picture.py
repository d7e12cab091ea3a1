"""The people of one picture, as plain values for JSON and as arrays for NPZ."""

from __future__ import annotations

import io
import json
from collections.abc import Sequence
from typing import Any

import numpy as np
import roma

from deforhmr_mm.geometry import default_focal_length
from deforhmr_mm.structures import MeshDataSample

from .schema import (
    COLUMN_TYPES,
    JOINTS,
    PICTURE_COLUMNS,
    empty_column,
    json_head,
    npz_head,
)


def person_result(sample: MeshDataSample) -> dict[str, Any]:
    """Return what is known of one person as numbers, lists and strings.

    Args:
        sample: One person with `pred_instances`. Of its metadata are taken
            ``person_id`` (0 if it has none), ``observed`` (True) and
            ``focal_length_source`` ('default' if the focal length is the diagonal of
            ``ori_shape``, else 'given').

    Returns:
        ``person_id``, ``observed``, ``bbox``, ``bbox_score``, ``smpl``
        (``global_orient`` (3,) and ``body_pose`` (23, 3) axis-angle, ``betas`` (10,)),
        ``crop_camera`` (3,), ``transl`` and ``pelvis`` (3,) metres, ``focal_length``
        and ``principal_point`` pixels, ``focal_length_source``, ``joints_3d`` (metres,
        with transl) and ``joints_2d`` (pixels) by joint name.
    """
    row = _row(sample)
    return {
        'person_id': row['person_ids'].item(),
        'observed': row['observed'].item(),
        'bbox': row['bboxes'].tolist(),
        'bbox_score': row['bbox_scores'].item(),
        'smpl': {
            'global_orient': row['global_orient'].tolist(),
            'body_pose': row['body_pose'].tolist(),
            'betas': row['betas'].tolist(),
        },
        'crop_camera': row['crop_camera'].tolist(),
        'transl': row['transl'].tolist(),
        'pelvis': row['pelvis'].tolist(),
        'focal_length': row['focal_length'].item(),
        'focal_length_source': row['focal_length_source'].item(),
        'principal_point': row['principal_point'].tolist(),
        'joints_3d': dict(zip(JOINTS.names, row['joints_3d'].tolist(), strict=True)),
        'joints_2d': dict(zip(JOINTS.names, row['joints_2d'].tolist(), strict=True)),
    }


def encode_json(
    people: Sequence[dict], image: dict[str, Any], model: dict[str, Any]
) -> bytes:
    """Return the JSON file of one picture's people.

    Args:
        people: See `person_result`; may be empty.
        image: The picture's ``path``, ``height`` and ``width``.
        model: See `describe_model`.

    Raises:
        ValueError: If a number is not finite.
    """
    document = {**json_head('image', model), 'image': image, 'people': list(people)}
    return (json.dumps(document, indent=1, allow_nan=False) + '\n').encode()


def encode_npz(
    samples: Sequence[MeshDataSample], image: dict[str, Any], model: dict[str, Any]
) -> bytes:
    """Return the NPZ file of one picture's people, readable without pickle.

    Args:
        samples: N people with `pred_instances`; may be empty.
        image: The picture's ``path``, ``height`` and ``width``.
        model: See `describe_model`.

    Returns:
        A file of the columns in `PICTURE_COLUMNS`, N rows each, and as scalars what the
        picture and the model are; see docs/results.md.
    """
    rows = [_row(sample) for sample in samples]
    columns = {
        name: np.stack([row[name] for row in rows])
        if rows
        else empty_column(name, shape)
        for name, shape in PICTURE_COLUMNS.items()
    }
    buffer = io.BytesIO()
    np.savez_compressed(
        buffer,
        **npz_head('image', model),
        image_path=image['path'],
        image_size=np.array([image['height'], image['width']]),
        **columns,
    )
    return buffer.getvalue()


def _row(sample: MeshDataSample) -> dict[str, np.ndarray]:
    """Return one row of each of a picture's columns."""
    person = sample.pred_instances
    joints = person.joints[0] + person.transl[0]
    tensors = {
        'global_orient': roma.rotmat_to_rotvec(person.global_orient[0, 0]),
        'body_pose': roma.rotmat_to_rotvec(person.body_pose[0]),
        'global_orient_rotmat': person.global_orient[0, 0],
        'body_pose_rotmat': person.body_pose[0],
        'betas': person.betas[0],
        'transl': person.transl[0],
        'pelvis': joints[JOINTS.index('pelvis')],
        'joints_3d': joints,
        'joints_2d': person.keypoints[0],
        'bboxes': person.bboxes[0],
        'bbox_scores': person.bbox_scores[0],
        'crop_camera': person.camera[0],
        'focal_length': person.focal_length[0],
        'principal_point': person.principal_point[0],
    }
    values: dict[str, Any] = {name: t.cpu().numpy() for name, t in tensors.items()}
    values['person_ids'] = sample.metainfo.get('person_id', 0)
    values['observed'] = sample.metainfo.get('observed', True)
    values['focal_length_source'] = _focal_length_source(sample)
    return {
        name: np.asarray(values[name], COLUMN_TYPES.get(name, np.float32))
        for name in PICTURE_COLUMNS
    }


def _focal_length_source(sample: MeshDataSample) -> str:
    """Return what the metadata say, or tell it by the number."""
    source = sample.metainfo.get('focal_length_source')
    if source is not None:
        return source
    height, width = sample.metainfo.get('ori_shape', (0, 0))
    focal = float(sample.pred_instances.focal_length[0])
    is_default = np.isclose(focal, default_focal_length(width, height), rtol=1e-5)
    return 'default' if is_default else 'given'
