"""People and pictures in the compact form that the page's scripts read.

Points turn from the camera's axes into y up, z backward here, see `camera_to_y_up`:
metres stay metres, and the camera stays at the origin.
"""

from __future__ import annotations

import base64
from typing import Any

import cv2
import numpy as np
import torch
from smplx.lbs import batch_rigid_transform, blend_shapes, vertices2joints

from deforhmr_mm.body_models import SMPL
from deforhmr_mm.structures import PersonMotion

from .exporters import camera_to_y_up

# Bodies posed at once: bounds the memory.
_BATCH = 16
_STEPS = 2**16 - 1


def pack(array: np.ndarray, dtype: str) -> str:
    """Return an array's numbers as base64, little-endian, in C order.

    Args:
        array: Of any shape.
        dtype: numpy's name of the type that is kept, such as 'float32'.

    Example:
        >>> pack(np.array([[1, 2]]), 'uint16')
        'AQACAA=='
    """
    kept = np.asarray(array).astype(np.dtype(dtype).newbyteorder('<'))
    return base64.b64encode(kept.tobytes()).decode('ascii')


def pack_points(points: np.ndarray) -> dict[str, Any]:
    """Return points as 16-bit steps between their lowest and highest coordinates.

    Args:
        points: (V, 3) metres, camera axes. A coordinate is off by at most half a step,
            its range over all points / 131,070: 0.015 mm for 2 m.

    Returns:
        ``low``: lowest x, y, z with y up; ``step``: size of a step along x, y, z;
        ``data``: (V, 3) uint16, packed. All in metres.
    """
    turned = camera_to_y_up(np.asarray(points, np.float64))
    low = turned.min(0)
    step = np.maximum(np.ptp(turned, axis=0), 1e-6) / _STEPS
    data = pack(np.rint((turned - low) / step), 'uint16')
    return {'low': low.tolist(), 'step': step.tolist(), 'data': data}


def pack_faces(faces: np.ndarray) -> dict[str, str]:
    """Return (F, 3) vertex indices in the smaller type that holds them."""
    dtype = 'uint16' if faces.max(initial=0) < 2**16 else 'uint32'
    return {'type': dtype, 'data': pack(faces, dtype)}


def pack_weights(weights: np.ndarray) -> dict[str, Any]:
    """Return all blend weights that are not zero, as shares of 65,535.

    Args:
        weights: (V, J) of at most 256 joints; rows sum to 1. After rounding they do
            exactly: the largest weight of a row takes what is left over.

    Returns:
        ``num_joints``: J. Packed: ``counts``: (V,) uint8, joints of each vertex;
        ``joints``: uint8 and ``weights``: uint16, those of the first vertex, then of
        the second, and so on.
    """
    shares = np.rint(_STEPS * np.asarray(weights, np.float64)).astype(np.int64)
    rows = np.arange(len(shares))
    shares[rows, shares.argmax(1)] += _STEPS - shares.sum(1)
    vertex, joint = np.nonzero(shares)
    return {
        'num_joints': shares.shape[1],
        'counts': pack(np.bincount(vertex, minlength=len(shares)), 'uint8'),
        'joints': pack(joint, 'uint8'),
        'weights': pack(shares[vertex, joint], 'uint16'),
    }


def has_pose_blend_shapes(body: SMPL) -> bool:
    """Whether poses change a body's shape, so that joints alone do not move it."""
    return bool(torch.any(body.posedirs != 0))


@torch.no_grad()
def posed_vertices(person: PersonMotion, rows: np.ndarray, body: SMPL) -> np.ndarray:
    """Return the body at some of a person's frames.

    Args:
        person: The motion.
        rows: (N,) indices into the person's frames.
        body: Poses it.

    Returns:
        (N, V, 3) float32 metres, camera axes, translation included.
    """
    like = body.v_template
    parts = [np.zeros((0, body.num_vertices, 3), np.float32)]
    for start in range(0, len(rows), _BATCH):
        some = rows[start : start + _BATCH]
        posed = body(
            like.new_tensor(person.global_orient[some, None]),
            like.new_tensor(person.body_pose[some]),
            like.new_tensor(person.betas).expand(len(some), -1),
            like.new_tensor(person.transl[some]),
        )
        parts.append(posed.vertices.float().cpu().numpy())
    return np.concatenate(parts)


@torch.no_grad()
def pack_skinned(person: PersonMotion, rows: np.ndarray, body: SMPL) -> dict[str, Any]:
    """Return a person's body at rest and how each joint moves it.

    A vertex of the posed body is the weighted mean, over its joints, of matrix times
    vertex at rest. Exact for a body without pose blend shapes.

    Args:
        person: The motion.
        rows: (N,) indices into the person's frames.
        body: Its body.

    Returns:
        ``rest``: see `pack_points`; ``matrices``: (N, J, 3, 4) float32, packed, from
        the body at rest to the frame's, both with y up.
    """
    like = body.v_template
    betas = like.new_tensor(person.betas)[None]
    rest = body.v_template + blend_shapes(betas, body.shapedirs)
    joints = vertices2joints(body.joint_regressor, rest)
    pose = np.concatenate((person.global_orient[:, None], person.body_pose), axis=1)
    _, moves = batch_rigid_transform(
        like.new_tensor(pose[rows]),
        joints.expand(len(rows), -1, -1),
        torch.as_tensor(body.parents),
        dtype=like.dtype,
    )
    matrices = moves[:, :, :3].double().cpu().numpy()
    matrices[..., 3] += person.transl[rows, None]
    # The half turn about x on both sides: into the camera's axes and out again.
    matrices *= np.outer([1, -1, -1], [1, -1, -1, 1])
    return {
        'rest': pack_points(rest[0].float().cpu().numpy()),
        'matrices': pack(matrices, 'float32'),
    }


def encode_picture(image: np.ndarray, max_size: int, quality: int) -> str:
    """Return a picture as a JPEG file in base64.

    Args:
        image: (H, W, 3) uint8 RGB.
        max_size: Pixels; a picture with a longer side is reduced to it.
        quality: JPEG's, 1 to 100.
    """
    factor = max_size / max(image.shape[:2])
    if factor < 1:
        height, width = (max(1, round(factor * side)) for side in image.shape[:2])
        image = cv2.resize(image, (width, height), interpolation=cv2.INTER_AREA)
    done, data = cv2.imencode(
        '.jpg', image[..., ::-1], [cv2.IMWRITE_JPEG_QUALITY, quality]
    )
    if not done:
        raise ValueError(f'a picture of shape {image.shape} cannot be written as JPEG')
    return base64.b64encode(data).decode('ascii')
