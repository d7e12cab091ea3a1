"""Mean SMPL parameters, from which error feedback starts."""

import zipfile
import zlib
from pathlib import Path
from typing import NamedTuple

import numpy as np
import torch
from torch import Tensor

from deforhmr_mm.geometry.rotations import check_rot6d, rot6d_from_row_major
from deforhmr_mm.whole_files import whole_file

NUM_JOINTS = 24
# Crop camera (s, tx, ty) that iterative regressors of this family start from.
START_CAMERA = (0.9, 0.0, 0.0)


class MeanParams(NamedTuple):
    """Where the estimate starts.

    Attributes:
        rot6d: (24, 6) rotations, first three numbers = first column, root first.
        betas: (num_betas,) shape.
        camera: (3,) crop camera (s, tx, ty), s > 0.
    """

    rot6d: Tensor
    betas: Tensor
    camera: Tensor


def facing_rest_pose(num_betas: int = 10) -> MeanParams:
    """The mean shape in its rest pose, upright and facing the camera."""
    rot6d = torch.eye(3)[:, :2].T.reshape(6).repeat(NUM_JOINTS, 1)
    # Half a turn about x: the body's y points up, the camera's down.
    rot6d[0] = torch.tensor([1.0, 0.0, 0.0, 0.0, -1.0, 0.0])
    return MeanParams(rot6d, torch.zeros(num_betas), torch.tensor(START_CAMERA))


def load_start(path: str | Path | None, num_betas: int) -> MeanParams:
    """Where a head of `num_betas` starts: a file's means, or the rest pose for None.

    Raises:
        FileNotFoundError: if there is no such file.
        ValueError: if it is not as `load_mean_params` expects, or has fewer betas.
    """
    means = facing_rest_pose(num_betas) if path is None else load_mean_params(path)
    if len(means.betas) < num_betas:
        raise ValueError(
            f'mean_params has {len(means.betas)} betas, the head num_betas={num_betas}'
        )
    return means._replace(betas=means.betas[:num_betas])


def load_mean_params(path: str | Path) -> MeanParams:
    """Read a npz of mean parameters.

    Two layouts are read: ours (``rot6d`` (24, 6), ``betas`` (B,), ``camera`` (3,),
    ``rot6d_layout`` = 'columns') and the ``smpl_mean_params.npz`` that SPIN made common
    (``pose`` (144,), ``shape`` (10,), ``cam`` (3,)), whose rotations are row-major 3x2.

    Args:
        path: the file.

    Returns:
        The parameters in our 6D layout.

    Raises:
        FileNotFoundError: if there is no such file.
        ValueError: if the file is damaged or no npz, keys or shapes are others, the
            layout is unknown, a value is not finite, a rotation is degenerate or the
            camera's scale not positive.
    """
    path = Path(path)
    if not path.is_file():
        raise FileNotFoundError(
            f'mean_params={str(path)!r} does not exist. Set it to the '
            'smpl_mean_params.npz of your SMPL set-up, or to None to start from the '
            'rest pose'
        )
    arrays = _read_npz(path)
    if 'rot6d' in arrays:
        layout = str(arrays.get('rot6d_layout', ''))
        if layout != 'columns':
            raise ValueError(
                f"{path}: rot6d_layout must be 'columns' (first three numbers = first "
                f'column), got {layout!r}'
            )
        rot6d = _shaped(arrays, 'rot6d', (NUM_JOINTS, 6), path)
        betas = _shaped(arrays, 'betas', (None,), path)
        camera = _shaped(arrays, 'camera', (3,), path)
    else:
        rows = _shaped(arrays, 'pose', (NUM_JOINTS * 6,), path)
        rot6d = rot6d_from_row_major(rows.reshape(NUM_JOINTS, 6))
        betas = _shaped(arrays, 'shape', (10,), path)
        camera = _shaped(arrays, 'cam', (3,), path)
    means = MeanParams(rot6d, betas, camera)
    _check(means, path)
    return means


def save_mean_params(path: str | Path, means: MeanParams) -> None:
    """Write mean parameters in our layout, whole or not at all.

    Args:
        path: the ``.npz`` file; its folder is made.
        means: the parameters.

    Raises:
        ValueError: if a value is not finite, a rotation is degenerate or the camera's
            scale not positive.
    """
    path = Path(path)
    _check(means, path)
    with whole_file(path) as part, part.open('wb') as file:
        np.savez(
            file,
            rot6d=means.rot6d.numpy(),
            betas=means.betas.numpy(),
            camera=means.camera.numpy(),
            rot6d_layout='columns',
        )


def _read_npz(path: Path) -> dict[str, np.ndarray]:
    try:
        content = np.load(path, allow_pickle=False)
        if isinstance(content, np.ndarray):
            raise ValueError('it holds a single array')
        with content:
            return dict(content)
    except (
        OSError,
        ValueError,
        EOFError,
        RuntimeError,  # zipfile's of versions and flags that it does not know
        zipfile.BadZipFile,
        zlib.error,
    ) as error:
        raise ValueError(
            f'{path} is not a readable npz of plain arrays: {error}'
        ) from error


def _check(means: MeanParams, path: Path) -> None:
    check_rot6d(means.rot6d, f'{path}: mean pose')
    for name in ('betas', 'camera'):
        value = getattr(means, name)
        if not value.isfinite().all():
            raise ValueError(f'{path}: {name} must be finite, got {value.tolist()}')
    scale = means.camera[0]
    if not scale > 0:
        raise ValueError(f'{path}: the camera scale must be positive, got {scale}')


def _shaped(
    arrays: dict, key: str, shape: tuple[int | None, ...], path: Path
) -> Tensor:
    """An array as float32; None in its shape is any length."""
    expected = str(shape).replace('None', 'any')
    if key not in arrays:
        raise ValueError(
            f'{path}: expected the key {key!r} of shape {expected}, found '
            f'{sorted(arrays)}'
        )
    value = arrays[key]
    if value.dtype.kind not in 'fiu':
        raise ValueError(f'{path}: {key} must hold numbers, got {value.dtype}')
    fits = value.ndim == len(shape) and all(
        length in (None, found)
        for length, found in zip(shape, value.shape, strict=True)
    )
    if not fits:
        raise ValueError(f'{path}: {key} must be {expected}, got {value.shape}')
    return torch.as_tensor(value, dtype=torch.float32)
