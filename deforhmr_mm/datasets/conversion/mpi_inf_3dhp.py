"""MPI-INF-3DHP: training sequences (``annot.mat``) and test ones (``annot_data.mat``).

Neither has SMPL parameters. Joints are mapped by name where they mean what the name
means elsewhere: the twelve of arms and legs, and the pelvis. The data set's own neck,
head, spine, clavicles, hands and feet are left out of the labels; the box is around its
usual 17 joints.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np

from ..labels import AnnotationError
from .columns import Columns, box_around, place_joints
from .frames import extract_frames
from .libraries import require

__all__ = [
    'TEST_NAMES',
    'TRAIN_NAMES',
    'VIDEOS',
    'convert_test',
    'convert_train',
    'read_test',
    'read_train',
]

VIDEOS = (0, 1, 2, 4, 5, 6, 7, 8)
"""Cameras of the training sequences at the height of a person, as SPIN takes them."""

_ARM = ('shoulder', 'elbow', 'wrist')
_LEG = ('hip', 'knee', 'ankle')


def _side(side: str, *names: str) -> tuple[str, ...]:
    return tuple(f'{side}_{name}' for name in names)


# A name that no keypoint set has keeps a joint out of the labels.
TRAIN_NAMES = (
    *('spine3', 'spine4', 'spine2', 'spine_3dhp'),
    'pelvis_mpii',
    *('neck_3dhp', 'head_3dhp', 'head_top_3dhp'),
    *('left_clavicle', *_side('left', *_ARM), 'left_hand_3dhp'),
    *('right_clavicle', *_side('right', *_ARM), 'right_hand_3dhp'),
    *(*_side('left', *_LEG), 'left_foot_3dhp', 'left_toe_3dhp'),
    *(*_side('right', *_LEG), 'right_foot_3dhp', 'right_toe_3dhp'),
)
"""The 28 joints of a training sequence in order."""

TEST_NAMES = (
    *('head_top_3dhp', 'neck_3dhp'),
    *(*_side('right', *_ARM), *_side('left', *_ARM)),
    *(*_side('right', *_LEG), *_side('left', *_LEG)),
    *('pelvis_mpii', 'spine_3dhp', 'head_3dhp'),
)
"""The 17 joints of a test sequence in order."""

_SIZE = 2048
_USUAL = [TRAIN_NAMES.index(name) for name in TEST_NAMES]
_LAST_VIDEO = max(VIDEOS)


def read_train(path: Path) -> tuple[list[np.ndarray], list[np.ndarray]]:
    """Read a training sequence's ``annot.mat``.

    Returns:
        For each video of `VIDEOS`, joints (F, 28, 2) in pixels and (F, 28, 3) in
        millimetres, in the video's camera frame.

    Raises:
        AnnotationError: If the file lacks something, or has another layout.
    """
    # Takes long to import, and only this function needs it.
    from scipy.io import loadmat

    try:
        content = loadmat(path, variable_names=('annot2', 'annot3'))
    except OSError:
        raise
    except Exception as error:  # scipy has no common error for damaged files.
        raise AnnotationError(f'{path} is not a readable .mat file: {error}') from error
    read = []
    for key, size in (('annot2', 2), ('annot3', 3)):
        videos = content.get(key)
        if videos is None or videos.ndim != 2 or len(videos) <= _LAST_VIDEO:
            came = 'missing' if videos is None else f'of shape {videos.shape}'
            raise AnnotationError(
                f'{path}: {key} must have one row for each of 14 videos, but is {came}.'
            )
        read.append([_joints(path, key, videos[v][0], size) for v in VIDEOS])
    for video, two, three in zip(VIDEOS, *read, strict=True):
        if len(two) != len(three):
            raise AnnotationError(
                f'{path}: video {video} has {len(two)} frames in annot2 and '
                f'{len(three)} in annot3.'
            )
    return read[0], read[1]


def _joints(path: Path, key: str, values: np.ndarray, size: int) -> np.ndarray:
    array = np.asarray(values)
    count = len(TRAIN_NAMES)
    if array.dtype.kind not in 'fiu' or array.shape[1:] != (count * size,):
        raise AnnotationError(
            f'{path}: {key} of a video must be numbers of shape (F, {count * size}), '
            f'but is {array.dtype} of shape {array.shape}.'
        )
    return array.reshape(-1, count, size).astype(np.float64)


def convert_train(
    path: Path, folder: str, every: int = 10, extract: bool = False
) -> Columns:
    """Labels of a training sequence.

    Kept is every tenth frame of a video where the usual 17 joints are in the picture
    of 2048 x 2048 pixels.

    Args:
        path: The sequence's ``annot.mat``.
        folder: The sequence's folder in picture names, as ``S1/Seq1``.
        every: Frames to go on by.
        extract: Write pictures that are not there from ``imageSequence/video_*.avi``
            beside `path`; frames after a video's end are left out.

    Returns:
        Columns of N people: ``part`` and ``S`` (metres, from the pelvis) beside picture
        and box. The picture of frame f is ``frame_%06d.jpg`` with f + 1.
    """
    names, pixels, metres = [], [], []
    for video, joints_2d, joints_3d in zip(VIDEOS, *read_train(path), strict=True):
        usual = joints_2d[:, _USUAL]
        inside = ((usual >= 0) & (usual < _SIZE)).all(axis=(1, 2))
        frames = np.flatnonzero(inside & (np.arange(len(inside)) % every == 0))
        place = f'imageFrames/video_{video}'
        files = {int(frame): f'{place}/frame_{frame + 1:06d}.jpg' for frame in frames}
        if extract:
            source = path.parent / 'imageSequence' / f'video_{video}.avi'
            pictures = {frame: path.parent / name for frame, name in files.items()}
            frames = frames[frames < extract_frames(source, pictures)]
        names += [f'{folder}/{files[int(frame)]}' for frame in frames]
        pixels.append(joints_2d[frames])
        metres.append(joints_3d[frames] / 1000)
    joints_2d, joints_3d = np.concatenate(pixels), np.concatenate(metres)
    return _columns(names, joints_2d, joints_3d, TRAIN_NAMES, joints_2d[:, _USUAL])


def read_test(path: Path) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Read a test sequence's ``annot_data.mat`` (HDF5).

    Returns:
        Joints (F, 17, 2) in pixels, (F, 17, 3) in millimetres in the camera's frame,
        of the skeleton scaled to one height (`univ_annot3`), and (F,) whether a frame
        counts.

    Raises:
        MissingLibraryError: If h5py is not installed.
        AnnotationError: If the file lacks something, or has another layout.
    """
    h5py = require('h5py', f'{path} (HDF5)')
    if not path.is_file():
        raise FileNotFoundError(f'there is no annotation file {path}')
    try:
        with h5py.File(path, 'r') as file:
            keys = ('annot2', 'univ_annot3', 'valid_frame')
            missing = [key for key in keys if key not in file]
            if missing:
                raise AnnotationError(f'{path}: there is no {", ".join(missing)}.')
            joints_2d, joints_3d, valid = (np.array(file[key]) for key in keys)
    except OSError as error:
        raise AnnotationError(f'{path} is no readable HDF5 file: {error}') from error
    frames, count = valid.size, len(TEST_NAMES)
    for key, array, size in (('annot2', joints_2d, 2), ('univ_annot3', joints_3d, 3)):
        if array.shape != (frames, 1, count, size):
            raise AnnotationError(
                f'{path}: {key} must have the shape {(frames, 1, count, size)}, but '
                f'has {array.shape}.'
            )
    return joints_2d[:, 0], joints_3d[:, 0], valid.reshape(-1) > 0


def convert_test(path: Path, folder: str) -> Columns:
    """Labels of a test sequence's valid frames.

    Args:
        path: The sequence's ``annot_data.mat``.
        folder: The sequence's folder in picture names.

    Returns:
        As `convert_train`; the picture of frame f is ``img_%06d.jpg`` with f + 1.
    """
    joints_2d, joints_3d, valid = read_test(path)
    frames = np.flatnonzero(valid)
    names = [f'{folder}/imageSequence/img_{frame + 1:06d}.jpg' for frame in frames]
    pixels, metres = joints_2d[frames], joints_3d[frames] / 1000
    return _columns(names, pixels, metres, TEST_NAMES, pixels)


def _columns(
    names: list[str],
    pixels: np.ndarray,
    metres: np.ndarray,
    joint_names: tuple[str, ...],
    boxed: np.ndarray,
) -> Columns:
    root = metres[:, joint_names.index('pelvis_mpii')]
    known = np.ones((*pixels.shape[:2], 1))
    center, scale = box_around(boxed)
    part = np.concatenate([pixels, known], axis=-1)
    joints = np.concatenate([metres - root[:, None], known], axis=-1)
    return {
        'imgname': np.array(names, dtype=str),
        'center': center,
        'scale': scale,
        'part': place_joints(part, joint_names),
        'S': place_joints(joints, joint_names),
    }
