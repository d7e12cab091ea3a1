"""Test-time flipping: a body from the crop and from its mirror image."""

import roma
import torch
from torch import Tensor

from deforhmr_mm.structures import flip_smpl_pose

MIRRORED = ('global_orient', 'body_pose', 'betas', 'camera')


def mirror_params(params: dict[str, Tensor]) -> dict[str, Tensor]:
    """Parameters of the mirror image of a person in the mirrored crop.

    Args:
        params: ``global_orient`` (B, 1, 3, 3), ``body_pose`` (B, 23, 3, 3), ``betas``
            (B, K) and ``camera`` (B, 3), the crop camera (s, tx, ty).

    Returns:
        The same names and shapes: left and right change places, the camera's x and the
        rotations change sides. Mirroring twice changes nothing.

    Raises:
        ValueError: If a head gives more: how its mirror image looks is not known here.
    """
    others = [name for name in params if name not in MIRRORED]
    if others:
        raise ValueError(
            f'the flip test mirrors {", ".join(MIRRORED)}, but the head gives '
            f'{", ".join(others)} too, of which the mirror image is not known: '
            'test with test_cfg=dict(flip_test=False), or let the head give them in '
            'training alone'
        )
    pose = torch.cat((params['global_orient'], params['body_pose']), dim=1)
    pose = flip_smpl_pose(pose)
    camera = params['camera']
    return dict(
        params,
        global_orient=pose[:, :1],
        body_pose=pose[:, 1:],
        camera=camera * camera.new_tensor([1, -1, 1]),
    )


def average_params(
    first: dict[str, Tensor], second: dict[str, Tensor]
) -> dict[str, Tensor]:
    """The mean of two predictions, as `mirror_params` takes them.

    Rotations are the nearest ones to the mean of the matrices (the chordal mean);
    shape coefficients and camera are averaged.
    """
    mean = {name: (value + second[name]) / 2 for name, value in first.items()}
    for name in ('global_orient', 'body_pose'):
        mean[name] = roma.special_procrustes(mean[name])
    return mean
