"""mmhuman3d's HumanData files."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
from mmengine.logging import MMLogger

from deforhmr_mm.structures import get_keypoint_set

from ..labels import AnnotationError, LabelRecord
from .boxes import read_bbox
from .columns import check_genders, labelled_rows, log_smplx, unknown_columns
from .joints import in_metres, place_joints, positions_of, prefer, root_relative
from .npz import NpzColumns, open_npz

__all__ = ['read_humandata_npz']

NUM_JOINTS = 190
_SMPL45 = get_keypoint_set('smpl45').names
# Where the 190 joints of mmhuman3d's convention "human_data" have those of smpl45. SMPL
# has its own; LSP's hips and OpenPose's joints are apart and stand in for them, as in
# files of SPIN. The later in this list, the more they are trusted.
JOINTS = (
    {name: 153 + index for name, index in positions_of('openpose25').items()},
    {'right_hip': 144, 'left_hip': 145},
    {
        **{name: index for index, name in enumerate(_SMPL45[:22])},
        'left_hand': 188,
        'right_hand': 189,
        **{name: 55 + index for index, name in enumerate(_SMPL45[24:])},
    },
)
# SMPL's pelvis, MPII's, OpenPose's, the middle of LSP's hips and of SMPL's.
ROOTS = ((0,), (148,), (161,), (144, 145), (1, 2))
# A file can have joints under several keys. The data set's own annotation, where it was
# kept, is trusted most, as in files of SPIN; the later, the more.
SUFFIXES = ('_smplx', '_smpl', '', '_ori', '_original')


def read_humandata_npz(
    path: str | Path, scale_unit: str = 'auto', bbox_padding: float = 1.0
) -> LabelRecord:
    """Read a HumanData file of mmhuman3d.

    Keys: ``image_path`` (N,) and ``bbox_xywh`` (N, 5), pixels, are required. Optional
    are ``keypoints2d`` (N, 190, 3) and ``keypoints3d`` (N, 190, 4) with
    ``keypoints2d_mask`` and ``keypoints3d_mask`` (190,), also with the endings
    ``_smplx``, ``_smpl``, ``_ori`` and ``_original``; ``smpl``, a dictionary of
    ``body_pose`` (N, 23, 3), ``global_orient`` (N, 3), ``betas`` (N, 10) and ``transl``
    (N, 3); ``has_smpl`` (N,); ``meta``, a dictionary with ``gender``. Dictionaries are
    pickled in the file and read by `load_plain_objects`.

    Joints that are stored without those that the mask leaves out are put back to their
    places; the mask takes the confidence of the others. 3D joints are made relative to
    their pelvis. The pose counts as given in the camera's frame; a ``transl`` that is
    not in front of the camera is unknown.

    Args:
        path: The ``.npz`` file.
        scale_unit: Not used, boxes are in pixels.
        bbox_padding: Factor on the box, on top of what ``bbox_xywh`` includes.

    Returns:
        The labels. A box grows to the crop's aspect, so that it fits in whole.

    Raises:
        FileNotFoundError: If there is no such file.
        AnnotationError: If a key is missing, or holds the wrong shape or impossible
        values, or there is more than plain data in a dictionary's pickle.
    """
    del scale_unit
    with open_npz(path, row_key='image_path') as columns:
        center, scale = read_bbox(columns, 'bbox_xywh', bbox_padding)
        labels = unknown_columns(columns.num_rows)
        labels.update(
            keypoints=_read_joints(columns, 'keypoints2d', 3),
            joints_3d=_read_joints(columns, 'keypoints3d', 4),
            genders=_read_genders(columns),
        )
        only_smplx = 'smplx' in columns and 'smpl' not in columns
        if only_smplx:
            log_smplx(columns, "Labels of SMPL have the key 'smpl' in such files.")
        if 'smpl' in columns:
            labels.update(_read_smpl(columns))
        return LabelRecord(
            path=columns.path,
            image_names=columns.strings('image_path'),
            center=center,
            scale=scale,
            family='humandata',
            body_type='smplx' if only_smplx else 'smpl',
            **labels,
        )


def _read_joints(columns: NpzColumns, key: str, numbers: int) -> np.ndarray:
    joints = np.zeros((columns.num_rows, len(_SMPL45), numbers), dtype=np.float32)
    for suffix in SUFFIXES:
        if key + suffix in columns:
            values = _read_all_joints(columns, key + suffix, numbers)
            if numbers == 4:
                values = root_relative(values, *ROOTS)
            for positions in JOINTS:
                # Each source as a whole outranks the one before it.
                source = place_joints(values, positions)
                joints = prefer(source, joints)
            if numbers == 4:
                in_metres(columns, key + suffix, joints)
    return joints


def _read_all_joints(columns: NpzColumns, key: str, numbers: int) -> np.ndarray:
    """Return (N, 190, numbers), also where only the masked joints are stored."""
    if f'{key}_convention' in columns:
        convention = str(columns.read(f'{key}_convention'))
        if convention != 'human_data':
            raise AnnotationError(
                f'{columns.path}: key {key!r} must be in the convention '
                f"'human_data', but is in {convention!r}."
            )
    stored = columns.read(key)
    count = stored.shape[1] if stored.ndim == 3 else 0
    mask = np.ones(NUM_JOINTS, dtype=bool)
    if f'{key}_mask' in columns:
        mask = np.asarray(columns.read(f'{key}_mask')).reshape(-1)
        if mask.size != NUM_JOINTS or mask.dtype.kind not in 'biuf':
            raise AnnotationError(
                f"{columns.path}: key '{key}_mask' must hold {NUM_JOINTS} numbers, but "
                f'came with shape {mask.shape} and type {mask.dtype}.'
            )
        mask = mask > 0
    if count not in (NUM_JOINTS, mask.sum()):
        raise AnnotationError(
            f'{columns.path}: key {key!r} must have shape ({columns.num_rows}, '
            f'{NUM_JOINTS}, {numbers}), or {mask.sum()} joints, as many as '
            f"'{key}_mask' has, but came with shape {stored.shape}."
        )
    values = columns.as_floats(key, stored, count, numbers)
    joints = np.zeros((columns.num_rows, NUM_JOINTS, numbers), dtype=np.float32)
    joints[:, mask] = values if count != NUM_JOINTS else values[:, mask]
    return columns.finite(key, joints)


def _read_dict(columns: NpzColumns, key: str) -> dict[str, Any]:
    content = columns.objects(key)
    content = content.item() if content.size == 1 else content
    if not isinstance(content, dict):
        raise AnnotationError(
            f'{columns.path}: key {key!r} must hold a dictionary, but holds a '
            f'{type(content).__name__}.'
        )
    return content


def _read_smpl(columns: NpzColumns) -> dict[str, np.ndarray]:
    smpl = _read_dict(columns, 'smpl')
    labelled = columns.floats_or('has_smpl', 1.0)

    def read(name: str, *row_shape: int) -> np.ndarray:
        key = f'smpl[{name}]'
        if name not in smpl:
            raise AnnotationError(
                f"{columns.path}: key 'smpl' has no {name!r}; it has: "
                f'{", ".join(sorted(map(str, smpl))) or "nothing"}.'
            )
        values = columns.as_floats(key, np.asarray(smpl[name]), *row_shape)
        return labelled_rows(columns, key, values, labelled)

    pose = [read('global_orient', 1, 3), read('body_pose', 23, 3)]
    flags = (labelled > 0).astype(np.float32)
    labels = dict(
        pose=np.concatenate(pose, axis=1),
        betas=read('betas', 10),
        has_pose=flags,
        has_betas=flags,
    )
    if 'transl' in smpl:
        transl = read('transl', 3)
        labels['transl'] = np.where(transl[:, 2:] > 0, transl, np.float32(np.nan))
    return labels


def _read_genders(columns: NpzColumns) -> tuple[str, ...]:
    genders = _read_dict(columns, 'meta').get('gender') if 'meta' in columns else None
    if genders is None:
        return ('neutral',) * columns.num_rows
    values = np.asarray(genders)
    if values.shape != (columns.num_rows,):
        MMLogger.get_current_instance().warning(
            f'{columns.path}: meta[gender] has shape {values.shape}, not '
            f'({columns.num_rows},); it is not used, and all genders are neutral.'
        )
        return ('neutral',) * columns.num_rows
    return check_genders(columns, columns.as_strings('meta[gender]', values))
