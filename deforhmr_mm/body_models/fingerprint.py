"""Which body it is: betas, rest pose and regressors mean nothing under another."""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from .loading import SMPLData

_NUM_BETAS = 10


def body_fingerprint(data: SMPLData) -> str:
    """Sixteen hex digits that change with whatever changes a posed mesh.

    Taken over the template, faces, tree, blend weights, joint regressor, the first ten
    shape components and the pose blend shapes, rounded to float32: the same body stored
    as npz or pkl, in single or double precision, dense or sparse, has one fingerprint.
    Names, licences, landmark vertices and further regressors do not count.

    Args:
        data: A loaded body.

    Returns:
        The first 16 hex digits of a SHA-256.
    """
    digest = hashlib.sha256()
    parts = {
        'v_template': data.v_template,
        'faces': data.faces,
        'parents': data.parents,
        'weights': data.weights,
        'joint_regressor': data.joint_regressor,
        'shapedirs': data.shapedirs[..., :_NUM_BETAS],
        'posedirs': data.posedirs,
    }
    for name, array in parts.items():
        if array is None:
            digest.update(f'{name} none'.encode())
            continue
        kind = '<f4' if array.dtype.kind == 'f' else '<i4'
        digest.update(f'{name} {array.shape}'.encode())
        # Adding zero turns -0.0 into 0.0.
        digest.update(np.ascontiguousarray(array.astype(kind) + 0).tobytes())
    return digest.hexdigest()[:16]
