"""The tar files that HMR2.0 is trained on."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np
from mmengine.dist import is_main_process
from mmengine.logging import MMLogger
from rich.progress import track

from deforhmr_mm.geometry.boxes import CROP_ASPECT, fit_aspect

from ..labels import AnnotationError, LabelRecord
from .hmr2 import BODY, EXTRA, ROOTS, in_smpl45
from .hmr2_rules import HMR2Cleaner, HMR2Rules
from .joints import root_relative
from .plain_pickle import load_plain_pickle
from .tar_index import TarMember, expand_tar_paths, index_tar, read_member

__all__ = ['HMR2Labels', 'read_hmr2_tars']

LABEL_EXTENSION = 'data.pyd'
PICTURE_EXTENSIONS = ('jpg', 'jpeg', 'png')
NUM_JOINTS = len(BODY) + len(EXTRA)


class HMR2Labels(NamedTuple):
    """What the tar files hold.

    Attributes:
        labels: Labels of N people.
        pictures: N places of their pictures; people of one picture share it.
    """

    labels: LabelRecord
    pictures: list[TarMember]


def read_hmr2_tars(
    patterns: str | Sequence[str],
    bbox_padding: float = 1.0,
    rules: HMR2Rules | None = None,
) -> HMR2Labels:
    """Read the labels of HMR2.0's training tars, and find their pictures.

    A sample is a picture ``KEY.jpg`` (or jpeg, png) and ``KEY.data.pyd``, a pickled
    list with a dictionary for each person. Required are ``center`` (2,) pixels and
    ``scale``, the box over 200: one number for the side of a square, or (2,) width and
    height. Optional are ``keypoints_2d`` (44, 3) pixels, ``keypoints_3d`` (44, 4)
    metres, ``body_pose`` (72,) or (24, 3) axis-angle, root included, and ``betas``
    (10,), with ``has_body_pose`` and ``has_betas`` (missing: 1 where there is a value).

    The 44 joints are matched to ``smpl45`` by name: 25 of OpenPose and 19 of the data
    set, which win where their confidence is above zero. 3D joints are made relative to
    OpenPose's pelvis, or else to the data set's, keypoint 39, by which HMR2.0 itself
    aligns, or to the middle of its hips. Keypoint 39 is another point than SMPL's
    pelvis: it gives the root, and never a label of the pelvis.

    The files hold fits of all qualities; `HMR2Rules` cleans them as HMR2.0's loader
    does.

    Samples without a picture or labels, boxes without an area and whom the rules take
    are left out and counted in the log. Nothing is unpacked, and pickles run no code,
    see `load_plain_pickle`. A person takes about 1.7 kB of memory.

    Args:
        patterns: See `expand_tar_paths`.
        bbox_padding: Enlargement of the box, on top of what ``scale`` includes.
        rules: Which people and labels are kept; HMR2.0's by default.

    Raises:
        FileNotFoundError: If there is no such file.
        AnnotationError: If a tar or a pickle cannot be read, a key is missing or holds
            a wrong value, or there is nobody in the files or nobody is left.
    """
    paths = expand_tar_paths(patterns)
    pictures: list[TarMember] = []
    parts: list[dict[str, np.ndarray]] = []
    left_out: Counter[str] = Counter()
    clean = HMR2Cleaner(rules or HMR2Rules())
    is_silent = len(paths) == 1 or not is_main_process()
    for path in track(paths, description='Tar files', disable=is_silent):
        people = []
        for members in index_tar(path).values():
            picture = next(
                (members[e] for e in PICTURE_EXTENSIONS if e in members), None
            )
            label = members.get(LABEL_EXTENSION)
            if picture is None or label is None:
                left_out['labels without a picture'] += label is not None
                left_out['pictures without labels'] += picture is not None
                continue
            for name, person in _people_of(label):
                columns = _read_person(name, person, bbox_padding)
                if columns is None:
                    left_out['boxes without an area'] += 1
                    continue
                columns = clean(columns, person, name)
                if columns is None:
                    continue
                people.append(columns)
                pictures.append(picture)
        if people:
            parts.append(_to_columns(people))
    summary = (
        f'{_list_paths(paths)}: {len(pictures)} people in {len(set(pictures))} '
        f'pictures; left out: {_list_counts(left_out + clean.left_out)}; people who '
        f'lost labels: {_list_counts(clean.dropped)}.'
    )
    if not pictures:
        hint = f'A sample must have KEY.jpg and KEY.{LABEL_EXTENSION}.'
        if clean.left_out:
            hint = (
                'Ask for less: min_keypoints=None and max_fitting_loss=None keep all.'
            )
        raise AnnotationError(f'{summary} {hint}')
    MMLogger.get_current_instance().info(summary)
    columns = {key: np.concatenate([part[key] for part in parts]) for key in parts[0]}
    return HMR2Labels(_to_record(_list_paths(paths), pictures, columns), pictures)


def _list_paths(paths: list[str]) -> str:
    return paths[0] + (f' and {len(paths) - 1} more' if len(paths) > 1 else '')


def _list_counts(counts: Counter[str]) -> str:
    return ', '.join(f'{n} {what}' for what, n in counts.items() if n) or 'none'


def _people_of(label: TarMember) -> list[tuple[str, dict[str, Any]]]:
    """Return the people of a picture, each with a name for messages."""
    content = load_plain_pickle(read_member(label), label.full_name)
    people = [content] if isinstance(content, dict) else content
    if not isinstance(people, list | tuple) or not all(
        isinstance(person, dict) for person in people
    ):
        raise AnnotationError(
            f'{label.full_name}: expected a list with a dictionary for each person, '
            f'but came {type(content).__name__}.'
        )
    return [(f'{label.full_name}[{row}]', person) for row, person in enumerate(people)]


def _read_person(
    name: str, person: dict[str, Any], bbox_padding: float
) -> dict[str, np.ndarray] | None:
    """Return one row of every column, or None if the box has no area."""
    for key in ('center', 'scale'):
        if person.get(key) is None:
            raise AnnotationError(
                f'{name}: there is no key {key!r}. The person has: '
                f'{", ".join(sorted(str(key) for key in person)) or "nothing"}.'
            )
    has_pair = np.size(person['scale']) == 2
    scale = _grouped(name, person, 'scale', 2 if has_pair else 1)
    if not (np.isfinite(scale) & (scale > 0)).all():
        return None
    size = fit_aspect(scale) if has_pair else scale * [CROP_ASPECT, 1.0]
    pose, has_pose = _labelled(name, person, 'body_pose', 'has_body_pose', 24, 3)
    betas, has_betas = _labelled(name, person, 'betas', 'has_betas', 10)
    return {
        'center': _numbers(name, person, 'center', 2),
        'scale': (200.0 * bbox_padding * size).astype(np.float32),
        'keypoints': _points(name, person, 'keypoints_2d', 3),
        'joints_3d': _points(name, person, 'keypoints_3d', 4),
        'pose': pose,
        'betas': betas,
        'has_pose': has_pose,
        'has_betas': has_betas,
    }


def _numbers(name: str, person: dict[str, Any], key: str, *shape: int) -> np.ndarray:
    """Return a value as finite float32 of the shape, whatever its grouping."""
    values = _grouped(name, person, key, *shape)
    if not np.isfinite(values).all():
        raise AnnotationError(
            f'{name}: key {key!r} must be finite, but is {values.tolist()}.'
        )
    return values


def _grouped(name: str, person: dict[str, Any], key: str, *shape: int) -> np.ndarray:
    try:
        values = np.asarray(person[key])
    except ValueError:  # Rows of different lengths.
        values = np.asarray(person[key], dtype=object)
    if values.dtype.kind not in 'biuf' or values.size != np.prod(shape):
        raise AnnotationError(
            f'{name}: key {key!r} must hold numbers of shape {shape}, but came with '
            f'shape {values.shape} and type {values.dtype}.'
        )
    return values.reshape(shape).astype(np.float32)


def _labelled(
    name: str, person: dict[str, Any], key: str, flag: str, *shape: int
) -> tuple[np.ndarray, np.float32]:
    """Return a value and whether it is a label; zeros where it is none."""
    is_there = person.get(key) is not None
    has_label = is_there
    if person.get(flag) is not None:
        has_label = bool(_numbers(name, person, flag, 1)[0] > 0)
    if not has_label:
        return np.zeros(shape, dtype=np.float32), np.float32(0)
    if not is_there:
        raise AnnotationError(f'{name}: {flag!r} is set, but there is no key {key!r}.')
    return _numbers(name, person, key, *shape), np.float32(1)


def _points(name: str, person: dict[str, Any], key: str, size: int) -> np.ndarray:
    """Return (44, size) float32, the last column confidence; zeros where unknown."""
    if person.get(key) is None:
        return np.zeros((NUM_JOINTS, size), dtype=np.float32)
    points = _grouped(name, person, key, NUM_JOINTS, size)
    # The place of a joint without confidence means nothing, and is NaN in some files.
    points[~(points[:, -1] > 0)] = 0
    if not np.isfinite(points).all():
        raise AnnotationError(
            f'{name}: key {key!r} must be finite where its confidence is above zero.'
        )
    return points


def _to_columns(people: list[dict[str, np.ndarray]]) -> dict[str, np.ndarray]:
    """Stack people, and bring their joints into the order of ``smpl45``."""
    columns = {key: np.stack([one[key] for one in people]) for key in people[0]}
    columns['keypoints'] = in_smpl45(columns['keypoints'])
    joints = in_smpl45(root_relative(columns['joints_3d'], (BODY['pelvis'],), *ROOTS))
    # Where there is no joint, root and all, there are zeros.
    joints[..., :3] *= joints[..., 3:] > 0
    columns['joints_3d'] = joints
    return columns


def _to_record(
    path: str, pictures: list[TarMember], columns: dict[str, np.ndarray]
) -> LabelRecord:
    count = len(pictures)
    return LabelRecord(
        path=path,
        image_names=tuple(picture.full_name for picture in pictures),
        transl=np.full((count, 3), np.nan, dtype=np.float32),
        focal_length=np.full(count, np.nan, dtype=np.float32),
        principal_point=np.full((count, 2), np.nan, dtype=np.float32),
        genders=('neutral',) * count,
        person_ids=np.full(count, -1, dtype=np.int64),
        family='hmr2_tar',
        **columns,
    )
