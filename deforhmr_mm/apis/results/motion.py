"""The people of a whole video, as JSON and NPZ files."""

from __future__ import annotations

import io
import json
from typing import Any

import numpy as np
import roma
import torch
from torch import nn

from deforhmr_mm.geometry import perspective_projection
from deforhmr_mm.structures import Motion, PersonMotion

from .schema import (
    COLUMN_TYPES,
    JOINTS,
    VIDEO_COLUMNS,
    empty_column,
    json_head,
    npz_head,
)

# Digits after the point in JSON: 10 micrometres, a thousandth of a pixel, 1e-6 radians.
_DIGITS = {
    'global_orient': 6,
    'body_pose': 6,
    'transl': 5,
    'pelvis': 5,
    'joints_3d': 5,
    'joints_2d': 3,
    'bboxes': 3,
    'bbox_scores': 4,
}
_FRAMES_AT_ONCE = 1024


@torch.no_grad()
def motion_joints(person: PersonMotion, body: nn.Module) -> np.ndarray:
    """Pose a person's joints in all frames.

    Args:
        person: T frames.
        body: The body model that the parameters are of.

    Returns:
        (T, 45, 3) float32 metres, camera frame, transl included.
    """
    like = body.v_template
    parts = [np.zeros((0, len(JOINTS), 3), np.float32)]
    for start in range(0, len(person), _FRAMES_AT_ONCE):
        part = slice(start, start + _FRAMES_AT_ONCE)
        orient = torch.as_tensor(person.global_orient[part]).to(like)[:, None]
        pose = torch.as_tensor(person.body_pose[part]).to(like)
        betas = torch.as_tensor(person.betas).to(like).expand(len(pose), -1)
        joints = body.joints(orient, pose, betas).float().cpu().numpy()
        parts.append(joints + person.transl[part, None])
    return np.concatenate(parts)


def encode_motion_json(
    motion: Motion, body: nn.Module, video: dict[str, Any], model: dict[str, Any]
) -> bytes:
    """Return the JSON file of a video's people, frame by frame.

    Args:
        motion: Everybody in the video; may be nobody.
        body: The body model that the parameters are of.
        video: The video's ``path``, and ``focal_length_source``: 'given', 'exif' or
            'default'.
        model: See `describe_model`.

    Returns:
        ``people`` (``person_id``, ``betas``) and ``frames``, one entry for each frame
        of the video, with the ``people`` in it; joints are lists in the order of
        ``joint_names``. See docs/results.md.

    Raises:
        ValueError: If a number is not finite.
    """
    frames: list[dict] = [{'frame': i, 'people': []} for i in range(motion.num_frames)]
    for person in motion.people:
        columns = _columns(motion, person, body)
        rounded = {
            name: np.round(columns[name].astype(np.float64), digits).tolist()
            for name, digits in _DIGITS.items()
        }
        for row, frame in enumerate(person.frames.tolist()):
            at = {name: values[row] for name, values in rounded.items()}
            frames[frame]['people'].append(
                {
                    'person_id': int(person.person_id),
                    'observed': bool(person.observed[row]),
                    'bbox': at['bboxes'],
                    'bbox_score': at['bbox_scores'],
                    'smpl': {
                        'global_orient': at['global_orient'],
                        'body_pose': at['body_pose'],
                    },
                    'transl': at['transl'],
                    'pelvis': at['pelvis'],
                    'joints_3d': at['joints_3d'],
                    'joints_2d': at['joints_2d'],
                }
            )
    document = {
        **json_head('video', model),
        'video': {
            'path': video['path'],
            'fps': float(motion.fps),
            'num_frames': int(motion.num_frames),
            'height': int(motion.image_size[0]),
            'width': int(motion.image_size[1]),
        },
        'camera': {
            'focal_length': float(motion.focal_length),
            'focal_length_source': video['focal_length_source'],
            'principal_point': [float(value) for value in motion.principal_point],
        },
        'joint_names': list(JOINTS.names),
        'people': [
            {
                'person_id': int(person.person_id),
                'betas': np.round(person.betas.astype(np.float64), 6).tolist(),
            }
            for person in motion.people
        ],
        'frames': frames,
    }
    text = json.dumps(document, separators=(',', ':'), allow_nan=False)
    return (text + '\n').encode()


def encode_motion_npz(
    motion: Motion, body: nn.Module, video: dict[str, Any], model: dict[str, Any]
) -> bytes:
    """Return the NPZ file of a video's people, readable without pickle.

    Args:
        motion: Everybody in the video; may be nobody.
        body: The body model that the parameters are of.
        video: See `encode_motion_json`.
        model: See `describe_model`.

    Returns:
        A file of the columns in `VIDEO_COLUMNS`, one row for each person and frame,
        person after person, and as scalars what the video, the camera and the model
        are; see docs/results.md.
    """
    parts = [_columns(motion, person, body) for person in motion.people]
    columns = {
        name: np.concatenate([part[name] for part in parts])
        if parts
        else empty_column(name, shape)
        for name, shape in VIDEO_COLUMNS.items()
    }
    buffer = io.BytesIO()
    np.savez_compressed(
        buffer,
        **npz_head('video', model),
        video_path=video['path'],
        fps=float(motion.fps),
        num_frames=int(motion.num_frames),
        image_size=np.array(motion.image_size),
        focal_length=float(motion.focal_length),
        focal_length_source=video['focal_length_source'],
        principal_point=np.array(motion.principal_point, np.float64),
        **columns,
    )
    return buffer.getvalue()


def _columns(
    motion: Motion, person: PersonMotion, body: nn.Module
) -> dict[str, np.ndarray]:
    """Return one person's rows of each of a video's columns."""
    count = len(person)
    joints = motion_joints(person, body)
    point = torch.tensor(motion.principal_point, dtype=torch.float32)
    pixels = perspective_projection(
        torch.from_numpy(joints), float(motion.focal_length), point
    )
    values = {
        'global_orient': _to_rotvec(person.global_orient),
        'body_pose': _to_rotvec(person.body_pose),
        'global_orient_rotmat': person.global_orient,
        'body_pose_rotmat': person.body_pose,
        'betas': np.tile(person.betas, (count, 1)),
        'transl': person.transl,
        'pelvis': joints[:, JOINTS.index('pelvis')],
        'joints_3d': joints,
        'joints_2d': pixels.numpy(),
        'bboxes': person.bboxes,
        'bbox_scores': person.bbox_scores,
        'observed': person.observed,
        'person_ids': np.full(count, person.person_id),
        'frames': person.frames,
    }
    return {
        name: np.asarray(values[name], COLUMN_TYPES.get(name, np.float32))
        for name in VIDEO_COLUMNS
    }


def _to_rotvec(matrices: np.ndarray) -> np.ndarray:
    rotations = torch.from_numpy(np.array(matrices, np.float32))
    if rotations.numel() == 0:
        return np.zeros(matrices.shape[:-1], np.float32)
    return roma.rotmat_to_rotvec(rotations).numpy()
