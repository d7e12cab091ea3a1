"""MPII Human Pose: its own .mat file, or the JSON that pose estimation code shares.

Both count pixels from 1 and give a person's height over 200 as `scale`; boxes follow
the stacked hourglass code: 1.25 times the height, moved down by 15 pixels of a person
of 200.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from ..labels import AnnotationError
from .coco import load_json
from .columns import Columns, place_joints

__all__ = ['JOINT_NAMES', 'convert_json', 'convert_mat', 'parse_release']

JOINT_NAMES = (
    *('right_ankle', 'right_knee', 'right_hip', 'left_hip', 'left_knee', 'left_ankle'),
    *('pelvis_mpii', 'thorax_mpii', 'neck_lsp', 'head_top'),
    *('right_wrist', 'right_elbow', 'right_shoulder'),
    *('left_shoulder', 'left_elbow', 'left_wrist'),
)
"""MPII's 16 joints in order, by the names of `spin24`."""

_HEIGHT_PADDING = 1.25
_DOWN = 15.0


class _Person(NamedTuple):
    """A person, pixels counted from 1; joints (16, 3) with confidence 0 or 1."""

    picture: str
    center: tuple[float, float]
    scale: float
    joints: np.ndarray


def convert_json(path: Path) -> Columns:
    """People of a ``train.json`` or ``valid.json``.

    Entries have ``image``, ``joints`` (16, 2), ``joints_vis`` (16,), ``center`` (2,)
    and ``scale``.

    Raises:
        FileNotFoundError: If there is no such file.
        AnnotationError: If the file is not such a file.
    """
    people = []
    for row, entry in enumerate(load_json(path, list, 'annotation file')):
        try:
            joints = np.array(entry['joints'], dtype=np.float64).reshape(16, 2)
            known = np.array(entry['joints_vis'], dtype=np.float64).reshape(16) > 0
            x, y = entry['center']
            person = _Person(
                str(entry['image']),
                (float(x), float(y)),
                float(entry['scale']),
                np.column_stack([joints, known]),
            )
        except (KeyError, TypeError, ValueError) as error:
            raise AnnotationError(
                f'{path}: entry {row} is not as MPII has them '
                f'({type(error).__name__}: {error}).'
            ) from error
        people.append(person)
    return _columns(people)


def convert_mat(path: Path) -> Columns:
    """People with joints of ``mpii_human_pose_v1_u12_1.mat``: its training pictures.

    Raises:
        FileNotFoundError: If there is no such file.
        AnnotationError: If the file is not such a file.
    """
    # Takes long to import, and only this function needs it.
    from scipy.io import loadmat

    if not path.is_file():
        raise FileNotFoundError(f'there is no annotation file {path}')
    try:
        content = loadmat(path, simplify_cells=True)
    except Exception as error:  # scipy has no common error for damaged files.
        raise AnnotationError(f'{path} is not a readable .mat file: {error}') from error
    if 'RELEASE' not in content:
        raise AnnotationError(f"{path}: there is no 'RELEASE'.")
    return parse_release(content['RELEASE'], path)


def parse_release(release: dict[str, Any], path: Path) -> Columns:
    """People of the structure `RELEASE`, as nested dictionaries and lists.

    Kept are the people of pictures with `img_train`, with a position, a scale and at
    least one joint.

    Args:
        release: ``annolist`` and ``img_train``.
        path: Where it comes from, for messages.
    """
    people = []
    try:
        pictures = _as_list(release['annolist'])
        train = np.atleast_1d(release['img_train'])
        if len(train) != len(pictures):
            raise ValueError(f'{len(pictures)} pictures, {len(train)} in img_train')
        for picture, is_train in zip(pictures, train, strict=True):
            if not is_train:
                continue
            for person in _as_list(picture['annorect']):
                joints = _joints(person)
                position = person.get('objpos')
                scale = np.asarray(person.get('scale', ())).ravel()
                if isinstance(position, dict) and scale.size and joints.any():
                    center = float(position['x']), float(position['y'])
                    name = str(picture['image']['name'])
                    people.append(_Person(name, center, float(scale[0]), joints))
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        raise AnnotationError(
            f'{path}: the structure is not as MPII has it '
            f'({type(error).__name__}: {error}).'
        ) from error
    return _columns(people)


def _joints(person: dict[str, Any]) -> np.ndarray:
    joints = np.zeros((16, 3))
    points = person.get('annopoints')
    if isinstance(points, dict):
        for point in _as_list(points['point']):
            joints[int(point['id'])] = float(point['x']), float(point['y']), 1
    return joints


def _as_list(value: Any) -> list:
    """Matlab does not tell one structure from an array of one; none is an array."""
    if isinstance(value, dict):
        return [value]
    return list(value)


def _columns(people: list[_Person]) -> Columns:
    scale = np.array([person.scale for person in people], dtype=np.float64)
    center = np.array([person.center for person in people]).reshape(-1, 2) - 1
    center[:, 1] += _DOWN * scale
    joints = np.array([person.joints for person in people]).reshape(-1, 16, 3)
    joints[..., :2] -= 1
    joints *= joints[..., 2:] > 0
    return {
        'imgname': np.array([f'images/{p.picture}' for p in people], dtype=str),
        'center': center,
        'scale': _HEIGHT_PADDING * scale,
        'part': place_joints(joints, JOINT_NAMES),
    }
