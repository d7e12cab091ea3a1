"""Human3.6M: poses in CDF files, boxes as masks in HDF5, poses of MoSh's in pickles."""

from __future__ import annotations

from pathlib import Path
from typing import NamedTuple

import numpy as np

from ..labels import AnnotationError
from .columns import Columns, crop_scale, place_joints
from .frames import extract_frames
from .libraries import require
from .mosh import MOSH_STEP, read_mosh, turn_to_camera

__all__ = [
    'CAMERAS',
    'EVERY',
    'JOINTS',
    'Sequence',
    'convert_sequence',
    'read_boxes',
    'read_poses',
]

CAMERAS = ('54138969', '55011271', '58860488', '60457274')
EVERY = 5
"""Frames to go on by: 10 Hz of 50."""

# Number among the data set's 32 and name in `spin24`. 11 repeats the pelvis, 16 and 24
# repeat the neck. SPIN's files have Human3.6M's neck where other data sets have LSP's.
JOINTS = {
    **{'pelvis_mpii': 0, 'spine_h36m': 12, 'neck_lsp': 13},
    **{'jaw_h36m': 14, 'head_h36m': 15},
    **{'right_hip': 1, 'right_knee': 2, 'right_ankle': 3},
    **{'left_hip': 6, 'left_knee': 7, 'left_ankle': 8},
    **{'left_shoulder': 17, 'left_elbow': 18, 'left_wrist': 19},
    **{'right_shoulder': 25, 'right_elbow': 26, 'right_wrist': 27},
}
_COUNT = 32
# Of the mask's box, as in SPIN's files.
_PADDING = 0.9


class Sequence(NamedTuple):
    """Where a video's files are.

    Attributes:
        subject: As 'S9'.
        name: Action and camera, as 'Directions 1.60457274'.
        poses_3d: ``MyPoseFeatures/D3_Positions_mono/*.cdf``.
        boxes: ``MySegmentsMat/ground_truth_bb/*.mat``.
        poses_2d: ``MyPoseFeatures/D2_Positions/*.cdf``, or None.
        mosh: MoSh's ``.pkl``, or None.
        video: ``Videos/*.mp4`` to take pictures from, or None.
    """

    subject: str
    name: str
    poses_3d: Path
    boxes: Path
    poses_2d: Path | None = None
    mosh: Path | None = None
    video: Path | None = None


def read_poses(path: Path, size: int) -> np.ndarray:
    """Read the variable `Pose` of a CDF file.

    Args:
        path: The file.
        size: 2 for pixels, 3 for millimetres in the camera's frame.

    Returns:
        (F, 32, size) float64.

    Raises:
        MissingLibraryError: If cdflib is not installed.
        AnnotationError: If the file is damaged, or of another layout.
    """
    cdflib = require('cdflib', f'{path} (CDF)')
    if not path.is_file():
        raise FileNotFoundError(f'there is no file of poses {path}')
    try:
        values = np.asarray(cdflib.CDF(path).varget('Pose'))
    except Exception as error:  # cdflib has no common error for damaged files.
        raise AnnotationError(f"{path}: 'Pose' is not readable: {error}") from error
    width = _COUNT * size
    if values.dtype.kind not in 'fiu' or values.shape[-1:] != (width,):
        raise AnnotationError(
            f"{path}: 'Pose' must be numbers of shape (1, F, {width}), but is "
            f'{values.dtype} of shape {values.shape}.'
        )
    return values.reshape(-1, _COUNT, size).astype(np.float64)


def read_boxes(path: Path, frames: np.ndarray) -> np.ndarray:
    """Boxes around a person's masks.

    Args:
        path: HDF5 file whose `Masks` refer to one (width, height) array a frame.
        frames: (N,) which of them.

    Returns:
        (N, 4) left, top, right, bottom in pixels, the latter two just outside.

    Raises:
        MissingLibraryError: If h5py is not installed.
        AnnotationError: If the file is damaged, too short, or a mask is empty.
    """
    h5py = require('h5py', f'{path} (HDF5)')
    if not path.is_file():
        raise FileNotFoundError(f'there is no file of boxes {path}')
    boxes = np.zeros((len(frames), 4))
    try:
        with h5py.File(path, 'r') as file:
            masks = file['Masks']
            if len(masks) <= max(frames, default=-1):
                raise AnnotationError(
                    f'{path}: there are {len(masks)} masks, and frame {max(frames)} '
                    'is asked for.'
                )
            for row, frame in enumerate(frames):
                # Matlab's arrays come transposed: the first axis is x.
                mask = np.array(file[masks[frame, 0]]) == 1
                xs, ys = np.flatnonzero(mask.any(1)), np.flatnonzero(mask.any(0))
                if not len(xs):
                    raise AnnotationError(
                        f'{path}: the mask of frame {frame} is empty.'
                    )
                boxes[row] = xs[0], ys[0], xs[-1] + 1, ys[-1] + 1
    except (OSError, KeyError) as error:
        raise AnnotationError(f'{path}: masks are not readable: {error}') from error
    return boxes


def convert_sequence(sequence: Sequence, root: Path) -> Columns:
    """Labels of every fifth frame of a video.

    Args:
        sequence: Its files. With a video, pictures that are not there are written, and
            frames after the video's end left out.
        root: Folder that picture names are relative to.

    Returns:
        Columns of N people: ``S`` (metres, from the pelvis) beside picture and box,
        ``part`` where there are poses in pixels, and ``pose``, ``shape`` and
        ``has_smpl`` where there are poses of MoSh's. The picture of frame f is
        ``images/<subject>_<action>.<camera>_%06d.jpg`` with f + 1.
    """
    poses = read_poses(sequence.poses_3d, 3) / 1000
    frames = np.arange(0, len(poses), EVERY)
    metres = poses[frames]
    boxes = read_boxes(sequence.boxes, frames)
    video = f'{sequence.subject}_{sequence.name.replace(" ", "_")}'
    names = [f'images/{video}_{frame + 1:06d}.jpg' for frame in frames]
    columns = {
        'imgname': np.array(names),
        'center': (boxes[:, :2] + boxes[:, 2:]) / 2,
        'scale': _PADDING * crop_scale(boxes[:, 2:] - boxes[:, :2]),
        'S': _place(metres - metres[:, :1]),
    }
    if sequence.poses_2d is not None:
        pixels = read_poses(sequence.poses_2d, 2)
        if len(pixels) != len(poses):
            raise AnnotationError(
                f'{sequence.poses_2d} has {len(pixels)} frames, {sequence.poses_3d} '
                f'has {len(poses)}.'
            )
        columns['part'] = _place(pixels[frames])
    if sequence.mosh is not None:
        columns.update(_smpl(sequence.mosh, metres, len(poses)))
    if sequence.video is not None:
        pictures = {int(f): root / name for f, name in zip(frames, names, strict=True)}
        seen = frames < extract_frames(sequence.video, pictures)
        columns = {key: values[seen] for key, values in columns.items()}
    return columns


def _place(joints: np.ndarray) -> np.ndarray:
    known = np.ones((*joints.shape[:2], 1))
    chosen = np.concatenate([joints, known], axis=-1)[:, list(JOINTS.values())]
    return place_joints(chosen, list(JOINTS))


def _smpl(path: Path, joints: np.ndarray, num_frames: int) -> Columns:
    assert EVERY == MOSH_STEP, 'a pose for each frame that is kept'
    poses, betas = read_mosh(path, num_frames)
    known = joints[: len(poses)]
    left, right, neck, pelvis = (
        known[:, JOINTS[name]]
        for name in ('left_hip', 'right_hip', 'neck_lsp', 'pelvis_mpii')
    )
    try:
        poses = turn_to_camera(poses, left, right, neck - pelvis)
    except AnnotationError as error:
        raise AnnotationError(f'{path}: {error}.') from error
    count, given = len(joints), len(poses)
    columns = {
        'pose': np.zeros((count, 72)),
        'shape': np.zeros((count, 10)),
        'has_smpl': np.zeros(count),
    }
    columns['pose'][:given] = poses
    columns['shape'][:given] = betas
    columns['has_smpl'][:given] = 1
    return columns
