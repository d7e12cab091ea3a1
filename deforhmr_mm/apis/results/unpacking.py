"""From the forms of results files to columns with one row a person (and frame)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import roma
import torch

from .schema import CAMERA_COLUMNS, JOINTS, PICTURE_COLUMNS, VIDEO_COLUMNS

MODEL_KEYS = ('checkpoint', 'checkpoint_sha256', 'body_name', 'body_fingerprint')

SOURCE_TYPES = {'path': str, 'height': int, 'width': int}
VIDEO_TYPES = {'fps': float, 'num_frames': int}


def unpack_npz(arrays: Mapping[str, np.ndarray]) -> dict[str, Any]:
    """Sort the arrays of an NPZ file.

    Returns:
        ``kind``, ``generator``, ``source``, ``camera`` (None for a picture), ``model``,
        ``joint_names`` and ``people`` (columns).

    Raises:
        KeyError: If one is missing.
        ValueError: If the kind is not known.
    """
    kind = _check_kind(str(arrays['kind']))
    height, width = arrays['image_size'].tolist()
    source = {
        'path': str(arrays[f'{kind}_path']),
        'height': height,
        'width': width,
    }
    columns = PICTURE_COLUMNS if kind == 'image' else VIDEO_COLUMNS
    people = {name: arrays[name] for name in columns}
    camera = None
    if kind == 'video':
        source |= {
            'fps': float(arrays['fps']),
            'num_frames': int(arrays['num_frames']),
        }
        camera = {
            'focal_length': float(arrays['focal_length']),
            'focal_length_source': str(arrays['focal_length_source']),
            'principal_point': arrays['principal_point'].tolist(),
        }
        people |= _repeat(camera, len(people['person_ids']))
    return {
        'kind': kind,
        'generator': str(arrays['generator']),
        'source': source,
        'camera': camera,
        # NPZ has no null: empty text stands for it.
        'model': {key: str(arrays[key]) or None for key in MODEL_KEYS},
        'joint_names': arrays['joint_names'].tolist(),
        'people': people,
    }


def unpack_json(document: Mapping[str, Any]) -> dict[str, Any]:
    """Sort the values of a JSON file; see `unpack_npz`.

    The rows of a video are those of one person after the other, as in NPZ files.
    """
    kind = _check_kind(document['kind'])
    types = SOURCE_TYPES if kind == 'image' else {**SOURCE_TYPES, **VIDEO_TYPES}
    source = {key: as_type(document[kind][key]) for key, as_type in types.items()}
    if kind == 'image':
        rows = [_picture_row(person) for person in document['people']]
        names: Sequence[str] = JOINTS.names
        camera = None
    else:
        rows = _video_rows(document)
        names = document['joint_names']
        camera = {
            'focal_length': float(document['camera']['focal_length']),
            'focal_length_source': str(document['camera']['focal_length_source']),
            'principal_point': [
                float(v) for v in document['camera']['principal_point']
            ],
        }
    people = {key: [row[key] for row in rows] for key in rows[0]} if rows else {}
    if not rows:
        columns = PICTURE_COLUMNS if kind == 'image' else VIDEO_COLUMNS
        people = {key: [] for key in columns}
    for name in ('global_orient', 'body_pose'):
        people[f'{name}_rotmat'] = _to_matrices(people[name])
    if camera is not None:
        people |= _repeat(camera, len(rows))
    return {
        'kind': kind,
        'generator': document['generator'],
        'source': source,
        'camera': camera,
        'model': {key: document['model'][key] for key in MODEL_KEYS},
        'joint_names': names,
        'people': people,
    }


def _check_kind(kind: str) -> str:
    if kind not in ('image', 'video'):
        raise ValueError(f"kind must be 'image' or 'video', got {kind!r}")
    return kind


def _person_row(person: Mapping[str, Any]) -> dict[str, Any]:
    """Return what people in pictures and in frames have in common."""
    return {
        'person_ids': person['person_id'],
        'observed': person['observed'],
        'bboxes': person['bbox'],
        'bbox_scores': person['bbox_score'],
        'global_orient': person['smpl']['global_orient'],
        'body_pose': person['smpl']['body_pose'],
        'transl': person['transl'],
        'pelvis': person['pelvis'],
    }


def _picture_row(person: Mapping[str, Any]) -> dict[str, Any]:
    row = _person_row(person)
    row['betas'] = person['smpl']['betas']
    for key in ('crop_camera', *CAMERA_COLUMNS):
        row[key] = person[key]
    for key in ('joints_3d', 'joints_2d'):
        row[key] = [person[key][name] for name in JOINTS.names]
    return row


def _video_rows(document: Mapping[str, Any]) -> list[dict[str, Any]]:
    betas = {person['person_id']: person['betas'] for person in document['people']}
    rows: dict[int, list[dict]] = {person_id: [] for person_id in betas}
    for frame in document['frames']:
        for person in frame['people']:
            row = _person_row(person)
            row['frames'] = frame['frame']
            row['betas'] = betas[person['person_id']]
            row['joints_3d'] = person['joints_3d']
            row['joints_2d'] = person['joints_2d']
            rows[person['person_id']].append(row)
    return [row for person in rows.values() for row in person]


def _repeat(camera: Mapping[str, Any], count: int) -> dict[str, np.ndarray]:
    """Return a video's camera as columns."""
    return {
        'focal_length': np.full(count, camera['focal_length']),
        'focal_length_source': np.full(count, camera['focal_length_source']),
        'principal_point': np.tile(camera['principal_point'], (count, 1)),
    }


def _to_matrices(rotvecs: Sequence) -> np.ndarray:
    vectors = torch.tensor(np.array(rotvecs, np.float64))
    if vectors.numel() == 0:
        return np.zeros((0,))
    return roma.rotvec_to_rotmat(vectors).numpy()
